"""A digest of all that a server has, which is the same wherever the same has happened."""

from collections.abc import Iterator
from hashlib import blake2b

from runa_mock_server.catalogue.service import exact_json
from runa_mock_server.config.settings import OF_THE_PROCESS
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.server_state.snapshots import export_account


def digest(server_state: ServerState) -> str:
    """A digest of accounts, settings, products, faults and webhooks of a server.

    Not in it: the journal, accounts that were never used, and where the time stands.

    Returns:
        Hexadecimal digits.
    """
    found = blake2b(digest_size=16)
    with server_state.at(0):
        for part in _parts(server_state):
            found.update(part)
    return found.hexdigest()


def _parts(server_state: ServerState) -> Iterator[bytes]:
    links = server_state.payout_url("").encode()
    accounts = sorted(server_state.accounts, key=lambda account: account.api_key)
    for account in accounts:
        if not account.is_unused:
            yield account.api_key.encode(errors="surrogateescape")
            for piece in export_account(account):
                yield piece.replace(links, b"")  # which each process has of its own
    yield server_state.settings.model_dump_json(exclude=set(OF_THE_PROCESS)).encode()
    yield exact_json(list(server_state.catalogue.products))
    for fault in server_state.faults:
        yield repr((fault.id, fault.spec, fault.account, fault.matched, fault.struck)).encode()
    yield from _webhook_parts(server_state)


def _webhook_parts(server_state: ServerState) -> Iterator[bytes]:
    webhooks = server_state.webhooks
    for endpoint in webhooks.endpoints.values():
        shown = (endpoint.id, endpoint.account, endpoint.url, endpoint.event, endpoint.disabled)
        yield repr((*shown, endpoint.secret, endpoint.retired, endpoint.failing)).encode()
    for message_id, message in sorted(webhooks.messages.items()):
        deliveries = [
            (each.endpoint.id, each.state, each.failures, len(each.attempts))
            for each in message.deliveries
        ]
        yield repr((message_id, message.subject, message.payload, deliveries)).encode()
    for fault in webhooks.faults.armed:
        yield repr((fault.id, fault.kind, fault.account, fault.injected)).encode()
