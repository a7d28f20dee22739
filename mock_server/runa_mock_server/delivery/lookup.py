"""Looking up host names without holding anything up.

A name server that does not answer keeps a thread for half a minute. In the event loop's pool such
threads keep other look-ups waiting, and the end of the program; these here do neither.
"""

import asyncio
import socket
import threading
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult


class Resolver(AbstractResolver):
    """Asks the operating system, on a thread for each question."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: if there are none.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def tell(addresses: list[ResolveResult], error: Exception | None) -> None:
            if found.done():  # nobody waits any more
                return
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def look_up() -> None:
            addresses: list[ResolveResult] = []
            failure: Exception | None = None
            try:
                addresses = _addresses(host, port, family)
            except OSError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - whatever it is, there is no address
                failure = OSError(str(error))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, addresses, failure)

        threading.Thread(target=look_up, name="runa-mock-lookup", daemon=True).start()
        return await found

    async def close(self) -> None:
        """Nothing is held."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in found
    ]
