"""Operations that show what happened: requests and effects."""

from collections import Counter
from urllib.parse import unquote

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.path_table import fits_pattern
from runa_mock_server.base.redaction import printable
from runa_mock_server.control.effects_query import EffectsQuery
from runa_mock_server.control.models import (
    FaultHit,
    JournalEntry,
    RequestQuery,
    RequestsResult,
)
from runa_mock_server.control.problems import not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.effects import Effects, combined, effects_of
from runa_mock_server.server_state.journal import Entry, Journal

_FIRST_ERROR = 400


def list_requests(scope: Scope, query: RequestQuery) -> RequestsResult:
    """List the requests of an account, or of everybody, with filters and counts."""
    journals = _journals(scope)
    told: Counter[str] = Counter()
    latest: list[tuple[Entry, str | None]] = []
    for account, journal in journals:
        found = [entry for entry in journal if _fits(entry, query)]
        told.update(str(entry.status or 0) for entry in found)
        latest += [(entry, account) for entry in found[max(0, len(found) - query.limit) :]]
    latest.sort(key=lambda found: found[0].number)
    shown = latest[max(0, len(latest) - query.limit) :]
    return RequestsResult(
        requests=[entry_result(entry, account, brief=query.brief) for entry, account in shown],
        total=told.total(),
        by_status=dict(sorted(told.items())),
        kept=sum(len(journal) for _, journal in journals),
        dropped=sum(journal.dropped for _, journal in journals),
    )


def _journals(scope: Scope) -> list[tuple[str | None, Journal]]:
    """The journals that a call is about, each with the name of its account."""
    strangers = [] if scope.account is not None else [(None, scope.world.journal)]
    return [*((account.name, account.journal) for account in scope.accounts), *strangers]


def _fits(entry: Entry, query: RequestQuery) -> bool:
    return (
        entry.number > query.after
        and (query.before is None or entry.number < query.before)
        and (query.method is None or entry.method == query.method)
        and (query.status is None or (entry.status or 0) == query.status)
        and (query.idempotency_key is None or entry.idempotency_key == query.idempotency_key)
        and (query.outcome is None or entry.outcome == query.outcome)
        and (query.fault is None or any(query.fault in ("*", hit[0]) for hit in entry.faults))
        and (query.path is None or _is_at(entry, query.path))
        and (query.error_type is None or query.error_type == _error_type(entry))
    )


def _is_at(entry: Entry, pattern: str) -> bool:
    return fits_pattern(unquote(entry.target.partition("?")[0]), pattern.rstrip("/") or "/")


def _error_type(entry: Entry) -> str | None:
    """The type in the error that the service answered."""
    if (entry.status or 0) < _FIRST_ERROR:
        return None
    body = entry.response_body
    if b'"type"' not in body[:40]:
        return None
    # The type is the first key; the rest may be cut.
    text = body.decode(errors="replace")
    return text.partition('"type":"')[2].partition('"')[0] or None


def read_request(scope: Scope, number: str) -> JournalEntry:
    """Read one request and what was answered, by its number in the journal."""
    for account, journal in _journals(scope):
        for entry in journal:
            if str(entry.number) == number:
                return entry_result(entry, account)
    raise not_found("path", "number", f"the journal has no request {quoted(number)}")


def entry_result(entry: Entry, account: str | None, *, brief: bool = False) -> JournalEntry:
    """A request as it is shown; a brief one has neither headers nor bodies."""
    path, _, query = entry.target.partition("?")
    return JournalEntry(
        number=entry.number,
        at=to_datetime(entry.at),
        account=account,
        method=entry.method,
        path=printable(path),
        query=printable(query),
        headers={
            name.decode(errors="backslashreplace").lower(): value.decode(errors="backslashreplace")
            for name, value in (() if brief else entry.headers)
        },
        idempotency_key=entry.idempotency_key,
        request_body="" if brief else entry.request_body.decode(errors="backslashreplace"),
        status=entry.status,
        error_type=_error_type(entry),
        response_body="" if brief else entry.response_body.decode(errors="backslashreplace"),
        outcome=entry.outcome,
        order_id=entry.order_id,
        faults=[FaultHit(id=id_, kind=kind, place=place) for id_, kind, place in entry.faults],
        kindnesses=list(entry.kindnesses),
    )


def read_effects(scope: Scope, query: EffectsQuery) -> Effects:
    """Say what the requests have caused, key by key: exactly once, not at all, or twice."""
    of_accounts = [
        effects_of(account, query.window, query.idempotency_key) for account in scope.accounts
    ]
    keys = [key for effects in of_accounts for key in effects.keys]
    return combined(keys, complete=all(effects.complete for effects in of_accounts))
