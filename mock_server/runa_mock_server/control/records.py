"""Operations that show what happened: requests and effects."""

from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import chain
from urllib.parse import unquote

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.json_pieces import elements, model_document
from runa_mock_server.base.path_table import fits_pattern
from runa_mock_server.base.redaction import printable
from runa_mock_server.base.slices import Work
from runa_mock_server.contract.kindnesses import OFFERED
from runa_mock_server.control.effects_query import EffectsQuery
from runa_mock_server.control.models import (
    FaultHit,
    JournalEntry,
    RequestQuery,
    RequestsResult,
)
from runa_mock_server.control.operation import Pieces, Steps
from runa_mock_server.control.problems import not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.coverage import error_type
from runa_mock_server.server_state.effects import Effects, KeyEffects, Totals, effects_by_key
from runa_mock_server.server_state.entry import Entry
from runa_mock_server.server_state.journal import Journal

_FIRST_ERROR = 400
_END = (None,)  # of a journal; to look into an empty one is work, too


def list_requests(scope: Scope, query: RequestQuery) -> Pieces[RequestsResult]:
    """List the requests of an account, or of everybody, with filters and counts."""
    return Pieces(_requests(scope, query))


def _requests(scope: Scope, query: RequestQuery) -> Iterator[bytes]:
    by_status: Counter[str] = Counter()
    latest: list[tuple[int, Entry, str | None]] = []  # a heap, by the unique numbers
    kept = dropped = 0
    for account, journal in _journals(scope):
        kept += len(journal)
        dropped += journal.dropped
        for entry in chain(journal, _END):
            if entry is not None and _fits(entry, query):
                by_status[str(entry.status or 0)] += 1
                heappush(latest, (entry.number, entry, account))
                if len(latest) > query.limit:
                    heappop(latest)
            yield b""
    latest.sort()
    result = RequestsResult(
        requests=[],
        total=by_status.total(),
        by_status=dict(sorted(by_status.items())),
        kept=kept,
        dropped=dropped,
    )
    shown = (entry_result(entry, account, brief=query.brief) for _, entry, account in latest)
    yield from model_document(result, {"requests": elements(shown)})


def _journals(scope: Scope) -> Iterator[tuple[str | None, Journal]]:
    """The journals that a call is about, each with the name of its account."""
    for account in scope.each_account():
        yield account.name, account.journal
    if scope.api_key is None:
        yield None, scope.server_state.journal


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
    return error_type(entry.response_body)


def read_request(scope: Scope, number: str) -> Steps[JournalEntry]:
    """Read one request and what was answered, by its number in the journal."""
    return Steps(_read_request(scope, number))


def _read_request(scope: Scope, number: str) -> Work[JournalEntry]:
    for account, journal in _journals(scope):
        for entry in chain(journal, _END):
            if entry is not None and str(entry.number) == number:
                return entry_result(entry, account)
            yield
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
        kindnesses=[name for name in entry.kindnesses if name not in OFFERED],
        offered=[name for name in entry.kindnesses if name in OFFERED],
        rule=entry.rule,
    )


def read_effects(scope: Scope, query: EffectsQuery) -> Pieces[Effects]:
    """Say what the requests have caused, key by key: exactly once, not at all, or twice."""
    return Pieces(_effects(scope, query))


def _effects(scope: Scope, query: EffectsQuery) -> Iterator[bytes]:
    totals = Totals()

    def found() -> Iterator[KeyEffects | None]:
        for account in scope.each_account():
            yield from effects_by_key(account, query.window, totals, query.idempotency_key)
            yield None  # to look into an empty account is work, too

    keys = []
    for piece in elements(found()):
        keys.append(piece)
        yield b""
    yield from model_document(totals.effects(), {"keys": keys})
