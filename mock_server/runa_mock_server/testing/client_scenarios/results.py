"""The results of running a program through the scenarios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from runa_mock_server.testing.client_scenarios.evidence import Finding
from runa_mock_server.testing.client_scenarios.observation import Observation
from runa_mock_server.testing.client_scenarios.scenarios import Scenario
from runa_mock_server.testing.client_scenarios.schedules import Schedule

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one scenario.

    Attributes:
        scenario: the scenario.
        findings: the outcome of each check that was not deselected; empty if the scenario was
            skipped.
        reason: why the scenario was skipped.
        observation: what the program did; ``None`` if the scenario was skipped.
        output: the end of the program's output, without its API key.
        all_findings: the outcome of each check, also of those that were deselected.
    """

    scenario: Scenario
    findings: Sequence[Finding] = ()
    reason: str | None = None
    observation: Observation | None = None
    output: str = ""
    all_findings: Sequence[Finding] = ()

    @property
    def status(self) -> Status:
        """``passed``, ``failed`` or ``skipped``."""
        if self.reason is not None:
            return "skipped"
        return "failed" if self.problems else "passed"

    @property
    def problems(self) -> list[Finding]:
        """The checks that failed."""
        return [finding for finding in self.findings if finding.problem is not None]

    @property
    def not_exercised(self) -> Mapping[str, list[str]]:
        """The names of the checks that meant nothing here, by the reason."""
        reasons: dict[str, list[str]] = {}
        for finding in self.findings:
            if finding.status == "not_exercised" and finding.missing is not None:
                reasons.setdefault(finding.missing, []).append(finding.check.name)
        return reasons

    @property
    def seconds(self) -> float:
        """The run time of the program."""
        exit_ = None if self.observation is None else self.observation.exit
        return 0.0 if exit_ is None else exit_.seconds


@dataclass(frozen=True, slots=True)
class Search:
    """What to explore.

    Attributes:
        most_faults: the number of faults of a schedule.
        seed: draws the schedules if there are more than ``most_runs``.
        most_runs: the number of schedules to run.
    """

    most_faults: int
    seed: int
    most_runs: int


@dataclass(slots=True)
class Exploration:
    """What was explored.

    Attributes:
        search: what was to be explored.
        total: the number of schedules that there are.
        tried: the number of schedules that were run.
        smallest: the smallest failing schedules: for each set of failed checks one.
    """

    search: Search
    total: int = 0
    tried: int = 0
    smallest: list[tuple[Schedule, Result]] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The results of all scenarios.

    Attributes:
        command: the program and its arguments.
        started_at: the time of the start.
        results: one result for each scenario.
        seconds: the duration of all runs.
        jobs: the number of runs at the same time.
        jobs_reason: why runs were not side by side although that was not forbidden.
        exploration: what was explored; ``None`` if the scenarios were run.
    """

    command: Sequence[str]
    started_at: datetime
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0
    jobs: int = 1
    jobs_reason: str | None = None
    exploration: Exploration | None = None

    def count(self, status: Status) -> int:
        """The number of scenarios with a status."""
        return sum(result.status == status for result in self.results)
