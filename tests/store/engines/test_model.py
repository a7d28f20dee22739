"""Every engine does what the simplest model of an append log does, whatever is done in which order.

The model is a list. It is written down here again, on purpose, in the words of ``Engine``.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.store.engine import WORLD, Appended, Batch, Engine, Row
from support.engines import World, Worlds

ACCOUNTS = st.sampled_from([0, 1, 2, 2**63 - 1])
RECORDS = st.text(max_size=20).map(lambda text: json.dumps(text).encode())
LAGS = st.integers(0, 4)


class Append(NamedTuple):
    """Write some batches, as a process that has not seen the newest rows."""

    lag: int
    batches: Sequence[Batch]

    async def on(self, engine: Engine, model: "Model") -> tuple[Any, Any]:
        """Do it to both."""
        mark = max(0, model.head - self.lag)
        return await engine.append(mark, self.batches), model.append(mark, self.batches)


class Read(NamedTuple):
    """Read rows, all or those of some accounts."""

    lag: int
    accounts: Sequence[int] | None
    limit: int

    async def on(self, engine: Engine, model: "Model") -> tuple[Any, Any]:
        """Do it to both."""
        mark = max(0, model.head - self.lag)
        expected = [
            row
            for row in model.rows
            if row.seq > mark and (self.accounts is None or row.account in self.accounts)
        ]
        return await engine.read(mark, self.accounts, self.limit), expected[: self.limit]


class Fetch(NamedTuple):
    """Fetch some rows by number, some of them twice or not there."""

    seqs: Sequence[int]

    async def on(self, engine: Engine, model: "Model") -> tuple[Any, Any]:
        """Do it to both."""
        data = {row.seq: row.data for row in model.rows}
        expected: Any = LookupError
        if data.keys() >= {*self.seqs}:
            expected = [data[seq] for seq in self.seqs]
        try:
            return await engine.fetch(self.seqs), expected
        except LookupError:
            return LookupError, expected


class Save(NamedTuple):
    """Save something and load it."""

    name: str
    upto: int
    data: bytes

    async def on(self, engine: Engine, model: "Model") -> tuple[Any, Any]:
        """Do it to both."""
        await engine.save(self.name, self.upto, self.data)
        if self.name not in model.saved or self.upto >= model.saved[self.name][0]:
            model.saved[self.name] = (self.upto, self.data)
        found = [await engine.load(name) for name in "ab"]
        return found, [model.saved.get(name) for name in "ab"]


class Note(NamedTuple):
    """Add to the journal, cut it short, and read it."""

    entries: Sequence[bytes]
    keep: int
    lag: int

    async def on(self, engine: Engine, model: "Model") -> tuple[Any, Any]:
        """Do it to both."""
        last = await engine.journal(self.entries)
        await engine.trim_journal(self.keep)
        after = max(0, last - self.lag)
        found = last, await engine.read_journal(after), await engine.read_journal(after, 1)
        model.journal += self.entries
        numbered = [*enumerate(model.journal, 1)]
        model.kept_from = max(model.kept_from, len(numbered) - self.keep)
        kept = [each for each in numbered if each[0] > max(after, model.kept_from)]
        return found, (len(numbered), kept, kept[:1])


class Compact(NamedTuple):
    """Drop old rows, of all accounts or of some."""

    upto: int
    accounts: Sequence[int] | None
    limit: int

    async def on(self, engine: Engine, model: "Model") -> tuple[Any, Any]:
        """Do it to both."""
        gone = [
            row
            for row in model.rows[:-1]
            if row.seq <= self.upto and (self.accounts is None or row.account in self.accounts)
        ][: self.limit]
        model.rows = [row for row in model.rows if row not in gone]
        return await engine.compact(self.upto, self.accounts, self.limit), len(gone)


class Reopen(NamedTuple):
    """Close the engines and open them again."""


@dataclass
class Model:
    """The simplest log there can be."""

    head: int = 0
    rows: list[Row] = field(default_factory=list)
    saved: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    journal: list[bytes] = field(default_factory=list)
    kept_from: int = 0

    def append(self, mark: int, batches: Sequence[Batch]) -> Appended:
        """Write what is not stale."""
        news = [row for row in self.rows if row.seq > mark]
        written: list[int | None] = []
        for batch in batches:
            stale = any(
                WORLD in {row.account, batch.account} or row.account == batch.account
                for row in news
            )
            if not stale or batch.blind:
                self.head += 1
                self.rows.append(Row(self.head, batch.account, batch.data))
            written.append(None if stale and not batch.blind else self.head)
        return Appended(news, written)


NAMES = st.sampled_from("ab")
BATCHES = st.lists(st.builds(Batch, ACCOUNTS, RECORDS, st.booleans()), max_size=4)
SOME = st.none() | st.lists(ACCOUNTS, max_size=3)
STEPS = st.one_of(
    st.builds(Append, LAGS, BATCHES),
    st.builds(Append, LAGS, BATCHES),
    st.builds(Read, LAGS, SOME, st.integers(1, 3)),
    st.builds(Fetch, st.lists(st.integers(1, 6), max_size=3)),
    st.builds(Save, NAMES, st.integers(0, 3), st.binary(max_size=9)),
    st.builds(Note, st.lists(RECORDS, min_size=1, max_size=3), st.integers(0, 3), LAGS),
    st.builds(Compact, st.integers(0, 9), SOME, st.integers(1, 3)),
    st.just(Reopen()),
)


async def agree(world: World, steps: Sequence[tuple[int, Any]]) -> None:
    """Do some steps, each at one of two processes, and compare what comes of each."""
    model = Model()
    pending = [*steps]
    while pending:
        async with world.engines() as engines:
            while pending:
                who, step = pending.pop(0)
                if isinstance(step, Reopen):
                    break
                found, expected = await step.on(engines[who], model)
                assert _plain(found) == _plain(expected), step
            info = await engines[0].info()
            assert (info.rows, info.head) == (len(model.rows), model.head)
            assert info.journal == len(model.journal) - model.kept_from
    late = world.connect()
    assert await late.open() == model.head
    assert [*await late.read(0)] == model.rows
    await late.close()


def _plain(value: Any) -> Any:
    """Sequences of any type as lists."""
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


@given(steps=st.lists(st.tuples(st.integers(0, 1), STEPS), max_size=12))
def test_agrees_with_a_list(worlds: Worlds, steps: Sequence[tuple[int, Any]]) -> None:
    """Two processes in turns get from the engine what they get from a list."""
    asyncio.run(agree(worlds.fresh(), steps))
