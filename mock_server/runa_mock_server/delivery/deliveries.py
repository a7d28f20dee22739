"""Driving everything that leaves the server by itself off the mock's clock.

The senders work out what is due when they are asked. They are asked when something happens (an
order is placed, a clock is moved) and when the earliest time that they know has come. While
nothing is to be sent there is no timer and no task.
"""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from runa_mock_server.delivery.mail import mail_senders
from runa_mock_server.delivery.webhooks import WebhookSender
from runa_mock_server.server_state.server_state import ServerState

# A clock that runs fast makes a time come sooner than the computer's timers can tell.
_SHORTEST_WAIT = 0.001


class Sender(Protocol):
    """Sends one kind of thing."""

    def send_due(self) -> None:
        """Begin to send what is due, without waiting for it."""

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until something is due, ``None`` if nothing is."""

    async def close(self) -> None:
        """Cancel what is on its way."""


class Deliveries:
    """The senders of one server, on the running event loop.

    Args:
        server_state: what is sent belongs to it.
    """

    def __init__(self, server_state: ServerState) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        webhooks = WebhookSender(server_state)
        server_state.tell = webhooks.tell
        self._server_state = server_state
        self._senders: Sequence[Sender] = (webhooks, *mail_senders(server_state))
        self._timer: asyncio.TimerHandle | None = None
        self._is_woken = False
        self._is_closed = False

    def wake(self) -> None:
        """Send what is due once the step in hand is done; on any thread, as often as needed."""
        if threading.get_ident() == self._thread:
            self._wake_here()
            return
        with suppress(RuntimeError):  # the server has been stopped meanwhile
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
        log = self._server_state.log
        if log is not None and log.has_noted():
            log.after(self._run)  # an order is told of once the store has it
            return
        for sender in self._senders:
            sender.send_due()
        waits = [sender.seconds_until_due() for sender in self._senders]
        known = [wait for wait in waits if wait is not None]
        if known:
            self._timer = self._loop.call_later(max(min(known), _SHORTEST_WAIT), self._run)

    async def close(self) -> None:
        """Send nothing any longer."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for sender in self._senders:
            await sender.close()
