"""A proxy on 127.0.0.1 before a database, which loses what a network can lose."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_CHUNK = 65_536


class DatabaseProxy:
    """Passes everything on, until it is told not to.

    Attributes:
        losing: the probability that an answer of the database is lost, and its connection with it.
        lost: how many answers were lost.
        silent: keep what the database answers, and the connections.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._random = random.Random(7)  # noqa: S311 - no secret
        self._tasks: set[asyncio.Task[None]] = set()
        self.losing = 0.0
        self.silent = False
        self.lost = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        both = (writer, far_writer)
        for task in (
            asyncio.create_task(self._pass(reader, far_writer, both, answers=False)),
            asyncio.create_task(self._pass(far_reader, writer, both, answers=True)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        answers: bool,
    ) -> None:
        try:
            while data := await reader.read(_CHUNK):
                if answers and self.silent:
                    continue
                if answers and self._random.random() < self.losing:
                    self.lost += 1
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            for end in both:
                end.close()

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def database_proxy(url: str) -> AsyncIterator[tuple[DatabaseProxy, str]]:
    """A proxy before the database of a store, and the URL of the store through it."""
    parts = urlsplit(url)
    proxy = DatabaseProxy(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user, at, _ = parts.netloc.rpartition("@")
    try:
        yield proxy, parts._replace(netloc=f"{user}{at}127.0.0.1:{port}").geturl()
    finally:
        server.close()
        await proxy.close()
