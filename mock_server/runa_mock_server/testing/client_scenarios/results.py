"""The results of running a program through the scenarios."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from runa_mock_server.testing.client_scenarios.checks import Finding
from runa_mock_server.testing.client_scenarios.observation import Observation
from runa_mock_server.testing.client_scenarios.scenarios import Scenario

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one scenario.

    Attributes:
        scenario: the scenario.
        findings: the outcome of each check; empty if the scenario was skipped.
        reason: why the scenario was skipped.
        observation: what the program did; ``None`` if the scenario was skipped.
        output: the end of the program's output, without its API key.
    """

    scenario: Scenario
    findings: Sequence[Finding] = ()
    reason: str | None = None
    observation: Observation | None = None
    output: str = ""

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
    def seconds(self) -> float:
        """The run time of the program."""
        exit_ = None if self.observation is None else self.observation.exit
        return 0.0 if exit_ is None else exit_.seconds


@dataclass(slots=True)
class Report:
    """The results of all scenarios.

    Attributes:
        command: the program and its arguments.
        started_at: the time of the start.
        results: one result for each scenario.
        seconds: the duration of all runs.
    """

    command: Sequence[str]
    started_at: datetime
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: Status) -> int:
        """The number of scenarios with a status."""
        return sum(result.status == status for result in self.results)
