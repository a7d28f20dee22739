"""The HTTP server: a pipeline on a socket, until it is stopped."""

import asyncio
import errno
import logging
import socket
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.base.address import url_of
from runa_mock_server.delivery.deliveries import Deliveries
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.connection import Connection
from runa_mock_server.web.control_gate import ControlGate
from runa_mock_server.web.fault_injection import FaultInjection
from runa_mock_server.web.pipeline import Pipeline
from runa_mock_server.web.routes import ROUTES

# A client may open many connections at once; the default of 100 makes the system drop some.
_BACKLOG = 1024
# asyncio accepts so many in a row, and where the system has no file descriptor left, it reports
# each of them and tries them all again a second later.
_ACCEPTED_IN_A_ROW = 2
_LACKS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_ERROR_PAUSE = 1.0  # seconds between two lines about the same
# How long a stop waits for requests that are being handled.
_STOP_SECONDS = 0.1
# What can be done later leaves the loop, and the core, to requests for so long.
_PAUSE = 0.002
# These say nothing of the address.
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)

log = logging.getLogger(__name__)


class PortBusyError(Exception):
    """The address cannot be listened on; the message says which and why."""


class HttpServer:
    """One world, served over HTTP on the running event loop.

    Args:
        world: what to serve; its settings say where to listen.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._manager: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen.

        Returns:
            The URL of the server, without a path and without a slash at the end.

        Raises:
            PortBusyError: if the address cannot be listened on.
            OSError: if the process or the system has no file descriptor left.
        """
        settings = self._world.settings
        # asyncio takes a socket that cannot be made for an address family that is not there.
        socket.socket().close()
        self.control = ControlGate(self._world)
        pipeline = Pipeline(self._world, self.control, ROUTES)
        self._manager = _Manager(FaultInjection(self._world, pipeline), self._world)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_LoopErrors())
        try:
            self._listener = await loop.create_server(
                self._manager, settings.host, settings.port, backlog=_ACCEPTED_IN_A_ROW
            )
        except (OSError, ValueError) as error:  # a name that no host can have is a ValueError
            if isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR:
                raise
            host = ascii(settings.host)[1:-1]  # it may hold anything
            raise PortBusyError(
                f"cannot listen on {host} port {settings.port}: {_reason(error)}"
            ) from None
        for listening in self._listener.sockets:
            with socket.fromfd(listening.fileno(), listening.family, listening.type) as same:
                same.listen(_BACKLOG)
        port = self._listener.sockets[0].getsockname()[1]
        url = url_of(settings.host, port)
        self._world.reached_at(settings.public_url or url)
        self._world.later = partial(loop.call_later, _PAUSE)
        self._deliveries = Deliveries(self._world)
        self._world.wake = self._deliveries.wake
        self._forget_clock = self._world.clock.when_moved(self._world.clock_moved)
        self._world.wake()
        return url

    async def stop(self) -> None:
        """Stop listening, let the requests in hand end for a moment, close every connection."""
        if self._listener is not None and self._manager is not None:
            self._world.faults.remove(list(self._world.faults))  # nothing has to hang any longer
            self._world.later = None
            self._forget_clock()  # it may be the caller's, and outlive this server
            self._world.wake = lambda: None
            self._world.tell = None
            self.control.stop()
            self._listener.close()
            await self._deliveries.close()
            self._manager.pre_shutdown()
            await self._manager.shutdown(_STOP_SECONDS)


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError):
        return "there can be no such host"
    if error.errno == errno.EADDRINUSE:
        return "something is listening there already"
    return error.strerror or str(error)


class _LoopErrors:
    """Logs what goes wrong in the event loop: a lack of the system in one line a second."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error of the loop."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _LACKS:
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + _ERROR_PAUSE
            log.error("cannot accept connections: %s", error.strerror)


class _Manager(web.Server):
    """aiohttp's low-level server: without an application between the socket and the pipeline."""

    def __init__(self, handler: FaultInjection, world: World) -> None:
        super().__init__(handler)
        self._world = world

    def __call__(self) -> RequestHandler:
        """A protocol for a new connection."""
        return Connection(self, self._loop, self._world)
