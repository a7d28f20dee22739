"""Runs a program once per scenario, on one server and with a new account for each run."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

from runa_mock_server.config.file import load_settings
from runa_mock_server.config.settings import Settings
from runa_mock_server.control_client.journal import JournalControl
from runa_mock_server.testing.client_scenarios.checks import Evidence, judge
from runa_mock_server.testing.client_scenarios.observation import Exit, Observation
from runa_mock_server.testing.client_scenarios.results import Report, Result
from runa_mock_server.testing.client_scenarios.run import ScenarioRun, Server
from runa_mock_server.testing.client_scenarios.scenarios import (
    CLEAN,
    Pace,
    Scenario,
    make_scenarios,
)

# A program that fails one of these without faults is not run in the other scenarios.
_ESSENTIAL = frozenset({"called", "ended", "ordered", "recovered"})
# The settings that a configuration file cannot override.
_OWN_SETTINGS: Mapping[str, Any] = {
    "host": "127.0.0.1",
    "port": 0,
    "public_url": None,
    "clock": "system",
    "api_keys": (),
    "journal_requests": 100_000,
    "journal_bytes": 256 * 1024 * 1024,
}
_OUTPUT_BYTES = 2_000
_NO_PROXY = ("NO_PROXY", "no_proxy")


class CommandError(Exception):
    """The program cannot be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which program to run, and how.

    Attributes:
        command: the program and its arguments.
        selected: the names of the scenarios; `clean` always runs, because it is the baseline.
        pace: the durations in the scenarios.
        timeout: seconds after which a run is killed.
        orders: the number of orders that each run has to place; ``None``: as many as `clean`.
    """

    command: Sequence[str]
    selected: Collection[str]
    pace: Pace
    timeout: float = 60.0
    orders: int | None = None


def server_settings(config: Path | None) -> Settings:
    """The settings of a server for the scenarios, with those of a configuration file.

    Raises:
        ConfigError: if the configuration file is invalid.
    """
    return load_settings(config, **_OWN_SETTINGS)


class JournaledServer(Server, Protocol):
    """A server for scenarios whose journal shows the requests with every API key."""

    @property
    def journal(self) -> JournalControl:
        """The requests to the server."""


def run_program(server: JournaledServer, plan: Plan, on_result: Callable[[Result], None]) -> Report:
    """Run a program once per scenario.

    Args:
        server: a server with ``server_settings``.
        plan: which program to run, and how.
        on_result: called with each result as soon as it is known.

    Raises:
        CommandError: if the program cannot be started.
    """
    started = time.monotonic()
    report = Report(plan.command, datetime.now(UTC))
    runner = _Runner(server, plan)
    for scenario in make_scenarios(plan.pace):
        if scenario.name == CLEAN or scenario.name in plan.selected:
            result = runner.run(scenario)
            report.results.append(result)
            on_result(result)
    report.seconds = time.monotonic() - started
    return report


class _Runner:
    """Runs scenarios one after another; the first run, `clean`, is the baseline of the others."""

    def __init__(self, server: JournaledServer, plan: Plan) -> None:
        self._server = server
        self._plan = plan
        self._baseline: Observation | None = None
        self._skip_reason: str | None = None

    def run(self, scenario: Scenario) -> Result:
        """Run the program in a scenario and judge what it did."""
        if self._skip_reason is not None:
            return Result(scenario, reason=self._skip_reason)
        plan = self._plan
        run = ScenarioRun(self._server, scenario, plan.pace)
        before = len(self._server.journal)
        exit_, output = _execute(plan.command, run.environment, plan.timeout)
        foreign_requests = len(self._server.journal) - before - len(run.account.journal)
        observation = run.observe(exit_, foreign_requests)
        evidence = Evidence(observation, self._baseline, plan.pace, plan.orders)
        findings = judge(scenario, evidence)
        if scenario.name == CLEAN:
            self._baseline = observation
            if any(f.problem and f.check.name in _ESSENTIAL for f in findings):
                self._skip_reason = f"the program does not do its work in the scenario {CLEAN!r}"
        shown = output.replace(run.api_key, "[API key]")
        return Result(scenario, findings, observation=observation, output=shown)


def _execute(
    command: Sequence[str], variables: Mapping[str, str], timeout: float
) -> tuple[Exit, str]:
    """Run a program until it ends or times out; returns how it ended and its last output."""
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
        output.seek(max(0, output.seek(0, os.SEEK_END) - _OUTPUT_BYTES))
        return Exit(code, seconds), output.read().decode(errors="replace")


def _start(
    command: Sequence[str], variables: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    # A proxy must not come between the program and the mock server.
    no_proxy = {
        name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1"))) for name in _NO_PROXY
    }
    try:
        return subprocess.Popen(  # noqa: S603 - the command is what the user asks to run
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **no_proxy, **variables},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"cannot run {command[0]!r}: {reason}") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is still running of a program and its child processes."""
    # Some systems do not permit a signal to a group of which nothing is left but zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
