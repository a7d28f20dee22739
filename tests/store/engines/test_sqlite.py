"""What holds for SQLite alone: the file, its lock, crashes, and tools that read it."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest

from runa_mock_server.store.engine import (
    Batch,
    Engine,
    OutcomeUnknownError,
    StoreDownError,
    StoreError,
    StoreLockedError,
    StoreReplacedError,
    StoreVersionError,
)
from runa_mock_server.store.sqlite import SqliteEngine
from runa_mock_server.store.sqlite_statements import ADD_ROW, BEGIN, COMMIT
from runa_mock_server.store.urls import open_engine
from support.storm import keys_in

TESTS = Path(__file__).parents[2]
PAIR = (Batch(1, b'"one"'), Batch(2, b'"two"'))


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Engine]:
    """An open engine, closed in the end."""
    engine = SqliteEngine(str(file))
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def head_of(file: Path) -> int:
    """Open a store and see how far it goes."""
    async with opened(file) as engine:
        return (await engine.info()).head


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a store may be."""
    return tmp_path / "world.db"


def test_mode(file: Path) -> None:
    """Only its owner can read a store, its log and its lock, however it came to be."""
    file.touch(mode=0o644)

    async def check() -> None:
        async with opened(file) as engine:
            await engine.append(0, PAIR)
            files = [*file.parent.iterdir()]
            assert len(files) == 4
            assert {each.stat().st_mode & 0o777 for each in files} == {0o600}

    asyncio.run(check())


HOLDER = """
import asyncio, sys
from runa_mock_server.store.sqlite import SqliteEngine
engine = SqliteEngine(sys.argv[1])
asyncio.run(engine.open())
print("open", flush=True)
sys.stdin.read()
"""


def test_second_process(file: Path) -> None:
    """A second process is refused in one line; the lock ends with its holder, however it ends."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreLockedError) as refused:
            asyncio.run(SqliteEngine(str(file)).open())
        assert "\n" not in str(refused.value)
        holder.kill()
    assert asyncio.run(head_of(file)) == 0


def test_second_engine(file: Path, tmp_path: Path) -> None:
    """A second engine of the same process is refused, by whatever path, and takes no lock away."""
    link = tmp_path / "link.db"
    link.symlink_to(file)

    async def check() -> None:
        async with opened(file):
            for _ in range(2):
                with pytest.raises(StoreLockedError):
                    await SqliteEngine(str(link)).open()
            other = subprocess.run(  # noqa: ASYNC221, S603 - our own program
                [sys.executable, "-c", HOLDER, str(file)], check=False, capture_output=True
            )
            assert b"StoreLockedError" in other.stderr

    asyncio.run(check())


def test_copy_in_use(file: Path, tmp_path: Path) -> None:
    """A copy made while the store is written to is a store, as it was at some time."""
    copy = tmp_path / "copy.db"

    async def check() -> None:
        async with opened(file) as engine:
            with closing(sqlite3.connect(file)) as tool, closing(sqlite3.connect(copy)) as target:
                for count in range(20):
                    await engine.append(2 * count, PAIR)
                    if count == 9:
                        tool.backup(target)
            async with opened(copy) as other:
                assert (await other.info()).head == 20
                assert await other.read(0) == await engine.read(0, limit=20)

    asyncio.run(check())


def test_readers_hold_nobody_up(file: Path) -> None:
    """A tool that reads for long neither stops appends nor sees a part of one."""

    async def check() -> None:
        async with opened(file) as engine:
            await engine.append(0, PAIR)
            with closing(sqlite3.connect(file)) as tool:
                tool.execute("BEGIN")
                assert tool.execute("SELECT count(*) FROM log").fetchone() == (2,)
                assert (await engine.append(2, PAIR)).written == [3, 4]
                assert tool.execute("SELECT count(*) FROM log").fetchone() == (2,)
                tool.execute("COMMIT")
                assert (
                    tool.execute("SELECT typeof(data), data FROM log").fetchall()
                    == [
                        ("text", '"one"'),
                        ("text", '"two"'),
                    ]
                    * 2
                )

    asyncio.run(check())


def test_tool_that_writes(file: Path) -> None:
    """While a tool has the file locked for writing, an append says so, and works afterwards."""

    async def check() -> None:
        async with opened(file) as engine:
            with closing(sqlite3.connect(file, isolation_level=None)) as tool:
                tool.execute("BEGIN IMMEDIATE")
                with pytest.raises(StoreDownError, match="locked"):
                    await engine.append(0, PAIR)
                tool.execute("ROLLBACK")
            assert (await engine.append(0, PAIR)).written == [1, 2]

    asyncio.run(check())


def _text(file: Path) -> None:
    file.write_text("no database\n" * 99)


def _short(file: Path) -> None:
    file.write_text("x")


def _other_program(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, account, data)")


@pytest.mark.parametrize("make", [_text, _short, _other_program])
def test_file_of_another_program(file: Path, make: Callable[[Path], None]) -> None:
    """A file that is no store is refused and left as it is."""
    make(file)
    before = file.read_bytes(), file.stat().st_mode
    with pytest.raises(StoreVersionError, match="not a store"):
        asyncio.run(SqliteEngine(str(file)).open())
    assert (file.read_bytes(), file.stat().st_mode) == before
    assert [*file.parent.iterdir()] == [file]


def test_newer_version(file: Path) -> None:
    """A store of a newer version is refused, with both versions."""
    asyncio.run(head_of(file))
    with closing(sqlite3.connect(file)) as tool:
        tool.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreVersionError, match=r"99.*newer"):
        asyncio.run(SqliteEngine(str(file)).open())


@pytest.mark.parametrize("path", ["nowhere/world.db", "."])
def test_no_place_for_a_file(tmp_path: Path, path: str) -> None:
    """A path that cannot be a file is refused in one line."""
    with pytest.raises(StoreError) as refused:
        asyncio.run(SqliteEngine(str(tmp_path / path)).open())
    assert "\n" not in str(refused.value)


def test_restored_from_a_backup(file: Path) -> None:
    """A store that ends before what its process has seen is refused."""

    async def check() -> None:
        async with opened(file) as engine:
            with pytest.raises(StoreReplacedError):
                await engine.append(1, PAIR)

    asyncio.run(check())


@pytest.mark.parametrize("replaced", [False, True])
def test_file_deleted(file: Path, *, replaced: bool) -> None:
    """Nothing is written to a file that was deleted or replaced while it was open."""

    def delete() -> None:
        file.unlink()
        if replaced:
            file.touch()

    async def check() -> None:
        async with opened(file) as engine:
            await engine.append(0, PAIR)
            delete()
            for batches in (PAIR, ()):
                with pytest.raises(StoreDownError, match="deleted or replaced"):
                    await engine.append(2, batches)

    asyncio.run(check())


def test_closed(file: Path) -> None:
    """A closed engine says so; its store is one file, and its lock."""

    async def check() -> None:
        async with opened(file) as engine:
            await engine.append(0, PAIR)
        with pytest.raises(StoreDownError):
            await engine.read(0)
        assert len([*file.parent.iterdir()]) == 2

    asyncio.run(check())


class FailedError(Exception):
    """A statement that was made to fail."""


@pytest.mark.parametrize("statement", [BEGIN, ADD_ROW, COMMIT])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (FailedError, FailedError),
        (sqlite3.OperationalError, StoreDownError),
    ],
)
def test_statement_fails(
    file: Path, statement: str, error: type[Exception], raised: type[Exception]
) -> None:
    """A statement that fails leaves nothing of its append, and the next append works."""
    failing = True

    def before(now: str) -> None:
        if failing and now == statement:
            raise error

    async def check() -> None:
        nonlocal failing
        engine = SqliteEngine(str(file), before=before)
        failing = False
        await engine.open()
        await engine.append(0, PAIR)
        failing = True
        unknown = OutcomeUnknownError if statement == COMMIT else raised
        with pytest.raises(raised if error is FailedError else unknown):
            await engine.append(2, PAIR)
        failing = False
        assert [row.seq for row in await engine.read(0)] == [1, 2]
        assert (await engine.append(2, PAIR)).written == [3, 4]
        await engine.close()

    asyncio.run(check())


CRASHING = """
import asyncio, os, signal, sys
from runa_mock_server.store.engine import Batch
from runa_mock_server.store.sqlite import SqliteEngine

left = int(sys.argv[2])

def before(statement):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

async def main():
    engine = SqliteEngine(sys.argv[1], before=before)
    head = await engine.open()
    for number in range(2):
        await engine.append(head, [Batch(1, b"1"), Batch(2, b"2")])
        head += 2
        print(head, flush=True)
        await engine.journal([b"1", b"2"])
    await engine.close()

asyncio.run(main())
"""


def test_killed_before_every_statement(tmp_path: Path) -> None:
    """Killed before any statement, a store has all confirmed appends, and none in part."""
    for statements in range(100):
        file = tmp_path / f"{statements}.db"
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", CRASHING, str(file), str(statements)],
            check=False,
            capture_output=True,
        )
        confirmed = max([0, *map(int, done.stdout.split())])
        head = asyncio.run(head_of(file))
        assert head in {confirmed, confirmed + 2}
        if done.returncode == 0:
            assert confirmed == 4
            return
        assert done.returncode == -signal.SIGKILL, done.stderr
    pytest.fail("it never came to its end")


def test_killed_in_a_storm(file: Path) -> None:
    """Killed at random, again and again, a store has each key once, those confirmed at least."""
    random = Random(5)  # noqa: S311 - no secret
    confirmed: dict[int, str] = {}
    for seed in range(5):
        command = [sys.executable, "-m", "support.storm", f"sqlite:///{file}", "2000", str(seed)]
        with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE) as process:  # noqa: S603 - own
            assert process.stdout is not None
            for _ in range(random.randrange(300)):
                process.stdout.readline()
            process.kill()
            *whole, _ = process.stdout.read().decode().split("\n")
            confirmed |= {int(line.split()[1]): line.split()[0] for line in whole}

        async def stored() -> list[str]:
            async with opened(file) as engine:
                return keys_in(await engine.read(0))

        keys = asyncio.run(stored())
        assert len(set(keys)) == len(keys)
        assert all(keys[seq - 1] == key for seq, key in confirmed.items())


def test_data_is_json_for_tools(file: Path) -> None:
    """A tool reads into the records with `json_extract`."""

    async def check() -> None:
        async with opened(file) as engine:
            await engine.append(0, [Batch(1, json.dumps({"a": "é"}).encode())])
        with closing(sqlite3.connect(file)) as tool:
            found = tool.execute("SELECT json_extract(data, '$.a') FROM log").fetchone()
        assert found == ("é",)

    asyncio.run(check())


def test_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path after three slashes is relative, after four absolute."""
    monkeypatch.chdir(tmp_path)

    async def check() -> None:
        for url in ("sqlite:///a.db", f"sqlite:///{tmp_path}/b.db"):
            engine = open_engine(url)
            await engine.open()
            await engine.close()

    asyncio.run(check())
    assert {each.name for each in tmp_path.glob("*.db")} == {"a.db", "b.db"}
    assert os.fspath(tmp_path).startswith("/")
