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
from http import HTTPStatus
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from benchmarks.bodies import HEADERS, KEY_HEADER, ORDER_PATH, ORDERING, SAME_BODY
from benchmarks.machine import ROOT, cores, on_core

START_SECONDS = 60
STOP_SECONDS = 20
_orders = count(1)
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SESSION = 3  # field of /proc/PID/stat behind the process's name, which may hold anything

QUIET = ("--log-level", "warning")
"""No access log; the bare application writes none either."""

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
        """The CPU time of the server and all its processes, to the nanosecond."""
        total = 0.0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2]
                if int(fields.split()[_SESSION]) == self._process.pid:
                    total += _cpu_seconds(int(path.parent.name))
            except OSError:  # it ended meanwhile
                continue
        return total

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
            self.signal(signal.SIGTERM)
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
        self.signal(signal.SIGKILL)  # whatever of it is left
        self._process.wait()
        self._output.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and all its processes: the group was made for them."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def ours(*arguments: str, patience: float = 0.02) -> Server:
    """This project: the command that anybody runs."""
    port = free_port()
    return Server([SERVE, "serve", "--port", str(port), *arguments], port, patience=patience)


def bare(patience: float = 0.02) -> Server:
    """The application that the mock is compared with."""
    port = free_port()
    return Server([sys.executable, BARE, str(port)], port, patience=patience)


def placed(server: Server, **headers: str) -> str:
    """Place one order; its id.

    Raises:
        ServerError: if it is refused.
    """
    key = {KEY_HEADER: f"placed-{next(_orders)}"}
    status, answer = server.ask(
        "POST", ORDER_PATH, {**ORDERING, **key, **headers}, SAME_BODY.encode()
    )
    if status != HTTPStatus.ACCEPTED:
        raise ServerError(f"an order was answered with {status}: {answer!r}")
    order_id: str = json.loads(answer)["id"]
    return order_id


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process and all its threads: clock_getcpuclockid(3), which Python lacks."""
    return time.clock_gettime((~pid << 3) | 2)
