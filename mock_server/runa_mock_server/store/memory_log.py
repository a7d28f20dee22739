"""The memory engine: a stream that ends with its process. The shortest engine there can be."""

from collections.abc import Callable, Collection, Sequence

from runa_mock_server.store.engine import (
    MOST_ROWS,
    Appended,
    Batch,
    Row,
    StoreInfo,
    StoreReplacedError,
    accept,
)

VERSION = 1


class MemoryLog:
    """What the engines of one world share."""

    def __init__(self) -> None:
        self.head = 0
        self.rows: dict[int, Row] = {}
        self.saved: dict[str, tuple[int, bytes]] = {}
        self.journal: dict[int, bytes] = {}
        self.entries = 0
        self.callbacks: dict[MemoryEngine, Callable[[], None]] = {}


class MemoryEngine:
    """Keeps a stream in memory.

    Args:
        log: what to share with other engines of the same process, as tests do; its own if it is
            left out.
    """

    def __init__(self, log: MemoryLog | None = None) -> None:
        self.shared = log is not None
        self.place = "memory:"
        self._log = MemoryLog() if log is None else log

    async def open(self) -> int:
        """See ``Engine``."""
        return self._log.head

    async def append(self, mark: int, batches: Sequence[Batch]) -> Appended:
        """See ``Engine``."""
        log = self._log
        if mark > log.head:
            raise StoreReplacedError(f"store {self.place}: it ends at {log.head}, before {mark}")
        news = await self.read(mark, limit=log.head - mark)
        rows, written = accept(log.head, news, batches)
        log.rows.update((row.seq, row) for row in rows)
        log.head += len(rows)
        return Appended(news, written)

    async def read(
        self, mark: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> Sequence[Row]:
        """See ``Engine``."""
        found: list[Row] = []
        for seq in range(mark + 1, self._log.head + 1):
            row = self._log.rows.get(seq)
            if len(found) == limit:
                break
            if row is not None and (accounts is None or row.account in accounts):
                found.append(row)
        return found

    async def fetch(self, seqs: Sequence[int]) -> Sequence[bytes]:
        """See ``Engine``."""
        return [self._log.rows[seq].data for seq in seqs]

    async def save(self, name: str, upto: int, data: bytes) -> None:
        """See ``Engine``."""
        if upto >= self._log.saved.get(name, (0, b""))[0]:
            self._log.saved[name] = (upto, data)

    async def load(self, name: str) -> tuple[int, bytes] | None:
        """See ``Engine``."""
        return self._log.saved.get(name)

    async def journal(self, entries: Sequence[bytes]) -> int:
        """See ``Engine``."""
        for entry in entries:
            self._log.entries += 1
            self._log.journal[self._log.entries] = entry
        return self._log.entries

    async def read_journal(self, after: int, limit: int = MOST_ROWS) -> Sequence[tuple[int, bytes]]:
        """See ``Engine``."""
        return [each for each in self._log.journal.items() if each[0] > after][:limit]

    async def trim_journal(self, keep: int) -> None:
        """See ``Engine``."""
        for number in range(self._log.entries - keep, 0, -1):
            if self._log.journal.pop(number, None) is None:
                break

    def on_wake(self, callback: Callable[[], None]) -> None:
        """See ``Engine``."""
        self._log.callbacks[self] = callback

    async def wake(self) -> None:
        """See ``Engine``."""
        for engine, callback in tuple(self._log.callbacks.items()):
            if engine is not self:
                callback()

    async def info(self) -> StoreInfo:
        """See ``Engine``."""
        log = self._log
        size = sum(len(row.data) for row in log.rows.values())
        return StoreInfo(size, len(log.rows), log.head, len(log.journal), VERSION)

    async def compact(
        self, upto: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> int:
        """See ``Engine``."""
        rows = await self.read(0, accounts, self._log.head)
        # The newest row stays: it is the head of the stream after a restart.
        needless = [row.seq for row in rows if row.seq <= upto and row.seq < self._log.head][:limit]
        for seq in needless:
            del self._log.rows[seq]
        return len(needless)

    async def vacuum(self) -> None:
        """See ``Engine``."""

    async def close(self) -> None:
        """See ``Engine``."""
        self._log.callbacks.pop(self, None)
