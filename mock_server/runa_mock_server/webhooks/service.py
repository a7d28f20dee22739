"""The webhooks of one server: endpoints, messages, and what is to be attempted when.

Nothing waits in here. Orders that will end, and attempts that will be made, lie in order of the
moment at which they are due, for each clock by itself: every account has one of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from runa_mock_server.base.clock import Clock
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.webhook_events import EVENTS, MOST_ENDPOINTS, Event
from runa_mock_server.orders.account_state import Holdings
from runa_mock_server.webhooks.endpoints import Endpoint, new_secret
from runa_mock_server.webhooks.faults import Adversary
from runa_mock_server.webhooks.messages import Delivery, Due, Message, new_message_id
from runa_mock_server.webhooks.queues import News, Queue, completion

if TYPE_CHECKING:
    from runa_mock_server.contract.webhook_subscription import (
        Subscription,  # loads pydantic, which takes long
    )

ORDERS: Event = "order.completion"
PRODUCTS: Event = "product.update"

_MESSAGES_KEPT = 10_000


class TooManyEndpointsError(ValueError):
    """A server has so many endpoints at most."""


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
        attempted: how many attempts have been made.
        adversary: what is done to messages on purpose.
    """

    def __init__(self, seed: int | None, clock: Clock, wake: Callable[[], None]) -> None:
        self._seed = seed
        self._wake = wake
        self._random = self._chance("webhooks")
        self._clock = clock
        self._queues: dict[str | None, Queue] = {}
        self._by_order: dict[str, str] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.messages: dict[str, Message] = {}
        self.dropped = self.attempted = 0
        self.adversary = Adversary()

    def _chance(self, name: str) -> Random:
        seed = None if self._seed is None else f"{self._seed}/{name}"
        return Random(seed)  # noqa: S311 - repeatable on purpose, and guards nothing

    def _queue(self, account: str | None) -> Queue:
        queue = self._queues.get(account)
        if queue is None:
            chance = self._chance(f"webhooks/{account or ''}")
            queue = self._queues[account] = Queue(account, self._clock, chance, self._wake)
        return queue

    def add(self, subscription: "Subscription", account: str | None) -> Endpoint:
        """Tell somebody of an event from now on.

        Args:
            subscription: of what, and where.
            account: the API key whose events are told, ``None`` for everybody's.

        Raises:
            TooManyEndpointsError: if there are a hundred.
        """
        if len(self.endpoints) >= MOST_ENDPOINTS:
            raise TooManyEndpointsError(f"there are {MOST_ENDPOINTS} endpoints already")
        self.catch_up()  # what happened before is not told
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
        queue = self._queues.get(account)
        if queue is not None and queue.holdings is not holdings:
            self._begin_again(queue, clock)
        if not wanted:
            return
        queue = queue or self._queue(account)
        if queue.holdings is holdings:
            return
        queue.restart(clock, holdings)
        holdings.order_changed = queue.expect
        for order_id, ends_at in holdings.orders.ending_after(clock.now()):
            self._by_order.pop(order_id, None)  # of an account that was put back
            queue.expect(order_id, ends_at)

    def _begin_again(self, queue: Queue, clock: Clock) -> None:
        """Go by another clock; what was known of orders and failures is not so any more."""
        queue.restart(clock, None)
        for message in self.messages.values():
            if message.account == queue.account:
                message.clock = clock
        for endpoint in self.endpoints.values():
            endpoint.failing.pop(queue.account, None)

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
        for endpoint in self.endpoints.values():
            endpoint.failing.pop(account, None)
        self.adversary.remove([m for m in self.adversary.tricks if m.account == account])

    def product_changed(self, document: Mapping[str, Any]) -> None:
        """Tell whoever wants to know that a product is another one.

        Args:
            document: the body of ``product.update``.
        """
        queue = self._queue(None)
        code, now = str(document["product_code"]), queue.clock.now()
        self._tell(queue, News(PRODUCTS, code, now, orjson.dumps(document)))

    def _tell(self, queue: Queue, news: News) -> None:
        event, subject, at, body = news
        account = queue.account
        # Products are everybody's: who subscribed for one account is told of them too.
        listening = [
            endpoint
            for endpoint in self.endpoints.values()
            if endpoint.hears(account if event == ORDERS else endpoint.account, event)
        ]
        if not listening:
            return
        id_ = new_message_id(queue.random)
        message = Message(id_, account, queue.clock, event, subject, at, body)
        message.deliveries = [Delivery(message, endpoint, at) for endpoint in listening]
        for delivery in message.deliveries:
            queue.put(Due(delivery, at))
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
        message.deliveries = []
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

    def schedule(self, delivery: Delivery) -> None:
        """Have a delivery attempted when it is due."""
        self._put(Due(delivery, delivery.due))

    def _put(self, due: Due) -> None:
        self._queue(due.delivery.message.account).put(due)

    def put_back(self, due: Due) -> None:
        """Have an attempt made that was begun, or was to be, and came to nothing."""
        if due.is_wanted:
            if not due.by_hand:
                due.delivery.due = due.due
            self._put(due)

    def resend(self, deliveries: Iterable[Delivery]) -> int:
        """Attempt a message once more, now; what the schedule still has to try, it tries.

        Args:
            deliveries: its way to the endpoints that are to get it.

        Returns:
            How many attempts will be made: none at an endpoint that is disabled.
        """
        chosen = [delivery for delivery in deliveries if not delivery.endpoint.disabled]
        for delivery in chosen:
            self._put(Due(delivery, delivery.message.clock.now(), by_hand=True))
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
            delivery.due, delivery.held = delivery.message.clock.now(), None
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
        self.attempted += 1
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
            while (due := queue.pop_attempt(now)) is not None:
                if due.by_hand or due.delivery.due == due.due:
                    if not due.by_hand:
                        due.delivery.due = NEVER  # until the attempt has shown how it goes on
                    yield due._replace(late=now - due.due)

    def catch_up(self) -> None:
        """Make the messages of what has happened by now."""
        for queue in self._queues.values():
            self._tell_of_ended(queue, queue.clock.now())

    def _tell_of_ended(self, queue: Queue, now: int) -> None:
        while (ended := queue.pop_ended(now)) is not None:
            moment, order_id = ended
            order = queue.holdings.orders.basic(order_id) if queue.holdings is not None else None
            # It may have been held, or ended otherwise, since it was put here.
            if order is None or order.ends_at != moment or order_id in self._by_order:
                continue
            self._tell(queue, News(ORDERS, order_id, moment, completion(order)))

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""
        waits = [
            queue.clock.seconds_until(queue.next_due)
            for queue in self._queues.values()
            if queue.next_due is not None
        ]
        return min((wait for wait in waits if wait is not None), default=None)
