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
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.connection import Connection, request_factory
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
    """One server, served over HTTP on the running event loop.

    Args:
        server_state: what to serve; its settings say where to listen.
        sockets: sockets that listen there already; by default they are bound at the start.
    """

    def __init__(self, server_state: ServerState, sockets: Sequence[socket] = ()) -> None:
        self._server_state = server_state
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
        settings = self._server_state.settings
        self.control = ControlGate(self._server_state)
        pipeline = Pipeline(self._server_state, self.control, ROUTES)
        pipeline.inject = FaultInjection(pipeline)
        self._manager = _Manager(pipeline, self._server_state)
        sockets = self._sockets or bind(settings.hosts, settings.port)
        url = url_of(settings.hosts[0], port_of(sockets))
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_LoopErrors())
        for listening in sockets:
            self._listeners.append(
                await loop.create_server(self._manager, sock=listening, backlog=_ACCEPTED_IN_A_ROW)
            )
            listening.listen(BACKLOG)
        self._server_state.reached_at(settings.public_url or url)
        self._server_state.later = partial(loop.call_later, _PAUSE)
        self._deliveries = Deliveries(self._server_state)
        self._server_state.wake = self._deliveries.wake
        self._forget_clock = self._server_state.clock.when_moved(
            self._server_state.server_clock_moved
        )
        self._server_state.wake()
        return url

    async def stop(self) -> None:
        """Stop listening, let the requests in hand end for a moment, close every connection."""
        if self._listeners and self._manager is not None:
            faults = self._server_state.faults  # nothing has to hang any longer
            if self._server_state.log is None:
                faults.remove(list(faults))
            else:
                faults.let_go()
            self._server_state.later = None
            self._forget_clock()  # it may be the caller's, and outlive this server
            self._server_state.wake = lambda: None
            self._server_state.tell = None
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

    def __init__(self, handler: Pipeline, server_state: ServerState) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(handler, request_factory=request_factory(loop), loop=loop)
        self._server_state = server_state

    def __call__(self) -> RequestHandler:
        """A protocol for a new connection."""
        return Connection(self, self._loop, self._server_state)
