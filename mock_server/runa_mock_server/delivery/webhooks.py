"""Sending webhooks: which attempt begins when, how long it may take, and how it ended.

An endpoint has a few connections at most, so an endpoint that hangs delays only its own messages.
After a leap of the clock, the attempts to an endpoint are made in order of the times at which they
were due, so that they end as if the time had passed.
"""

import asyncio
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from runa_mock_server.base.clock import SECOND, Clock, computer_time
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store.engine import StoreError
from runa_mock_server.store.log import StaleError
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.faults import InjectedFaults, reserialised
from runa_mock_server.webhooks.messages import Answer, Attempt, Delivery, Due
from runa_mock_server.webhooks.schedule import Schedule
from runa_mock_server.webhooks.service import ORDERS
from runa_mock_server.webhooks.signing import signed_headers

if TYPE_CHECKING:
    from runa_mock_server.config.settings import (
        Settings,  # a server starts without loading pydantic
    )
    from runa_mock_server.delivery.posting import Poster

_CONNECTIONS = 8  # to one endpoint
# So much is taken up between two looks at the sockets: a burst of messages takes a few
# milliseconds at a time, and requests are answered in between.
_STEPS = 50
# A clock that has leapt is past every limit at once; a receiver still gets the time to answer.
_GRACE = 3.0
# So long attempts wait while the store is away.
_STORE_PAUSE = 1.0


class _Request(NamedTuple):
    """What an attempt sends, and how many seconds the receiver has to answer."""

    body: bytes
    headers: dict[str, str]
    timeout: float


class WebhookSender:
    """Sends the webhooks of one server, on the running event loop.

    Args:
        server_state: whose webhooks.
    """

    def __init__(self, server_state: ServerState) -> None:
        self._server_state = server_state
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[asyncio.Task[None], Due] = {}
        self._busy: dict[Endpoint, list[Due]] = {}
        self._lines: dict[Endpoint, Schedule] = {}
        self._held: dict[Endpoint, Delivery] = {}
        self._moved: asyncio.Future[None] = self._loop.create_future()
        self._attempted = asyncio.Event()
        self._is_closed = False

    @cached_property
    def _poster(self) -> "Poster":
        from runa_mock_server.delivery.posting import Poster  # noqa: PLC0415 - few servers send

        return Poster()

    def send_due(self) -> None:
        """Begin attempts that are due, or put them in line at their endpoint."""
        self._moved.set_result(None)  # attempts under way look at the clock again
        self._moved = self._loop.create_future()
        self._take_up()

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""
        return self._server_state.webhooks.seconds_until_due()

    async def close(self) -> None:
        """Cancel the attempts under way; a server that is started again makes them anew."""
        self._is_closed = True
        under_way = dict(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        cancelled = [due for task, due in under_way.items() if task.cancelled()]
        in_line = [line.pop() for line in self._lines.values() for _ in range(len(line))]
        for due in (*cancelled, *in_line):
            self._server_state.webhooks.put_back(due)

    async def tell(self, account: Account, order_id: str) -> None:
        """End an order and attempt its message before anything else, if endpoints subscribe."""
        if not self._server_state.webhooks.subscribers(account.api_key)[ORDERS]:
            return
        order = account.state.order(order_id)
        if order is not None and account.clock.now() < order.ends_at:
            account.orders.complete(order.id)
        self._server_state.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(account.settings.webhook_timeout):
                while not self._is_attempted(order_id):
                    await self._attempted.wait()

    def _is_attempted(self, order_id: str) -> bool:
        message = self._server_state.webhooks.of_order(order_id)
        return message is not None and all(
            delivery.attempts or delivery.state != "pending" or delivery.held is not None
            for delivery in message.deliveries
        )

    def _take_up(self, first: str | None = None) -> None:
        """Put what is due in line, that of one account first, and begin what may begin."""
        noticed = self._loop.time()
        for due in self._server_state.webhooks.take_due(_STEPS, first):
            line = self._lines.setdefault(due.delivery.endpoint, Schedule())
            line.put(due._replace(noticed=noticed))
        for endpoint in tuple(self._lines):
            self._begin(endpoint)

    def _begin(self, endpoint: Endpoint) -> None:
        """Begin as many attempts as the endpoint has connections for."""
        line, busy = self._lines[endpoint], self._busy.setdefault(endpoint, [])
        while line and len(busy) < _CONNECTIONS:
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
        """Whether the clock has leapt and an earlier attempt has to end first."""
        limit = self._settings(due).webhook_timeout * SECOND
        return due.late > limit and any(other.due < due.due for other in busy)

    def _settings(self, due: Due) -> "Settings":
        return self._server_state.settings_of(due.delivery.message.account)

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
                # After a leap, the retry of this attempt comes before later messages in line.
                self._take_up(due.delivery.message.account)

    async def _attempt(self, due: Due) -> None:
        webhooks, delivery, settings = (
            self._server_state.webhooks,
            due.delivery,
            self._settings(due),
        )
        clock, endpoint = delivery.message.clock, delivery.endpoint
        if not await self._is_stored(due):
            return
        faults = self._faults(due)
        if faults is None:
            return
        at, started = due.due + self._passed(clock, due.noticed), self._loop.time()
        request = self._request(due, faults, settings, at)
        attempts = []
        if "duplicate" in faults.kinds:
            attempts.append(await self._post(due, faults, at, request))
            delivery.note(attempts[0])
            self._server_state.attempted(delivery)
        attempt = await self._post(due, faults, at, request)
        limit = round(settings.webhook_timeout * SECOND)
        timed_out = attempt.failure == "timeout"
        lasted = limit if timed_out else min(limit, self._passed(clock, started))
        delivery.settle(attempt, at + lasted, settings.webhook_retries, by_hand=due.by_hand)
        self._server_state.attempted(delivery)
        webhooks.settled(due, [*attempts, attempt])
        held = self._held.pop(endpoint, None)
        if held is not None and held.state == "pending":
            held.due = held.message.clock.now()
            webhooks.schedule(held)

    async def _is_stored(self, due: Due) -> bool:
        """Wait until the store has the message, so that it has the same id for ever."""
        log = self._server_state.log
        if log is not None:
            try:
                with suppress(StaleError):
                    await log.written(None, is_fresh=True)
            except StoreError:
                await asyncio.sleep(_STORE_PAUSE)
                self._server_state.webhooks.put_back(due)
                return False
        return True

    def _passed(self, clock: Clock, since: float) -> int:
        """Microseconds of a clock since a time of the event loop, had it never been moved."""
        return round((self._loop.time() - since) * clock.speed * SECOND)

    def _faults(self, due: Due) -> InjectedFaults | None:
        """The faults of an attempt; ``None`` if another message has to overtake it first."""
        delivery = due.delivery
        endpoint = delivery.endpoint
        if delivery.held is not None:
            faults, delivery.held = delivery.held, None
            if self._held.get(endpoint) is delivery:  # no message came that could overtake it
                del self._held[endpoint]
            return faults
        faults = self._server_state.webhooks.inject(
            delivery.message.account, endpoint, in_order=due.by_hand or endpoint in self._held
        )
        if "reorder" not in faults.kinds:
            return faults
        delivery.held = faults
        delivery.due = delivery.message.clock.now() + round(faults.seconds * SECOND)
        self._held = {other: held for other, held in self._held.items() if not other.disabled}
        self._held[endpoint] = delivery
        self._server_state.webhooks.schedule(delivery)
        return None

    async def _post(self, due: Due, faults: InjectedFaults, at: int, request: _Request) -> Attempt:
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
            faults.kinds,
            answer.failure,
        )

    def _request(self, due: Due, faults: InjectedFaults, settings: "Settings", at: int) -> _Request:
        """What an attempt sends, with the faults that change it."""
        message, endpoint = due.delivery.message, due.delivery.endpoint
        signed_at = at if settings.webhook_timestamps == "clock" else computer_time()
        if "delay" in faults.kinds:
            signed_at = max(0, signed_at - round(faults.seconds * SECOND))
        secrets = endpoint.secrets(at)
        if "wrong_signature" in faults.kinds:
            secrets = [self._server_state.webhooks.forged_secret()]
        elif "old_secret" in faults.kinds:
            old = [secret for secret, _ in endpoint.retired[-1:]]
            secrets = old or [self._server_state.webhooks.forged_secret()]
        headers = signed_headers(
            secrets, message.id, signed_at // SECOND, message.payload, settings.webhook_headers
        )
        is_changed = "reserialised" in faults.kinds
        body = reserialised(message.payload) if is_changed else message.payload
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
