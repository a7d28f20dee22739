"""Runs a scenario for a client inside this process; a Python test suite needs no command."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Protocol

from runa_mock_server.config.settings import Settings
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.control.models import LONGEST_PAGE
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.testing.client_scenarios.checks import Evidence, judge
from runa_mock_server.testing.client_scenarios.observation import Exit, Observation
from runa_mock_server.testing.client_scenarios.scenarios import (
    Ending,
    Pace,
    Scenario,
    make_scenarios,
)

_SERVICE = "/v2/"


class Server(Protocol):
    """A server for scenarios: a ``MockServer``, or the result of ``connect``."""

    @property
    def base_url(self) -> str:
        """The base URL for a client."""

    @property
    def settings(self) -> Settings:
        """The settings of the server."""

    def account(self, api_key: str) -> ControlClient:
        """The controls of one account."""


class ScenarioRun:
    """A run of a scenario, with an account of its own.

    Attributes:
        scenario: the scenario.
        base_url: the base URL for the client.
        api_key: the API key for the client, which no other client has.
        account: the controls of the account.
        was_checked: whether ``problems`` or ``check`` was called.
    """

    def __init__(self, server: Server, scenario: Scenario, pace: Pace) -> None:
        prefix = PROFILES[server.settings.profile].key_prefix
        self.scenario = scenario
        self.base_url = server.base_url
        self.api_key = f"{prefix}-{scenario.name}.{token_hex(12)}"
        self.account = server.account(self.api_key)
        self.was_checked = False
        self._pace = pace
        if scenario.settings:
            self.account.configure(**scenario.settings)
        for fault in scenario.faults:
            self.account.faults.arm(fault.kind, fault.place, **fault.fields)

    @property
    def name(self) -> str:
        """The name of the scenario."""
        return self.scenario.name

    @property
    def ends(self) -> Ending:
        """How the orders of a correct client end: ``COMPLETED``, ``FAILED`` or ``REFUSED``."""
        return self.scenario.ends

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that configure a program for this run."""
        return {
            "RUNA_BASE_URL": self.base_url,
            "RUNA_API_KEY": self.api_key,
            "RUNA_SCENARIO": self.name,
        }

    def observe(self, exit_: Exit | None = None, foreign_requests: int = 0) -> Observation:
        """What the client did so far.

        Args:
            exit_: how the program ended, if the client is a program.
            foreign_requests: the number of requests with other API keys during the run.
        """
        read = self.account.journal.read
        # Orders are read separately: a client that polls without a pause fills the page with reads.
        requests = {
            entry.number: entry
            for entry in (
                *read(limit=LONGEST_PAGE).requests,
                *read(method="POST", limit=LONGEST_PAGE).requests,
            )
            if entry.path.startswith(_SERVICE)
        }
        in_order = [requests[number] for number in sorted(requests)]
        return Observation(in_order, self.account.effects(), exit_, foreign_requests)

    def problems(self, orders: int | None = 1) -> Mapping[str, str]:
        """What the client did wrong so far, by the name of the check that failed.

        Args:
            orders: the number of orders that the client has to place; ``None`` for any number.
        """
        self.was_checked = True
        evidence = Evidence(self.observe(), pace=self._pace, expected_orders=orders)
        return {
            finding.check.name: finding.problem
            for finding in judge(self.scenario, evidence)
            if finding.problem is not None
        }

    def check(self, orders: int | None = 1) -> None:
        """Assert that the client behaved correctly.

        Args:
            orders: the number of orders that the client has to place; ``None`` for any number.

        Raises:
            AssertionError: with the problems and the requests that show them.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        problems = self.problems(orders)
        if problems:
            lines = "\n".join(f"{name}: {problem}" for name, problem in problems.items())
            raise AssertionError(f"{self.name} ({self.scenario.text}):\n{lines}")


def run_scenario(server: Server, name: str, pace: Pace | None = None) -> ScenarioRun:
    """Start a scenario on a server, for a new account.

    Args:
        server: a ``MockServer``, or the result of ``connect``.
        name: the name of the scenario, one of ``SCENARIOS``.
        pace: the durations in it; by default those of ``Pace()``.

    Raises:
        ValueError: if there is no such scenario.
        ControlRefusedError: if the server does not accept new API keys.
    """
    pace = pace or Pace()
    scenarios = {scenario.name: scenario for scenario in make_scenarios(pace)}
    if name not in scenarios:
        raise ValueError(f"there is no scenario {name!r}; there are {', '.join(scenarios)}")
    return ScenarioRun(server, scenarios[name], pace)
