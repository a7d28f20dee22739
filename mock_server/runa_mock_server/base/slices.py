"""Long work done in slices, so that the requests of others are answered in between."""

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import TypeVar

R = TypeVar("R")

Work = Generator[None, None, R]
"""Work that yields after each bounded amount of it, and returns its result."""

SLICE_SECONDS = 0.001
"""For how long work goes on before others have their turn."""


def finish(work: Work[R]) -> R:
    """Do all of the work without a pause.

    Returns:
        Its result.
    """
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: R = end.value
            return result


async def finish_in_slices(work: Work[R]) -> R:
    """Do the work on the running event loop, with a turn for others after each slice.

    Returns:
        Its result.
    """
    while True:
        enough = perf_counter() + SLICE_SECONDS
        try:
            next(work)
            while perf_counter() < enough:
                next(work)
        except StopIteration as end:
            result: R = end.value
            return result
        await asyncio.sleep(0)
