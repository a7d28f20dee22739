"""Sending webhooks: which attempt is begun when, how long it may take, and what it came to.

An endpoint has a few connections at most, so one that hangs holds up its own messages alone.
Where time has leapt, the attempts at an endpoint are made one moment after the other, so that they
come to the same as if it had passed.
"""

import asyncio
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from runa_mock_server.base.clock import SECOND, Clock, computer_time
from runa_mock_server.server_state.server_state import Account, World
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.faults import Plan, reserialised
from runa_mock_server.webhooks.messages import Answer, Attempt, Delivery, Due
from runa_mock_server.webhooks.schedule import Agenda
from runa_mock_server.webhooks.service import ORDERS
from runa_mock_server.webhooks.signing import signed_headers

if TYPE_CHECKING:
    from runa_mock_server.config.settings import (
        Settings,  # a server starts without loading pydantic
    )
    from runa_mock_server.delivery.posting import Poster

_AT_ONCE = 8  # to one endpoint
# A clock that has leapt is past every limit at once; a receiver still gets the time to answer.
_GRACE = 1.0


class _Request(NamedTuple):
    """What an attempt sends, and how many seconds the receiver has to answer."""

    body: bytes
    headers: dict[str, str]
    timeout: float


class WebhookCourier:
    """Delivers the webhooks of one world, on the running event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[asyncio.Task[None], Due] = {}
        self._busy: dict[Endpoint, list[Due]] = {}
        self._lines: dict[Endpoint, Agenda] = {}
        self._held: dict[Endpoint, Delivery] = {}
        self._moved: asyncio.Future[None] = self._loop.create_future()
        self._attempted = asyncio.Event()
        self._is_closed = False

    @cached_property
    def _poster(self) -> "Poster":
        from runa_mock_server.delivery.posting import Poster  # noqa: PLC0415 - few servers send

        return Poster()

    def deliver_due(self) -> None:
        """Begin the attempts that are due, or put them in line at their endpoint."""
        self._moved.set_result(None)  # whoever waits for an answer looks at the clock again
        self._moved = self._loop.create_future()
        self._take_up()

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""
        return self._world.webhooks.seconds_until_due()

    async def close(self) -> None:
        """Give up what is on its way; a server that is started again makes these attempts."""
        self._is_closed = True
        under_way = dict(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        cut = [due for task, due in under_way.items() if task.cancelled()]
        for due in (*cut, *(due for line in self._lines.values() for due in line)):
            self._world.webhooks.put_back(due)

    async def tell(self, account: Account, order_id: str) -> None:
        """End an order and tell of it before anything else happens, if somebody listens."""
        if not self._world.webhooks.subscribers(account.api_key)[ORDERS]:
            return
        order = account.holdings.orders.get(order_id)
        if order is not None and account.clock.now() < order.ends_at:
            account.progress.complete(order)
        self._world.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(account.settings.webhook_timeout):
                while not self._is_told(order_id):
                    await self._attempted.wait()

    def _is_told(self, order_id: str) -> bool:
        message = self._world.webhooks.of_order(order_id)
        return message is not None and all(
            delivery.attempts or delivery.state != "pending" or delivery.held is not None
            for delivery in message.deliveries
        )

    def _take_up(self) -> None:
        """Put what is due in line, and begin what may be."""
        noticed = self._loop.time()
        for due in self._world.webhooks.due():
            line = self._lines.setdefault(due.delivery.endpoint, Agenda())
            line.put(due._replace(noticed=noticed))
        for endpoint in tuple(self._lines):
            self._begin(endpoint)

    def _begin(self, endpoint: Endpoint) -> None:
        """Begin as many attempts as the endpoint has connections for."""
        line, busy = self._lines[endpoint], self._busy.setdefault(endpoint, [])
        while line and len(busy) < _AT_ONCE:
            if self._comes_later(line.first, busy):
                break
            due = line.pop()
            if due.is_wanted:
                busy.append(due)
                task = self._loop.create_task(self._deliver(due))
                self._under_way[task] = due
                task.add_done_callback(self._under_way.pop)
        if not line:
            del self._lines[endpoint]
        if not busy:
            del self._busy[endpoint]

    def _comes_later(self, due: Due, busy: list[Due]) -> bool:
        """Whether, time having leapt, something earlier has to come to its end first."""
        limit = self._settings(due).webhook_timeout * SECOND
        return due.late > limit and any(other.due < due.due for other in busy)

    def _settings(self, due: Due) -> "Settings":
        return self._world.settings_of(due.delivery.message.account)

    async def _deliver(self, due: Due) -> None:
        endpoint = due.delivery.endpoint
        try:
            await self._attempt(due)
        finally:
            self._attempted.set()
            self._attempted = asyncio.Event()
            self._busy[endpoint].remove(due)
            if not self._busy[endpoint]:
                del self._busy[endpoint]
            if not self._is_closed:
                self._take_up()  # with what has to follow on this attempt

    async def _attempt(self, due: Due) -> None:
        webhooks, delivery, settings = self._world.webhooks, due.delivery, self._settings(due)
        clock, endpoint = delivery.message.clock, delivery.endpoint
        plan = self._plan(due)
        if plan is None:
            return
        at, started = due.due + self._passed(clock, due.noticed), self._loop.time()
        request = self._request(due, plan, settings, at)
        if "duplicate" in plan.tricks:
            delivery.note(await self._post(due, plan, at, request))
        attempt = await self._post(due, plan, at, request)
        limit = round(settings.webhook_timeout * SECOND)
        lasted = limit if attempt.failure == "timeout" else min(limit, self._passed(clock, started))
        delivery.settle(attempt, at + lasted, settings.webhook_retries, by_hand=due.by_hand)
        webhooks.settled(due)
        held = self._held.pop(endpoint, None)
        if held is not None and held.state == "pending":
            held.due = held.message.clock.now()
            webhooks.schedule(held)

    def _passed(self, clock: Clock, since: float) -> int:
        """What has passed by a clock since a moment of the loop's, were it never moved."""
        return round((self._loop.time() - since) * clock.speed * SECOND)

    def _plan(self, due: Due) -> Plan | None:
        """What is done to an attempt on purpose; ``None`` if another has to overtake it first."""
        delivery = due.delivery
        endpoint = delivery.endpoint
        if delivery.held is not None:
            plan, delivery.held = delivery.held, None
            if self._held.get(endpoint) is delivery:  # nothing has come that could overtake it
                del self._held[endpoint]
            return plan
        plan = self._world.webhooks.adversary.plan(
            delivery.message.account, endpoint, in_order=due.by_hand or endpoint in self._held
        )
        if "reorder" not in plan.tricks:
            return plan
        delivery.held = plan
        delivery.due = delivery.message.clock.now() + round(plan.seconds * SECOND)
        self._held = {other: held for other, held in self._held.items() if not other.disabled}
        self._held[endpoint] = delivery
        self._world.webhooks.schedule(delivery)
        return None

    async def _post(self, due: Due, plan: Plan, at: int, request: "_Request") -> Attempt:
        """Make one attempt."""
        body, headers, limit = request
        answer, started = Answer(), self._loop.time()
        sending = self._loop.create_task(
            self._poster.send(due.delivery.endpoint.url, body, headers, answer)
        )
        try:
            if not await self._is_in_time(sending, due, limit):
                answer.fail("timeout", f"no answer within {limit:g} s")
        finally:
            sending.cancel()
            await asyncio.wait({sending})
        return Attempt(
            at,
            answer.status,
            self._loop.time() - started,
            bytes(answer.body),
            answer.error,
            plan.tricks,
            answer.failure,
        )

    def _request(self, due: Due, plan: Plan, settings: "Settings", at: int) -> "_Request":
        """What an attempt sends, with what the adversary does to it."""
        message, endpoint = due.delivery.message, due.delivery.endpoint
        moment = at if settings.webhook_timestamps == "clock" else computer_time()
        if "delay" in plan.tricks:
            moment = max(0, moment - round(plan.seconds * SECOND))
        secrets = endpoint.secrets(at)
        if "wrong_signature" in plan.tricks:
            secrets = [self._world.webhooks.new_secret()]
        elif "old_secret" in plan.tricks:
            old = [secret for secret, _ in endpoint.retired[-1:]]
            secrets = old or [self._world.webhooks.new_secret()]
        headers = signed_headers(
            secrets, message.id, moment // SECOND, message.payload, settings.webhook_headers
        )
        body = reserialised(message.payload) if "reserialised" in plan.tricks else message.payload
        return _Request(body, headers, settings.webhook_timeout)

    async def _is_in_time(self, sending: "asyncio.Task[None]", due: Due, limit: float) -> bool:
        """Wait for an answer as long as it may take, by the computer's clock and the mock's."""
        clock, started = due.delivery.message.clock, self._loop.time()
        ends_at = clock.now()
        if due.late <= limit * SECOND:
            ends_at += round(limit * SECOND)
        while not sending.done():
            elapsed = self._loop.time() - started
            left = limit - elapsed
            by_clock = clock.seconds_until(ends_at)
            if by_clock is not None:
                left = min(left, max(by_clock, _GRACE - elapsed))
            if left <= 0:
                return False
            await asyncio.wait(
                {sending, self._moved}, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
        return True
