"""The SQLite engine: a file for one process, in WAL mode.

A commit is in the file when it returns, so it survives ``kill -9``. With ``synchronous=full`` it
survives a power failure too. Whoever reads the file, with any SQLite tool, holds nobody up.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runa_mock_server.store import sqlite_statements as sql
from runa_mock_server.store.engine import (
    MOST_ROWS,
    Appended,
    Batch,
    OutcomeUnknownError,
    Row,
    StoreDownError,
    StoreError,
    StoreInfo,
    StoreReplacedError,
    StoreVersionError,
    accept,
)
from runa_mock_server.store.sqlite_file import connect, identity, lock


class SqliteEngine:
    """Keeps a stream in a file.

    Args:
        path: the file; created if it is missing, with mode 0600.
        synchronous: ``full`` flushes each commit to the disk, ``normal`` each checkpoint only.
        before: called before each statement with its text; what it raises fails the statement.

    Attributes:
        path: the file.
    """

    shared = False

    def __init__(
        self, path: str, *, synchronous: str = "normal", before: Callable[[str], None] | None = None
    ) -> None:
        self.place = f"sqlite:///{path}"
        self.path = Path(os.path.realpath(path))  # one lock, whatever links lead to it
        self._synchronous = synchronous
        self._before = before
        self._connections: list[sqlite3.Connection] = []  # the lock and the file
        self._file_id: tuple[int, int] | None = None
        self._head = 0
        self._entries = 0

    async def open(self) -> int:
        """See ``Engine``."""
        try:
            self._connections.append(lock(self.path, self.place))
            self._connections.append(connect(self.path))
            self._file_id = identity(self.path)
            self._migrate()
            self._one(sql.USE_WAL)
            self._run(sql.SET_CHECKPOINTS)
            self._run(sql.SET_SYNCHRONOUS.format(self._synchronous))
            self._recount()
        except (OSError, sqlite3.Error) as error:
            await self.close()
            raise StoreError(f"store {self.place}: cannot be opened: {error}") from None
        except BaseException:
            await self.close()
            raise
        return self._head

    def _migrate(self) -> None:
        version = self._one(sql.GET_VERSION)[0]
        if version > sql.VERSION:
            raise StoreVersionError(
                f"store {self.place}: has version {version}, written by a newer runa-mock; "
                f"this one reads versions up to {sql.VERSION}"
            )
        if version == sql.VERSION:
            return
        with self._transaction():
            for statements in sql.MIGRATIONS[version:]:
                for statement in statements:
                    self._run(statement)
            self._run(sql.SET_APPLICATION)
            self._run(sql.SET_VERSION.format(sql.VERSION))

    async def append(self, mark: int, batches: Sequence[Batch]) -> Appended:
        """See ``Engine``."""
        if mark > self._head:
            raise StoreReplacedError(f"store {self.place}: it ends at {self._head}, before {mark}")
        with self._errors():
            self._check_file()
        news = await self.read(mark, limit=self._head - mark) if mark < self._head else ()
        rows, written = accept(self._head, news, batches)
        if rows:
            with self._transaction():
                self._run_many(sql.ADD_ROW, rows)
            self._head += len(rows)
        return Appended(news, written)

    async def read(
        self, mark: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> Sequence[Row]:
        """See ``Engine``."""
        with self._errors():
            if accounts is None:
                found = self._run(sql.READ_ALL, (mark, limit))
            else:
                found = self._run(sql.READ_ACCOUNTS, (json.dumps([*accounts]), mark, limit))
            return [Row(*row) for row in found]

    async def fetch(self, seqs: Sequence[int]) -> Sequence[bytes]:
        """See ``Engine``."""
        with self._errors():
            found = dict(self._run(sql.FETCH, (json.dumps(seqs),)))
        return [found[seq] for seq in seqs]

    async def save(self, name: str, upto: int, data: bytes) -> None:
        """See ``Engine``."""
        with self._transaction():
            self._run(sql.SAVE, (name, upto, data))

    async def load(self, name: str) -> tuple[int, bytes] | None:
        """See ``Engine``."""
        with self._errors():
            found: tuple[int, bytes] | None = self._run(sql.LOAD, (name,)).fetchone()
        return found

    async def journal(self, entries: Sequence[bytes]) -> int:
        """See ``Engine``."""
        with self._transaction():
            self._run_many(sql.ADD_ENTRY, enumerate(entries, self._entries + 1))
        self._entries += len(entries)
        return self._entries

    async def read_journal(self, after: int, limit: int = MOST_ROWS) -> Sequence[tuple[int, bytes]]:
        """See ``Engine``."""
        with self._errors():
            return self._run(sql.READ_JOURNAL, (after, limit)).fetchall()

    async def trim_journal(self, keep: int) -> None:
        """See ``Engine``."""
        with self._transaction():
            self._run(sql.TRIM_JOURNAL, (self._entries - keep,))

    def on_wake(self, callback: Callable[[], None]) -> None:
        """See ``Engine``."""

    async def wake(self) -> None:
        """See ``Engine``."""

    async def info(self) -> StoreInfo:
        """See ``Engine``."""
        with self._errors():
            rows, entries = self._one(sql.COUNT)
            files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
            size = sum(file.stat().st_size for file in files if file.exists())
        return StoreInfo(size, rows, self._head, entries, sql.VERSION)

    async def compact(
        self, upto: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> int:
        """See ``Engine``."""
        with self._transaction():
            if accounts is None:
                return self._run(sql.COMPACT_ALL, (upto, limit)).rowcount
            return self._run(sql.COMPACT_ACCOUNTS, (json.dumps([*accounts]), upto, limit)).rowcount

    async def vacuum(self) -> None:
        """See ``Engine``."""
        with self._errors():
            self._run(sql.VACUUM)
            self._run(sql.CHECKPOINT)

    async def close(self) -> None:
        """See ``Engine``."""
        while self._connections:
            self._connections.pop().close()

    def _run(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._file(statement).execute(statement, values)

    def _run_many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        self._file(statement).executemany(statement, values)

    def _file(self, statement: str) -> sqlite3.Connection:
        if self._before is not None:
            self._before(statement)
        if not self._connections:
            raise StoreDownError(f"store {self.place}: is closed")
        return self._connections[-1]

    def _one(self, statement: str) -> Any:
        return self._run(statement).fetchone()

    def _check_file(self) -> None:
        """Refuse to write to a file that nobody will find any more."""
        if self._file_id != identity(self.path):
            raise StoreDownError(f"store {self.place}: its file was deleted or replaced")

    def _recount(self) -> None:
        (self._head,), (self._entries,) = self._one(sql.GET_HEAD), self._one(sql.GET_LAST_ENTRY)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise StoreDownError(f"store {self.place}: {error}") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done inside, or nothing of it."""
        with self._errors():
            self._run(sql.BEGIN)
        try:
            with self._errors():
                yield
            try:
                self._run(sql.COMMIT)
            except sqlite3.Error as error:
                raise OutcomeUnknownError(f"store {self.place}: {error}") from None
        except BaseException:
            with suppress(sqlite3.Error):  # some errors have ended the transaction already
                self._run(sql.ROLLBACK)
            with suppress(sqlite3.Error):
                self._recount()
            raise
