"""The options --explore and --schedule of ``check-client``."""

import shlex
from collections.abc import Callable
from secrets import randbelow
from typing import Any

import click
from click.core import ParameterSource

from runa_mock_server.testing.client_scenarios.explore import explore
from runa_mock_server.testing.client_scenarios.program import Further, Runner
from runa_mock_server.testing.client_scenarios.results import Result, Search
from runa_mock_server.testing.client_scenarios.scenarios import Pace
from runa_mock_server.testing.client_scenarios.schedules import scenario_of

# What the command that repeats a schedule does not take over.
_EXPLORING = ("explore", "seed", "runs", "schedule", "selected", "form", "output", "traffic")


def further_runs(
    context: click.Context, pace: Pace, options: dict[str, Any], tell: Callable[[Result], None]
) -> Callable[[Runner, Result], Further] | None:
    """What to run instead of the scenarios, of the options --explore and --schedule."""
    faults, schedule = options.pop("explore"), options.pop("schedule")
    seed, runs = options.pop("seed"), options.pop("runs")
    if faults is None and schedule is None:
        return None
    given = [name for name in ("selected", "explore", "schedule") if _is_given(context, name)]
    if len(given) > 1:
        raise click.UsageError("--select, --explore and --schedule cannot be combined")
    if schedule is not None:
        scenario = scenario_of(schedule, "schedule", pace)
        return lambda runner, _: (None, runner.run_all([scenario], tell))
    search = Search(faults, randbelow(10**6) if seed is None else seed, runs)
    return lambda runner, clean: explore(runner, search, pace, clean, tell)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def repeating(context: click.Context, schedule: str) -> str:
    """The command that runs a schedule again, with the options that were given."""
    words = ["runa-mock", "check-client"]
    for option in context.command.params:
        name = option.name or ""
        if isinstance(option, click.Option) and name not in _EXPLORING and _is_given(context, name):
            value = context.params[name]
            for each in value if isinstance(value, list) else [value]:
                words += [option.opts[0], "auto" if each is None else str(each)]
    return shlex.join([*words, "--schedule", schedule, "--", *context.params["command"]])
