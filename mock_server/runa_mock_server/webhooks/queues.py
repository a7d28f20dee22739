"""What is to come by one clock: orders that end, attempts that are due."""

from random import Random
from typing import NamedTuple

from runa_mock_server.base.clock import Clock
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.orders.account_state import Holdings
from runa_mock_server.orders.order_store import BasicOrder
from runa_mock_server.webhooks.schedule import Agenda


class News(NamedTuple):
    """What has happened: the event, the order or product, the moment, and the body to send."""

    event: Event
    subject: str
    at: int
    body: bytes


class Queue:
    """What is to come by one clock: that of an account, or for products the server's."""

    def __init__(self, account: str | None, clock: Clock, random: Random) -> None:
        self.account = account
        self.clock = clock
        self.random = random
        self.holdings: Holdings | None = None
        self.ending: list[tuple[int, str]] = []
        self.attempts = Agenda()

    @property
    def next_due(self) -> int | None:
        """The moment of the earliest thing to come."""
        heads = [self.ending[0][0]] if self.ending else []
        if self.attempts:
            heads.append(self.attempts.first.due)
        return min(heads, default=None)


def completion(order: BasicOrder) -> bytes:
    """The body of ``order.completion``: the basic order, or of a failed one id and status."""
    if order.outcome == "FAILED":
        return b'{"id":"%s","status":"FAILED"}' % order.id.encode()
    return order.basic
