"""Explores schedules of faults: every kind and place at every attempt, and the smallest failure."""

from collections.abc import Callable, Sequence

from runa_mock_server.testing.client_scenarios.program import Runner
from runa_mock_server.testing.client_scenarios.results import Exploration, Result, Search
from runa_mock_server.testing.client_scenarios.scenarios import Pace
from runa_mock_server.testing.client_scenarios.schedules import (
    Schedule,
    sample,
    scenario_of,
    schedule_text,
    schedules,
)


def explore(
    runner: Runner,
    search: Search,
    pace: Pace,
    baseline: Result,
    on_result: Callable[[Result], None],
) -> tuple[Exploration, list[Result]]:
    """Run schedules, smaller ones first, until one fails.

    Args:
        runner: runs the program.
        search: what to explore.
        pace: the durations.
        baseline: the run without faults.
        on_result: called with each result as soon as it is known.

    Returns:
        What was explored, and every result.
    """
    run = baseline.observation
    orders = 0 if run is None else len(run.attempts)
    has_reads = run is not None and bool(run.reads)
    every = schedules(search.most_faults, orders, has_reads=has_reads)
    chosen, total = sample(every, search.most_runs, search.seed)
    exploration = Exploration(search, total)
    results: list[Result] = []
    for size in range(1, search.most_faults + 1):
        group = [schedule for schedule in chosen if len(schedule) == size]
        done = _run(runner, group, f"schedule-{size}", pace, on_result)
        results += done
        exploration.tried += len(done)
        failed = [(s, r) for s, r in zip(group, done, strict=True) if r.status == "failed"]
        if failed:
            exploration.smallest = _smallest(runner, failed, pace)
            break
    return exploration, results


def _run(
    runner: Runner,
    group: Sequence[Schedule],
    prefix: str,
    pace: Pace,
    on_result: Callable[[Result], None],
) -> list[Result]:
    scenarios = [
        scenario_of(schedule, f"{prefix}-{number}", pace)
        for number, schedule in enumerate(group, start=1)
    ]
    return runner.run_all(scenarios, on_result)


def _smallest(
    runner: Runner, failed: Sequence[tuple[Schedule, Result]], pace: Pace
) -> list[tuple[Schedule, Result]]:
    """For each set of failed checks the first schedule, without the faults that it can spare."""
    by_checks: dict[frozenset[str], tuple[Schedule, Result]] = {}
    for schedule, result in failed:
        by_checks.setdefault(frozenset(_names(result)), (schedule, result))
    shrunk = {
        schedule_text(small): (small, result)
        for small, result in (_shrink(runner, *found, pace) for found in by_checks.values())
    }
    return list(shrunk.values())


def _shrink(
    runner: Runner, schedule: Schedule, result: Result, pace: Pace
) -> tuple[Schedule, Result]:
    for index in range(len(schedule)):
        fewer = schedule[:index] + schedule[index + 1 :]
        if not fewer:
            continue
        again = runner.run(scenario_of(fewer, f"shrunk-{len(fewer)}-{index}", pace))
        if set(_names(again)) & set(_names(result)):
            return _shrink(runner, fewer, again, pace)
    return schedule, result


def _names(result: Result) -> list[str]:
    return [finding.check.name for finding in result.problems]
