"""Servers as processes of their own, on a core of their own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import ROOT, cores, on_core
from benchmarks.orders import HEADERS

START_SECONDS = 300
STOP_SECONDS = 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat behind the process's name, which may hold anything.
_SESSION, _USER_TIME, _SYSTEM_TIME = 3, 11, 12

QUIET = ("--log-level", "warning")
"""No line of log for each request; the limit writes none either."""

SERVE = str(Path(sysconfig.get_path("scripts")) / "runa-mock")
BARE = str(ROOT / "benchmarks" / "bare.py")


class ServerError(Exception):
    """A server that does not start, or does not live; the message has its last words."""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server for the time of a ``with`` block.

    Args:
        command: how it is started.
        port: where it then listens.
        ready: a path that it answers, whatever the status, once it is up.
        patience: seconds between two looks whether it is.
        folder: where it is started.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        *,
        ready: str = "/v2/ping",
        patience: float = 0.02,
        folder: Path = ROOT,
    ) -> None:
        self._command = command
        self._ready = ready
        self._patience = patience
        self._folder = folder
        self.port = port

    def __enter__(self) -> Self:
        self._output = TemporaryFile()
        try:
            with on_core(cores()[0]):
                self._process = subprocess.Popen(  # noqa: S603 - commands of this folder
                    self._command,
                    stdout=self._output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    cwd=self._folder,
                    start_new_session=True,
                )
        except OSError as error:
            raise ServerError(f"{self._command[0]}: {error.strerror}") from None
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def cpu_seconds(self) -> float:
        """The time for which the server and all its processes have had a core."""
        total = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2]
            except OSError:  # it ended meanwhile
                continue
            values = fields.split()
            if int(values[_SESSION]) == self._process.pid:
                total += int(values[_USER_TIME]) + int(values[_SYSTEM_TIME])
        return total / _TICKS

    def memory(self) -> int:
        """The bytes that the server has in memory."""
        text = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="utf-8")
        return int(text.split()[1]) * _PAGE

    def told(self) -> dict[str, Any]:
        """What it wrote last, a JSON object in a line."""
        lines = self._words().splitlines()
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            self._process.wait(STOP_SECONDS)

    def _words(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            try:
                self.ask("GET", self._ready, HEADERS)
            except (OSError, http.client.HTTPException):
                time.sleep(self._patience)
            else:
                return
        last = " ".join(self._words().split())[-300:]
        raise ServerError(f"it did not start: {last or 'it said nothing'}")

    def _end(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.stop()
        self._signal(signal.SIGKILL)  # whatever of it is left
        self._process.wait()
        self._output.close()

    def _signal(self, number: signal.Signals) -> None:
        """Tell the server and all its processes: the group was made for them."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def ours(*arguments: str, patience: float = 0.02) -> Server:
    """This project: the command that anybody runs."""
    port = free_port()
    return Server([SERVE, "serve", "--port", str(port), *arguments], port, patience=patience)


def bare(patience: float = 0.02) -> Server:
    """The limit: an aiohttp application with one handler."""
    port = free_port()
    return Server([sys.executable, BARE, str(port)], port, patience=patience)


def filled(orders: int, every: int = 0) -> Server:
    """This project with orders in it, one of ``every`` still processing; ``told`` says which."""
    port = free_port()
    numbers = [str(number) for number in (port, orders, every)]
    return Server([sys.executable, "-m", "benchmarks.filled", *numbers], port)
