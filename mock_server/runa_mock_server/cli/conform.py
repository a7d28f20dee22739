"""``runa-mock conform``: whether a server keeps the contract.

Exit codes: 0 everything holds, 1 something does not, 2 it could not be checked, 130 interrupted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import click

from runa_client import ConfigurationError, make_settings
from runa_conformance import (
    CHECKS,
    Comparison,
    Drift,
    Recording,
    Report,
    Result,
    TargetError,
    as_json,
    as_junit,
    as_text,
    checks_as_text,
    conform,
    findings,
    group_as_text,
    read_recording,
    replay,
    result_as_text,
    select,
    summary,
)
from runa_mock_server.base.clock import ManualClock
from runa_mock_server.base.errors import SettingsError
from runa_mock_server.catalogue.catalogue import CatalogueError
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.cli.report_file import report_options, write_report
from runa_mock_server.control_client.remote import connect
from runa_mock_server.control_client.transport import ControlRefusedError
from runa_mock_server.server import MockServer

Outcome: TypeAlias = Report | Comparison

_FORMS: dict[str, Callable[[Outcome], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
}
# What a replay calls itself at the mock that it starts, where any key of the environment will do.
_KEYS = {
    "playground": ("XX-replay.own", "XX-replay.other"),
    "production": ("wg-replay.own", "wg-replay.other"),
}
_INTERRUPTED = 130
_DIRECTORY = click.Path(path_type=Path, file_okay=False)

_OPTIONS: tuple[Callable[..., Any], ...] = (
    click.option("--base-url", metavar="URL", help="The server; else RUNA_BASE_URL."),
    click.option("--api-key", metavar="KEY", help="Its API key; else RUNA_API_KEY."),
    click.option(
        "--other-api-key",
        metavar="KEY",
        envvar="RUNA_OTHER_API_KEY",
        show_envvar=True,
        help="The key of another account, for checks that need two.",
    ),
    click.option(
        "--profile",
        type=click.Choice(tuple(_KEYS)),
        help="Which environment the server is; else the one to which the key belongs.",
    ),
    click.option(
        "--select",
        multiple=True,
        metavar="NAME",
        help="Only these checks or groups; * and ? stand for anything. Can be repeated.",
    ),
    click.option(
        "--evidence",
        multiple=True,
        type=click.Choice(("recorded", "documented", "inferred")),
        help="Only checks of rules with such evidence. Can be repeated.",
    ),
    click.option(
        "--allow-orders",
        is_flag=True,
        help="Let checks place orders, which costs money where money is real.",
    ),
    click.option(
        "--mock-clock",
        is_flag=True,
        help="The server is a runa-mock: move its clock, for checks of 30 days and the like.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0.1, max=600),
        default=30.0,
        show_default=True,
        help="Seconds for an answer, to its last byte.",
    ),
    click.option("--list", "lists", is_flag=True, help="List the checks and stop."),
    click.option("-v", "--verbose", is_flag=True, help="Show each check, not one line a group."),
    report_options(_FORMS),
    click.option(
        "--record", type=_DIRECTORY, metavar="DIR", help="Write each exchange there, redacted."
    ),
    click.option(
        "--against",
        type=_DIRECTORY,
        metavar="DIR",
        help="Replay what was recorded there at --base-url, or else at a mock, and compare.",
    ),
)


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):  # the last decorator's option is listed first
        function = option(function)
    return function


@click.command("conform")
@_with_options
def command(
    *,
    lists: bool,
    verbose: bool,
    form: str,
    output: Path | None,
    against: Path | None,
    **given: Any,
) -> None:
    """Check that a server keeps the contract.

    The server is this mock, the real service or another double.

    Checks that place orders are skipped unless --allow-orders is given. The others send nothing
    that could buy; if a server accepts such an order all the same, no more are sent.

    Interrupted by Ctrl-C, the report has what is known by then.
    """
    try:
        if lists:
            checks = select(CHECKS, given["select"], given["evidence"])
            click.echo(checks_as_text(checks), nl=False)
            return
        progress = _Progress(form, output, verbose=verbose)
        given["on_wait"] = progress.wait
        if against is None:
            given["advance"] = _clock_of(given) if given.pop("mock_clock") else None
            outcome: Outcome = conform(**given, on_result=progress.tell)
        else:
            outcome = _compare(against, given, progress)
    except TargetError as error:
        raise RefusedError(str(error)) from None
    progress.finish(outcome)
    if isinstance(outcome, Report) and outcome.is_interrupted:
        raise SystemExit(_INTERRUPTED)
    if not outcome.passed:
        raise SystemExit(1)


def _clock_of(given: dict[str, Any]) -> Callable[[float], object]:
    """What moves the clock of the account of an API key, at a mock.

    Raises:
        RefusedError: no mock server answers there.
    """
    try:
        settings = make_settings(given["base_url"], given["api_key"], {})
        return connect(settings.base_url).account(settings.api_key).clock.advance
    except (ConfigurationError, ConnectionError, ControlRefusedError) as error:
        raise RefusedError(f"--mock-clock: {error}") from None


class _Progress:
    """Tells results as they come, and the whole report at the end.

    Args:
        form: the form of the report.
        output: where it goes, ``None`` for standard output.
        verbose: whether each result is told, not only how many of each group passed.
    """

    def __init__(self, form: str, output: Path | None, *, verbose: bool) -> None:
        self._as = _FORMS[form]
        self._verbose = verbose
        self._group: list[Result] = []
        self._output = output
        # A report for machines has standard output for itself.
        self._aside = form != "text" and output is None
        self._write("")  # a file that cannot be written is better known before all the work

    def tell(self, result: Result | Drift) -> None:
        """Tell a result, or count it in its group and tell of that when it is whole."""
        if self._verbose:
            click.echo(result_as_text(result), err=self._aside)
        elif isinstance(result, Result):
            if self._group and _group_of(self._group[-1]) != _group_of(result):
                self._end_group()
            self._group.append(result)

    def wait(self, sentence: str) -> None:
        """Tell of a pause."""
        click.echo(sentence, err=True)

    def _end_group(self) -> None:
        if self._group:
            click.echo(group_as_text(self._group), err=self._aside)
        self._group = []

    def finish(self, outcome: Outcome) -> None:
        """Tell what came out."""
        self._end_group()
        click.echo(summary(outcome) if self._verbose else findings(outcome), err=self._aside)
        if self._aside:
            click.echo(self._as(outcome), nl=False)
        self._write(self._as(outcome))

    def _write(self, text: str) -> None:
        if self._output is not None:
            write_report(self._output, text)


def _group_of(result: Result) -> str:
    return result.name.partition(".")[0]


def _compare(directory: Path, given: dict[str, Any], progress: _Progress) -> Comparison:
    """Replay a recording at the server that was named, or at a mock."""
    for name in ("record", "select", "evidence", "profile", "mock_clock"):
        if given.pop(name):
            option = name.replace("_", "-")
            raise RefusedError(f"--{option} cannot be combined with --against")
    recording = read_recording(directory)
    if given["base_url"] is not None:
        return replay(recording, **given, on_drift=progress.tell)
    key, other_key = _KEYS[recording.profile]
    with _mock_of(recording) as (base_url, clock):
        return replay(
            recording,
            base_url,
            key,
            allow_orders=True,  # nobody pays for the mock's
            other_api_key=other_key,
            timeout=given["timeout"],
            on_wait=given["on_wait"],
            sleep=clock.advance,
            on_drift=progress.tell,
        )


@contextmanager
def _mock_of(recording: Recording) -> Iterator[tuple[str, ManualClock]]:
    """A mock with the catalogue and the balances of a recording, in a time that is moved."""
    clock = ManualClock()
    with TemporaryDirectory() as directory:
        settings: dict[str, Any] = {"profile": recording.profile}
        products, balances = recording.catalogue(), recording.balances()
        if products is not None:
            file = Path(directory) / "catalogue.json"
            file.write_bytes(products)
            settings["catalogue"] = str(file)
        if balances:
            settings["balances"] = balances
        try:
            server = MockServer(clock=clock, **settings)
        except (CatalogueError, SettingsError) as error:
            raise RefusedError(f"the mock cannot be like that recording: {error}") from None
        with server:
            yield server.base_url, clock
