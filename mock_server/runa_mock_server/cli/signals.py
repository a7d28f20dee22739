"""The signals that stop ``runa-mock serve``."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


def stop_signals() -> Sequence[signal.Signals]:
    """The signals that stop the server; not SIGHUP where it is ignored, as below ``nohup``."""
    hang_up = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hang_up)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Have the signals end the process with exit code 0 while no event loop handles them."""
    before = {number: signal.signal(number, _exit) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(0)
