"""The webhooks of one server: endpoints, messages, and what is to be attempted when.

Nothing waits in here. Orders that will end, and attempts that will be made, lie in heaps by the
moment at which they are due, a pair of heaps for each clock: every account has one of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, NamedTuple

import orjson

from runa_mock_server.clock import Clock
from runa_mock_server.holdings import Holdings
from runa_mock_server.order_store import StoredOrder
from runa_mock_server.processing import NEVER
from runa_mock_server.subscriptions import EVENTS, Event, Subscription
from runa_mock_server.webhooks.adversary import Adversary
from runa_mock_server.webhooks.endpoints import Endpoint, new_secret
from runa_mock_server.webhooks.messages import Delivery, Message, new_message_id

ORDERS: Event = "order.completion"
PRODUCTS: Event = "product.update"

MOST_ENDPOINTS = 100
_MESSAGES_KEPT = 10_000


class TooManyEndpointsError(ValueError):
    """A server has so many endpoints at most."""


class Due(NamedTuple):
    """An attempt that is to be made.

    Attributes:
        delivery: what is to be delivered.
        due: when, microseconds since the epoch.
        late: by how much the clock was beyond that when it was noticed: it was moved ahead.
        by_hand: whether it was asked for, and is none of the schedule.
    """

    delivery: Delivery
    due: int
    late: int = 0
    by_hand: bool = False


class _News(NamedTuple):
    """What has happened: the event, the order or product, the moment, and the body to send."""

    event: Event
    subject: str
    at: int
    body: bytes


class _Queue:
    """What is to come by one clock: that of an account, or for products the server's."""

    def __init__(self, account: str | None, clock: Clock, random: Random) -> None:
        self.account = account
        self.clock = clock
        self.random = random
        self.holdings: Holdings | None = None
        self.ending: list[tuple[int, str]] = []
        self.attempts: list[tuple[int, int, Due]] = []

    @property
    def next_due(self) -> int | None:
        """The moment of the earliest thing to come."""
        heads = [heap[0][0] for heap in (self.ending, self.attempts) if heap]
        return min(heads, default=None)


class Webhooks:
    """The webhooks of one server.

    Args:
        seed: makes ids and secrets repeatable; ``None`` leaves them to chance.
        clock: the server's clock.
        wake: has what is due attempted.

    Attributes:
        endpoints: by their ids, in the order in which they were added.
        messages: by their ids, the oldest first.
        dropped: how many messages were forgotten to make room.
        adversary: what is done to messages on purpose.
    """

    def __init__(self, seed: int | None, clock: Clock, wake: Callable[[], None]) -> None:
        self._seed = seed
        self._wake = wake
        self._random = self._chance("webhooks")
        self._numbers = count()
        self._clock = clock
        self._queues: dict[str | None, _Queue] = {}
        self._by_order: dict[str, str] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.messages: dict[str, Message] = {}
        self.dropped = 0
        self.adversary = Adversary()

    def _chance(self, name: str) -> Random:
        seed = None if self._seed is None else f"{self._seed}/{name}"
        return Random(seed)  # noqa: S311 - repeatable on purpose, and guards nothing

    def _queue(self, account: str | None) -> _Queue:
        queue = self._queues.get(account)
        if queue is None:
            chance = self._chance(f"webhooks/{account or ''}")
            queue = self._queues[account] = _Queue(account, self._clock, chance)
        return queue

    def add(self, subscription: Subscription, account: str | None) -> Endpoint:
        """Tell somebody of an event from now on.

        Args:
            subscription: of what, and where.
            account: the API key whose events are told, ``None`` for everybody's.

        Raises:
            TooManyEndpointsError: if there are a hundred.
        """
        if len(self.endpoints) >= MOST_ENDPOINTS:
            raise TooManyEndpointsError(f"there are {MOST_ENDPOINTS} endpoints already")
        id_ = "ep_" + new_message_id(self._random).removeprefix("msg_")
        secret = subscription.secret or new_secret(self._random)
        endpoint = Endpoint(id_, account, subscription.url, subscription.event, secret)
        self.endpoints[id_] = endpoint
        return endpoint

    def new_secret(self) -> str:
        """A secret that nobody has."""
        return new_secret(self._random)

    def remove(self, endpoint: Endpoint) -> None:
        """Tell an endpoint nothing more; its messages keep what was attempted."""
        del self.endpoints[endpoint.id]
        self.disable(endpoint)

    def subscribers(self, account: str | None) -> Mapping[Event, int]:
        """For each event how many endpoints are told of it."""
        return {
            event: sum(endpoint.hears(account, event) for endpoint in self.endpoints.values())
            for event in EVENTS
        }

    def follow(self, account: str, holdings: Holdings, clock: Clock) -> None:
        """Learn of the orders of an account from now on, if anybody wants to know.

        Orders that are still ``PROCESSING`` are told of when they end, those that have ended are
        not.
        """
        wanted = any(
            endpoint.event == ORDERS and endpoint.account in (None, account)
            for endpoint in self.endpoints.values()
        )
        if not wanted:
            return
        queue = self._queue(account)
        queue.clock = clock
        if queue.holdings is holdings:
            return
        queue.holdings, queue.ending = holdings, []
        holdings.order_changed = lambda order: self._order_changed(queue, order)
        for order in holdings.orders.ending_after(clock.now()):
            self._expect(queue, order)

    def close(self) -> None:
        """Tell nobody anything more."""
        for endpoint in tuple(self.endpoints.values()):
            self.remove(endpoint)

    def forget(self, account: str) -> None:
        """Forget the endpoints and messages of an account."""
        for endpoint in [e for e in self.endpoints.values() if e.account == account]:
            self.remove(endpoint)
        for message in [m for m in self.messages.values() if m.account == account]:
            self._drop(message)
        self._queues.pop(account, None)
        self.adversary.remove([m for m in self.adversary.tricks if m.account == account])

    def _order_changed(self, queue: _Queue, order: StoredOrder) -> None:
        self._expect(queue, order)
        self._wake()

    @staticmethod
    def _expect(queue: _Queue, order: StoredOrder) -> None:
        if order.ends_at != NEVER:  # on hold; it is heard of again when it ends
            heappush(queue.ending, (order.ends_at, order.id))

    def product_changed(self, document: Mapping[str, Any]) -> None:
        """Tell whoever wants to know that a product is another one.

        Args:
            document: the body of ``product.update``.
        """
        queue = self._queue(None)
        code, now = str(document["product_code"]), queue.clock.now()
        self._tell(queue, _News(PRODUCTS, code, now, orjson.dumps(document)))
        self._wake()

    def _tell(self, queue: _Queue, news: _News) -> None:
        event, subject, at, body = news
        account = queue.account
        id_ = new_message_id(queue.random)
        message = Message(id_, account, queue.clock, event, subject, at, body)
        for endpoint in self.endpoints.values():
            # Products are everybody's: who subscribed for one account is told of them too.
            if endpoint.hears(account if event == ORDERS else endpoint.account, event):
                delivery = Delivery(message, endpoint, at)
                message.deliveries.append(delivery)
                self._push(queue, Due(delivery, at))
        self.messages[message.id] = message
        if event == ORDERS:
            self._by_order[subject] = message.id
        if len(self.messages) > _MESSAGES_KEPT:
            self._drop(next(iter(self.messages.values())))
            self.dropped += 1

    def _drop(self, message: Message) -> None:
        del self.messages[message.id]
        for delivery in message.deliveries:
            delivery.end("failed")
        if self._by_order.get(message.subject) == message.id:
            del self._by_order[message.subject]

    def of_order(self, order_id: str) -> Message | None:
        """The message that tells of an order, if it has been told."""
        message_id = self._by_order.get(order_id)
        return None if message_id is None else self.messages.get(message_id)

    def has_told(self, order_id: str) -> bool:
        """Whether an endpoint has taken the message of an order."""
        message = self.of_order(order_id)
        return message is not None and any(d.state == "delivered" for d in message.deliveries)

    def _push(self, queue: _Queue, due: Due) -> None:
        heappush(queue.attempts, (due.due, next(self._numbers), due))

    def schedule(
        self, delivery: Delivery, due: int | None = None, *, by_hand: bool = False
    ) -> None:
        """Have a delivery attempted when it is due, or at a moment.

        Args:
            delivery: the delivery.
            due: the moment, microseconds since the epoch; by default when the delivery says.
            by_hand: whether it was asked for, and is none of the schedule.
        """
        moment = delivery.due if due is None else due
        if moment == NEVER:
            return
        self._push(self._queue(delivery.message.account), Due(delivery, moment, by_hand=by_hand))
        self._wake()

    def resend(self, message: Message, endpoint: Endpoint | None = None) -> int:
        """Attempt a message once more, now; what the schedule still has to try, it tries.

        Returns:
            How many attempts will be made.
        """
        chosen = [
            delivery
            for delivery in message.deliveries
            if endpoint in (None, delivery.endpoint) and not delivery.endpoint.disabled
        ]
        for delivery in chosen:
            now = message.clock.now()
            self._push(self._queue(message.account), Due(delivery, now, by_hand=True))
        self._wake()
        return len(chosen)

    def recover(self, endpoint: Endpoint, since: int) -> int:
        """Start over with every message since a moment that an endpoint has not taken.

        Returns:
            How many there are.
        """
        lost = [
            delivery
            for message in self.messages.values()
            for delivery in message.deliveries
            if delivery.endpoint is endpoint
            and delivery.state == "failed"
            and message.created_at >= since
        ]
        for delivery in lost:
            delivery.state, delivery.failures = "pending", 0
            delivery.due = delivery.message.clock.now()
            self.schedule(delivery)
        return len(lost)

    def disable(self, endpoint: Endpoint) -> None:
        """Tell an endpoint nothing until it is enabled again."""
        endpoint.disabled = True
        self._give_up(endpoint)

    def _give_up(self, endpoint: Endpoint) -> None:
        for message in self.messages.values():
            for delivery in message.deliveries:
                if delivery.endpoint is endpoint and delivery.state == "pending":
                    delivery.end("failed")

    def settled(self, due: Due) -> None:
        """Go on after an attempt: with the next, or with nothing if its endpoint is disabled."""
        delivery = due.delivery
        if delivery.endpoint.disabled:
            self._give_up(delivery.endpoint)
        elif delivery.state == "pending" and not due.by_hand:
            self.schedule(delivery)

    def due(self) -> Iterator[Due]:
        """What is to be attempted by now; each is given once."""
        for queue in tuple(self._queues.values()):
            now = queue.clock.now()
            self._tell_of_ended(queue, now)
            while queue.attempts and queue.attempts[0][0] <= now:
                moment, _, due = heappop(queue.attempts)
                if due.by_hand or due.delivery.due == moment:
                    if not due.by_hand:
                        due.delivery.due = NEVER  # until the attempt has shown how it goes on
                    yield due._replace(late=now - moment)

    def _tell_of_ended(self, queue: _Queue, now: int) -> None:
        while queue.ending and queue.ending[0][0] <= now:
            moment, order_id = heappop(queue.ending)
            order = queue.holdings.orders.get(order_id) if queue.holdings is not None else None
            # It may have been held, or ended otherwise, since it was put here.
            if order is None or order.ends_at != moment or order_id in self._by_order:
                continue
            self._tell(queue, _News(ORDERS, order_id, moment, _completion(order)))

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""
        waits = [
            queue.clock.seconds_until(queue.next_due)
            for queue in self._queues.values()
            if queue.next_due is not None
        ]
        return min((wait for wait in waits if wait is not None), default=None)


def _completion(order: StoredOrder) -> bytes:
    """The body of ``order.completion``: the basic order, or of a failed one id and status."""
    basic = order.basic
    if orjson.loads(basic)["status"] == "FAILED":
        return b'{"id":"%s","status":"FAILED"}' % order.id.encode()
    return basic
