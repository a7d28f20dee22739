"""Signals that end a command before its event loop runs."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from runa_mock_server.base.signals import aborted_by_signals, stopped_by_signals


@pytest.mark.parametrize("handled", [stopped_by_signals, aborted_by_signals])
def test_a_second_signal_does_not_interrupt_the_end(
    handled: Callable[[], AbstractContextManager[None]],
) -> None:
    """What is cleaned up after the first one is cleaned up whole; handlers are restored."""
    before = signal.getsignal(signal.SIGTERM)
    cleaned = False

    def run() -> None:
        nonlocal cleaned
        with handled():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGINT)
                cleaned = True

    with pytest.raises(SystemExit) as ended:
        run()
    assert cleaned
    assert ended.value.__context__ is None
    assert signal.getsignal(signal.SIGTERM) == before
