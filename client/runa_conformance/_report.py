"""Reports for people and for machines: text, JSON and JUnit XML."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any, Final

from runa_conformance._causes import Cause, causes, drift_kinds
from runa_conformance._invariants import invariants
from runa_conformance._registry import Check
from runa_conformance._replay import Comparison, Drift
from runa_conformance._results import Report, Result, Status
from runa_conformance.junit import Case, Suite, as_xml

_MARKS: Final[Mapping[Status, str]] = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}
_INDENT = "      "
_WIDTH = 100
_MOST_IN_FULL = 5
_MOST_LINES = 15
_MOST_NAMES = 6
_MOST_REASONS = 6


def result_as_text(result: Result | Drift) -> str:
    """A result or a difference as a line, or as several where there is more to tell."""
    if isinstance(result, Drift):
        return (
            f"DIFF  {result.request}\n"
            f"{_INDENT}{result.path}: recorded {result.recorded}, found {result.found}\n"
            f"{_INDENT}{result.exchange}"
        )
    line = f"{_MARKS[result.status]}  {result.name}"
    if result.status == "skipped":
        return f"{line}: {result.reason}"
    if result.status == "passed":
        return line if result.reading is None else f"{line}: {result.reading}"
    return "\n".join([line, *(_INDENT + line for line in _details(result))])


def _details(result: Result) -> list[str]:
    exchange = {"sent": result.sent, "received": result.received}
    return [
        f"expected: {result.text}",
        *(result.reason or "").splitlines(),
        *(f"{name}: {text}" for name, text in exchange.items() if text is not None),
        f"rule: {result.rule.id} ({result.rule.source})",
    ]


def group_as_text(results: Iterable[Result]) -> str:
    """The results of one group of checks as a line of counts."""
    found = list(results)
    counts = Counter(result.status for result in found)
    told = ", ".join(f"{counts[status]} {status}" for status in _MARKS if counts[status])
    return f"{found[0].name.partition('.')[0]:<12} {told}"


def _failures(results: Iterable[Result]) -> Iterator[str]:
    """The failures by cause: the first in full, the next a line each, the rest counted."""
    found = causes(results)
    for index, cause in enumerate(found[:_MOST_LINES]):
        yield from _cause_in_full(cause) if index < _MOST_IN_FULL else [_cause_as_line(cause)]
    if len(found) > _MOST_LINES:
        yield f"FAIL  {len(found) - _MOST_LINES} more causes: --format json lists all"


def _cause_in_full(cause: Cause) -> Iterator[str]:
    names = [result.name for result in cause.others]
    alike = f" and {len(names)} more with this cause" if names else ""
    yield f"{_MARKS['failed']}  {cause.first.name}{alike}"
    yield from (_INDENT + line for line in _details(cause.first))
    if len(names) > _MOST_NAMES:
        names[_MOST_NAMES:] = [f"and {len(names) - _MOST_NAMES} more"]
    if names:
        yield from textwrap.wrap(
            f"alike: {', '.join(names)}",
            _WIDTH,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT,
            break_on_hyphens=False,
        )


def _cause_as_line(cause: Cause) -> str:
    reason = (cause.first.reason or "").partition("\n")[0]
    line = f"{_MARKS['failed']}  {cause.first.name}: {reason}"
    return f"{line} (and {len(cause.others)} more)" if cause.others else line


def _readings(results: Iterable[Result]) -> Iterator[str]:
    """Which reading was met where the provider's pages contradict each other."""
    return (f"note  {result.name}: {result.reading}" for result in results if result.reading)


def _skips(results: Iterable[Result]) -> Iterator[str]:
    reasons = Counter(result.reason for result in results if result.status == "skipped")
    told = reasons.most_common(_MOST_REASONS)
    for reason, count in told:
        yield f"{_MARKS['skipped']}  {count} checks: {reason}"
    left = reasons.total() - sum(count for _, count in told)
    if left:
        yield f"{_MARKS['skipped']}  {left} checks for other reasons: --verbose lists all"


def _differences(report: Comparison) -> Iterator[str]:
    found = drift_kinds(report.drifts)
    for kind in found[:_MOST_LINES]:
        yield f"DIFF  {kind.operation} {kind.field}: {kind.total} differences, the first:"
        yield f"{_INDENT}recorded {kind.first.recorded}, found {kind.first.found}"
        yield f"{_INDENT}{kind.first.exchange}"
    if len(found) > _MOST_LINES:
        yield f"DIFF  {len(found) - _MOST_LINES} more fields: --format json lists all"


def findings(report: Report | Comparison) -> str:
    """What did not pass, by cause, and what was skipped, by reason; ends with the summary."""
    if isinstance(report, Comparison):
        lines = list(_differences(report))
    else:
        lines = [*_readings(report.results), *_failures(report.results), *_skips(report.results)]
    return "\n".join([*lines, summary(report)])


def summary(report: Report | Comparison) -> str:
    """What came out: a line, and one more for each reason to leave something out."""
    if isinstance(report, Report):
        counts = ", ".join(f"{report.count(status)} {status}" for status in _MARKS)
        line = (
            f"{len(report.results)} checks of {report.base_url} as {report.profile}: {counts}; "
            f"{report.requests} requests, {report.orders} orders, {report.seconds:.1f} s"
        )
        notes = []
        if report.bought is not None:
            notes.append(f"ordering stopped, for orders were not allowed: {report.bought}")
        if report.is_interrupted:
            notes.append("interrupted: the checks that had not run are skipped")
        return "\n".join([*notes, line])
    recording = report.recording
    first = (
        f"{report.compared.total()} exchanges of {recording.base_url}, recorded on "
        f"{recording.recorded_at:%Y-%m-%d}, compared with {report.base_url}: "
        f"{len(report.drifts)} differences"
    )
    left_out = (f"{count} left out: {reason}" for reason, count in report.left_out.items())
    return "\n".join([first, *left_out])


def as_text(report: Report | Comparison) -> str:
    """The report for people: counts by group of checks, failures by cause, and a summary."""
    groups = []
    if isinstance(report, Report):
        by_group = groupby(report.results, lambda result: result.name.partition(".")[0])
        groups = [group_as_text(results) for _, results in by_group]
    return "".join(f"{text}\n" for text in (*groups, findings(report)))


def as_json(report: Report | Comparison) -> str:
    """The whole report as JSON."""
    if isinstance(report, Comparison):
        return _dumped(
            {
                "base_url": report.base_url,
                "recorded_of": report.recording.base_url,
                "recorded_at": report.recording.recorded_at.isoformat(timespec="seconds"),
                "compared": report.compared.total(),
                "left_out": dict(report.left_out),
                "differences": [asdict(drift) for drift in report.drifts],
            }
        )
    return _dumped(
        {
            "base_url": report.base_url,
            "profile": report.profile,
            "started_at": report.started_at.isoformat(timespec="seconds"),
            "seconds": round(report.seconds, 3),
            "requests": report.requests,
            "orders": report.orders,
            "counts": {status: report.count(status) for status in _MARKS},
            "ordering_stopped": report.bought,
            "interrupted": report.is_interrupted,
            "results": [_result(result) for result in report.results],
        }
    )


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "status": result.status,
        "expected": result.text,
        "reason": result.reason,
        "cause": result.cause,
        "sent": result.sent,
        "received": result.received,
        "rule": result.rule.id,
        "evidence": result.rule.evidence,
        "reading": result.reading,
        "seconds": round(result.seconds, 3),
    }


def as_junit(report: Report | Comparison) -> str:
    """The whole report as JUnit XML, which CI servers read; a case for each check."""
    cases = list(_compared(report) if isinstance(report, Comparison) else _checked(report))
    return as_xml(
        Suite(
            f"runa conformance of {report.base_url}",
            None if isinstance(report, Comparison) else report.started_at,
            sum(case.seconds for case in cases),
            cases,
        )
    )


def _checked(report: Report) -> Iterable[Case]:
    for result in report.results:
        text = result.reason or ""
        if result.status == "failed":
            text += "\n" + result_as_text(result)
        group, _, name = result.name.partition(".")
        yield Case(group, name, result.status, text, result.seconds)


def _compared(report: Comparison) -> Iterable[Case]:
    for check in report.compared:
        told = [result_as_text(drift) for drift in report.drifts if drift.check == check]
        group, _, name = check.partition(".")
        yield Case(group, name, "failed" if told else "passed", "\n".join(told))


def checks_as_text(checks: Iterable[Check]) -> str:
    """A list of checks, a line each, and of the invariants that hold for all answers."""
    rows = [(check.name, _needs(check), check.text) for check in checks]
    rows += [(invariant.name, "always", invariant.text) for invariant in invariants()]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "".join(f"{name:{first}}  {needs:{second}}  {text}\n" for name, needs, text in rows)


def _needs(check: Check) -> str:
    words = ["orders" if check.orders else "reads"]
    if check.profile is not None:
        words.append(f"{check.profile} only")
    if check.other_account:
        words.append("other key")
    return ", ".join(words)


def _dumped(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
