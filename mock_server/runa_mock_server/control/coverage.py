"""Operations on contract coverage: what was met of the contract, and what never."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache

from pydantic import Field

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.control.models import Done, Result
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.coverage import (
    ORDER_TRANSITIONS,
    PAYOUT_TRANSITIONS,
    RATE_EXCEEDED,
    WEBHOOK_OUTCOMES,
    Coverage,
    First,
)
from runa_mock_server.server_state.fault_spec import PLACES
from runa_mock_server.webhooks.faults import FAULT_KINDS
from runa_schemas import ERRORS
from runa_schemas.contract_data import REDEMPTION_ERRORS
from runa_schemas.rules import RULES

_WHOLE = 100.0


class FirstMet(Result):
    """The request or webhook delivery that met something first."""

    number: int | str = Field(description="Number of the request, or id of the webhook message.")
    at: datetime
    text: str = Field(description="Method and path; for a delivery the event and the URL.")
    account: str | None
    test: str | None = Field(default=None, description="The test that was running, if known.")


class CoverageEntry(Result):
    """Something of the contract that requests can meet."""

    id: str
    text: str
    times: int = Field(description="How often it was met; 0: never.")
    first: FirstMet | None


class CoverageArea(Result):
    """A part of the contract."""

    name: str
    met: int
    total: int
    entries: list[CoverageEntry]


class CoverageResult(Result):
    """How much of the contract was met."""

    percent: float = Field(description="Share of all entries that were met, 0 to 100.")
    met: int
    total: int
    areas: list[CoverageArea]


@cache
def areas() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    """By the name of each area its entries: by id the key in a ``Coverage`` and the text."""
    outcomes = [(name, "") for name in WEBHOOK_OUTCOMES]
    faults = [(f"fault {kind}", "") for kind in FAULT_KINDS]
    errors = [(each.type, each.meaning) for each in ERRORS.values()]
    limited = (RATE_EXCEEDED, "429, which has no error type.")
    places = [f"{kind} {place}" for kind, known in PLACES.items() for place in known]
    return {
        "rules": {rule.id: (rule.id, rule.text) for rule in RULES.values() if rule.decides},
        "errors": dict(_keyed("error", [*errors, limited, *REDEMPTION_ERRORS.items()])),
        "order transitions": dict(_keyed("order", [(name, "") for name in ORDER_TRANSITIONS])),
        "payout transitions": dict(_keyed("payout", [(name, "") for name in PAYOUT_TRANSITIONS])),
        "faults": dict(_keyed("fault", [(name, "") for name in places])),
        "webhooks": dict(_keyed("webhook", [*outcomes, *faults])),
    }


def _keyed(area: str, entries: list[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, str]]]:
    return ((name, (f"{area}:{name}", text)) for name, text in entries)


def read_coverage(scope: Scope) -> CoverageResult:
    """Show what requests have met of the contract, and what never."""
    if scope.api_key is None:
        return coverage_result(scope.server_state.coverage)
    found = Coverage()
    for account in scope.each_account():
        account.journal.cover(found)
    return coverage_result(found)


def clear_coverage(scope: Scope) -> Done:
    """Forget the contract coverage of the server; `reset` keeps it."""
    scope.server_state.coverage.clear()
    return Done(done="the coverage is empty")


def coverage_result(coverage: Coverage) -> CoverageResult:
    """A coverage as it is shown: every entry of every area, met or not."""
    found = []
    for name, known in areas().items():
        entries = [_entry(id_, *of, coverage) for id_, of in known.items()]
        met = sum(entry.times > 0 for entry in entries)
        found.append(CoverageArea(name=name, met=met, total=len(entries), entries=entries))
    return summed(found)


def summed(found: list[CoverageArea]) -> CoverageResult:
    """Areas with their sums."""
    met, total = sum(area.met for area in found), sum(area.total for area in found)
    return CoverageResult(percent=round(_WHOLE * met / total, 1), met=met, total=total, areas=found)


def _entry(id_: str, key: str, text: str, coverage: Coverage) -> CoverageEntry:
    met = coverage.met.get(key)
    if met is None:
        return CoverageEntry(id=id_, text=text, times=0, first=None)
    return CoverageEntry(id=id_, text=text, times=met.times, first=_first(met.first))


def _first(first: First) -> FirstMet:
    return FirstMet(**first._replace(at=0)._asdict() | {"at": to_datetime(first.at)})
