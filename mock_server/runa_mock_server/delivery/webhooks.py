"""Sending webhooks: one POST after the other, and what it came to.

An endpoint has a few connections at most, so one that hangs holds up its own messages alone, and
of an answer no more than a kilobyte is read, however long it is.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import NamedTuple

import aiohttp

from runa_mock_server._version import __version__
from runa_mock_server.clock import SECOND, computer_time
from runa_mock_server.settings import Settings
from runa_mock_server.webhooks.adversary import Plan, reserialised
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.messages import RESPONSE_LIMIT, Attempt
from runa_mock_server.webhooks.service import Due
from runa_mock_server.webhooks.signing import signed_headers
from runa_mock_server.world import Account, World

_AT_ONCE = 8  # to one endpoint
# A clock that has leapt is past every limit at once; a receiver still gets the time to answer.
_GRACE = 1.0
_LONGEST_REASON = 200


class _Answer(NamedTuple):
    """What an endpoint did.

    Attributes:
        status: what it answered, ``None`` if nothing.
        body: the first kilobyte of that.
        error: why there is no answer.
    """

    status: int | None
    body: bytes = b""
    error: str | None = None


class WebhookCourier:
    """Delivers the webhooks of one world, on the running event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: dict[Endpoint, int] = {}
        self._waiting: dict[Endpoint, deque[Due]] = {}
        self._held_back: dict[Endpoint, list[Due]] = {}
        self._moved = asyncio.Event()
        self._attempted = asyncio.Event()

    def deliver_due(self) -> None:
        """Begin the attempts that are due, or put them in line at their endpoint."""
        self._moved.set()  # whoever waits for an answer looks at the clock again
        self._moved = asyncio.Event()
        for due in self._world.webhooks.due():
            self._waiting.setdefault(due.delivery.endpoint, deque()).append(due)
            self._begin(due.delivery.endpoint)

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""
        return self._world.webhooks.seconds_until_due()

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def tell(self, account: Account, order_id: str) -> None:
        """End an order and tell of it before anything else happens, as far as somebody listens."""
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
            delivery.attempts or delivery.state != "pending" for delivery in message.deliveries
        )

    def _begin(self, endpoint: Endpoint) -> None:
        """Begin as many attempts as the endpoint has connections for."""
        line = self._waiting.get(endpoint, deque())
        while line and self._busy.get(endpoint, 0) < _AT_ONCE:
            due = line.popleft()
            is_wanted = due.by_hand or due.delivery.state == "pending"
            if endpoint.disabled or not is_wanted:
                continue  # given up while it stood in line
            self._busy[endpoint] = self._busy.get(endpoint, 0) + 1
            task = asyncio.get_running_loop().create_task(self._deliver(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not line:
            self._waiting.pop(endpoint, None)

    async def _deliver(self, due: Due) -> None:
        endpoint = due.delivery.endpoint
        try:
            await self._attempt(due)
        finally:
            self._busy[endpoint] -= 1
            if not self._busy[endpoint]:
                del self._busy[endpoint]
            self._begin(endpoint)

    async def _attempt(self, due: Due) -> None:
        webhooks, delivery = self._world.webhooks, due.delivery
        message, endpoint = delivery.message, delivery.endpoint
        settings = self._world.settings_of(message.account)
        plan = webhooks.adversary.plan(message.account, endpoint)
        if delivery.held_back:
            plan = plan._replace(tricks=("reorder", *plan.tricks))
            delivery.held_back = False
        elif "reorder" in plan.tricks:
            self._hold_back(due, plan)
            return
        at = message.clock.now() - due.late
        if "duplicate" in plan.tricks:
            delivery.note(await self._post(due, plan, settings, at))
        attempt = await self._post(due, plan, settings, at)
        limit = round(settings.webhook_timeout * SECOND)
        has_leapt = attempt.status is None and due.late > limit
        lasted = limit if has_leapt else min(message.clock.now() - due.late - at, limit)
        failed_at = at + lasted
        delivery.settle(attempt, failed_at, settings.webhook_retries, by_hand=due.by_hand)
        webhooks.settled(due)
        self._attempted.set()
        self._attempted = asyncio.Event()
        for held in self._held_back.pop(endpoint, ()):
            held.delivery.due = held.delivery.message.clock.now()
            webhooks.schedule(held.delivery)

    def _hold_back(self, due: Due, plan: Plan) -> None:
        """Let the next message overtake this one; if none comes, it goes in the end."""
        delivery = due.delivery
        delivery.held_back = True
        delivery.due = delivery.message.clock.now() + round(plan.seconds * SECOND)
        self._held_back.setdefault(delivery.endpoint, []).append(due)
        self._world.webhooks.schedule(delivery)

    async def _post(self, due: Due, plan: Plan, settings: Settings, at: int) -> Attempt:
        """Make one attempt."""
        delivery = due.delivery
        body, headers = self._signed(due, plan, settings, at)
        loop = asyncio.get_running_loop()
        started = loop.time()
        sending = loop.create_task(self._send(delivery.endpoint.url, body, headers))
        try:
            answer = await self._within_limit(sending, due, at, settings.webhook_timeout)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        return Attempt(
            at, answer.status, loop.time() - started, answer.body, answer.error, plan.tricks
        )

    def _signed(
        self, due: Due, plan: Plan, settings: Settings, at: int
    ) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of an attempt, with what the adversary does to them."""
        message, endpoint = due.delivery.message, due.delivery.endpoint
        moment = at if settings.webhook_timestamps == "clock" else computer_time()
        if "delay" in plan.tricks:
            moment -= round(plan.seconds * SECOND)
        secrets = endpoint.secrets(at)
        if "wrong_signature" in plan.tricks:
            secrets = [self._world.webhooks.new_secret()]
        elif "old_secret" in plan.tricks:
            old = [secret for secret, _ in endpoint.retired[-1:]]
            secrets = old or [self._world.webhooks.new_secret()]
        headers = signed_headers(secrets, message.id, moment // SECOND, message.payload)
        changed = "reserialised" in plan.tricks
        return (reserialised(message.payload) if changed else message.payload), headers

    async def _within_limit(
        self, sending: "asyncio.Task[_Answer]", due: Due, at: int, limit: float
    ) -> _Answer:
        """What the endpoint answers in time: by the computer's clock, and by the mock's."""
        clock = due.delivery.message.clock
        loop = asyncio.get_running_loop()
        started = loop.time()
        ends_at = at + due.late + round(limit * SECOND)
        if due.late > limit * SECOND:
            ends_at = clock.now()
        while True:
            elapsed = loop.time() - started
            by_clock = clock.seconds_until(ends_at)
            left = limit - elapsed
            if by_clock is not None:
                left = min(left, max(by_clock, _GRACE - elapsed))
            if left <= 0:
                return _Answer(None, error=f"no answer within {limit:g} s")
            moved = loop.create_task(self._moved.wait())
            done, _ = await asyncio.wait(
                {sending, moved}, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            moved.cancel()
            if sending in done:
                return sending.result()

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> _Answer:
        session = self._open_session()
        sent = {**headers, "Content-Type": "application/json"}
        try:
            async with session.post(
                url, data=body, headers=sent, allow_redirects=False
            ) as response:
                return _Answer(response.status, await _beginning_of(response))
        except aiohttp.ClientError as error:
            return _Answer(None, error=_reason(error))
        except (OSError, ValueError) as error:  # a name that cannot be looked up, say
            return _Answer(None, error=_reason(error))

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": f"runa-mock/{__version__}"},
                auto_decompress=False,  # a kilobyte can unpack to a gigabyte
                trust_env=False,
            )
        return self._session


async def _beginning_of(response: aiohttp.ClientResponse) -> bytes:
    """The first kilobyte of an answer; the rest is not read."""
    body = b""
    with suppress(aiohttp.ClientError):  # the status has come, and that is what counts
        while len(body) < RESPONSE_LIMIT:
            piece = await response.content.read(RESPONSE_LIMIT - len(body))
            if not piece:
                return body
            body += piece
    response.close()  # or the connection would be read to the end before it is used again
    return body


def _reason(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:_LONGEST_REASON]
