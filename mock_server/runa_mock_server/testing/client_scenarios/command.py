"""Runs a program once per scenario, on one server and with an account for each."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Literal

from runa_mock_server.config.file import load_settings
from runa_mock_server.server import MockServer
from runa_mock_server.testing.client_scenarios.checks import Finding, Seen, judge
from runa_mock_server.testing.client_scenarios.observation import Exit, Observation
from runa_mock_server.testing.client_scenarios.run import PlayedScenario
from runa_mock_server.testing.client_scenarios.scenarios import (
    CLEAN,
    Pace,
    Scenario,
    make_scenarios,
)

Status = Literal["passed", "failed", "skipped"]

# Without these the other scenarios could say nothing, and each would take its time for it.
_ESSENTIAL = frozenset({"called", "ended", "ordered", "recovered"})
# What a configuration file cannot say otherwise.
_OWN_SETTINGS: Mapping[str, Any] = {
    "host": "127.0.0.1",
    "port": 0,
    "public_url": None,
    "clock": "system",
    "api_keys": (),
    "journal_requests": 100_000,
    "journal_bytes": 256 * 1024 * 1024,
}
_TAIL = 2_000  # bytes of what a program wrote
_NO_PROXY = ("NO_PROXY", "no_proxy")


class CommandError(Exception):
    """The program cannot be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    Attributes:
        command: the program and its arguments.
        selected: the names of the scenarios; the clean one is played in any case, for the others
            are compared with it.
        pace: how long things take.
        timeout: seconds after which a run is ended.
        orders: how many orders a run has to place; ``None``: as many as the clean one does.
        config: a configuration file for the server.
    """

    command: Sequence[str]
    selected: Collection[str]
    pace: Pace
    timeout: float = 60.0
    orders: int | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one scenario.

    Attributes:
        scenario: the scenario.
        findings: what each check found; none where it was skipped.
        reason: why it was skipped.
        observation: what the program did; ``None`` where it was skipped.
        output: the end of what the program wrote, without its API key.
    """

    scenario: Scenario
    findings: Sequence[Finding] = ()
    reason: str | None = None
    observation: Observation | None = None
    output: str = ""

    @property
    def status(self) -> Status:
        """How it came out."""
        if self.reason is not None:
            return "skipped"
        return "failed" if self.problems else "passed"

    @property
    def problems(self) -> list[Finding]:
        """What the checks have against the program."""
        return [finding for finding in self.findings if finding.problem is not None]

    @property
    def seconds(self) -> float:
        """How long the program ran."""
        ending = None if self.observation is None else self.observation.exit
        return 0.0 if ending is None else ending.seconds


@dataclass(slots=True)
class Report:
    """What came out.

    Attributes:
        command: the program and its arguments.
        started_at: when.
        results: a result for each scenario.
        seconds: how long it took.
    """

    command: Sequence[str]
    started_at: datetime
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: Status) -> int:
        """How many scenarios came out like that."""
        return sum(result.status == status for result in self.results)


def run(plan: Plan, tell: Callable[[Result], None]) -> Report:
    """Run a program once per scenario.

    Args:
        plan: what to do.
        tell: is told each result as soon as it is there.

    Raises:
        CommandError: if the program cannot be started.
        ConfigError: if the configuration file cannot be used.
        CatalogueError: if the catalogue that it names cannot be used.
    """
    started = time.monotonic()
    report = Report(plan.command, datetime.now(UTC))
    with MockServer(load_settings(plan.config, **_OWN_SETTINGS)) as server:
        stage = _Stage(server, plan)
        for scenario in make_scenarios(plan.pace):
            if scenario.name == CLEAN or scenario.name in plan.selected:
                result = stage.play(scenario)
                report.results.append(result)
                tell(result)
    report.seconds = time.monotonic() - started
    return report


class _Stage:
    """Plays scenarios one after another, and remembers what the program does usually."""

    def __init__(self, server: MockServer, plan: Plan) -> None:
        self._server = server
        self._plan = plan
        self._usual: Observation | None = None
        self._hopeless: str | None = None

    def play(self, scenario: Scenario) -> Result:
        """Run the program in a scenario and judge what it did."""
        if self._hopeless is not None:
            return Result(scenario, reason=self._hopeless)
        plan = self._plan
        played = PlayedScenario(self._server, scenario, plan.pace)
        before = len(self._server.journal)
        ending, output = _execute(plan.command, played.environment, plan.timeout)
        strangers = len(self._server.journal) - before - len(played.account.journal)
        run = played.observe(ending, strangers)
        findings = judge(scenario, Seen(run, self._usual, plan.pace, plan.orders))
        if scenario.name == CLEAN:
            self._usual = run
            if any(f.problem and f.check.name in _ESSENTIAL for f in findings):
                self._hopeless = f"the program does not do its work in the scenario {CLEAN!r}"
        shown = output.replace(played.api_key, "[API key]")
        return Result(scenario, findings, observation=run, output=shown)


def _execute(
    command: Sequence[str], variables: Mapping[str, str], timeout: float
) -> tuple[Exit, str]:
    """Run a program to its end, or for so many seconds; how it ended and what it wrote last."""
    started = time.monotonic()
    with TemporaryFile() as output:
        process = _start(command, variables, output)
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        seconds = time.monotonic() - started
        output.seek(max(0, output.seek(0, os.SEEK_END) - _TAIL))
        return Exit(code, seconds), output.read().decode(errors="replace")


def _start(
    command: Sequence[str], variables: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    # A proxy must not come between a program and its double.
    direct = {
        name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1"))) for name in _NO_PROXY
    }
    try:
        return subprocess.Popen(  # noqa: S603 - the command is what the user asks to run
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **direct, **variables},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"cannot run {command[0]!r}: {reason}") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that runs on, with all that it has started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
