"""The command as a user runs it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

LIMIT = 120  # seconds; a process that takes longer hangs, and is killed

MODULE = (sys.executable, "-m", "runa_mock_server")
SCRIPT = (str(Path(sysconfig.get_path("scripts")) / "runa-mock"),)


class Finished(NamedTuple):
    """What a process left: its exit code and what it wrote."""

    code: int
    out: str
    err: str


@contextmanager
def _hangup_not_ignored() -> Iterator[None]:
    """Start what is started with the usual SIGHUP, even where the tests run under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


class Process:
    """``runa-mock`` with arguments, ended at the latest when the ``with`` block is.

    Args:
        arguments: what stands behind the command's name.
        environment: variables to add; those of the command itself are otherwise unset.
        command: how the command is called.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = MODULE,
    ) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name != "PORT" and not name.startswith("RUNA_")
        }
        with _hangup_not_ignored():
            self._process = subprocess.Popen(  # noqa: S603 - the project's own command
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,  # or `line` would take more than a line from what `finish` reads
                env={**inherited, **(environment or {})},
            )
        self._watchdog = threading.Timer(LIMIT, self._process.kill)
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._watchdog.cancel()
        self._watchdog.join()

    def line(self) -> str:
        """The next line of standard output, waiting for it; empty at its end."""
        stream = self._process.stdout
        return "" if stream is None else stream.readline().decode().rstrip("\n")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def finish(self) -> Finished:
        """Wait for its end; the output is what has not been read by lines."""
        out, err = self._process.communicate(timeout=LIMIT)
        return Finished(self._process.returncode, out.decode(), err.decode())


class Served(NamedTuple):
    """A process that serves: the process, its first line and the URL in it."""

    process: Process
    first_line: str
    url: str

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Finished:
        """End it with a signal."""
        self.process.send(number)
        return self.process.finish()


@contextmanager
def serving(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = MODULE,
) -> Iterator[Served]:
    """``runa-mock serve`` once it has said where."""
    with Process("serve", *arguments, environment=environment, command=command) as process:
        first = process.line()
        assert first, process.finish()
        text = json.loads(first)["message"] if first.startswith("{") else first
        words = [word for word in text.split() if word.startswith(("http://", "https://"))]
        assert words, first
        yield Served(process, first, words[-1].removesuffix("/v2"))
