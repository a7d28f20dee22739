"""Waiting for what another thread does, by looking and not by sleeping."""

import time
from collections.abc import Callable

LIMIT = 120  # seconds, after which it will not happen any more


def until(has_happened: Callable[[], bool]) -> None:
    """Look until something has happened."""
    deadline = time.monotonic() + LIMIT
    while not has_happened():
        assert time.monotonic() < deadline, "it never happened"
