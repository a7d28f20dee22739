"""A run of a scenario: for a client inside this process, or for a program."""

import json
from collections.abc import Collection, Mapping
from functools import partial
from secrets import token_hex
from typing import Protocol

from runa_mock_server.config.settings import Settings
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.control.models import LONGEST_PAGE
from runa_mock_server.control.webhook_models import MessageResult
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.control_client.faults import ArmedFault
from runa_mock_server.control_client.transport import poll
from runa_mock_server.testing.client_scenarios.checks import CHECKS, Evidence, Finding, judge
from runa_mock_server.testing.client_scenarios.observation import Exit, Observation, by_arrival
from runa_mock_server.testing.client_scenarios.scenarios import (
    Ending,
    Pace,
    Scenario,
    make_scenarios,
)

_SERVICE = "/v2/"
_RELEASE_SECONDS = 10.0


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

    def __init__(
        self, server: Server, scenario: Scenario, pace: Pace, webhook_url: str | None = None
    ) -> None:
        prefix = PROFILES[server.settings.profile].key_prefix
        self.scenario = scenario
        self.base_url = server.base_url
        self.api_key = f"{prefix}-{scenario.name}.{token_hex(12)}"
        self.account = server.account(self.api_key)
        self.was_checked = False
        self._pace = pace
        self._released: set[str] = set()
        if scenario.settings:
            self.account.configure(**scenario.settings)
        self._faults = [
            self.account.faults.arm(fault.kind, fault.place, **fault.fields)
            for fault in scenario.faults
        ]
        self._webhook_secret: str | None = None
        if webhook_url is not None:
            endpoint = self.account.webhooks.add(webhook_url, "order.completion")
            self._webhook_secret = endpoint.secret
            if scenario.webhook:
                self.account.webhooks.misbehave("duplicate", times=None)

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
        secret = self._webhook_secret
        return {
            "RUNA_BASE_URL": self.base_url,
            "RUNA_API_KEY": self.api_key,
            "RUNA_SCENARIO": self.name,
            **({} if secret is None else {"RUNA_WEBHOOK_SECRET": secret}),
        }

    def observe(
        self, exit_: Exit | None = None, foreign_requests: int = 0, output: str = ""
    ) -> Observation:
        """What the client did so far. Requests that the scenario still delays are released first.

        Args:
            exit_: how the program ended, if the client is a program.
            foreign_requests: the number of requests with other API keys during the run.
            output: the end of the program's output.
        """
        struck = [fault for fault in self._faults if fault.id in self._released or fault.struck]
        self._release(struck)
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
        in_order = by_arrival([requests[number] for number in sorted(requests)])
        return Observation(
            in_order,
            self.account.effects(),
            exit_,
            foreign_requests,
            self._told(),
            output,
            len(struck),
        )

    def _release(self, struck: list[ArmedFault]) -> None:
        """Let requests go on that a fault delays, so that what they cause is known.

        A client may have given up a request that the service has not handled yet.
        """
        for fault in struck:
            is_delay = any(f.kind == "delay" for f in self.scenario.faults)
            if not is_delay or fault.id in self._released:
                continue
            fault.remove()
            self._released.add(fault.id)
            poll(partial(self._recorded, fault.id), _RELEASE_SECONDS)

    def _recorded(self, fault_id: str) -> int | None:
        return self.account.journal.read(fault=fault_id, limit=0).total or None

    def _told(self) -> Mapping[str, str]:
        """The status of each order of which a webhook was delivered."""
        # An attempt is recorded when its response has been read, which a program need not await.
        poll(self._all_attempted, _RELEASE_SECONDS)
        return {
            message.order_id: json.loads(message.payload)["status"]
            for message in self._messages()
            if message.order_id is not None
            and any(a.failure is None for d in message.deliveries for a in d.attempts)
        }

    def _messages(self) -> list[MessageResult]:
        return self.account.webhooks.messages(event="order.completion", limit=LONGEST_PAGE)

    def _all_attempted(self) -> bool | None:
        deliveries = [d for message in self._messages() for d in message.deliveries]
        return all(d.attempts or d.state != "pending" for d in deliveries) or None

    def findings(self, orders: int | None = 1, skip: Collection[str] = ()) -> Mapping[str, Finding]:
        """The outcome of each check of the scenario so far, by its name.

        Args:
            orders: the number of orders that the client has to place; ``None`` for any number.
            skip: the names of checks to leave out.

        Raises:
            ValueError: for a check that does not exist.
        """
        unknown = sorted({*skip} - CHECKS.keys())
        if unknown:
            known = ", ".join(CHECKS)
            raise ValueError(f"skip: there is no check {unknown[0]!r}; there are {known}")
        self.was_checked = True
        evidence = Evidence(
            self.observe(), pace=self._pace, expected_orders=orders, scenario=self.scenario
        )
        return {f.check.name: f for f in judge(evidence) if f.check.name not in skip}

    def problems(self, orders: int | None = 1, skip: Collection[str] = ()) -> Mapping[str, str]:
        """What the client did wrong so far, by the name of the check that failed.

        Args:
            orders: as for ``findings``.
            skip: as for ``findings``.
        """
        return {
            name: finding.problem
            for name, finding in self.findings(orders, skip).items()
            if finding.problem is not None
        }

    def check(self, orders: int | None = 1, skip: Collection[str] = ()) -> None:
        """Assert that the client behaved correctly.

        Args:
            orders: as for ``findings``.
            skip: as for ``findings``.

        Raises:
            AssertionError: with the problems and the requests that show them.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        problems = self.problems(orders, skip)
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
