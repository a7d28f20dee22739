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
        cause: what it has in common with other failures of the same cause; ``None`` unless failed.
        sent: the request that a failed check sent last, as a curl command.
        received: the answer to it: status, content type and body, shortened and without secrets.
        seconds: how long it took.
        reading: which reading of a rule the server keeps, if the rule has several.
    """

    name: str
    rule: Rule
    text: str
    status: Status
    reason: str | None = None
    cause: str | None = None
    sent: str | None = None
    received: str | None = None
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
        bought: the accepted order after which no more were sent, if orders were not allowed.
        is_interrupted: whether it was interrupted; checks that had not run are skipped.
    """

    base_url: str
    profile: ProfileName
    started_at: datetime
    seconds: float
    requests: int
    orders: int
    results: tuple[Result, ...]
    bought: str | None = None
    is_interrupted: bool = False

    def count(self, status: Status) -> int:
        """How many checks ended so."""
        return sum(result.status == status for result in self.results)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.count("failed")
