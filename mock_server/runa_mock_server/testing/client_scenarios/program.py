"""Runs a program once per scenario, on one server and with a new account for each run."""

import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from runa_mock_server.config.file import load_settings
from runa_mock_server.config.settings import Settings
from runa_mock_server.control_client.journal import JournalControl
from runa_mock_server.testing.client_scenarios.checks import Evidence, judge
from runa_mock_server.testing.client_scenarios.observation import Observation
from runa_mock_server.testing.client_scenarios.processes import CommandError, Processes
from runa_mock_server.testing.client_scenarios.results import Exploration, Report, Result
from runa_mock_server.testing.client_scenarios.run import ScenarioRun, Server
from runa_mock_server.testing.client_scenarios.scenarios import (
    CLEAN,
    Pace,
    Scenario,
    make_scenarios,
)

__all__ = ["CommandError", "JournaledServer", "Plan", "Runner", "run_program", "server_settings"]

PORT = "{port}"
"""In the URL of a program's webhook receiver: a free port, which each run gets by itself."""

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
_SIDE_BY_SIDE = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """Which program to run, and how.

    Attributes:
        command: the program and its arguments.
        selected: the names of the scenarios; `clean` always runs, because it is the baseline.
        pace: the durations in the scenarios.
        timeout: seconds after which a run is killed.
        orders: the number of orders that each run has to place; ``None``: as many as `clean`.
        skipped: the names of the checks to leave out.
        jobs: the number of runs at the same time; ``None``: several if two runs at the same time
            do their work, else one.
        webhook: the URL of the program's webhook receiver, perhaps with ``{port}``; ``None`` if
            it has none.
    """

    command: Sequence[str]
    selected: Collection[str]
    pace: Pace
    timeout: float = 60.0
    orders: int | None = None
    skipped: Collection[str] = ()
    jobs: int | None = 1
    webhook: str | None = None


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


OnResult = Callable[[Result], None]
Further = tuple[Exploration | None, Sequence[Result]]


def run_program(
    server: JournaledServer,
    plan: Plan,
    on_result: OnResult,
    further: Callable[["Runner", Result], Further] | None = None,
) -> Report:
    """Run a program once per scenario.

    Args:
        server: a server with ``server_settings``.
        plan: which program to run, and how.
        on_result: called with each result as soon as it is known.
        further: what to run after the run without faults, instead of the selected scenarios.

    Raises:
        CommandError: if the program cannot be started.
    """
    started = time.monotonic()
    report = Report(plan.command, datetime.now(UTC))
    runner = Runner(server, plan)
    _, *others = make_scenarios(plan.pace)
    scenarios = [scenario for scenario in others if scenario.name in plan.selected]
    try:
        clean = runner.run_clean()
        on_result(clean)
        if further is None:
            report.results = [clean, *runner.run_all(scenarios, on_result)]
        else:
            report.exploration, done = further(runner, clean)
            report.results = [clean, *done]
    finally:
        runner.close()
    report.jobs, report.jobs_reason = runner.jobs, runner.jobs_reason
    report.seconds = time.monotonic() - started
    return report


class Runner:
    """Runs scenarios; the first run, `clean`, is the baseline of the others.

    Args:
        server: a server with ``server_settings``.
        plan: which program to run, and how.

    Attributes:
        jobs: the number of runs at the same time.
        jobs_reason: why runs are not side by side although that was not forbidden.
    """

    def __init__(self, server: JournaledServer, plan: Plan) -> None:
        self._server = server
        self._plan = plan
        self._processes = Processes()
        self._baseline: Observation | None = None
        self._skip_reason: str | None = None
        self._runs: dict[str, Future[Result]] = {}
        self._was_tried = False
        self.jobs = plan.jobs or 1
        self.jobs_reason: str | None = None

    def run_clean(self) -> Result:
        """Run the program without faults."""
        clean = make_scenarios(self._plan.pace)[0]
        before = len(self._server.journal)
        result = self.run(clean, before)
        self._baseline = result.observation
        if not self._does_its_work(result):
            self._skip_reason = f"the program does not do its work in the scenario {CLEAN!r}"
        return result

    def run_all(self, scenarios: Sequence[Scenario], on_result: OnResult) -> list[Result]:
        """Run the program in scenarios, side by side where it can; in their order."""
        is_open = self._plan.jobs is None and not self._was_tried
        if self._skip_reason is None and len(scenarios) > 1 and is_open:
            self._was_tried = True
            self._choose_jobs()
        pool = ThreadPoolExecutor(self.jobs)
        try:
            # In order, so that the sibling of a scenario has started before the scenario.
            for scenario in scenarios:
                self._runs[scenario.name] = pool.submit(self.run, scenario)
            runs = [self._runs[scenario.name] for scenario in scenarios]
            for run in as_completed(runs):
                on_result(run.result())
        except BaseException:
            self.close()
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()
        return [run.result() for run in runs]

    def close(self) -> None:
        """Kill what runs."""
        self._processes.kill()

    def _choose_jobs(self) -> None:
        """Try two runs without faults at the same time: not every program can be run so."""
        if self._plan.webhook is not None and PORT not in self._plan.webhook:
            self.jobs_reason = f"the URL of --webhook has no {PORT}"
            return
        clean = make_scenarios(self._plan.pace)[0]
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(self.run, clean) for _ in range(2)]
            try:
                done = [run.result() for run in both]
            except BaseException:
                self.close()
                raise
        if all(map(self._does_its_work, done)):
            self.jobs = _SIDE_BY_SIDE
        else:
            self.jobs_reason = "two runs at the same time did not both do their work"

    def _does_its_work(self, result: Result) -> bool:
        return not any(f.problem and f.check.name in _ESSENTIAL for f in result.all_findings)

    def run(self, scenario: Scenario, requests_before: int | None = None) -> Result:
        """Run the program in a scenario and judge what it did.

        Args:
            scenario: the scenario.
            requests_before: the number of requests to the server so far, where the program runs
                alone: the other requests from now on are its own, with another API key.
        """
        plan = self._plan
        if self._skip_reason is not None:
            return Result(scenario, reason=self._skip_reason)
        if scenario.webhook and plan.webhook is None:
            return Result(scenario, reason="needs --webhook URL, the receiver of the program")
        port = _free_port() if plan.webhook is not None and PORT in plan.webhook else None
        url = None if plan.webhook is None else plan.webhook.replace(PORT, str(port))
        run = ScenarioRun(self._server, scenario, plan.pace, url)
        variables = dict(run.environment)
        if port is not None:
            variables["RUNA_WEBHOOK_PORT"] = str(port)
        ending, output = self._processes.run(plan.command, variables, plan.timeout)
        foreign = 0
        if requests_before is not None:
            foreign = len(self._server.journal) - requests_before - len(run.account.journal)
        shown = output.replace(run.api_key, "[API key]")
        observation = run.observe(ending, foreign, shown)
        evidence = Evidence(
            observation,
            self._baseline,
            plan.pace,
            plan.orders,
            scenario,
            self._sibling(scenario),
        )
        findings = judge(evidence)
        chosen = [finding for finding in findings if finding.check.name not in plan.skipped]
        return Result(
            scenario, chosen, observation=observation, output=shown, all_findings=findings
        )

    def _sibling(self, scenario: Scenario) -> Observation | None:
        run = None if scenario.sibling is None else self._runs.get(scenario.sibling)
        return None if run is None else run.result().observation


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port
