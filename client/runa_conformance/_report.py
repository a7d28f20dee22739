"""Reports for people and for machines: text, JSON and JUnit XML."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from runa_conformance._checks import CHECKS
from runa_conformance._invariants import Invariant, invariants
from runa_conformance._recording import Recording
from runa_conformance._registry import Check
from runa_conformance._replay import Comparison, Drift
from runa_conformance._results import Report, Result, Status
from runa_conformance.junit import Case, Suite, as_xml
from runa_schemas.rules import EVIDENCE, RULES, Rule

_MARKS: Final[Mapping[Status, str]] = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}
_INDENT = "      "


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
    told = [
        f"expected: {result.text}",
        *(result.reason or "").splitlines(),
        *([] if result.exchange is None else [f"sent: {result.exchange}"]),
        f"rule: {result.rule.id} ({result.rule.source})",
    ]
    return "\n".join([line, *(_INDENT + line for line in told)])


def summary(report: Report | Comparison) -> str:
    """What came out: a line, and one more for each reason to leave something out."""
    if isinstance(report, Report):
        counts = ", ".join(f"{report.count(status)} {status}" for status in _MARKS)
        return (
            f"{len(report.results)} checks of {report.base_url} as {report.profile}: {counts}; "
            f"{report.requests} requests, {report.orders} orders, {report.seconds:.1f} s"
        )
    recording = report.recording
    first = (
        f"{report.compared.total()} exchanges of {recording.base_url}, recorded on "
        f"{recording.recorded_at:%Y-%m-%d}, compared with {report.base_url}: "
        f"{len(report.drifts)} differences"
    )
    left_out = (f"{count} left out: {reason}" for reason, count in report.left_out.items())
    return "\n".join([first, *left_out])


def as_text(report: Report | Comparison) -> str:
    """The whole report for people."""
    results: Iterable[Result | Drift] = (
        report.results if isinstance(report, Report) else report.drifts
    )
    return "".join(f"{text}\n" for text in (*map(result_as_text, results), summary(report)))


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
            "results": [_result(result) for result in report.results],
        }
    )


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "status": result.status,
        "expected": result.text,
        "reason": result.reason,
        "sent": result.exchange,
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


def rules_as_text(recording: Recording | None = None) -> str:
    """The rules with their evidence, by topic.

    Args:
        recording: tells for each rule how its checks ended there.
    """
    counts = Counter(rule.evidence for rule in RULES.values())
    told = ", ".join(f"{counts[evidence]} {evidence}" for evidence in EVIDENCE)
    lines = [f"{len(RULES)} rules: {told}"]
    topic = None
    for rule in RULES.values():
        if rule.topic != topic:
            topic = rule.topic
            lines += ["", topic]
        lines += [f"  {rule.id} ({rule.source})", f"    {rule.text}"]
        lines += [f"    reading: {reading}" for reading in rule.readings]
        if rule.unchecked is not None:
            lines.append(f"    not checked: {rule.unchecked}")
        elif recording is not None:
            lines.append(f"    {_seen(rule, recording)}")
    return "\n".join(lines) + "\n"


def rules_as_json(recording: Recording | None = None) -> str:
    """The rules with their evidence and their checks, as JSON.

    Args:
        recording: tells for each rule how its checks ended there.
    """
    documents = []
    for rule in RULES.values():
        document: dict[str, Any] = {
            "id": rule.id,
            "topic": rule.topic,
            "text": rule.text,
            "evidence": rule.evidence,
            "recorded": None if rule.recorded is None else rule.recorded.isoformat(),
            "checks": _proofs(rule),
            "unchecked": rule.unchecked,
            "readings": list(rule.readings),
        }
        if recording is not None:
            document["seen"] = {
                "base_url": recording.base_url,
                "on": recording.recorded_at.date().isoformat(),
                "status": _outcome(rule, recording),
            }
        documents.append(document)
    return _dumped(documents)


def _proofs(rule: Rule) -> list[str]:
    """The names of the checks that prove a rule."""
    proofs: list[Check | Invariant] = [*CHECKS, *invariants()]
    return [proof.name for proof in proofs if proof.rule is rule]


def _outcome(rule: Rule, recording: Recording) -> str:
    """How the checks of a rule ended: failed if one did, passed if one did and none failed."""
    found = {recording.results.get(name) for name in _proofs(rule)}
    return next((status for status in ("failed", "passed") if status in found), "not checked")


def _seen(rule: Rule, recording: Recording) -> str:
    outcome = _outcome(rule, recording)
    return f"{outcome} on {recording.base_url}, {recording.recorded_at:%Y-%m-%d}"


def _dumped(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
