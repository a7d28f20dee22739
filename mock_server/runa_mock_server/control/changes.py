"""Whether something has changed since one last looked, told by counters and not by the things."""

from collections.abc import Callable, Mapping

from runa_mock_server.server_state.server_state import ServerState

Mark = tuple[object, ...]


def _requests(server_state: ServerState) -> Mark:
    journals = [server_state.journal, *(account.journal for account in server_state.accounts)]
    return (
        sum(len(journal) + journal.dropped for journal in journals),
        sum(journal.corrected for journal in journals),
    )


def _orders(server_state: ServerState) -> Mark:
    accounts = server_state.accounts
    return (
        server_state.clock_moves,
        sum(account.state.version for account in accounts),
    )


def _emails(server_state: ServerState) -> Mark:
    return _orders(server_state)  # a mail belongs to an order, and changes by a commit


def _faults(server_state: ServerState) -> Mark:
    faults = list(server_state.faults)
    return (
        sum(fault.is_armed for fault in faults),
        sum(fault.matched for fault in faults),
        sum(fault.struck for fault in faults),
    )


def _webhooks(server_state: ServerState) -> Mark:
    webhooks = server_state.webhooks
    return (
        len(webhooks.endpoints),
        len(webhooks.messages) + webhooks.dropped,
        webhooks.attempted,
    )


_PARTS: Mapping[str, Callable[[ServerState], Mark]] = {
    "accounts": lambda server_state: (len(server_state.accounts),),
    "clock": lambda server_state: (server_state.clock_moves, server_state.clock.speed),
    "emails": _emails,
    "faults": _faults,
    "orders": _orders,
    "products": lambda _: (),
    "requests": _requests,
    "settings": lambda _: (),
    "webhooks": _webhooks,
}

PARTS = tuple(_PARTS)
"""What can change, as the views of the dashboard divide it."""


def marks(server_state: ServerState) -> dict[str, Mark]:
    """For each part what is another value once it has changed.

    Reading them costs nothing that grows with orders or requests. Whatever is changed through the
    control API counts as a change of every part.
    """
    return {name: (server_state.commands, *mark(server_state)) for name, mark in _PARTS.items()}
