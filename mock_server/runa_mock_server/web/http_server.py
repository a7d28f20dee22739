"""The HTTP server: a pipeline on a socket, until it is stopped."""

import asyncio
import errno
import logging
from collections.abc import Sequence
from functools import partial
from socket import socket
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.base.address import url_of
from runa_mock_server.base.listening import BACKLOG, bind, port_of
from runa_mock_server.delivery.deliveries import Deliveries
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.connection import Connection
from runa_mock_server.web.control_gate import ControlGate
from runa_mock_server.web.fault_injection import FaultInjection
from runa_mock_server.web.pipeline import Pipeline
from runa_mock_server.web.routes import ROUTES

# asyncio accepts so many in a row, and where the system has no file descriptor left, it reports
# each of them and tries them all again a second later.
_ACCEPTED_IN_A_ROW = 2
_LACKS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_ERROR_PAUSE = 1.0  # seconds between two lines about the same
# How long a stop waits for requests that are being handled.
_STOP_SECONDS = 0.1
# What can be done later leaves the loop, and the core, to requests for so long.
_PAUSE = 0.002

log = logging.getLogger(__name__)


class HttpServer:
    """One world, served over HTTP on the running event loop.

    Args:
        world: what to serve; its settings say where to listen.
        sockets: sockets that listen there already; by default they are bound at the start.
    """

    def __init__(self, world: World, sockets: Sequence[socket] = ()) -> None:
        self._world = world
        self._sockets = sockets
        self._manager: web.Server | None = None
        self._listeners: list[asyncio.Server] = []

    async def start(self) -> str:
        """Listen.

        Returns:
            The URL of the server, without a path and without a slash at the end.

        Raises:
            PortBusyError: if the address cannot be listened on.
            OSError: if the process or the system has no file descriptor left.
        """
        settings = self._world.settings
        self.control = ControlGate(self._world)
        pipeline = Pipeline(self._world, self.control, ROUTES)
        self._manager = _Manager(FaultInjection(self._world, pipeline), self._world)
        sockets = self._sockets or bind(settings.hosts, settings.port)
        url = url_of(settings.hosts[0], port_of(sockets))
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_LoopErrors())
        for listening in sockets:
            self._listeners.append(
                await loop.create_server(self._manager, sock=listening, backlog=_ACCEPTED_IN_A_ROW)
            )
            listening.listen(BACKLOG)
        self._world.reached_at(settings.public_url or url)
        self._world.later = partial(loop.call_later, _PAUSE)
        self._deliveries = Deliveries(self._world)
        self._world.wake = self._deliveries.wake
        self._forget_clock = self._world.clock.when_moved(self._world.clock_moved)
        self._world.wake()
        return url

    async def stop(self) -> None:
        """Stop listening, let the requests in hand end for a moment, close every connection."""
        if self._listeners and self._manager is not None:
            self._world.faults.remove(list(self._world.faults))  # nothing has to hang any longer
            self._world.later = None
            self._forget_clock()  # it may be the caller's, and outlive this server
            self._world.wake = lambda: None
            self._world.tell = None
            self.control.stop()
            for listener in self._listeners:
                listener.close()
            await self._deliveries.close()
            self._manager.pre_shutdown()
            await self._manager.shutdown(_STOP_SECONDS)


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
