"""The stream of one world as one process sees it: what it wrote, and what others did.

A commit is applied in memory at once and noted here. All that is noted in a turn of the event loop
goes to the engine in one append, and no answer leaves before ``written`` returns. If another
process was first, the commits of that account are undone, its news are folded, and ``StaleError``
has the request decided again. Operations on the whole world are written first and carried out
when they are folded, so that every process carries them out in the same order.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from runa_mock_server.store import records
from runa_mock_server.store.engine import (
    WORLD,
    Appended,
    Batch,
    Engine,
    OutcomeUnknownError,
    Row,
    StoreError,
)

T = TypeVar("T")


WEBHOOKS = 1
"""The stream of what becomes of webhooks, on which no order depends."""

EVERY = -1
"""Instead of the number of an account: an answer that tells of every account."""


class StaleError(Exception):
    """What a request saw had been changed by another process; it has to be decided again."""


class _Entry(NamedTuple):
    """Something noted: its record, what undoes it, and what becomes of an operation."""

    batch: Batch
    undo: Callable[[], None] | None = None
    done: "asyncio.Future[Any] | None" = None


class _Waiter(NamedTuple):
    """Somebody who waits until what he has seen of an account is in the store."""

    account: int | None
    future: "asyncio.Future[None]"


class Log:
    """The stream of one world, seen from one process.

    Args:
        engine: keeps the records.
        fold: carries out a record; returns what came of an operation.

    Attributes:
        engine: the same.
        mark: the newest row that was seen.
        is_replaying: whether a record is being carried out, so that nothing is noted again.
    """

    def __init__(self, engine: Engine, fold: Callable[[Row], Any]) -> None:
        self.engine = engine
        self.mark = 0
        self.is_replaying = False
        self._fold = fold
        self._noted: list[_Entry] = []
        self._sent: list[_Entry] = []
        self._entries: list[bytes] = []
        self._waiters: list[_Waiter] = []
        self._trip: asyncio.Task[None] | None = None
        self._is_planned = False
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._after: list[Callable[[], None]] = []

    # What is noted.

    def commit(self, account: int, record: bytes | None, undo: Callable[[], None]) -> None:
        """Note a commit that was applied.

        Args:
            account: the number of its account.
            record: the record; ``None`` if it changes nothing.
            undo: undoes it, once the commits of the account noted after it are undone.
        """
        if record is not None and not self.is_replaying:
            self._noted.append(_Entry(Batch(account, record), undo))
            self._plan()

    def fact(self, account: int, fields: dict[str, Any]) -> None:
        """Note what has happened and cannot be undone; kept until it is written."""
        if not self.is_replaying:
            record = records.dump({**fields, "id": _new_id()})
            self._noted.append(_Entry(Batch(account, record, blind=True)))
            self._plan()

    def fact_on_any_thread(self, account: int, fields: dict[str, Any]) -> None:
        """As ``fact``, on whatever thread it is called."""
        loop = self._loop
        if loop is None or self._thread == threading.get_ident():
            self.fact(account, fields)
        else:
            with suppress(RuntimeError):  # the server has been stopped meanwhile
                loop.call_soon_threadsafe(self.fact, account, fields)

    def journal(self, entry: bytes) -> None:
        """Note an entry of the journal of requests."""
        self._entries.append(entry)
        self._plan()

    def replay(self, rows: Iterable[Row]) -> None:
        """Carry out records that the store has."""
        for row in rows:
            self._carry_out(row)

    async def operate(self, fields: dict[str, Any]) -> Any:
        """Write an operation on the world, and carry it out.

        Returns:
            What ``fold`` made of it.

        Raises:
            StoreError: if it was not written; nothing is done then.
        """
        batch = Batch(WORLD, records.dump({**fields, "id": _new_id()}), blind=True)
        while True:  # a record that was written after all is carried out once
            done = asyncio.get_running_loop().create_future()
            self._noted.append(_Entry(batch, None, done))
            self._plan()
            try:
                return await done
            except StaleError:
                continue

    async def check(self) -> None:
        """See whether the store answers.

        Raises:
            StoreError: if it does not.
        """
        if self.engine.shared:
            await self.catch_up()
        else:
            await self.engine.save("check", self.mark, b"")

    async def catch_up(self) -> None:
        """Fold what others have written until now.

        Raises:
            StoreError: if the store does not answer.
        """
        with suppress(StaleError):
            await self.written(EVERY)

    @property
    def is_closed(self) -> bool:
        """Whether the store was let go of."""
        return self._is_closed

    async def start(self) -> None:
        """Serve on the running event loop; the engine is opened again if it was closed."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        if self._is_closed:
            await self.engine.open()
            self._is_closed = False
            while rows := await self.engine.read(self.mark):
                self.replay(rows)

    async def close(self) -> None:
        """Write what is noted, and let go of the store."""
        if not self._is_closed:
            with suppress(StoreError, StaleError):
                await self.written(None, is_fresh=True)
            self._is_closed, self._loop = True, None
            await self.engine.close()

    def after(self, call: Callable[[], None]) -> None:
        """Have something done after the next append, whatever comes of it."""
        self._after.append(call)
        self._plan()

    def has_noted(self, account: int | None = None) -> bool:
        """Whether commits of an account, or any, are not in the store yet."""
        return any(
            each.undo is not None and account in (None, each.batch.account)
            for entries in (self._sent, self._noted)
            for each in entries
        )

    # Waiting for the store.

    async def written(self, account: int | None, *, is_fresh: bool = False) -> None:
        """Wait until all that was noted is in the store, so that an answer can leave.

        Args:
            account: the number of the account that the answer tells of.
            is_fresh: whether the news were folded since the request came.

        Raises:
            StaleError: another process changed the account or the world meanwhile.
            StoreError: the store does not answer; the commits of the account are undone.
        """
        needs_look = self.engine.shared and not is_fresh
        if not (needs_look or self._noted or self._sent or self._entries):
            return
        waiter = _Waiter(account, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._plan()
        await waiter.future

    def _plan(self) -> None:
        """Have an append made at the end of this turn of the event loop, or after the last one."""
        if self._is_planned or self._trip is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # the server is not running: whoever waits for the store next writes it
        self._is_planned = True
        loop.call_soon(self._start)

    def _start(self) -> None:
        self._is_planned = False
        if self.engine.shared:
            self._trip = asyncio.get_running_loop().create_task(self._go())
            self._trip.add_done_callback(self._ended)
        else:
            run_now(self._go())

    def _ended(self, trip: "asyncio.Task[None]") -> None:
        self._trip = None
        if not trip.cancelled():
            trip.result()
        if self._noted or self._entries or self._waiters:
            self._plan()

    async def _go(self) -> None:
        """One append of all that is noted."""
        self._sent, self._noted = self._noted, []
        # Operations come last: what was committed before them was decided before them.
        self._sent.sort(key=lambda entry: entry.done is not None)
        entries, self._entries = self._entries, []
        waiters, self._waiters = self._waiters, []
        is_read = not self._sent
        try:
            changed = await self._append()
            if entries and is_read:
                await self.engine.journal(entries)
                entries = []
        except OutcomeUnknownError:
            self._fail(StaleError(), waiters)
        except StoreError as error:
            self._fail(error, waiters)
        else:
            if entries:
                with suppress(StoreError):  # it may lose its newest, and no answer hangs on it
                    await self.engine.journal(entries)
            self._release(waiters, changed)
        calls, self._after = self._after, []
        for call in calls:
            call()

    async def _append(self) -> set[int]:
        """Append what is sent, and fold the news.

        Returns:
            The accounts that others have changed, with ``WORLD`` if that was changed.
        """
        sent = self._sent
        appended = await self.engine.append(self.mark, [entry.batch for entry in sent])
        changed = self._take_in(appended)
        while appended.news and all(seq is None for seq in appended.written):
            appended = await self.engine.append(self.mark, ())  # there may be more
            changed |= self._take_in(appended)
        return changed

    def _take_in(self, appended: Appended) -> set[int]:
        """Fold the news, and carry out the operations that were written."""
        sent, self._sent = self._sent, []
        pairs = list(zip(sent, appended.written, strict=False))
        refused = [entry for entry, seq in pairs if seq is None]
        self._noted = [entry for entry in refused if entry.undo is None] + self._noted
        changed = {row.account for row in appended.news}
        changed |= {entry.batch.account for entry in refused if entry.undo is not None}
        self._undo(refused, changed)
        for row in appended.news:
            self._carry_out(row)
        for entry, seq in pairs:
            if seq is not None:
                self.mark = seq
                if entry.done is not None:
                    self._undo((), {WORLD})
                    changed.add(WORLD)
                    self._operate(entry, Row(seq, *entry.batch[:2]))
        return changed

    def _carry_out(self, row: Row) -> Any:
        self.is_replaying = True
        try:
            return self._fold(row)
        finally:
            self.is_replaying = False
            self.mark = max(self.mark, row.seq)

    def _operate(self, entry: _Entry, row: Row) -> None:
        done = entry.done
        if done is None or done.done():
            self._carry_out(row)
            return
        try:
            done.set_result(self._carry_out(row))
        except Exception as error:  # noqa: BLE001 - whoever asked for it is told
            done.set_exception(error)

    def _undo(self, sent: Sequence[_Entry], changed: set[int]) -> None:
        """Undo what was decided on something else than what there is now, the newest first."""
        stale = [e for e in self._noted if e.undo is not None and _touches(changed, e)]
        for entry in reversed([*sent, *stale]):
            if entry.undo is not None:
                entry.undo()
        self._noted = [entry for entry in self._noted if entry not in stale]
        if stale:
            later, self._waiters = self._waiters, []
            self._release(later, changed, keep=True)

    def _release(
        self, waiters: Sequence[_Waiter], changed: set[int], *, keep: bool = False
    ) -> None:
        for waiter in waiters:
            account, future = waiter
            if future.done():
                continue
            if WORLD in changed or account in changed or (changed and account == EVERY):
                future.set_exception(StaleError())
            elif keep:
                self._waiters.append(waiter)
            else:
                future.set_result(None)

    def _fail(self, error: Exception, waiters: Sequence[_Waiter]) -> None:
        """Undo every commit that is not in the store; what cannot be undone is written later."""
        sent, self._sent = self._sent, []
        noted = [*sent, *self._noted]
        for entry in reversed(noted):
            if entry.undo is not None:
                entry.undo()
            if entry.done is not None and not entry.done.done():
                entry.done.set_exception(error)
        self._noted = [e for e in noted if e.undo is None and e.done is None]
        for _, future in (*waiters, *self._waiters):
            if not future.done():
                future.set_exception(error)
        self._waiters = []


def _new_id() -> str:
    """Tells a record from one that says the same, where one may be written twice."""
    return os.urandom(12).hex()


def _touches(changed: set[int], entry: _Entry) -> bool:
    return WORLD in changed or entry.batch.account in changed


def run_now(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as those of engines that are not shared."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("an engine that is not shared must not wait")
