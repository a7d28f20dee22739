"""One connection of the PostgreSQL engine: opened when it is needed, and again when it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, TypeVar

import asyncpg

from runa_mock_server.store.engine import StoreDownError, StoreError

QUICK = 2.0
"""Seconds that a statement of a request may take, the wait for a connection included."""

SLOW = 600.0
"""Seconds for statements that no request waits for."""

_PAUSES = (0.1, 0.2, 0.5, 1, 2)  # seconds before the next attempt to listen; the last one repeats
_T = TypeVar("_T")
_SETTINGS = {
    "jit": "off",
    # What a process that is stopped, or whose machine is gone, leaves locked is freed.
    "idle_in_transaction_session_timeout": "5s",
    "tcp_user_timeout": "5s",
    # An append that its process has given up must not come to its turn much later.
    "lock_timeout": "1500ms",
}


class Connection:
    """A connection for one statement at a time.

    Args:
        dsn: where to connect to.
        place: the store as it may be shown.
        settings: settings of the session, beside the usual ones.
    """

    def __init__(self, dsn: str, place: str, settings: Mapping[str, str] | None = None) -> None:
        self.place = place
        self._dsn = dsn
        self._settings = {**_SETTINGS, **(settings or {})}
        self._lock = asyncio.Lock()
        self._open: asyncpg.Connection | None = None

    async def connected(self) -> asyncpg.Connection:
        """The connection as asyncpg has it, opened if need be.

        Raises:
            Exception: whatever asyncpg raises.
        """
        if self._open is None or self._open.is_closed():
            self._open = await asyncpg.connect(
                self._dsn, timeout=QUICK, server_settings=self._settings
            )
        return self._open

    async def run(
        self,
        statement: str,
        *values: Any,
        limit: float = QUICK,
        lost: type[StoreError] = StoreDownError,
    ) -> Sequence[Any]:
        """Run a statement in a transaction of its own, and return its rows; see ``use``."""
        return await self.use(lambda open_: open_.fetch(statement, *values), limit, lost)

    async def use(
        self,
        work: Callable[[asyncpg.Connection], Awaitable[_T]],
        limit: float = QUICK,
        lost: type[StoreError] = StoreDownError,
    ) -> _T:
        """Let a function have the connection, in one transaction at most, and return its result.

        Args:
            work: the function.
            limit: seconds for all of it, the wait for the connection included.
            lost: what to raise if the connection is lost while the function runs.

        Raises:
            StoreDownError: the database refused it, and it changed nothing.
        """
        error: type[StoreError] = StoreDownError
        try:
            async with asyncio.timeout(limit), self._lock:
                connection = await self.connected()
                error = lost
                return await work(connection)
        except asyncpg.PostgresError as refused:
            if refused.severity_en == "ERROR":  # the transaction was rolled back
                error = StoreDownError
            else:
                self.drop()
            raise error(f"store {self.place}: {reason(refused)}") from None
        except StoreError:
            raise
        except Exception as failed:  # noqa: BLE001 - asyncpg raises many things on a lost connection
            self.drop()
            raise error(f"store {self.place}: {reason(failed)}") from None
        except asyncio.CancelledError:  # the answer to the statement is still to come
            self.drop()
            raise

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Listen to a channel until cancelled, whatever becomes of the connection.

        Args:
            channel: the name of the channel.
            heard: called with the payload of each notification, and with an empty one when some
                may have been missed.
        """
        pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
        while True:
            lost = asyncio.Event()
            try:
                connection = await self.connected()
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(channel, lambda *found: heard(found[-1]))
                pauses = chain(_PAUSES, repeat(_PAUSES[-1]))
                heard("")
                await lost.wait()
            except Exception:  # noqa: BLE001 - as above
                self.drop()
            await asyncio.sleep(next(pauses))

    def drop(self) -> None:
        """Let the connection go, without a word to the server."""
        if self._open is not None:
            self._open.terminate()
            self._open = None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._open is not None and not self._open.is_closed():
            try:
                await self._open.close(timeout=QUICK)
            except Exception:  # noqa: BLE001 - as above
                self._open.terminate()
        self._open = None


def reason(error: Exception) -> str:
    """Why the database does not answer, in one line."""
    if isinstance(error, TimeoutError):
        return "the database does not answer in time"
    return " ".join(str(error).split()) or type(error).__name__
