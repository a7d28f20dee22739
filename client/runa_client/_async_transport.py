"""HTTP/1.1 for `AsyncRunaClient`: aiohttp, without an answer going to another request.

aiohttp skips interim answers and closes a connection with something left over when it gives it
back. What it lacks is here: a connection on which something came while it was idle is not used
again, silence after an interim answer ends, and pools do not outlive a fork.
"""

import asyncio
import os
from typing import Any
from weakref import WeakSet

import aiohttp
from urllib3.util import wait_for_read

from runa_client._exchange import MOST_INTERIM

_MOST_UNCLEAN = 100  # connections passed over for one request


class _UncleanConnectionError(aiohttp.ClientConnectionError):
    """A connection of the pool has bytes on it that no request asked for; nothing was sent."""


class Connector(aiohttp.TCPConnector):
    """Connections that a forked child leaves alone.

    Closing them there would take them out of the event loop of the parent, too: both processes
    share what the loop watches sockets by.
    """

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def __del__(self, *args: Any) -> None:
        if os.getpid() == self._process:
            super().__del__(*args)


class Guard:
    """The aiohttp middleware that sends the requests of one client, in any session."""

    def __init__(self) -> None:
        self._used: WeakSet[Any] = WeakSet()

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send a request on a connection that is clean."""
        send = request.send
        bounded: list[Any] = []

        async def send_if_clean(connection: Any) -> aiohttp.ClientResponse:
            protocol = connection.protocol
            if self._is_unclean(protocol):
                raise _UncleanConnectionError("bytes came before the request")
            self._used.add(protocol)
            bounded.append(protocol)
            protocol.read = _bounded_read(protocol)
            return await send(connection)

        # The one place between the choice of the connection and the first byte.
        request.send = send_if_clean  # type: ignore[method-assign, assignment]  # of this request alone
        for _ in range(_MOST_UNCLEAN):
            try:
                return await handler(request)
            except _UncleanConnectionError:
                continue  # aiohttp has closed it
            finally:
                for protocol in bounded:  # the next request may be another's, in a given session
                    vars(protocol).pop("read", None)
        raise aiohttp.ClientConnectionError("the server sends before it is asked")

    def _is_unclean(self, protocol: Any) -> bool:
        """Whether something came that the event loop has, or has not yet, handed on."""
        if protocol.should_close:
            return True
        sock = protocol.transport.get_extra_info("socket")
        # On a new connection TLS sends on its own.
        return protocol in self._used and sock is not None and wait_for_read(sock, timeout=0.0)


def _bounded_read(protocol: Any) -> Any:
    """Make `protocol.read`, which awaits the next answer, end when there is none in time.

    aiohttp's own timeout for silence is over with the first interim answer.
    """
    seen = 0

    async def read() -> Any:
        nonlocal seen
        seen += 1
        if seen > MOST_INTERIM:
            raise aiohttp.ClientPayloadError(f"more than {MOST_INTERIM} interim answers")
        async with asyncio.timeout(None if seen == 1 else protocol.read_timeout):
            return await type(protocol).read(protocol)

    return read
