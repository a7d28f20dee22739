"""The file of an SQLite store: what it is, who may use it, and its lock."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from runa_mock_server.store.engine import StoreLockedError, StoreVersionError
from runa_mock_server.store.sqlite_statements import APPLICATION, LOCK, NO_FILE_BESIDE

_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes


def _check(path: Path, place: str) -> None:
    """Look at a file without changing it: it may belong to another program.

    Only whoever has the lock may call it: closing a file takes the locks of this process away.
    """
    with suppress(FileNotFoundError), path.open("rb") as file:
        head = file.read(_HEADER)
        if head and (head[: len(_MAGIC)] != _MAGIC or head[68:72] != APPLICATION):
            raise StoreVersionError(f"store {place}: the file is not a store of runa-mock")


def lock(path: Path, place: str) -> sqlite3.Connection:
    """The lock of a store, held until the connection is closed: a second, empty file.

    A lock on the file itself would keep tools from reading it. SQLite leaves locks to the
    operating system, which frees them with the process; a copy of the file does not have it.

    Raises:
        StoreLockedError: another process holds it.
        StoreVersionError: the file is no store of ours.
    """
    beside = path.with_name(f"{path.name}.lock")
    if not beside.exists():  # nobody has the store, and a file of another program gets no lock
        _check(path, place)
    held = connect(beside, timeout=0)
    try:
        held.execute(NO_FILE_BESIDE)
        held.execute(LOCK)
        _check(path, place)
    except BaseException as error:
        held.close()
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
            raise
        raise StoreLockedError(
            f"store {place}: another process uses it; a file is for one process at a time"
        ) from None
    return held


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is at a path, if there is one."""
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def connect(path: Path, timeout: float = 1) -> sqlite3.Connection:
    """A connection to a file, which is created if it is missing. Text is read as bytes.

    Args:
        path: the file.
        timeout: seconds to wait where another program has locked it.
    """
    # Closing a file takes all locks away that this process has on it: an old one is left alone.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    path.chmod(0o600)  # SQLite gives the files beside it the same mode
    # A server is opened on one thread and served on another, never on both at a time.
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = bytes
    return connection
