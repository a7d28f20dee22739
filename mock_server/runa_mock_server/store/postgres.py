"""The PostgreSQL engine: any number of processes on any number of machines share a world.

An append is one call of one stored function, which holds the lock of the world no longer than the
server takes to run it. A row after the caller's mark counts as news whoever wrote it: so an append
whose outcome was lost comes back like any other, and is never written twice.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence

import asyncpg

from runa_mock_server.store import postgres_statements as sql
from runa_mock_server.store.engine import (
    MOST_ROWS,
    Appended,
    Batch,
    OutcomeUnknownError,
    Row,
    StoreInfo,
    StoreReplacedError,
    StoreVersionError,
    accept,
)
from runa_mock_server.store.postgres_connection import SLOW, Connection

_STARTING = 20.0  # seconds to wait for a process that is creating the tables just now


class PostgresEngine:
    """Keeps the stream of one world in tables of a database.

    Args:
        dsn: where the database is, as asyncpg takes it.
        name: the name of the world; worlds with different names never meet.
        place: the URL as it may be shown.
    """

    shared = True

    def __init__(self, dsn: str, name: str, place: str) -> None:
        self.place = place
        self._name = name
        self._world = 0
        # One connection for each kind of work, so that an append waits for no long read.
        self._appends = Connection(dsn, place)
        self._reads = Connection(dsn, place)
        # The journal may lose its newest entries with the machine, so it waits for no disk.
        self._journal = Connection(dsn, place, {"synchronous_commit": "off"})
        self._upkeep = Connection(dsn, place, {"lock_timeout": "0"})
        self._listens = Connection(dsn, place)
        self._listening: asyncio.Task[None] | None = None
        self._callback: Callable[[], None] | None = None
        self._token = secrets.token_hex(8)  # a wake of our own is not news

    async def open(self) -> int:
        """See ``Engine``."""
        try:
            await self._upkeep.use(self._migrate, _STARTING)
            found = await self._upkeep.run(sql.GET_WORLD, self._name)
            if not found:
                await self._upkeep.run(sql.ADD_WORLD, self._name)
                found = await self._upkeep.run(sql.GET_WORLD, self._name)
        except BaseException:
            await self.close()
            raise
        self._world, head = found[0]
        if self._callback is not None and self._listening is None:
            channel = sql.CHANNEL.format(self._world)
            self._listening = asyncio.create_task(self._listens.listen(channel, self._heard))
        return int(head)

    def _heard(self, token: str) -> None:
        if token != self._token and self._callback is not None:
            self._callback()

    async def _version(self, connection: asyncpg.Connection) -> int:
        if not await connection.fetchval(sql.HAS_VERSION):
            return 0
        version = int(await connection.fetchval(sql.GET_VERSION))
        if version > sql.VERSION:
            raise StoreVersionError(
                f"store {self.place}: has version {version}, written by a newer runa-mock; "
                f"this one reads versions up to {sql.VERSION}"
            )
        return version

    async def _migrate(self, connection: asyncpg.Connection) -> None:
        """Bring the schema up to date; nothing is locked if it is."""
        if await self._version(connection) == sql.VERSION:
            return
        async with connection.transaction():
            await connection.execute(sql.LOCK_SCHEMA)
            for migration in sql.MIGRATIONS[await self._version(connection) :]:
                await connection.execute(migration)
            await connection.execute(sql.SET_VERSION, sql.VERSION)

    async def append(self, mark: int, batches: Sequence[Batch]) -> Appended:
        """See ``Engine``."""
        fields = [*zip(*batches, strict=True)] or [(), (), ()]
        found = await self._appends.run(
            sql.APPEND, self._world, mark, *fields, lost=OutcomeUnknownError
        )
        head, complete, *news = found[0]
        if mark > head:
            raise StoreReplacedError(f"store {self.place}: it ends at {head}, before {mark}")
        if not complete:
            return Appended(await self.read(mark), [None] * len(batches))
        rows = [Row(*row) for row in zip(*news, strict=True)] if head > mark else []
        return Appended(rows, accept(head, rows, batches)[1])

    async def read(
        self, mark: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> Sequence[Row]:
        """See ``Engine``."""
        if accounts is None:
            found = await self._reads.run(sql.READ_ALL, self._world, mark, limit)
        else:
            found = await self._reads.run(sql.READ_ACCOUNTS, self._world, mark, limit, [*accounts])
        return [Row(*row) for row in found]

    async def fetch(self, seqs: Sequence[int]) -> Sequence[bytes]:
        """See ``Engine``."""
        found: dict[int, bytes] = dict(await self._reads.run(sql.FETCH, self._world, seqs))
        return [found[seq] for seq in seqs]

    async def save(self, name: str, upto: int, data: bytes) -> None:
        """See ``Engine``."""
        await self._upkeep.run(sql.SAVE, self._world, name, upto, data, limit=SLOW)

    async def load(self, name: str) -> tuple[int, bytes] | None:
        """See ``Engine``."""
        found = await self._upkeep.run(sql.LOAD, self._world, name, limit=SLOW)
        return (found[0][0], found[0][1]) if found else None

    async def journal(self, entries: Sequence[bytes]) -> int:
        """See ``Engine``."""
        found = await self._journal.run(sql.NOTE, self._world, entries)
        return int(found[0][0])

    async def read_journal(self, after: int, limit: int = MOST_ROWS) -> Sequence[tuple[int, bytes]]:
        """See ``Engine``."""
        found = await self._reads.run(sql.READ_JOURNAL, self._world, after, limit)
        return [(number, entry) for number, entry in found]

    async def trim_journal(self, keep: int) -> None:
        """See ``Engine``."""
        await self._upkeep.run(sql.TRIM_JOURNAL, self._world, keep, limit=SLOW)

    def on_wake(self, callback: Callable[[], None]) -> None:
        """See ``Engine``."""
        self._callback = callback

    async def wake(self) -> None:
        """See ``Engine``."""
        await self._journal.run(sql.WAKE, self._world, self._token)

    async def info(self) -> StoreInfo:
        """See ``Engine``."""
        found = await self._upkeep.run(sql.INFO, self._world, limit=SLOW)
        head, rows, journal, size = found[0]
        return StoreInfo(size, rows, head, journal, sql.VERSION)

    async def compact(
        self, upto: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> int:
        """See ``Engine``."""
        whose = None if accounts is None else [*accounts]
        found = await self._upkeep.run(sql.COMPACT, self._world, upto, limit, whose, limit=SLOW)
        return int(found[0][0])

    async def vacuum(self) -> None:
        """See ``Engine``."""
        await self._upkeep.run(sql.VACUUM, limit=SLOW)

    async def close(self) -> None:
        """See ``Engine``."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        for connection in (self._appends, self._reads, self._journal, self._upkeep):
            await connection.close()
        self._listens.drop()
