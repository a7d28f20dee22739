"""``runa-mock check-client``: does a program, in any language, cope with faults of the API?"""

import sys
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import HttpUrl, TypeAdapter, ValidationError

from runa_mock_server.base.signals import aborted_by_signals
from runa_mock_server.catalogue.catalogue import CatalogueError
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.cli.exploring import further_runs, repeating
from runa_mock_server.cli.report_file import check_writable, refused, report_options, write_report
from runa_mock_server.config.document import ConfigError
from runa_mock_server.server import MockServer
from runa_mock_server.testing.client_scenarios.checks import CHECKS
from runa_mock_server.testing.client_scenarios.program import (
    PORT,
    CommandError,
    Plan,
    run_program,
    server_settings,
)
from runa_mock_server.testing.client_scenarios.report import (
    FORMATS,
    exploration_text,
    result_text,
    scenarios_text,
    summary_text,
)
from runa_mock_server.testing.client_scenarios.results import Result
from runa_mock_server.testing.client_scenarios.scenarios import LONGEST_PACE, SCENARIOS, Pace
from runa_mock_server.testing.client_scenarios.schedules import (
    Schedule,
    parse_schedule,
)
from runa_mock_server.testing.recording import scenario_traffic

_LONGEST_RUN = 86_400
_MOST_JOBS = 64
_URL = TypeAdapter(HttpUrl)


def _seconds(_: click.Context, option: click.Parameter, given: float) -> float:
    lowest, highest = (0.1, _LONGEST_RUN) if option.name == "timeout" else (0, LONGEST_PACE)
    if not lowest <= given <= highest:  # click's own range would take a NaN
        raise click.BadParameter(f"must be seconds, {lowest:g} to {highest}")
    return given


def _names(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> list[str]:
    found = []
    for pattern in given or ("*",):
        names = [name for name in SCENARIOS if fnmatchcase(name, pattern)]
        if not names:
            raise click.BadParameter(f"no scenario is like {pattern!r}; --list shows them")
        found += names
    return found


def _checks(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> list[str]:
    for name in given:
        if name not in CHECKS:
            known = ", ".join(CHECKS)
            raise click.BadParameter(f"there is no check {name!r}; there are {known}")
    return list(given)


def _jobs(_: click.Context, __: click.Parameter, given: str) -> int | None:
    if given == "auto":
        return None
    if not given.isdecimal() or not 1 <= int(given) <= _MOST_JOBS:
        raise click.BadParameter(f"must be auto, or a number from 1 to {_MOST_JOBS}")
    return int(given)


def _receiver(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is not None:
        try:
            _URL.validate_python(given.replace(PORT, "80"))
        except ValidationError as error:
            raise click.BadParameter(f"{given!r}: {error.errors()[0]['msg']}") from None
    return given


def _schedule(_: click.Context, __: click.Parameter, given: str | None) -> Schedule | None:
    try:
        return None if given is None else parse_schedule(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _print_list(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    if wanted:
        click.echo(scenarios_text(), nl=False)
        context.exit()


@click.command("check-client", context_settings={"allow_interspersed_args": False})
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_list,
    help="List the scenarios and the checks.",
)
@click.option(
    "--select",
    "selected",
    multiple=True,
    metavar="NAME",
    callback=_names,
    help="Only this scenario, or those that a pattern like 'reset-*' fits; can be repeated.",
)
@click.option(
    "--skip",
    "skipped",
    multiple=True,
    metavar="CHECK",
    callback=_checks,
    help="Leave out this check; can be repeated.",
)
@click.option(
    "--jobs",
    default="auto",
    show_default=True,
    metavar="N",
    callback=_jobs,
    help="Runs at the same time; auto: several, if a trial of two works.",
)
@click.option(
    "--webhook",
    metavar="URL",
    callback=_receiver,
    help="Webhook receiver of the program; {port} in it is a free port of each run.",
)
@click.option(
    "--explore",
    type=click.IntRange(1, 4),
    metavar="K",
    help="Instead of the scenarios run every schedule of up to K faults.",
)
@click.option(
    "--seed", type=click.IntRange(0), help="Seed of --explore; random by default, and reported."
)
@click.option(
    "--runs",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Maximum number of schedules of --explore; the seed draws them.",
)
@click.option(
    "--schedule",
    metavar="STEPS",
    callback=_schedule,
    help="Instead of the scenarios run one schedule, as --explore reports it.",
)
@report_options(FORMATS)
@click.option(
    "--timeout",
    type=float,
    callback=_seconds,
    default=60.0,
    show_default=True,
    help="Seconds after which a run is ended, and has failed.",
)
@click.option(
    "--orders",
    type=click.IntRange(1),
    help="Orders that a run has to place; by default as many as when nothing goes wrong.",
)
@click.option(
    "--rate-limit-wait",
    type=float,
    callback=_seconds,
    default=Pace().rate_limit_wait,
    show_default=True,
    help="Seconds that have to pass after a 429.",
)
@click.option(
    "--slow",
    type=float,
    callback=_seconds,
    default=Pace().slow,
    show_default=True,
    help="Seconds that a slow answer takes.",
)
@click.option(
    "--long-processing",
    type=float,
    callback=_seconds,
    default=Pace().long_processing,
    show_default=True,
    help="Seconds for which an order is PROCESSING where that takes long.",
)
@click.option(
    "--silence",
    type=float,
    callback=_seconds,
    default=Pace().silence,
    show_default=True,
    help="Seconds without a byte of the response, longer than usual timeouts.",
)
@click.option(
    "--hang",
    type=float,
    callback=_seconds,
    default=Pace().hang,
    show_default=True,
    help="Seconds without a response, longer than the program's own timeout.",
)
@click.option(
    "--poll-pause",
    type=float,
    callback=_seconds,
    default=Pace().poll_pause,
    show_default=True,
    help="Minimum mean pause between reads of an order, in seconds.",
)
@click.option(
    "--steady-poll-pause",
    type=float,
    callback=_seconds,
    default=Pace().steady_poll_pause,
    show_default=True,
    help="The same after 3 seconds of polling.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with settings of the mock, as for `serve`.",
)
@click.option(
    "--traffic",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Record the requests there, redacted, for `runa-mock report`.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def command(context: click.Context, /, form: str, output: Path | None, **options: Any) -> None:
    """Run a client against a misbehaving mock server.

    COMMAND is a program or a test suite in any language. It runs once per scenario, finds the
    mock by RUNA_BASE_URL and RUNA_API_KEY, and has to do the same in each run: place its orders,
    wait for them, end with status 0. Exit 0 if it does well in each scenario, 1 if not.
    Ended by a signal, the command kills COMMAND with its child processes and writes no report.
    """
    passed: list[str] = []
    is_exploring = options["explore"] is not None
    # A report for machines has standard output for itself.
    aside = form != "text" and output is None

    def tell(result: Result) -> None:
        note(result.scenario.name, result.status)
        if is_exploring and result.status == "passed":
            passed.append(result.scenario.name)
            if sys.stderr.isatty():
                click.echo(f"\r{len(passed)} passed", nl=False, err=True)
            return
        click.echo(result_text(result), err=aside)

    pace = Pace(**{name: options.pop(name) for name in Pace.__slots__})
    config, traffic = options.pop("config"), options.pop("traffic")
    further = further_runs(context, pace, options, tell)
    plan = Plan(pace=pace, **options)
    if plan.webhook is not None and PORT not in plan.webhook and (plan.jobs or 1) > 1:
        raise click.BadParameter(f"needs {PORT} in the URL of --webhook", param_hint="--jobs")
    if output is not None:
        check_writable(output)  # before all the work
    try:
        with (
            aborted_by_signals(),
            ExitStack() as opened,
        ):
            with refused(traffic, "--traffic"):
                note = opened.enter_context(scenario_traffic(traffic))
            server = opened.enter_context(MockServer(server_settings(config)))
            report = run_program(server, plan, tell, further)
    except (CommandError, ConfigError, CatalogueError) as error:
        raise RefusedError(str(error)) from None
    click.echo(summary_text(report), err=aside)
    if report.exploration is not None:
        told = exploration_text(report.exploration, partial(repeating, context))
        click.echo(told, err=aside)
    if output is not None:
        write_report(output, FORMATS[form](report))
    elif aside:
        click.echo(FORMATS[form](report), nl=False)
    raise SystemExit(1 if report.count("failed") else 0)
