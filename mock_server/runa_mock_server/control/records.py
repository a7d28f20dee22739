"""Operations that show what happened: requests and effects."""

from collections import Counter
from urllib.parse import unquote

from runa_mock_server.clock import to_datetime
from runa_mock_server.control.models import (
    EffectsQuery,
    FaultHit,
    JournalEntry,
    RequestQuery,
    RequestsResult,
)
from runa_mock_server.control.scope import Scope
from runa_mock_server.effects import Effects, combined, effects_of
from runa_mock_server.journal import Entry, printable
from runa_mock_server.path_table import fits_pattern

_FIRST_ERROR = 400


def list_requests(scope: Scope, query: RequestQuery) -> RequestsResult:
    """List the requests of an account, or of everybody, with filters and counts."""
    journals = [(account.name, account.journal) for account in scope.accounts]
    strangers = [] if scope.account is not None else [(None, scope.world.journal)]
    found = sorted(
        (entry, account)
        for account, journal in [*journals, *strangers]
        for entry in journal
        if entry.number > query.after and _fits(entry, query)
    )
    shown = found[max(0, len(found) - query.limit) :]
    told = Counter(str(entry.status or 0) for entry, _ in found)
    return RequestsResult(
        requests=[_entry_result(entry, account) for entry, account in shown],
        total=len(found),
        by_status=dict(sorted(told.items())),
        kept=sum(len(journal) for _, journal in [*journals, *strangers]),
        dropped=sum(journal.dropped for _, journal in [*journals, *strangers]),
    )


def _fits(entry: Entry, query: RequestQuery) -> bool:
    path = entry.target.partition("?")[0]
    wanted = (
        query.method is None or entry.method == query.method,
        query.path is None or fits_pattern(unquote(path), query.path.rstrip("/") or "/"),
        query.status is None or (entry.status or 0) == query.status,
        query.idempotency_key is None or entry.idempotency_key == query.idempotency_key,
        query.outcome is None or entry.outcome == query.outcome,
        query.fault is None or any(query.fault in ("*", hit[0]) for hit in entry.faults),
    )
    return all(wanted) and query.error_type in (None, _error_type(entry))


def _error_type(entry: Entry) -> str | None:
    """The type in the error that the service answered."""
    if b'"type"' not in entry.response_body[:40] or (entry.status or 0) < _FIRST_ERROR:
        return None
    # The type is the first key; the rest may be cut.
    text = entry.response_body.decode(errors="replace")
    return text.partition('"type":"')[2].partition('"')[0] or None


def _entry_result(entry: Entry, account: str | None) -> JournalEntry:
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
            for name, value in entry.headers
        },
        idempotency_key=entry.idempotency_key,
        request_body=entry.request_body.decode(errors="backslashreplace"),
        status=entry.status,
        error_type=_error_type(entry),
        response_body=entry.response_body.decode(errors="backslashreplace"),
        outcome=entry.outcome,
        order_id=entry.order_id,
        faults=[FaultHit(id=id_, kind=kind, place=place) for id_, kind, place in entry.faults],
    )


def read_effects(scope: Scope, query: EffectsQuery) -> Effects:
    """Say what the requests have caused, key by key: exactly once, not at all, or twice."""
    of_accounts = [
        effects_of(account, query.window, query.idempotency_key) for account in scope.accounts
    ]
    keys = [key for effects in of_accounts for key in effects.keys]
    return combined(keys, complete=all(effects.complete for effects in of_accounts))
