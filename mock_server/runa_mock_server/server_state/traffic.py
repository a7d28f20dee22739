"""Traffic: requests and webhook deliveries as records for `runa-mock report`, without API keys.

The format is JSON Lines; docs/go-live.md describes the records.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

from runa_mock_server._version import __version__
from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.redaction import KnownKeys, Redactor, without_password
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.coverage import error_type
from runa_mock_server.server_state.entry import Entry, Flat
from runa_mock_server.server_state.journal import Journal
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.webhooks.messages import Attempt, Delivery

if TYPE_CHECKING:
    from runa_mock_server.config.settings import Settings

FORMAT = "runa-mock-traffic"
VERSION = 1

ALTERATIONS = ("unknown_fields", "reordered_keys", "unknown_values", "other_texts")
"""Settings that change answers as later versions of the service may."""
NO_LEGACY_FIELDS = "no_legacy_fields"
"""Stands for the setting ``legacy_item_fields`` where it is off."""

Record = dict[str, Any]

_SALT = b"runa-mock-traffic"
_REQUEST_LIMIT = 256 * 1024
_RESPONSE_LIMIT = 16 * 1024
_PAGE_LIMIT = 16 * 1024 * 1024
_LISTS = {"/v2/order": "items", "/v2/product": "catalog"}
_OK = 200
_ENVIRONMENT = 2  # characters of a key that name it


def heading(source: str) -> Record:
    """The first record of a file.

    Args:
        source: what recorded the traffic: ``pytest``, ``serve``, ``check-client`` or ``server``.
    """
    return {
        "kind": "traffic",
        "format": FORMAT,
        "version": VERSION,
        "source": source,
        "runa_mock": __version__,
    }


class TrafficRecorder:
    """Records what happens on one server.

    Args:
        server_state: the server.
        write: takes each record.
        test: gives the name of the test behind a request, from its API key.
    """

    def __init__(
        self,
        server_state: ServerState,
        write: Callable[[Record], None],
        test: Callable[[str | None], str | None] = lambda _api_key: None,
    ) -> None:
        self._server_state = server_state
        self._write = write
        self._test = test
        self._epoch: int | None = None

    def note(self, entry: Flat, account: str | None, redactor: Redactor | KnownKeys) -> None:
        """Record a request; a later record of the same number replaces an earlier one."""
        seen = Entry(entry, redactor)
        self._add(seen.sent_api_key, request_record(seen, account, self._server_state))

    def attempted(self, delivery: Delivery, account: str | None) -> None:
        """Record the latest attempt to deliver a webhook."""
        record = delivery_record(delivery, delivery.attempts[-1], account)
        self._add(delivery.message.account, record)

    def _add(self, api_key: str | None, record: Record) -> None:
        state = self._server_state
        if self._epoch != state.resets:  # a reset numbers requests from 1 again
            self._epoch = state.resets
            self._write(server_record(state))
        self._write(record | {"server": server_id(state), "test": self._test(api_key)})


def kept_traffic(
    server_state: ServerState, accounts: Iterable[Account], api_key: str | None = None
) -> Iterator[Record]:
    """What the journals and the webhook messages of a server still hold.

    Args:
        server_state: the server.
        accounts: whose requests are wanted.
        api_key: that of the only account; ``None`` for all, and callers without an account.
    """
    yield server_record(server_state)
    names = {}
    for account in accounts:
        names[account.api_key] = account.name
        yield from _journal_records(server_state, account.journal, account.name)
    if api_key is None:
        yield from _journal_records(server_state, server_state.journal, None)
    for message in server_state.webhooks.messages.values():
        if api_key in {None, message.account}:
            name = names.get(message.account or "")
            own = {"server": server_id(server_state), "test": None}
            for delivery in message.deliveries:
                for attempt in delivery.attempts:
                    yield delivery_record(delivery, attempt, name) | own


def _journal_records(
    server_state: ServerState, journal: Journal, account: str | None
) -> Iterator[Record]:
    own = {"server": server_id(server_state), "test": None}
    if journal.dropped:
        yield {"kind": "gap", "account": account, "requests": journal.dropped} | own
    for entry in journal:
        yield request_record(entry, account, server_state) | own


def server_id(server_state: ServerState) -> str:
    """Tells servers apart, and a server before a reset from the same one after it."""
    return f"{server_state.id}.{server_state.resets}"


def server_record(server_state: ServerState) -> Record:
    """What has to be known of a server to judge its traffic."""
    settings = server_state.settings
    return {
        "kind": "server",
        "server": server_id(server_state),
        "url": server_state.public_url,
        "profile": server_state.profile.name,
        "strict": settings.strict,
        "runa_mock": __version__,
    }


def request_record(entry: Entry, account: str | None, server_state: ServerState) -> Record:
    """One request and its answer."""
    path, _, query = entry.target.partition("?")
    sent, answered = entry.whole_bodies(_PAGE_LIMIT)
    api_key = entry.sent_api_key
    return {
        "kind": "request",
        "number": entry.number,
        "at": to_datetime(entry.at).isoformat(),
        "noted_at": round(entry.noted_at, 6),
        "account": account,
        "key": None if api_key is None else key_digest(api_key),
        "key_prefix": None if api_key is None else api_key[:_ENVIRONMENT].upper(),
        "key_places": entry.key_places(),
        "method": entry.method,
        "path": path,
        "query": query,
        "headers": dict(_headers(entry)),
        "idempotency_key": entry.idempotency_key,
        "request_body": sent[:_REQUEST_LIMIT].decode(errors="backslashreplace"),
        "status": entry.status,
        "response_body": answered[:_RESPONSE_LIMIT].decode(errors="backslashreplace"),
        "page": _page(path.rstrip("/"), entry, answered),
        "outcome": entry.outcome,
        "order_id": entry.order_id,
        "rule": entry.rule,
        "error_type": error_type(answered),
        "faults": [_fault(server_state, *hit) for hit in entry.faults],
        "kindnesses": list(entry.kindnesses),
        "altered": _altered(server_state.settings_of(api_key)),
    }


def delivery_record(delivery: Delivery, attempt: Attempt, account: str | None) -> Record:
    """One attempt to deliver a webhook."""
    message = delivery.message
    return {
        "kind": "delivery",
        "message": message.id,
        "event": message.event,
        "subject": message.subject,
        "url": without_password(delivery.endpoint.url),
        "account": account,
        "at": to_datetime(attempt.at).isoformat(),
        "status": attempt.status,
        "failure": attempt.failure,
        "faults": list(attempt.faults),
    }


def key_digest(api_key: str) -> str:
    """Equal for equal keys, in every file; the key cannot be read from it."""
    data = api_key.encode(errors="surrogateescape")
    return hashlib.blake2b(data, key=_SALT, digest_size=16).hexdigest()


def _headers(entry: Entry) -> Iterator[tuple[str, str]]:
    for name, value in entry.headers:
        yield (
            name.decode(errors="backslashreplace").lower(),
            value.decode(errors="backslashreplace"),
        )


def _page(path: str, entry: Entry, answered: bytes) -> Record | None:
    """What a page of a list holds; ``None`` for other answers and where the body was cut."""
    name = _LISTS.get(path)
    if name is None or entry.method != "GET" or entry.status != _OK:
        return None
    try:
        document = orjson.loads(answered)
        pagination = document["pagination"]
        return {
            "entries": len(document[name]),
            "limit": pagination["page"]["limit"],
            "after": pagination["cursors"]["after"],
        }
    except (ValueError, LookupError, TypeError):
        return None


def _fault(server_state: ServerState, id_: str, kind: str, place: str) -> Record:
    armed = next((fault for fault in server_state.faults if fault.id == id_), None)
    retry_after = None if armed is None else armed.spec.retry_after
    return {"kind": kind, "place": place, "retry_after": retry_after}


def _altered(settings: "Settings") -> list[str]:
    """In which ways answers differ from those of today."""
    altered = [name for name in ALTERATIONS if getattr(settings, name)]
    return altered if settings.legacy_item_fields else [*altered, NO_LEGACY_FIELDS]
