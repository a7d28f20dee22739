"""The go-live report: every rule with its verdict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from runa_mock_server._version import __version__
from runa_mock_server.testing.go_live.access_rules import ACCESS
from runa_mock_server.testing.go_live.answer_rules import ANSWERS
from runa_mock_server.testing.go_live.error_rules import ERRORS
from runa_mock_server.testing.go_live.idempotency_rules import IDEMPOTENCY
from runa_mock_server.testing.go_live.order_rules import ORDERS
from runa_mock_server.testing.go_live.rule import Judgement, Rule, Status
from runa_mock_server.testing.go_live.traffic import Input, Traffic
from runa_mock_server.testing.go_live.webhook_rules import WEBHOOKS

RULES: Sequence[Rule] = [
    rule
    for theme in (ACCESS, IDEMPOTENCY, ERRORS, ORDERS, ANSWERS, WEBHOOKS)
    for rule in theme.rules
]
"""Every rule, theme by theme."""

STATUSES: tuple[Status, ...] = get_args(Status)

FailOn = Literal["violated", "unproven"]


class Result(NamedTuple):
    """A rule and what the traffic says about it."""

    rule: Rule
    judgement: Judgement

    @property
    def status(self) -> Status:
        """The verdict."""
        return self.judgement.status


@dataclass(frozen=True)
class Report:
    """What traffic says about all rules.

    Attributes:
        inputs: where the traffic comes from.
        results: one for each rule.
        requests: how many requests were judged.
        version: the version of runa-mock that judged.
        generated_at: when.
    """

    inputs: Sequence[Input]
    results: Sequence[Result]
    requests: int
    version: str = __version__
    generated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def counts(self) -> dict[Status, int]:
        """How many rules have each status."""
        counts = Counter(result.status for result in self.results)
        return {status: counts[status] for status in STATUSES}

    def of(self, status: Status) -> list[Result]:
        """The results with a status."""
        return [result for result in self.results if result.status == status]

    @property
    def tone(self) -> Literal["good", "bad", "open"]:
        """What the verdict comes to: ``bad`` if a rule is violated, ``good`` if all is proven."""
        if self.counts["violated"]:
            return "bad"
        return "open" if self.counts["not exercised"] else "good"

    @property
    def verdict(self) -> str:
        """The verdict in a sentence."""
        counts = self.counts
        if counts["violated"]:
            return f"Not ready: {_rules(counts['violated'])} violated."
        if not self.requests:
            return "Nothing is proven: no request was recorded."
        if counts["not exercised"]:
            return f"Not proven yet: {_rules(counts['not exercised'])} not exercised."
        return "Ready: every rule that traffic can show is proven."

    @property
    def summary(self) -> str:
        """The counts in a line."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"{counts}; {self.requests} requests"

    def fails(self, fail_on: FailOn | None) -> bool:
        """Whether a command that was told when to fail does."""
        counts = self.counts
        if fail_on == "unproven" and counts["not exercised"]:
            return True
        return fail_on is not None and counts["violated"] > 0


def _rules(count: int) -> str:
    return "1 rule is" if count == 1 else f"{count} rules are"


def evaluate(traffic: Traffic) -> Report:
    """Judge traffic by every rule."""
    results = [Result(rule, rule.judge(traffic)) for rule in RULES]
    return Report(traffic.inputs, results, len(traffic.requests))
