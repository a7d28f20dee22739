"""Opening TCP connections without holding anything else up.

A name server that does not answer keeps a thread for half a minute. In the event loop's pool such
threads delay other look-ups and the end of the program; a thread for each look-up does neither.
"""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohappyeyeballs import start_connection

_Addresses = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]]

_NEXT_ADDRESS_SECONDS = 0.25
"""How long an address of a host may take before the next one is tried beside it (RFC 8305)."""


async def connect(host: str, port: int) -> socket.socket:
    """Open a connection to a host; the caller bounds the time by cancelling.

    Args:
        host: a host name, or an IP address without brackets.
        port: the TCP port.

    Raises:
        socket.gaierror: if the host name cannot be resolved.
        OSError: if no address of the host accepts the connection.
    """
    addresses = await _resolve(host, port)
    return await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)


async def _resolve(host: str, port: int) -> _Addresses:
    if _is_address(host):
        return _look_up(host, port)  # asks no name server
    loop = asyncio.get_running_loop()
    found: asyncio.Future[_Addresses] = loop.create_future()

    def settle(addresses: _Addresses, error: socket.gaierror | None) -> None:
        if found.done():  # cancelled meanwhile
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look_up() -> None:
        addresses: _Addresses = []
        failure: socket.gaierror | None = None
        try:
            addresses = _look_up(host, port)
        except socket.gaierror as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - such as a name that no host can have: it has no address either
            failure = socket.gaierror(socket.EAI_NONAME, str(error))
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=look_up, name="runa-mock-lookup", daemon=True).start()
    return await found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(host: str, port: int) -> _Addresses:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
