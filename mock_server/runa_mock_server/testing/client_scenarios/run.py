"""A scenario for a client inside this process: a test-suite in Python needs no command."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Protocol

from runa_mock_server.config.settings import Settings
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.control_client.client import Controls
from runa_mock_server.testing.client_scenarios.checks import Seen, judge
from runa_mock_server.testing.client_scenarios.observation import Exit, Observation, observe
from runa_mock_server.testing.client_scenarios.scenarios import (
    Ending,
    Pace,
    Scenario,
    make_scenarios,
)


class Server(Protocol):
    """What scenarios are played on: ``MockServer``, or what ``connect`` gives."""

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""

    @property
    def settings(self) -> Settings:
        """How the server behaves."""

    def account(self, api_key: str) -> Controls:
        """A hand on one account."""


class PlayedScenario:
    """A scenario that is going on for one account.

    Attributes:
        scenario: what happens.
        base_url: the base URL for the client.
        api_key: its API key; nobody else has it.
        account: the clock, faults, journal and orders of its account.
        was_checked: whether anybody has asked what the client did.
    """

    def __init__(self, server: Server, scenario: Scenario, pace: Pace) -> None:
        prefix = PROFILES[server.settings.profile].key_prefix
        self.scenario = scenario
        self.base_url = server.base_url
        self.api_key = f"{prefix}-{scenario.name}.{token_hex(12)}"
        self.account = server.account(self.api_key)
        self.was_checked = False
        self._pace = pace
        scenario.arm(self.account)

    @property
    def name(self) -> str:
        """The name of the scenario."""
        return self.scenario.name

    @property
    def ends(self) -> Ending:
        """How orders end in it: ``COMPLETED``, ``FAILED``, or they are ``REFUSED``."""
        return self.scenario.ends

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables by which a program finds its way here."""
        return {
            "RUNA_BASE_URL": self.base_url,
            "RUNA_API_KEY": self.api_key,
            "RUNA_SCENARIO": self.name,
        }

    def observe(self, ending: Exit | None = None, strangers: int = 0) -> Observation:
        """What the client has done so far.

        Args:
            ending: how its program ended, if it was one.
            strangers: requests that came at the same time with other API keys.
        """
        return observe(self.account, ending, strangers)

    def problems(self, orders: int | None = 1) -> Mapping[str, str]:
        """What the client did wrong so far, by the name of the check that says so.

        Args:
            orders: how many orders it had to place; ``None`` if that does not matter.
        """
        self.was_checked = True
        seen = Seen(self.observe(), pace=self._pace, wanted=orders)
        return {
            finding.check.name: finding.problem
            for finding in judge(self.scenario, seen)
            if finding.problem is not None
        }

    def check(self, orders: int | None = 1) -> None:
        """Assert that the client did well.

        Args:
            orders: how many orders it had to place; ``None`` if that does not matter.

        Raises:
            AssertionError: telling what it did instead, and the requests that show it.
        """
        problems = self.problems(orders)
        if problems:
            told = "\n".join(f"{name}: {problem}" for name, problem in problems.items())
            raise AssertionError(f"{self.name} ({self.scenario.text}):\n{told}")


def play(server: Server, name: str, pace: Pace | None = None) -> PlayedScenario:
    """Let a scenario begin, for an account of its own.

    Args:
        server: where.
        name: which scenario, one of ``SCENARIOS``.
        pace: how long things take in it.

    Raises:
        ValueError: if there is no such scenario.
        ControlRefusedError: if the server takes no new API keys.
    """
    pace = pace or Pace()
    scenarios = {scenario.name: scenario for scenario in make_scenarios(pace)}
    if name not in scenarios:
        raise ValueError(f"there is no scenario {name!r}; there are {', '.join(scenarios)}")
    return PlayedScenario(server, scenarios[name], pace)
