"""Reports as text, JSON and JUnit XML."""

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from runa_conformance.junit import Case, Suite, as_xml
from runa_mock_server.control_client.timeline import counted
from runa_mock_server.testing.client_scenarios.checks import CHECKS
from runa_mock_server.testing.client_scenarios.evidence import Finding
from runa_mock_server.testing.client_scenarios.results import (
    Exploration,
    Report,
    Result,
    Status,
)
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS
from runa_mock_server.testing.client_scenarios.schedules import schedule_text
from runa_mock_server.testing.statuses import JUNIT

_MARKS: Final[Mapping[Status, str]] = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}
_GENERAL = ("kept_key", "kept_body", "final_is_final", "fresh_key")
_INDENT = "      "
_LAST_LINES = 10


def result_text(result: Result) -> str:
    """A result as a line, with the problems of a failed one below."""
    line = f"{_MARKS[result.status]}  {result.scenario.name}"
    if result.status == "skipped":
        return f"{line}: {result.reason}"
    line += f" ({_figures(result)})"
    lines = []
    if result.problems:
        lines += [f"in this scenario {result.scenario.text}"]
    for finding in result.problems:
        lines += [f"{finding.check.name}: expected: the program {finding.check.text}"]
        lines += [f"  {part}" for part in str(finding.problem).splitlines()]
    for reason, names in result.not_exercised.items():
        # What concerns every scenario is in the summary, if no scenario exercised it.
        special = [name for name in names if name not in _GENERAL]
        if special:
            lines += [f"not exercised: {', '.join(special)}: {reason}"]
    if result.problems and result.output.strip():
        lines += ["last output of the program:"]
        lines += [f"  | {part}" for part in result.output.splitlines()[-_LAST_LINES:]]
    return "\n".join([line, *(_INDENT + part for part in lines)])


def _figures(result: Result) -> str:
    run = result.observation
    requests = 0 if run is None else len(run.requests)
    orders = 0 if run is None else run.orders
    return f"{result.seconds:.1f} s, {counted(requests, 'request')}, {counted(orders, 'order')}"


def summary_text(report: Report) -> str:
    """The counts of all results in one line."""
    counts = ", ".join(f"{report.count(status)} {status}" for status in _MARKS)
    line = f"{counted(len(report.results), 'scenario')}: {counts}; {report.seconds:.1f} s"
    if report.jobs > 1:
        line += f", up to {report.jobs} runs at the same time"
    elif report.jobs_reason is not None:
        line += f", one run after the other: {report.jobs_reason}"
    idle = _never_exercised(report)
    if not idle:
        return line
    reasons = [f"  {name}: {why}" for name, why in idle.items()]
    return "\n".join([line, "not exercised in any scenario:", *reasons])


def exploration_text(exploration: Exploration, repeat: Callable[[str], str]) -> str:
    """What was explored, and how to repeat what failed.

    Args:
        exploration: what was explored.
        repeat: the command that repeats a schedule.
    """
    search = exploration.search
    head = (
        f"explored {exploration.tried} of {counted(exploration.total, 'schedule')} of up to "
        f"{counted(search.most_faults, 'fault')}, seed {search.seed}"
    )
    lines = [head]
    if exploration.smallest and exploration.tried < exploration.total:
        lines[0] += "; larger ones were not run, because smaller ones fail"
    elif exploration.tried < exploration.total:
        lines[0] += "; raise --runs for the others"
    for schedule, result in exploration.smallest:
        text = schedule_text(schedule)
        names = ", ".join(finding.check.name for finding in result.problems)
        lines += [f"smallest failing schedule for {names}: {text}", f"  {repeat(text)}"]
    return "\n".join(lines)


def _never_exercised(report: Report) -> dict[str, str]:
    """The checks that meant nothing in any scenario, and why."""
    exercised, idle = set(), dict[str, list[str]]()
    for result in report.results:
        for finding in result.findings:
            name, reason = finding.check.name, finding.missing
            if finding.status != "not_exercised":
                exercised.add(name)
            elif reason is not None and reason not in idle.setdefault(name, []):
                idle[name].append(reason)
    return {name: "; ".join(why) for name, why in idle.items() if name not in exercised}


def as_text(report: Report) -> str:
    """The report as text."""
    lines = (*map(result_text, report.results), summary_text(report))
    return "".join(f"{line}\n" for line in lines)


def as_json(report: Report) -> str:
    """The report as JSON."""
    document: dict[str, Any] = {
        "command": list(report.command),
        "started_at": report.started_at.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "jobs": report.jobs,
        "counts": {status: report.count(status) for status in _MARKS},
        "not_exercised": _never_exercised(report),
        "exploration": None if report.exploration is None else _exploration(report.exploration),
        "results": [_result(result) for result in report.results],
    }
    return json.dumps(document, indent=2) + "\n"


def _exploration(exploration: Exploration) -> dict[str, Any]:
    search = exploration.search
    return {
        "faults": search.most_faults,
        "seed": search.seed,
        "schedules": exploration.total,
        "tried": exploration.tried,
        "smallest": [
            {
                "schedule": schedule_text(schedule),
                "checks": [finding.check.name for finding in result.problems],
            }
            for schedule, result in exploration.smallest
        ],
    }


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
        "status": finding.status,
        "expected": finding.check.text,
        "reason": finding.problem,
        "not_exercised": finding.missing if finding.status == "not_exercised" else None,
    }


def as_junit(report: Report) -> str:
    """The report as JUnit XML, for CI servers."""
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
    """A case for each check; the first one carries the duration of the scenario."""
    name = result.scenario.name
    if result.reason is not None:
        return [Case(name, "run", "skipped", result.reason)]
    times = (result.seconds, *(0.0 for _ in result.findings[1:]))
    return [
        Case(
            name,
            finding.check.name,
            JUNIT[finding.status],
            finding.problem or finding.missing or "",
            seconds,
        )
        for finding, seconds in zip(result.findings, times, strict=True)
    ]


FORMATS: Final = {"text": as_text, "json": as_json, "junit": as_junit}
"""The report formats by name."""


def scenarios_text() -> str:
    """The scenarios and the checks, one line each."""
    scenarios = [(s.name, s.text) for s in SCENARIOS.values()]
    checks = [(check.name, f"the program {check.text}") for check in CHECKS.values()]
    return f"scenarios\n{_columns(scenarios)}\nchecks\n{_columns(checks)}"


def _columns(rows: list[tuple[str, str]]) -> str:
    width = max(len(row[0]) for row in rows)
    return "".join(f"  {first:{width}}  {second}\n" for first, second in rows)
