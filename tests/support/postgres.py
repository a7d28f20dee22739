"""A PostgreSQL server for the tests: a given one, or a private one that ends with them.

``RUNA_TEST_POSTGRES`` names a database that tests may use. Without it they start a server of the
newest version that is installed as Debian does it. Where there is neither, tests that need one
are skipped, and fail in CI.
"""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

import pytest

GIVEN = "RUNA_TEST_POSTGRES"
_BINARIES = Path("/usr/lib/postgresql")
_OPTIONS = (
    "fsync=off",  # processes fail in tests, machines do not
    "max_connections=200",
    "shared_buffers=64MB",
    "listen_addresses='127.0.0.1'",
)


class PostgresServer:
    """A private server in a folder of its own, which listens on 127.0.0.1.

    Args:
        folder: where its files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._log = folder / "log"

    @classmethod
    def create(cls) -> "PostgresServer":
        """A server in a new folder, not yet started."""
        server = cls(Path(tempfile.mkdtemp(prefix="runa-postgres-")))
        user = _unprivileged()
        if user:
            shutil.chown(server.folder, user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server._run("initdb", "-A", "trust", "-U", "runa", "-E", "UTF8", "-N")
        with (server._data / "postgresql.conf").open("a") as settings:
            settings.write("\n".join((*_OPTIONS, f"port={port}", "")))
            settings.write(f"unix_socket_directories='{server.folder}'\n")
        return server

    @property
    def port(self) -> int:
        """The port it listens on."""
        lines = (self._data / "postgresql.conf").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("port=")).removeprefix("port="))

    @property
    def url(self) -> str:
        """The URL of its database as a store has it, without the name of a world."""
        return f"postgresql://runa@127.0.0.1:{self.port}/postgres"

    @property
    def socket_url(self) -> str:
        """The same over its Unix socket, whose buffers are small."""
        return f"postgresql://runa@/postgres?host={self.folder}&port={self.port}"

    def ask_for_password(self) -> None:
        """Let nobody in without a password from now on."""
        (self._data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        self._run("pg_ctl", "reload")

    @property
    def process(self) -> int:
        """The id of its main process."""
        return int((self._data / "postmaster.pid").read_text().split("\n")[0])

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._run("pg_ctl", "-l", str(self._log), "-w", "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop it and delete its folder."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def _run(self, name: str, *arguments: str) -> None:
        program = _program(name)
        assert program is not None, name
        done = subprocess.run(  # noqa: S603 - the server's own programs
            [program, "-D", str(self._data), *arguments],
            check=False,
            cwd="/",
            user=_unprivileged(),
            stdin=subprocess.DEVNULL,
            # The server that `pg_ctl` starts keeps what it inherits: a pipe would never end.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert done.returncode == 0, (name, self._log.read_text() if self._log.exists() else "")


def _program(name: str) -> str | None:
    """A program of the server, of its newest version."""
    versions = sorted(_BINARIES.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


def _unprivileged() -> str | None:
    """The user to run a server as: it refuses to be run by root."""
    if os.getuid() != 0:
        return None
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _started() -> PostgresServer:
    if _program("initdb") is None:
        missing = f"NO POSTGRESQL: install Debian's package postgresql, or set {GIVEN} to a URL"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    server = PostgresServer.create()
    server.start()
    return server


@contextmanager
def private_server() -> Iterator[PostgresServer]:
    """A server for one test, which may stop it; skips the test where there is none."""
    server = _started()
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def _turn(lock: IO[str]) -> Iterator[None]:
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database for stores; all workers of a run share one server."""
    if GIVEN in os.environ:
        yield os.environ[GIVEN]
        return
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    known = root / "postgres.folder"
    with (root / "postgres.turn").open("w") as turn, (root / "postgres.users").open("w") as users:
        with _turn(turn):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not known.exists():
                known.write_text(str(_started().folder))
        server = PostgresServer(Path(known.read_text()))
        yield server.url
        with _turn(turn):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # another worker still uses it
            known.unlink()
            server.remove()


@pytest.fixture
def postgres_store(postgres: str) -> str:
    """The URL of a new world in PostgreSQL."""
    return new_world(postgres)


def new_world(url: str) -> str:
    """The URL of a new world in the database with a URL."""
    return f"{url}{'&' if '?' in url else '?'}name={uuid4().hex}"
