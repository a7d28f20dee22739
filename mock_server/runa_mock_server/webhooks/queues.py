"""What is due by one clock: orders that end, and delivery attempts."""

from collections.abc import Callable
from functools import cached_property
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from runa_mock_server.base.clock import Clock
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.webhook_events import Event as EventType
from runa_mock_server.store.memory import AccountState
from runa_mock_server.webhooks.messages import Delivery, Due
from runa_mock_server.webhooks.schedule import Schedule


class Event(NamedTuple):
    """Something that endpoints subscribe to.

    Attributes:
        type: what happened.
        subject: the order id or the product code.
        at: when, microseconds since the epoch.
        body: the body to send, JSON.
    """

    type: EventType
    subject: str
    at: int
    body: bytes


class EndedOrder(NamedTuple):
    """An order that was expected to end: when it did, and its id."""

    at: int
    order_id: str


class Queue:
    """What is due by one clock: that of an account, or the server's for products.

    Every change that can make something due, or due earlier, wakes the sender from in here, so no
    caller can forget to.

    Args:
        account: the API key of the account, ``None`` for products.
        clock: the clock that decides what is due.
        chance: makes what draws the ids of messages, once one is made.
        wake: called with the queue; makes the sender look for what is due.
    """

    def __init__(
        self,
        account: str | None,
        clock: Clock,
        chance: Callable[[], Random],
        wake: "Callable[[Queue], None]",
    ) -> None:
        self.account = account
        self._chance = chance
        self.state: AccountState | None = None
        self._clock = clock
        self._wake = wake
        self._ending: list[EndedOrder] = []
        self._attempts = Schedule()

    @cached_property
    def random(self) -> Random:
        """Draws the ids of messages."""
        return self._chance()

    @property
    def clock(self) -> Clock:
        """The clock that decides what is due."""
        return self._clock

    def restart(self, clock: Clock, state: AccountState | None) -> None:
        """Go by another clock, and expect only what other orders will bring.

        Args:
            clock: the clock that decides what is due.
            state: the orders that are followed, ``None`` to follow none.
        """
        self._clock, self.state, self._ending = clock, state, []
        if self._attempts:  # which the other clock may make due
            self._wake(self)

    def expect(self, order_id: str, ends_at: int) -> None:
        """Expect an order to end; one that is on hold is expected once it is released."""
        if ends_at != NEVER:
            heappush(self._ending, EndedOrder(ends_at, order_id))
            self._wake(self)

    def put(self, due: Due) -> None:
        """Add an attempt."""
        self._attempts.put(due)
        self._wake(self)

    @property
    def next_due(self) -> int | None:
        """When the earliest order ends or attempt is due, ``None`` if nothing is to come."""
        heads = [self._ending[0].at] if self._ending else []
        if self._attempts:
            heads.append(self._attempts.first.due)
        return min(heads, default=None)

    @property
    def attempts(self) -> int:
        """How many attempts are scheduled, including those that are no longer wanted."""
        return len(self._attempts)

    def pop_ended(self, now: int) -> EndedOrder | None:
        """Take out the earliest order that has ended."""
        return heappop(self._ending) if self._ending and self._ending[0].at <= now else None

    def drop_ended(self, last: EndedOrder) -> None:
        """Expect nothing of the orders that ended up to this one, in the order of ``pop_ended``."""
        while self._ending and self._ending[0] <= last:
            heappop(self._ending)

    def drop_resend(self, delivery: Delivery) -> None:
        """Take out one attempt of a delivery that was asked for by hand."""
        self._attempts.drop_resend(delivery)

    def pop(self, now: int) -> EndedOrder | Due | None:
        """Take out the earliest order that has ended or attempt that is due."""
        attempt = self._attempts.first.due if self._attempts else NEVER
        ended = self.pop_ended(min(now, attempt))
        if ended is not None:
            return ended
        return self._attempts.pop() if attempt <= now else None
