"""What the user's own system shows: a count, a state, whatever a duplicate must not change."""

import shlex
import subprocess
import time
from collections.abc import Callable

_LONGEST = 200
_MOST_READS = 20


class ObserveError(Exception):
    """The value cannot be observed; the message says why."""


class Observer:
    """Reads the observed value.

    Args:
        read: returns the value.
        settle: seconds that a handler may take to act after its answer.
    """

    def __init__(self, read: Callable[[], object], settle: float) -> None:
        self._read = read
        self._settle = settle

    def value(self) -> str:
        """The value now.

        Raises:
            ObserveError: if it cannot be observed.
        """
        return str(self._read()).strip()

    def later(self) -> str:
        """The value once the handler has had time to act."""
        time.sleep(self._settle)
        return self.value()

    def steady(self) -> str:
        """The value once it no longer changes."""
        before = self.value()
        for _ in range(_MOST_READS):
            after = self.later()
            if after == before:
                break
            before = after
        return before

    def changed(self, before: str) -> str:
        """The value once it differs from an earlier one; the same one if it stays the same."""
        for _ in range(_MOST_READS):
            after = self.value()
            if after != before:
                return self.steady()
            time.sleep(self._settle)
        return before


def reader_of(command: str, timeout: float) -> Callable[[], str]:
    """A function that runs a command and returns what it prints.

    Args:
        command: a program and its arguments, quoted as in a shell, which does not run it.
        timeout: seconds that the command may take.

    Raises:
        ObserveError: for a command that is empty or has unbalanced quotes.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ObserveError(f"{command!r}: {error}") from None
    if not words:
        raise ObserveError("the command is empty")

    def read() -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the command is what the user asks to run
                words, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise ObserveError(f"{command!r} has not ended after {timeout:g} s") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ObserveError(f"cannot run {words[0]!r}: {reason}") from None
        if done.returncode:
            told = done.stderr.decode(errors="replace").strip()[-_LONGEST:]
            raise ObserveError(f"{command!r} ended with status {done.returncode}: {told}")
        return done.stdout.decode(errors="replace")

    return read
