"""The signals that stop ``runa-mock serve`` and ``runa-mock check-client``."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType


def stop_signals() -> Sequence[signal.Signals]:
    """The signals that stop the command; not SIGHUP where it is ignored, as below ``nohup``."""
    hang_up = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hang_up)


def stopped_by_signals() -> AbstractContextManager[None]:
    """Have the signals end the process with exit code 0 while no event loop handles them."""
    return _handled_by(_exit)


def aborted_by_signals() -> AbstractContextManager[None]:
    """Have the signals end the process, cleaned up, with 128 and their number as exit code."""
    return _handled_by(_abort)


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in stop_signals()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _exit(number: int, frame: FrameType | None) -> None:
    del number, frame
    _ignore_more()
    raise SystemExit(0)


def _abort(number: int, frame: FrameType | None) -> None:
    del frame
    _ignore_more()
    raise SystemExit(128 + number)


def _ignore_more() -> None:
    """Ignore further signals: one must not interrupt the cleaning up."""
    for each in stop_signals():
        signal.signal(each, signal.SIG_IGN)
