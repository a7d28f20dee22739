"""How checks end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from runa_schemas.contract_data import ProfileName
from runa_schemas.rules import Rule

Status: TypeAlias = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended.

    Attributes:
        name: the name of the check.
        rule: the rule that it proves.
        text: the expected behaviour.
        status: ``passed``, ``failed`` or ``skipped``.
        reason: what is not so, or why it was skipped; ``None`` if it passed.
        exchange: the request that a failed check sent last, shortened.
        seconds: how long it took.
        reading: which reading of a rule the server keeps, if the rule has several.
    """

    name: str
    rule: Rule
    text: str
    status: Status
    reason: str | None = None
    exchange: str | None = None
    seconds: float = 0.0
    reading: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found.

    Attributes:
        base_url: the server.
        profile: the environment that it was taken for.
        started_at: when the run began, UTC.
        seconds: how long it took.
        requests: how many answers came.
        orders: how many orders were placed.
        results: how each check ended, in the order in which they ran.
    """

    base_url: str
    profile: ProfileName
    started_at: datetime
    seconds: float
    requests: int
    orders: int
    results: tuple[Result, ...]

    def count(self, status: Status) -> int:
        """How many checks ended so."""
        return sum(result.status == status for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.count("failed")
