"""A rule of the go-live report, and what traffic says about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from runa_mock_server.testing.go_live.traffic import Delivery, Request, Traffic

Status = Literal["proven", "violated", "not exercised", "not checkable"]

Evidence = Sequence[Request | Delivery]


class Violation(NamedTuple):
    """What was done against a rule.

    Attributes:
        text: what, in a sentence without a full stop.
        evidence: the requests or deliveries that show it.
    """

    text: str
    evidence: Evidence


@dataclass
class Judgement:
    """What traffic says about a rule.

    Attributes:
        violations: what was done against it.
        proof: the requests or deliveries that show that it is kept.
        uncheckable: why it cannot be decided here; empty where it can.
        missing: what is still to be exercised, where that is known more precisely.
    """

    violations: list[Violation] = field(default_factory=list)
    proof: list[Request | Delivery] = field(default_factory=list)
    uncheckable: str = ""
    missing: str = ""

    @property
    def status(self) -> Status:
        """The verdict."""
        if self.violations:
            return "violated"
        if self.uncheckable:
            return "not checkable"
        return "proven" if self.proof and not self.missing else "not exercised"

    def violate(self, text: str, *evidence: Request | Delivery) -> None:
        """Note something that was done against the rule."""
        self.violations.append(Violation(text, evidence))


class Rule(NamedTuple):
    """A rule.

    Attributes:
        id: its name.
        theme: what it is about.
        text: what an integration does that keeps it.
        exercise: how to exercise it on the mock, or check it elsewhere.
        judge: says what traffic shows.
    """

    id: str
    theme: str
    text: str
    exercise: str
    judge: Callable[[Traffic], Judgement]


class Theme:
    """Collects the rules of one theme, in the order in which they are written.

    Args:
        name: what they are about.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.rules: list[Rule] = []

    def rule(
        self, id_: str, text: str, exercise: str
    ) -> Callable[[Callable[[Traffic], Judgement]], Callable[[Traffic], Judgement]]:
        """Make a rule of a function that judges it."""

        def register(judge: Callable[[Traffic], Judgement]) -> Callable[[Traffic], Judgement]:
            self.rules.append(Rule(id_, self._name, text, exercise, judge))
            return judge

        return register
