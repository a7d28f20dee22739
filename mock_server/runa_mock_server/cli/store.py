"""``runa-mock store``: look at a store, check it, make it smaller, or copy it for a bug report."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import click

from runa_mock_server.cli.store_redaction import RecordRedactor
from runa_mock_server.store.consistency import Contents, examine
from runa_mock_server.store.engine import MOST_ROWS, Batch, Engine, StoreError, StoreLockedError
from runa_mock_server.store.sqlite import SqliteEngine
from runa_mock_server.store.urls import IN_MEMORY, open_engine

T = TypeVar("T")
_MIB = 1024 * 1024


class _UnusableError(click.ClickException):
    """A store cannot be used."""


@click.group("store")
def command() -> None:
    """Look at a store, check it, compact it or copy it."""


_URL = click.argument("url", metavar="URL")


@command.command("info")
@_URL
def info(url: str) -> None:
    """Print accounts, orders, size and schema version of a store."""

    async def work(engine: Engine) -> None:
        found, contents = await engine.info(), await examine(engine)
        for name, value in (
            ("store", engine.place),
            ("schema version", found.version),
            ("size", f"{found.size / _MIB:.1f} MiB"),
            ("records", found.rows),
            ("accounts", contents.accounts),
            ("orders", contents.orders),
            ("journal", f"{found.journal} requests"),
        ):
            click.echo(f"{name + ':':16}{value}")

    _run(_looking(url, work))


@command.command("check")
@_URL
def check(url: str) -> None:
    """Check that a store is consistent: exit 0 if it is, 1 if not."""

    async def work(engine: Engine) -> Contents:
        return await examine(engine)

    contents = _run(_looking(url, work))
    for problem in contents.problems:
        click.echo(problem, err=True)
    if contents.problems:
        raise SystemExit(1)
    click.echo(f"consistent: {contents.records} records, {contents.orders} orders")


@command.command("compact")
@_URL
@click.option(
    "--keep-journal",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Requests of the journal to keep, the newest.",
)
def compact(url: str, keep_journal: int) -> None:
    """Drop the journal and give unused space back; a file must not be in use."""

    async def work() -> None:
        async with _opened(_engine(url)) as engine:
            before = (await engine.info()).size
            await engine.trim_journal(keep_journal)
            await engine.vacuum()
            after = (await engine.info()).size
            click.echo(f"{before / _MIB:.1f} MiB before, {after / _MIB:.1f} MiB now")

    _run(work())


@command.command("export")
@_URL
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--redacted",
    is_flag=True,
    help="Replace API keys, secrets and mail addresses, for a bug report.",
)
def export(url: str, file: Path, *, redacted: bool) -> None:
    """Copy a store to a new SQLite FILE, also while it is in use."""
    if file.exists():
        raise _UnusableError(f"{file}: exists already")

    async def work(engine: Engine) -> None:
        redactor = RecordRedactor() if redacted else None
        async with _opened(SqliteEngine(str(file))) as copy:
            head = await _copy_rows(engine, copy, redactor)
            number = 0
            while entries := await engine.read_journal(number):
                number = entries[-1][0]
                texts = [entry for _, entry in entries]
                await copy.journal(texts if redactor is None else [*map(redactor.text, texts)])
        click.echo(f"{head} records in {file}")

    _run(_looking(url, work))
    Path(f"{file}.lock").unlink(missing_ok=True)


async def _copy_rows(engine: Engine, copy: Engine, redactor: RecordRedactor | None) -> int:
    mark = head = 0
    while rows := await engine.read(mark):
        mark = rows[-1].seq
        batches = [
            Batch(row.account, row.data if redactor is None else redactor.record(row.data))
            for row in rows
        ]
        head += len((await copy.append(head, batches)).written)
        if len(rows) < MOST_ROWS:
            break
    return head


def _engine(url: str) -> Engine:
    engine = open_engine(url)
    if url == IN_MEMORY:
        raise _UnusableError("store memory:: ends with its process; name a file or a database")
    if isinstance(engine, SqliteEngine) and not engine.path.exists():
        raise _UnusableError(f"store {engine.place}: there is no such file")
    return engine


@asynccontextmanager
async def _opened(engine: Engine) -> AsyncIterator[Engine]:
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def _looking(url: str, work: Callable[[Engine], Awaitable[T]]) -> T:
    """Do something with a store that changes nothing; a file in use is copied first."""
    engine = _engine(url)
    try:
        async with _opened(engine):
            return await work(engine)
    except StoreLockedError:
        if not isinstance(engine, SqliteEngine):
            raise
    with tempfile.TemporaryDirectory() as folder:
        copy = SqliteEngine(f"{folder}/copy.db")
        _back_up(engine.path, copy.path)
        copy.place = engine.place
        async with _opened(copy):
            return await work(copy)


def _back_up(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path)) as used, closing(sqlite3.connect(target)) as copy:
        used.backup(copy)


def _run(work: Awaitable[T]) -> T:
    async def guarded() -> T:
        try:
            return await work
        except (StoreError, sqlite3.Error, OSError) as error:
            raise _UnusableError(str(error)) from None

    return asyncio.run(guarded())
