"""The webhooks of one server: endpoints, messages, and which attempts are due.

Nothing waits in here. Orders that will end and attempts that will be made are kept by the time at
which they are due, for each clock by itself: every account has a clock of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from runa_mock_server.base.clock import Clock
from runa_mock_server.base.slices import Work, finish
from runa_mock_server.base.text import unescaped
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.webhook_events import EVENTS, MOST_ENDPOINTS
from runa_mock_server.contract.webhook_events import Event as EventType
from runa_mock_server.store.log import WEBHOOKS, Log
from runa_mock_server.store.memory import AccountState
from runa_mock_server.webhooks.endpoints import Endpoint, new_secret
from runa_mock_server.webhooks.facts import attempt_fields, ended_fields, restore_attempts
from runa_mock_server.webhooks.faults import InjectedFaults, WebhookFaults
from runa_mock_server.webhooks.messages import Attempt, Delivery, Due, Message, new_message_id
from runa_mock_server.webhooks.orders import completion, follow
from runa_mock_server.webhooks.queues import EndedOrder, Event, Queue

if TYPE_CHECKING:
    from runa_mock_server.contract.webhook_subscription import (
        Subscription,  # loads pydantic, which takes long
    )

ORDERS: EventType = "order.completion"
PRODUCTS: EventType = "product.update"

_MESSAGES_KEPT = 10_000


class TooManyEndpointsError(ValueError):
    """The server has as many endpoints as it can have."""


class Webhooks:
    """The webhooks of one server.

    Args:
        seed: makes ids and secrets repeatable; ``None`` leaves them to chance.
        clock: the server's clock.
        wake: makes the sender look for due attempts; called for everything that makes one due.

    Attributes:
        endpoints: by their ids, in the order in which they were added.
        messages: by their ids, the oldest first.
        dropped: how many messages were dropped to make room.
        attempted: how many attempts have been made.
        faults: what is done to messages on purpose.
        log: the stream in which what happens is noted, if there is one.
    """

    def __init__(self, seed: int | str | None, clock: Clock, wake: Callable[[], None]) -> None:
        self._seed = seed
        self._wake = wake
        self._random = self._chance("webhooks")
        self._forger: Random | None = None
        self._clock = clock
        self._queues: dict[str | None, Queue] = {}
        # Those of them with something to come: most accounts have nothing.
        self._busy: dict[str | None, Queue] = {}
        self._following = 0
        self._by_order: dict[str, str] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.messages: dict[str, Message] = {}
        self.dropped = self.attempted = 0
        self.faults = WebhookFaults()
        self.log: Log | None = None

    def _chance(self, name: str) -> Random:
        seed = None if self._seed is None else f"{self._seed}/{name}"
        return Random(seed)  # noqa: S311 - repeatable on purpose, and guards nothing

    def _queue(self, account: str | None) -> Queue:
        queue = self._queues.get(account)
        if queue is None:
            chance = partial(self._chance, f"webhooks/{account or ''}")
            queue = self._queues[account] = Queue(account, self._clock, chance, self._work_came)
        return queue

    def _work_came(self, queue: Queue) -> None:
        self._busy[queue.account] = queue
        self._wake()

    def add(self, subscription: "Subscription", account: str | None) -> Endpoint:
        """Subscribe an endpoint to the events that happen from now on.

        Args:
            subscription: its URL, event type and secret.
            account: the API key whose events it gets, ``None`` for those of all accounts.

        Raises:
            TooManyEndpointsError: if there are a hundred.
        """
        self.check_room()
        self.catch_up()  # earlier events are not for this endpoint
        id_ = "ep_" + new_message_id(self._random).removeprefix("msg_")
        secret = subscription.secret or new_secret(self._random)
        endpoint = Endpoint(id_, account, subscription.url, subscription.event, secret)
        self.endpoints[id_] = endpoint
        return endpoint

    def check_room(self) -> None:
        """See whether another endpoint can be added.

        Raises:
            TooManyEndpointsError: if there are a hundred.
        """
        if len(self.endpoints) >= MOST_ENDPOINTS:
            raise TooManyEndpointsError(f"there are {MOST_ENDPOINTS} endpoints already")

    @contextmanager
    def following_all(self) -> Iterator[None]:
        """Follow every account meanwhile, for an endpoint that is about to be added."""
        self._following += 1
        try:
            yield
        finally:
            self._following -= 1

    def new_secret(self) -> str:
        """A secret that no endpoint has."""
        return new_secret(self._random)

    def forged_secret(self) -> str:
        """A secret that no endpoint has, to sign what is to fail; endpoints get others by it."""
        if self._forger is None:
            self._forger = self._chance("webhooks/forged")
        return new_secret(self._forger)

    def inject(self, account: str | None, endpoint: Endpoint, *, in_order: bool) -> InjectedFaults:
        """The faults to inject into the next attempt; see ``WebhookFaults.inject``."""
        injected = self.faults.inject(account, endpoint, in_order=in_order)
        if injected.kinds:
            self._note_faults()
        return injected

    def inject_early(self, account: str) -> bool:
        """Whether the message of the order in hand overtakes its response; counts the fault."""
        injected = self.faults.inject_early(account)
        if injected:
            self._note_faults()
        return injected

    def _note_faults(self) -> None:
        if self.log is not None:
            counts = {fault.id: fault.injected for fault in self.faults.armed}
            self.log.fact(WEBHOOKS, {"injected": counts})

    def remove(self, endpoint: Endpoint) -> None:
        """Remove an endpoint; its messages keep their attempts."""
        del self.endpoints[endpoint.id]
        self.disable(endpoint)

    def subscribers(self, account: str | None) -> Mapping[EventType, int]:
        """For each event type how many endpoints get the events of an account."""
        return {
            event: sum(endpoint.hears(account, event) for endpoint in self.endpoints.values())
            for event in EVENTS
        }

    def follow(self, account: str, state: AccountState, clock: Clock) -> Work[None]:
        """Follow the orders of an account, if an endpoint is subscribed to them.

        Yields between the orders.

        Orders that are still ``PROCESSING`` cause a message when they end; those that have ended
        cause none.
        """
        subscribed = self._following or any(
            endpoint.event == ORDERS and endpoint.account in (None, account)
            for endpoint in self.endpoints.values()
        )
        queue = self._queues.get(account)
        if queue is not None and queue.state is not state:
            self._begin_again(queue, clock)
        if not subscribed:
            return
        queue = queue or self._queue(account)
        if queue.state is state:
            return
        queue.restart(clock, state)
        changed: set[str] = set()

        def expect(order_id: str, ends_at: int) -> None:
            changed.add(order_id)
            queue.expect(order_id, ends_at)

        for order_id, ends_at in follow(state, expect, clock.now()):
            if queue.state is not state:  # the account was replaced or reset meanwhile
                return
            if ends_at is not None and order_id not in changed:
                self._by_order.pop(order_id, None)  # of an account that was imported over itself
                queue.expect(order_id, ends_at)
            yield
        state.order_changed = queue.expect

    def _begin_again(self, queue: Queue, clock: Clock) -> None:
        """Go by the clock of an account that replaced another of the same key."""
        queue.restart(clock, None)
        for message in self.messages.values():
            if message.account == queue.account:
                message.clock = clock
        for endpoint in self.endpoints.values():
            endpoint.failing.pop(queue.account, None)

    def close(self) -> None:
        """Remove every endpoint; nothing is attempted any longer."""
        for endpoint in self.endpoints.values():
            endpoint.disabled = True
        self.endpoints.clear()
        self._busy.clear()

    def drop(self, count: int) -> bool:
        """Free some memory of webhooks that were closed.

        Returns:
            Whether there is more.
        """
        for _ in range(min(count, len(self.messages))):
            self._drop(next(reversed(self.messages.values())))
        for _ in range(min(count, len(self._queues))):
            self._queues.popitem()
        return bool(self.messages or self._queues)

    def forget(self, account: str) -> None:
        """Remove the endpoints, messages and faults of an account."""
        for endpoint in [e for e in self.endpoints.values() if e.account == account]:
            self.remove(endpoint)
        for message in [m for m in self.messages.values() if m.account == account]:
            self._drop(message)
        self.unfollow(account)
        for endpoint in self.endpoints.values():
            endpoint.failing.pop(account, None)
        self.faults.clear([fault for fault in self.faults.armed if fault.account == account])

    def unfollow(self, account: str) -> None:
        """Expect nothing of an account that has no orders, endpoints or messages."""
        self._queues.pop(account, None)
        self._busy.pop(account, None)

    def product_changed(self, document: Mapping[str, Any]) -> None:
        """Make the message of a product that was changed.

        Args:
            document: the body of ``product.update``.
        """
        queue = self._queue(None)
        code, now = str(document["product_code"]), queue.clock.now()
        self._make_message(queue, Event(PRODUCTS, code, now, orjson.dumps(document)))

    def _make_message(self, queue: Queue, event: Event) -> Message | None:
        """Make the message of an event, if an endpoint is subscribed to it."""
        account = queue.account
        # Products belong to no account: an endpoint of an account gets their events, too.
        endpoints = [
            endpoint
            for endpoint in self.endpoints.values()
            if endpoint.hears(account if event.type == ORDERS else endpoint.account, event.type)
        ]
        if not endpoints:
            return None
        return self._add_message(queue, new_message_id(queue.random), event, endpoints)

    def _add_message(
        self, queue: Queue, id_: str, event: Event, endpoints: Iterable[Endpoint]
    ) -> Message:
        type_, subject, at, body = event
        message = Message(id_, queue.account, queue.clock, type_, subject, at, body)
        message.deliveries = [Delivery(message, endpoint, at) for endpoint in endpoints]
        for delivery in message.deliveries:
            queue.put(Due(delivery, at))
        self.messages[message.id] = message
        if type_ == ORDERS:
            self._by_order[subject] = message.id
        if len(self.messages) > _MESSAGES_KEPT:
            self._drop(next(iter(self.messages.values())))
            self.dropped += 1
        return message

    def _drop(self, message: Message) -> None:
        del self.messages[message.id]
        for delivery in message.deliveries:
            delivery.end("failed")
        message.deliveries = []
        if self._by_order.get(message.subject) == message.id:
            del self._by_order[message.subject]

    def of_order(self, order_id: str) -> Message | None:
        """The message of an order, if it was made."""
        message_id = self._by_order.get(order_id)
        return None if message_id is None else self.messages.get(message_id)

    def has_told(self, order_id: str) -> bool:
        """Whether the message of an order was delivered to an endpoint."""
        message = self.of_order(order_id)
        return message is not None and any(d.state == "delivered" for d in message.deliveries)

    def schedule(self, delivery: Delivery) -> None:
        """Schedule the next attempt of a delivery at the time at which it is due."""
        self._put(Due(delivery, delivery.due))

    def _put(self, due: Due) -> None:
        self._queue(due.delivery.message.account).put(due)

    def put_back(self, due: Due) -> None:
        """Schedule an attempt again that was taken out and not made."""
        if due.is_wanted:
            if not due.by_hand:
                due.delivery.due = due.due
            self._put(due)

    def resend(self, deliveries: Iterable[Delivery]) -> int:
        """Make one additional attempt now; scheduled retries stay scheduled.

        Args:
            deliveries: those of a message that are to be attempted.

        Returns:
            How many attempts will be made: none to an endpoint that is disabled.
        """
        chosen = [delivery for delivery in deliveries if not delivery.endpoint.disabled]
        for delivery in chosen:
            self._put(Due(delivery, delivery.message.clock.now(), by_hand=True))
        return len(chosen)

    def recover(self, endpoint: Endpoint, since: int) -> int:
        """Restart the schedule of every failed message to an endpoint.

        Args:
            endpoint: the endpoint.
            since: only messages made at this time or later, microseconds since the epoch.

        Returns:
            How many there are.
        """
        failed = [
            delivery
            for message in self.messages.values()
            for delivery in message.deliveries
            if delivery.endpoint is endpoint
            and delivery.state == "failed"
            and message.created_at >= since
        ]
        for delivery in failed:
            delivery.state, delivery.failures = "pending", 0
            delivery.due, delivery.held = delivery.message.clock.now(), None
            self.schedule(delivery)
        return len(failed)

    def disable(self, endpoint: Endpoint) -> None:
        """Send an endpoint nothing until it is enabled again."""
        endpoint.disabled = True
        self._give_up(endpoint)

    def _give_up(self, endpoint: Endpoint) -> None:
        for message in self.messages.values():
            for delivery in message.deliveries:
                if delivery.endpoint is endpoint and delivery.state == "pending":
                    delivery.end("failed")

    def settled(self, due: Due, attempts: Sequence[Attempt]) -> None:
        """Schedule what follows an attempt: a retry, or nothing if its endpoint is disabled.

        Args:
            due: the attempt as it was due.
            attempts: what was made of it; two where a fault has it sent twice.
        """
        if self.log is not None:
            self.log.fact(WEBHOOKS, {"attempt": attempt_fields(due, attempts)})
        self._follow_up(due)

    def _follow_up(self, due: Due) -> None:
        self.attempted += 1
        delivery = due.delivery
        if delivery.endpoint.disabled:
            self._give_up(delivery.endpoint)
        elif delivery.state == "pending" and not due.by_hand:
            self.schedule(delivery)

    def take_due(self, steps: int, first: str | None = None) -> list[Due]:
        """Take out attempts that are due; each is given once, and of an account in order of time.

        Args:
            steps: how much work is done at most: so many messages made or attempts taken. If
                there is more, the sender is woken to ask again.
            first: the API key of the account to begin with.
        """
        busy = self._busy
        queues = [*([busy[first]] if first in busy else []), *busy.values()]
        taken = list(islice(chain.from_iterable(map(self._work_off, queues)), steps))
        if len(taken) == steps:
            self._wake()
        return [due for due in taken if due is not None]

    def _work_off(self, queue: Queue) -> Iterator[Due | None]:
        """One step after the other: an attempt that is due, or ``None`` for any other step."""
        now = queue.clock.now()
        while (next_ := queue.pop(now)) is not None:
            if isinstance(next_, EndedOrder):
                self._order_ended(queue, next_)
                yield None
            elif next_.by_hand or next_.delivery.due == next_.due:
                if not next_.by_hand:
                    next_.delivery.due = NEVER  # until the attempt has been made
                yield next_._replace(late=now - next_.due)
            else:  # scheduled anew since, or given up
                yield None
        if queue.next_due is None:
            self._busy.pop(queue.account, None)

    def catch_up(self) -> None:
        """Make the messages of everything that has happened by now."""
        finish(self.catching_up())

    def catching_up(self) -> Work[None]:
        """The same in slices: yields after each message."""
        if self.log is not None and self.log.is_replaying:
            return  # they are made before the operation that is carried out
        for queue in tuple(self._busy.values()):
            now = queue.clock.now()
            while (ended := queue.pop_ended(now)) is not None:
                self._order_ended(queue, ended)
                yield
            yield

    def _order_ended(self, queue: Queue, ended: EndedOrder) -> None:
        at, order_id = ended
        if queue.state is None or order_id in self._by_order:
            return
        body = completion(queue.state, order_id, at)
        if body is not None:
            message = self._make_message(queue, Event(ORDERS, order_id, at, body))
            if self.log is not None:
                self.log.fact(WEBHOOKS, {"ended": ended_fields(queue.account, ended, message)})

    def replay_ended(self, fields: Mapping[str, Any]) -> None:
        """Make the message of an order again that has ended, from what was noted of it."""
        account = None if fields["account"] is None else unescaped(fields["account"])
        queue, ended = self._queue(account), EndedOrder(fields["at"], fields["order"])
        queue.drop_ended(ended)
        if fields["message"] is not None and ended.order_id not in self._by_order:
            new_message_id(queue.random)  # the next has to be another
            endpoints = [self.endpoints[e] for e in fields["endpoints"] if e in self.endpoints]
            event = Event(ORDERS, ended.order_id, ended.at, fields["body"].encode())
            self._add_message(queue, fields["message"], event, endpoints)

    def replay_attempt(self, fields: Mapping[str, Any]) -> None:
        """Have an attempt be made again, from what was noted of it."""
        message = self.messages.get(fields["message"])
        deliveries = () if message is None else message.deliveries
        for delivery in deliveries:
            if delivery.endpoint.id == fields["endpoint"]:
                restore_attempts(delivery, fields)
                if fields["by_hand"]:
                    self._queue(delivery.message.account).drop_resend(delivery)
                self._follow_up(Due(delivery, delivery.due, by_hand=fields["by_hand"]))

    def replay_injected(self, counts: Mapping[str, int]) -> None:
        """Have webhook faults be injected as often as they were."""
        for fault in self.faults.armed:
            fault.injected = counts.get(fault.id, fault.injected)

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""
        waits = [
            queue.clock.seconds_until(queue.next_due)
            for queue in self._busy.values()
            if queue.next_due is not None
        ]
        return min((wait for wait in waits if wait is not None), default=None)
