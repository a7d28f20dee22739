"""Webhook faults: what a webhook handler must cope with, done to messages on purpose."""

from dataclasses import dataclass
from itertools import count
from typing import Literal, NamedTuple, get_args

import orjson

from runa_mock_server.webhooks.endpoints import Endpoint

FaultKind = Literal[
    "duplicate", "reorder", "delay", "wrong_signature", "old_secret", "reserialised", "early"
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

DEFAULT_SECONDS = 600.0
"""How old `delay` makes a signature, and how long `reorder` waits for another message."""


class InjectedFaults(NamedTuple):
    """The faults that are injected into one attempt.

    Attributes:
        kinds: their kinds.
        seconds: for those that take a time, how long.
    """

    kinds: tuple[FaultKind, ...] = ()
    seconds: float = DEFAULT_SECONDS


@dataclass(eq=False, slots=True)
class WebhookFault:
    """A fault that was armed.

    Attributes:
        id: its id, ``A-1``.
        kind: what it does.
        account: the API key whose messages it affects, ``None`` for all accounts.
        endpoint_id: the only endpoint that it affects, ``None`` for all.
        times: into how many attempts it is injected, ``None`` for all.
        seconds: how long, for the kinds that take a time.
        injected: into how many attempts it was injected.
    """

    id: str
    kind: FaultKind
    account: str | None
    endpoint_id: str | None
    times: int | None
    seconds: float
    injected: int = 0

    @property
    def is_armed(self) -> bool:
        """Whether it will be injected again."""
        return self.times is None or self.injected < self.times

    def inject(self, account: str | None, endpoint: Endpoint | None) -> bool:
        """Whether it affects a message of an account on its way to an endpoint; counts it."""
        affects = (
            self.is_armed
            and self.account in (None, account)
            and (endpoint is None or self.endpoint_id in (None, endpoint.id))
        )
        self.injected += affects
        return affects


class WebhookFaults:
    """The webhook faults of one server.

    Attributes:
        armed: every fault that was armed and not cleared, those included that are used up.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self.armed: list[WebhookFault] = []

    def arm(
        self,
        kind: FaultKind,
        account: str | None,
        *,
        endpoint_id: str | None = None,
        times: int | None = 1,
        seconds: float = DEFAULT_SECONDS,
    ) -> WebhookFault:
        """Inject a fault from now on."""
        id_ = f"A-{next(self._numbers)}"
        fault = WebhookFault(id_, kind, account, endpoint_id, times, seconds)
        self.armed.append(fault)
        return fault

    def inject(self, account: str | None, endpoint: Endpoint, *, in_order: bool) -> InjectedFaults:
        """The faults to inject into the next attempt; each is counted.

        Args:
            account: whose message it is.
            endpoint: where it goes.
            in_order: whether the message cannot be held back.
        """
        left_out = {"early", "reorder"} if in_order else {"early"}
        injected = [
            fault
            for fault in self.armed
            if fault.kind not in left_out and fault.inject(account, endpoint)
        ]
        if not injected:
            return InjectedFaults()
        kinds = tuple(fault.kind for fault in injected)
        return InjectedFaults(kinds, max(fault.seconds for fault in injected))

    def inject_early(self, account: str) -> bool:
        """Whether the message of the order in hand overtakes its response; counts the fault."""
        return any(fault.kind == "early" and fault.inject(account, None) for fault in self.armed)

    def clear(self, faults: list[WebhookFault]) -> None:
        """Inject some faults no longer."""
        self.armed = [fault for fault in self.armed if fault not in faults]


def reserialised(payload: bytes) -> bytes:
    """The same JSON in other bytes, as a proxy may write it."""
    return orjson.dumps(orjson.loads(payload), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
