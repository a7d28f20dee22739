"""What a check of a client judges, and what it finds."""

from collections.abc import Callable
from typing import NamedTuple

from runa_mock_server.testing.client_scenarios.observation import Attempt, Body, Observation
from runa_mock_server.testing.client_scenarios.scenarios import SCENARIOS, Pace, Scenario
from runa_mock_server.testing.statuses import FindingStatus


class Evidence(NamedTuple):
    """What a check judges.

    Attributes:
        run: what the client did.
        baseline: what the client did in the run without faults; ``None`` if there was no such run,
            and for that run itself.
        pace: the durations of the scenario.
        expected_orders: the number of orders that the client has to place, if configured.
        scenario: the scenario.
        sibling: what the client did in the scenario's ``sibling``, if that was run.
    """

    run: Observation
    baseline: Observation | None = None
    pace: Pace = Pace()
    expected_orders: int | None = None
    scenario: Scenario = SCENARIOS["clean"]
    sibling: Observation | None = None

    @property
    def orders_to_place(self) -> int | None:
        """The number of orders that the client has to place; ``None`` if that is unknown."""
        if self.expected_orders is not None or self.baseline is None:
            return self.expected_orders
        return self.baseline.orders

    @property
    def is_on_purpose(self) -> bool:
        """Whether a program does without faults, and with success, what a check finds suspicious.

        A suite that tests idempotency replays requests and provokes conflicts, and ends with
        status 0. Where no fault is, a refusal that leaves the status 0 was expected.
        """
        reference = self.baseline or self.run
        return reference.exit is not None and reference.exit.code == 0

    def surplus_keys(self, body: Body) -> bool:
        """Whether a body was sent with more keys than in the baseline."""
        if self.baseline is None:
            others = len(self.run.by_body) - 1  # each of them is at least one order
            expected = max(1, (self.expected_orders or 1) - others)
        else:
            in_baseline = _key_counts(self.baseline)
            expected = in_baseline.get(body, max(in_baseline.values(), default=1))
        return _key_counts(self.run)[body] > expected

    def is_retry(self, first: Attempt, later: Attempt) -> bool:
        """Whether two attempts are one purchase: the same key, or a body with too many keys."""
        if first.key is not None and first.key == later.key:
            return True
        return first.body == later.body and self.surplus_keys(first.body)


def _key_counts(run: Observation) -> dict[Body, int]:
    return {body: len({a.key for a in attempts}) for body, attempts in run.by_body.items()}


Judgement = Callable[[Evidence], str | None]


def always(_: Evidence) -> str | None:
    """For a check that every run exercises."""
    return None


class Check(NamedTuple):
    """A check.

    Attributes:
        name: the name of the check.
        text: what a correct client does.
        problem: what the client did wrong; ``None`` for correct behaviour.
        missing: what the client would have had to do for the check to mean something; ``None`` if
            it did.
    """

    name: str
    text: str
    problem: Judgement
    missing: Judgement = always


class Finding(NamedTuple):
    """The outcome of a check in a scenario.

    Attributes:
        check: the check.
        problem: what the client did wrong; ``None`` for correct behaviour.
        missing: why the check was not exercised; ``None`` if it was.
    """

    check: Check
    problem: str | None
    missing: str | None = None

    @property
    def status(self) -> FindingStatus:
        """``passed``, ``failed`` or ``not_exercised``."""
        if self.problem is not None:
            return "failed"
        return "passed" if self.missing is None else "not_exercised"
