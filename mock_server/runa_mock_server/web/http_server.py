"""Listening: a gateway on a socket, for as long as it is wanted."""

import asyncio
from collections.abc import Sequence
from functools import partial
from socket import socket

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.base.address import url_of
from runa_mock_server.base.listening import BACKLOG, bind, port_of
from runa_mock_server.delivery.deliveries import Deliveries
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.access_log import AccessLog
from runa_mock_server.web.connection import Connection
from runa_mock_server.web.control_gate import CONTROL_PREFIX, ControlGate
from runa_mock_server.web.pipeline import Gateway

# How long a stop waits for requests that are being handled.
_STOP_SECONDS = 0.1
# What can be done later leaves the loop, and the core, to requests for so long.
_PAUSE = 0.002
# An account of a million orders can be put back in one piece.
_CONTROL_BODY = 4 * 1024 * 1024 * 1024
# An idempotency key may be any text; a header of the default 8 KiB would be short for some.
_LONGEST_LINE = 64 * 1024


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
        """
        settings = self._world.settings
        self.control = ControlGate(self._world)
        gateway = Gateway(self._world, self.control)
        self._manager = _Manager(gateway, settings.max_body_bytes)
        sockets = self._sockets or bind(settings.hosts, settings.port)
        url = url_of(settings.hosts[0], port_of(sockets))
        loop = asyncio.get_running_loop()
        for listening in sockets:
            self._listeners.append(
                await loop.create_server(self._manager, sock=listening, backlog=BACKLOG)
            )
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


class _Manager(web.Server):
    """aiohttp's low-level server: without an application between the socket and the gateway."""

    def __init__(self, gateway: Gateway, max_body_bytes: int) -> None:
        super().__init__(gateway, request_factory=self._request)
        self._gateway = gateway
        self._max_body_bytes = max_body_bytes

    def __call__(self) -> RequestHandler:
        """A protocol for a new connection."""
        return Connection(
            self,
            self._gateway.at_once,
            loop=self._loop,
            access_log_class=AccessLog,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            self._loop,
            client_max_size=_CONTROL_BODY
            if message.path.startswith(CONTROL_PREFIX)
            else self._max_body_bytes,
        )
