"""What holds for PostgreSQL alone: lost connections, several processes, the schema."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runa_mock_server.store.engine import (
    Batch,
    Engine,
    OutcomeUnknownError,
    StoreDownError,
    StoreReplacedError,
    StoreVersionError,
)
from runa_mock_server.store.urls import open_engine
from support.database_proxy import database_proxy
from support.postgres import PostgresServer, new_world, private_server
from support.storm import batch_of, keys_in, write_once

TESTS = Path(__file__).parents[2]
KEYS = 400
MOST_CUTS = 50


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Engine]:
    """An open engine, closed in the end."""
    engine = open_engine(url)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


def dsn_of(url: str) -> str:
    """The URL of a database without the options of the store."""
    return url.partition("?")[0]


async def all_keys(url: str) -> list[str]:
    """Every key that is stored, as often as it is stored."""
    async with opened(url) as engine:
        return keys_in(await engine.read(0, limit=1_000_000))


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """The URL of a new database, whose schema a test may spoil."""
    name = f"spoiled_{os.getpid()}_{random.randrange(10**9)}"  # noqa: S311 - a name, no secret

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(dsn_of(postgres))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute(f"CREATE DATABASE {name}"))
    yield f"{dsn_of(postgres).rpartition('/')[0]}/{name}"
    asyncio.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


def test_lost_answer(postgres_store: str) -> None:
    """An append whose answer is lost raises, and its rows come back like those of others."""

    async def check() -> None:
        async with (
            database_proxy(postgres_store) as (proxy, through),
            opened(through) as engine,
        ):
            await engine.append(0, [Batch(1, b'"first"')])
            proxy.losing = 1
            with pytest.raises(OutcomeUnknownError):
                await engine.append(1, [Batch(1, b'"second"')])
            proxy.losing = 0
            news, written = await engine.append(1, [Batch(1, b'"second"'), Batch(2, b'"third"')])
            assert [row.data for row in news] == [b'"second"']
            assert written == [None, 3]

    asyncio.run(check())


def test_silent_database(postgres_store: str) -> None:
    """A database that does not answer any more is noticed, and used again when it answers."""

    async def check() -> None:
        async with (
            database_proxy(postgres_store) as (proxy, through),
            opened(through) as engine,
        ):
            await engine.append(0, [Batch(1, b'"first"')])
            proxy.silent = True
            with pytest.raises(OutcomeUnknownError):
                await engine.append(1, [Batch(1, b'"second"')])
            with pytest.raises(StoreDownError):
                await engine.append(1, [Batch(1, b'"second"')])
            proxy.silent = False
            assert [row.data for row in await engine.read(0)] == [b'"first"', b'"second"']

    asyncio.run(check())


def test_answers_lost_in_a_storm(postgres_store: str) -> None:
    """Two writers of the same keys, whose answers are lost now and then, write each once."""

    async def check() -> None:
        keys = [str(number) for number in range(KEYS)]
        async with (
            database_proxy(postgres_store) as (proxy, through),
            opened(through) as one,
            opened(through) as other,
        ):
            proxy.losing = 0.1
            found = await asyncio.gather(
                *(write_once(engine, keys, lambda *_: None) for engine in (one, other))
            )
        assert proxy.lost
        assert found[0] == found[1]
        assert sorted(await all_keys(postgres_store)) == sorted(keys)

    asyncio.run(check())


async def cut(url: str, application: str, until: asyncio.Event) -> int:
    """Cut the connections of an application every 20 to 40 ms; how many were cut.

    Ends after some times, or a slow machine would get nowhere.
    """
    connection = await asyncpg.connect(dsn_of(url))
    count = 0
    for _ in range(MOST_CUTS):
        if until.is_set():
            break
        count += await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = $1",
            application,
        )
        await asyncio.sleep(random.uniform(0.02, 0.04))  # noqa: S311 - no secret
    await connection.close()
    return count


def test_connections_cut(postgres_store: str) -> None:
    """Two processes with the same keys write each once while their connections are cut."""
    application = "cut-in-tests"

    async def check() -> None:
        url = f"{postgres_store}&application_name={application}"
        done = asyncio.Event()
        cutting = asyncio.create_task(cut(postgres_store, application, done))
        processes = [await storm(url, KEYS, seed) for seed in (1, 2)]
        told = [(await process.communicate())[0].decode() for process in processes]
        done.set()
        assert await cutting
        assert sorted(told[0].splitlines()) == sorted(told[1].splitlines())
        counts = Counter(await all_keys(postgres_store))
        assert set(counts.values()) == {1}
        assert len(counts) == KEYS

    asyncio.run(check())


async def storm(url: str, count: int, seed: int) -> asyncio.subprocess.Process:
    """A process that writes keys, see ``support.storm``."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.storm", url, str(count), str(seed),
        cwd=TESTS, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


def test_processes_stopped_and_killed(postgres_store: str) -> None:
    """What a killed process was told is there, once; one that is stopped holds nobody up."""

    async def check() -> None:
        killed, stopped, other = [await storm(postgres_store, KEYS, seed) for seed in range(3)]
        heard = [await first_line(killed), await first_line(stopped)]
        stopped.send_signal(signal.SIGSTOP)
        killed.send_signal(signal.SIGKILL)
        told = (await killed.communicate())[0].decode()
        assert await other.wait() is not None
        stopped.send_signal(signal.SIGCONT)
        told += (await stopped.communicate())[0].decode()
        stored = await all_keys(postgres_store)
        assert Counter(stored) == dict.fromkeys(map(str, range(KEYS)), 1)
        for line in [*heard, *told.splitlines()]:
            key, _, seq = line.partition(" ")
            assert not seq or stored[int(seq) - 1] == key

    asyncio.run(check())


async def first_line(process: asyncio.subprocess.Process) -> str:
    """The first line that a process prints."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip()


def test_start_together(database: str) -> None:
    """Processes that start together create the tables and their worlds without an error."""

    async def check() -> None:
        urls = [f"{database}?name={'ab'[number % 2]}" for number in range(8)]
        engines = [open_engine(url) for url in urls]
        assert await asyncio.gather(*(engine.open() for engine in engines)) == [0] * 8
        await engines[0].append(0, [Batch(1, b"1")])
        assert [len(await engine.read(0)) for engine in engines] == [1, 0] * 4
        await asyncio.gather(*(engine.close() for engine in engines))

    asyncio.run(check())


def test_newer_version(database: str) -> None:
    """A schema of a newer version is refused, and what it has is left alone."""

    async def check() -> None:
        async with opened(database) as engine:
            await engine.append(0, [Batch(1, b"1")])
        connection = await asyncpg.connect(database)
        await connection.execute("UPDATE runa_version SET version = 99")
        with pytest.raises(StoreVersionError, match="99"):
            await open_engine(database).open()
        assert await connection.fetchval("SELECT version FROM runa_version") == 99
        await connection.close()

    asyncio.run(check())


def test_restored_from_a_backup(postgres_store: str) -> None:
    """A store that ends before what a process has seen is refused."""

    async def check() -> None:
        async with opened(postgres_store) as engine:
            await engine.append(0, [Batch(1, b"1")])
            with pytest.raises(StoreReplacedError):
                await engine.append(2, [Batch(1, b"2")])

    asyncio.run(check())


POINTS = {
    "before the rows": "BEFORE INSERT ON runa_log FOR EACH STATEMENT",
    "between the rows": "BEFORE INSERT ON runa_log FOR EACH ROW WHEN (NEW.seq = 4)",
    "after the rows": "AFTER INSERT ON runa_log FOR EACH STATEMENT",
    "before the head": "BEFORE UPDATE ON runa_world FOR EACH ROW",
    "after the head": "AFTER UPDATE ON runa_world FOR EACH ROW",
    "before the commit": "AFTER UPDATE ON runa_world DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
}
CRASHES = {
    "error": ("RAISE EXCEPTION 'crash'", StoreDownError),
    "end of the backend": ("PERFORM pg_terminate_backend(pg_backend_pid())", OutcomeUnknownError),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_crash_points(database: str, crash: str) -> None:
    """A crash between two statements of an append leaves nothing of it."""
    statement, error = CRASHES[crash]

    async def check() -> None:
        connection = await asyncpg.connect(database)
        async with opened(database) as engine:
            await engine.append(0, [Batch(1, b"1"), Batch(2, b"2")])
            await connection.execute(
                "CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {statement}; RETURN NEW; END $$"
            )
            for point in POINTS.values():
                constraint = "CONSTRAINT" if "DEFERRABLE" in point else ""
                table = point.split(" ON ")[1].split()[0]
                await connection.execute(
                    f"CREATE {constraint} TRIGGER crash {point} EXECUTE FUNCTION crash()"
                )
                with pytest.raises(error):
                    await engine.append(2, [Batch(1, b"3"), Batch(2, b"4")])
                await connection.execute(f"DROP TRIGGER crash ON {table}")
                assert [row.seq for row in await engine.read(0)] == [1, 2], point
                assert await engine.append(2, []) == ([], []), point
            assert (await engine.append(2, [Batch(1, b"3")])).written == [3]
        await connection.close()

    asyncio.run(check())


def test_large_answer_to_a_stopped_process() -> None:
    """A process that is stopped before it reads a large answer holds nobody up."""
    with private_server() as server:
        asyncio.run(_large_answer(server))


_STOPPED = """
import asyncio, os, signal, sys
from runa_mock_server.store.engine import Batch
from runa_mock_server.store.urls import open_engine

async def main():
    engine = open_engine(sys.argv[1])
    head = await engine.open()
    await engine.append(head, [Batch(1, b"1")])  # connects and prepares
    behind = asyncio.create_task(engine.append(0, [Batch(1, b"2")]))
    for _ in range(5):  # the database has the question then, but cannot have answered
        await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGSTOP)

asyncio.run(main())
"""


async def _large_answer(server: PostgresServer) -> None:
    url = new_world(server.socket_url)
    async with opened(url) as engine:
        head = 0
        for _ in range(40):
            written = (await engine.append(head, [Batch(2, b"0" * 60_000)] * 20)).written
            head = written[-1] or 0
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", _STOPPED, url)
        await asyncio.to_thread(_until_stopped, process.pid)
        await _until_idle(server.url)
        assert (await engine.append(head + 1, [Batch(3, b"3")])).written == [head + 2]
        process.kill()
        await process.wait()


async def _until_idle(url: str) -> None:
    """Wait until every connection waits for its client, which may have to read or to write."""
    connection = await asyncpg.connect(url)
    idle = 0
    while idle < 5:  # a question that was just sent is not seen at once
        busy = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid() AND wait_event_type IS DISTINCT FROM 'Client'"
        )
        idle = 0 if busy else idle + 1
        await asyncio.sleep(0.02)
    await connection.close()


def _until_stopped(process: int) -> None:
    """Wait until a process is stopped, without learning that it has ended."""
    os.waitid(os.P_PID, process, os.WSTOPPED | os.WNOWAIT)


def test_database_stopped() -> None:
    """While the database is away everything says so; afterwards everything works again."""
    with private_server() as server:
        asyncio.run(_stopped(server))


async def _stopped(server: PostgresServer) -> None:
    url = new_world(server.url)
    woken = asyncio.Event()
    async with opened(url) as other:
        engine = open_engine(url)
        engine.on_wake(woken.set)
        await engine.open()
        await engine.append(0, [Batch(1, b"1")])
        await engine.journal([b"1"])
        server.stop()
        operations: list[Callable[[], Coroutine[Any, Any, Any]]] = [
            lambda: engine.append(1, [Batch(1, b"2")]),
            lambda: engine.read(0),
            lambda: engine.journal([b"2"]),
            lambda: engine.load("x"),
            engine.wake,
            engine.info,
            open_engine(url).open,
        ]
        for operation in operations:
            with pytest.raises((StoreDownError, OutcomeUnknownError)):
                await operation()
            with pytest.raises(StoreDownError):
                await operation()
        woken.clear()
        server.start()
        assert (await engine.append(1, [Batch(1, b"2")])).written == [2]
        assert await engine.journal([b"2"]) in {1, 2}  # the crash may have taken the first
        await woken.wait()  # it listens again, and says that it may have missed something
        woken.clear()
        await other.wake()
        await woken.wait()
        await engine.close()


def test_wake(postgres_store: str) -> None:
    """A wake of another process is heard; those in other worlds and one's own are not."""

    async def check() -> None:
        heard = asyncio.Event()
        one = open_engine(postgres_store)
        one.on_wake(heard.set)
        await one.open()
        await heard.wait()  # it listens
        heard.clear()
        async with opened(postgres_store) as same, opened(f"{postgres_store}2") as elsewhere:
            await one.wake()
            await elsewhere.wake()
            await one.append(0, [batch_of("1")])
            assert not heard.is_set()
            await same.wake()
            await heard.wait()
        await one.close()

    asyncio.run(check())


def test_password_never_shown() -> None:
    """Neither a refused password nor a wrong address shows the password."""

    async def check(url: str) -> None:
        with pytest.raises(StoreDownError) as refused:
            await open_engine(url).open()
        assert "Pa55" not in str(refused.value)
        assert "\n" not in str(refused.value)
        assert refused.value.__suppress_context__

    asyncio.run(check("postgresql://me:Pa55word@127.0.0.1:1/db"))
    with private_server() as server:
        server.ask_for_password()
        asyncio.run(check(server.url.replace("runa@", "runa:Pa55word@")))
