"""Programs as child processes: started, ended at a deadline, killed with their own children."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from runa_mock_server.testing.client_scenarios.observation import Exit

_OUTPUT_BYTES = 2_000
_NO_PROXY = ("NO_PROXY", "no_proxy")


class CommandError(Exception):
    """The program cannot be started; the message says why."""


class Processes:
    """The programs that run now, each in a session of its own."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._is_over = False
        self._lock = threading.Lock()

    def run(
        self, command: Sequence[str], variables: Mapping[str, str], timeout: float
    ) -> tuple[Exit, str]:
        """Run a program until it ends or times out.

        Args:
            command: the program and its arguments.
            variables: environment variables to add.
            timeout: seconds after which the program is killed.

        Returns:
            How it ended, and the last 2,000 bytes of its output.

        Raises:
            CommandError: if the program cannot be started.
        """
        started = time.monotonic()
        with TemporaryFile() as output:
            process = self._start(command, variables, output)
            try:
                code: int | None = process.wait(timeout)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                self._end(process)
            seconds = time.monotonic() - started
            output.seek(max(0, output.seek(0, os.SEEK_END) - _OUTPUT_BYTES))
            return Exit(code, seconds), output.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill every program, and start none from now on."""
        with self._lock:
            self._is_over = True
            for group in self._running:
                _kill(group)

    def _start(
        self, command: Sequence[str], variables: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        # A proxy must not come between the program and the mock server.
        no_proxy = {
            name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1"))) for name in _NO_PROXY
        }
        with self._lock:
            if self._is_over:
                raise CommandError("the check was interrupted")
            try:
                process = subprocess.Popen(  # noqa: S603 - the command is what the user asks to run
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **no_proxy, **variables},
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                raise CommandError(f"cannot run {command[0]!r}: {reason}") from None
            self._running.add(process.pid)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is still running of a program and its child processes."""
        with self._lock:
            self._running.discard(process.pid)
            _kill(process.pid)
        process.wait()


def _kill(group: int) -> None:
    # Some systems do not permit a signal to a group of which nothing is left but zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
