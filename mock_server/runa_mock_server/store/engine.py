"""The protocol of a store engine, and its errors.

A store is one ordered stream of records. Each record is bytes that belong to an account, or to the
world as a whole. An engine keeps the stream and knows nothing of orders. ``docs/engines.md`` tells
how to write one.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

WORLD = 0
"""The account number of records that concern the whole world, such as a clock that was moved."""

MOST_ROWS = 10_000
"""The rows that one call of ``read`` returns unless it is told otherwise."""


class Batch(NamedTuple):
    """A record to be written.

    Attributes:
        account: a number, or ``WORLD``.
        data: JSON text as UTF-8.
        blind: whether it is written whatever others have written, so that it is never stale.
    """

    account: int
    data: bytes
    blind: bool = False


class Row(NamedTuple):
    """A record as it was written; ``seq`` numbers the rows of a world from 1, in their order."""

    seq: int
    account: int
    data: bytes


class Appended(NamedTuple):
    """What came of an append.

    Attributes:
        news: the rows after the caller's mark that were there before, in order. If every batch
            was refused, it may be only the first of them: append again with the new mark.
        written: for each batch its ``seq``, or ``None`` if it was refused. Written rows follow
            the news without a gap.
    """

    news: Sequence[Row]
    written: Sequence[int | None]


class StoreInfo(NamedTuple):
    """What a store says of itself.

    Attributes:
        size: the bytes it takes, roughly.
        rows: how many records it holds.
        head: the ``seq`` of the newest record; 0 in a new world.
        journal: how many entries its journal holds.
        version: the version of its schema.
    """

    size: int
    rows: int
    head: int
    journal: int
    version: int


class StoreError(Exception):
    """A store cannot be used; the message is one line, and never holds a password."""


class StoreUrlError(StoreError):
    """A URL names no store."""


class StoreVersionError(StoreError):
    """What the URL names is not a store of ours, or is one that a newer version has written."""


class StoreLockedError(StoreError):
    """Another process uses the store, which is for one process."""


class StoreReplacedError(StoreError):
    """The store is behind what this process has seen of it: it was replaced or restored."""


class StoreDownError(StoreError):
    """The database does not answer; nothing was written."""


class OutcomeUnknownError(StoreError):
    """The connection was lost during an append, whose records may or may not be written.

    The caller reads from its mark on before it decides again: an append that did take effect
    comes back as rows, like those of others.
    """


class Engine(Protocol):
    """Keeps the stream of one world. One per process; not to be shared between event loops.

    All methods may raise ``StoreDownError``; they keep raising it while the database is away and
    work again when it is back, without being opened again.

    Attributes:
        shared: whether other processes may write to the same world. If not, nothing is ever new.
        place: the URL of the store as it may be shown: without password.
    """

    shared: bool
    place: str

    async def open(self) -> int:
        """Create or migrate what is needed. If it fails, it can be called again.

        Returns:
            The ``seq`` of the newest row, 0 in a new world.

        Raises:
            StoreVersionError: it is no store, or a newer one.
            StoreLockedError: another process has it.
            StoreError: it cannot be opened, such as for want of permission.
        """

    async def append(self, mark: int, batches: Sequence[Batch]) -> Appended:
        """Write the batches that are not stale, all of them in one transaction.

        A batch is stale if a row after ``mark`` belongs to its account or to the world; a batch
        for the world is stale if there is any row after ``mark``. Rows of an earlier append count,
        whoever made it. A blind batch is never stale. When this returns, the rows survive the end
        of the process.

        Args:
            mark: the ``seq`` of the newest row that the caller has seen.
            batches: what to write, in order; may be empty.

        Raises:
            OutcomeUnknownError: the batches may be written or not, but not a part of them.
            StoreReplacedError: ``mark`` is higher than any row.
        """

    async def read(
        self, mark: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> Sequence[Row]:
        """The oldest ``limit`` rows after ``mark``, of some accounts only if they are given."""

    async def fetch(self, seqs: Sequence[int]) -> Sequence[bytes]:
        """The data of some rows, in the order in which they are asked for.

        Raises:
            LookupError: a row is not there, or was dropped by ``compact``.
        """

    async def save(self, name: str, upto: int, data: bytes) -> None:
        """Keep a value that follows from the rows up to ``upto``, such as a snapshot.

        It replaces what was saved under the name, unless that is newer.
        """

    async def load(self, name: str) -> tuple[int, bytes] | None:
        """What was saved last under a name, with its ``upto``."""

    async def journal(self, entries: Sequence[bytes]) -> int:
        """Add entries to the journal, a list beside the stream.

        They survive the end of the process, but a power failure may take the newest.

        Returns:
            The number of the last one. Numbers rise by one, across processes and restarts.
        """

    async def read_journal(self, after: int, limit: int = MOST_ROWS) -> Sequence[tuple[int, bytes]]:
        """The oldest ``limit`` entries with a number above ``after``, each with its number."""

    async def trim_journal(self, keep: int) -> None:
        """Drop all but the newest ``keep`` entries."""

    def on_wake(self, callback: Callable[[], None]) -> None:
        """Call back in the event loop after a ``wake`` of another process; to be set before open.

        Wakes can be lost, so nothing may depend on them. A store that is not shared never calls.
        """

    async def wake(self) -> None:
        """Tell the other processes that there is something to read. Not meant for each append."""

    async def info(self) -> StoreInfo:
        """Size, rows, head and version."""

    async def compact(
        self, upto: int, accounts: Collection[int] | None = None, limit: int = MOST_ROWS
    ) -> int:
        """Drop up to ``limit`` rows that are not needed any more.

        A row of the world that is kept must say so, such as a reset, because processes that lag
        behind do not see the rows.

        Args:
            upto: the last row that may go.
            accounts: whose rows; all if it is left out.
            limit: how many rows may go at most, so that appends need not wait for long.

        Returns:
            How many rows went; fewer than ``limit`` if there are none left.
        """

    async def vacuum(self) -> None:
        """Give unused space back. It may take long and stop appends meanwhile."""

    async def close(self) -> None:
        """Let go of everything. Closing twice does no harm."""


def accept(
    head: int, news: Sequence[Row], batches: Sequence[Batch]
) -> tuple[list[Row], list[int | None]]:
    """The rule of ``append``, for engines that apply it in Python: which batches are not stale.

    Args:
        head: the ``seq`` of the newest row.
        news: the rows after the caller's mark.
        batches: what the caller wants to write.

    Returns:
        The rows to write after ``head``, and the ``written`` of ``Appended``.
    """
    changed = {row.account for row in news}
    rows: list[Row] = []
    written: list[int | None] = []
    for account, data, blind in batches:
        is_stale = account in changed or WORLD in changed or (news and account == WORLD)
        if is_stale and not blind:
            written.append(None)
        else:
            head += 1
            rows.append(Row(head, account, data))
            written.append(head)
    return rows, written
