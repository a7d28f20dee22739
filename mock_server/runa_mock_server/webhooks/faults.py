"""The adversary: what a webhook handler has to stand, done to it on purpose."""

from dataclasses import dataclass
from itertools import count
from typing import Literal, NamedTuple, get_args

import orjson

from runa_mock_server.webhooks.endpoints import Endpoint

Trick = Literal[
    "duplicate", "reorder", "delay", "wrong_signature", "old_secret", "reserialised", "early"
]
TRICKS: tuple[Trick, ...] = get_args(Trick)

DEFAULT_SECONDS = 600.0
"""How late `delay` is, and how long `reorder` waits for a message that overtakes."""


class Plan(NamedTuple):
    """What is done to one attempt.

    Attributes:
        tricks: the tricks.
        seconds: for each trick that knows a time, how long.
    """

    tricks: tuple[Trick, ...] = ()
    seconds: float = DEFAULT_SECONDS


@dataclass(eq=False, slots=True)
class Mischief:
    """A trick that was armed.

    Attributes:
        id: its name, ``A-1``.
        kind: what is done.
        account: the API key whose messages it is for, ``None`` for everybody's.
        endpoint_id: the only endpoint that it is for, ``None`` for any.
        times: how many attempts it is done to, ``None`` for any number.
        seconds: how late, for those that are late.
        struck: how many attempts it was done to.
    """

    id: str
    kind: Trick
    account: str | None
    endpoint_id: str | None
    times: int | None
    seconds: float
    struck: int = 0

    @property
    def is_armed(self) -> bool:
        """Whether it is still to be done."""
        return self.times is None or self.struck < self.times

    def strikes(self, account: str | None, endpoint: Endpoint | None) -> bool:
        """Whether it is done to a message of an account on its way to an endpoint; counts it."""
        fits = (
            self.is_armed
            and self.account in (None, account)
            and (endpoint is None or self.endpoint_id in (None, endpoint.id))
        )
        self.struck += fits
        return fits


class Adversary:
    """The tricks that are armed on one server."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.tricks: list[Mischief] = []

    def arm(
        self,
        kind: Trick,
        account: str | None,
        *,
        endpoint_id: str | None = None,
        times: int | None = 1,
        seconds: float = DEFAULT_SECONDS,
    ) -> Mischief:
        """Have a trick played from now on."""
        id_ = f"A-{next(self._numbers)}"
        mischief = Mischief(id_, kind, account, endpoint_id, times, seconds)
        self.tricks.append(mischief)
        return mischief

    def plan(self, account: str | None, endpoint: Endpoint, *, in_order: bool) -> Plan:
        """What is done to the next attempt; each trick is counted.

        Args:
            account: whose message it is.
            endpoint: where it goes.
            in_order: whether it cannot be held back.
        """
        left_out = {"early", "reorder"} if in_order else {"early"}
        played = [
            mischief
            for mischief in self.tricks
            if mischief.kind not in left_out and mischief.strikes(account, endpoint)
        ]
        if not played:
            return Plan()
        return Plan(tuple(m.kind for m in played), max(m.seconds for m in played))

    def early(self, account: str) -> bool:
        """Whether the order in hand is told of before it is answered; counted."""
        return any(m.kind == "early" and m.strikes(account, None) for m in self.tricks)

    def remove(self, mischiefs: list[Mischief]) -> None:
        """Play some tricks no more."""
        self.tricks = [mischief for mischief in self.tricks if mischief not in mischiefs]


def reserialised(payload: bytes) -> bytes:
    """The same JSON in other bytes, as a proxy may write it."""
    return orjson.dumps(orjson.loads(payload), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
