"""Reports for people and for machines: text, JSON and JUnit XML."""

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from runa_conformance.junit import Case, Suite, as_xml
from runa_mock_server.control_client.effects_text import counted
from runa_mock_server.testing.client_scenarios.checks import CHECKS, Finding
from runa_mock_server.testing.client_scenarios.command import Report, Result, Status
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS

_MARKS: Final[Mapping[Status, str]] = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}
_INDENT = "      "
_LAST_LINES = 10


def result_text(result: Result) -> str:
    """A result as a line, or as several where there is something to tell."""
    line = f"{_MARKS[result.status]}  {result.scenario.name}"
    if result.status == "skipped":
        return f"{line}: {result.reason}"
    line += f" ({_figures(result)})"
    if result.status == "passed":
        return line
    told = [f"in this scenario {result.scenario.text}"]
    for finding in result.problems:
        told += [f"{finding.check.name}: expected: the program {finding.check.text}"]
        told += [f"  {part}" for part in str(finding.problem).splitlines()]
    if result.output.strip():
        told += ["the program wrote last:"]
        told += [f"  | {part}" for part in result.output.splitlines()[-_LAST_LINES:]]
    return "\n".join([line, *(_INDENT + part for part in told)])


def _figures(result: Result) -> str:
    run = result.observation
    requests = 0 if run is None else len(run.requests)
    orders = 0 if run is None else run.orders
    return f"{result.seconds:.1f} s, {counted(requests, 'request')}, {counted(orders, 'order')}"


def summary_text(report: Report) -> str:
    """What came out, in a line."""
    counts = ", ".join(f"{report.count(status)} {status}" for status in _MARKS)
    return f"{counted(len(report.results), 'scenario')}: {counts}; {report.seconds:.1f} s"


def as_text(report: Report) -> str:
    """The whole report for people."""
    lines = (*map(result_text, report.results), summary_text(report))
    return "".join(f"{line}\n" for line in lines)


def as_json(report: Report) -> str:
    """The whole report as JSON."""
    document: dict[str, Any] = {
        "command": list(report.command),
        "started_at": report.started_at.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "counts": {status: report.count(status) for status in _MARKS},
        "results": [_result(result) for result in report.results],
    }
    return json.dumps(document, indent=2) + "\n"


def _result(result: Result) -> dict[str, Any]:
    run = result.observation
    return {
        "name": result.scenario.name,
        "status": result.status,
        "text": result.scenario.text,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "exit_status": None if run is None or run.exit is None else run.exit.code,
        "requests": 0 if run is None else len(run.requests),
        "orders": 0 if run is None else run.orders,
        "output": result.output,
        "checks": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.check.name,
        "status": "passed" if finding.problem is None else "failed",
        "expected": finding.check.text,
        "reason": finding.problem,
    }


def as_junit(report: Report) -> str:
    """The whole report as JUnit XML, which CI servers read."""
    return as_xml(
        Suite(
            "runa client check",
            report.started_at,
            report.seconds,
            [case for result in report.results for case in _cases(result)],
            {"command": shlex.join(report.command)},
        )
    )


def _cases(result: Result) -> list[Case]:
    """A case for each check; the scenario's time stands with the first one."""
    name = result.scenario.name
    if result.reason is not None:
        return [Case(name, "run", "skipped", result.reason)]
    times = (result.seconds, *(0.0 for _ in result.findings[1:]))
    return [
        Case(
            name,
            finding.check.name,
            "passed" if finding.problem is None else "failed",
            finding.problem or "",
            seconds,
        )
        for finding, seconds in zip(result.findings, times, strict=True)
    ]


FORMATS: Final = {"text": as_text, "json": as_json, "junit": as_junit}
"""The forms of a report by name."""


def scenarios_text() -> str:
    """The scenarios and the checks, a line each."""
    scenarios = [(s.name, s.text) for s in SCENARIOS.values()]
    checks = [(check.name, f"the program {check.text}") for check in CHECKS.values()]
    return f"scenarios\n{_columns(scenarios)}\nchecks\n{_columns(checks)}"


def _columns(rows: list[tuple[str, str]]) -> str:
    width = max(len(row[0]) for row in rows)
    return "".join(f"  {first:{width}}  {second}\n" for first, second in rows)
