"""Driving what leaves the service by itself off the mock's clock.

What is due is worked out by couriers when they are asked. They are asked when something happens
(an order is placed, a clock is moved) and when the earliest moment that they know has come. While
nothing is to be delivered there is no timer and no task.
"""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from runa_mock_server.delivery.mail import mail_couriers
from runa_mock_server.delivery.webhooks import WebhookCourier
from runa_mock_server.server_state.server_state import World

# A clock that runs fast makes moments come sooner than the computer's timers can tell.
_SHORTEST_WAIT = 0.001


class Courier(Protocol):
    """Delivers one kind of thing."""

    def deliver_due(self) -> None:
        """Begin what is due by now, without waiting for it."""

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until the next thing is due, ``None`` if nothing is."""

    async def close(self) -> None:
        """Give up what is on its way."""


class Deliveries:
    """The couriers of one server, on the running event loop.

    Args:
        world: whose things are delivered.
    """

    def __init__(self, world: World) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        webhooks = WebhookCourier(world)
        world.tell = webhooks.tell
        self._couriers: Sequence[Courier] = (webhooks, *mail_couriers(world))
        self._timer: asyncio.TimerHandle | None = None
        self._is_woken = False
        self._is_closed = False

    def wake(self) -> None:
        """Look for what is due once the step in hand is done; on any thread, as often as wanted."""
        if threading.get_ident() == self._thread:
            self._wake_here()
            return
        with suppress(RuntimeError):  # the server has stopped meanwhile
            self._loop.call_soon_threadsafe(self._wake_here)

    def _wake_here(self) -> None:
        if not self._is_woken and not self._is_closed:
            self._is_woken = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._is_woken = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_closed:
            return
        for courier in self._couriers:
            courier.deliver_due()
        waits = [courier.seconds_until_due() for courier in self._couriers]
        known = [wait for wait in waits if wait is not None]
        if known:
            self._timer = self._loop.call_later(max(min(known), _SHORTEST_WAIT), self._run)

    async def close(self) -> None:
        """Deliver nothing more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for courier in self._couriers:
            await courier.close()
