"""A server that notes where its time goes: ``python -m benchmarks.sampled PROGRAM ARGUMENT...``.

PROGRAM is a Python file or a module. From SIGUSR1 on, a timer of CPU time interrupts it again and
again, and the running code counts for its room of `runa_mock_server`, or for its package.
Unlike a profiler this does not make calls more expensive. When the server stops, the counts are
written as JSON in a line.
"""

import json
import runpy
import signal
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import FrameType

from benchmarks.machine import ROOT

INTERVAL = 0.001  # seconds of CPU time; systems may round it up
_OURS = "runa_mock_server"
_LIBRARIES = "site-packages"


@cache
def place_of(path: str) -> str:
    """The place that a file's code counts for: ``web``, ``store``, ``aiohttp``, ``asyncio``."""
    parts = Path(path).parts
    if _OURS in parts:
        return f"{_OURS}/{parts[parts.index(_OURS) + 1].removesuffix('.py')}"
    if path.startswith(str(ROOT / "benchmarks")):
        return "the handler"
    if _LIBRARIES in parts:
        return parts[parts.index(_LIBRARIES) + 1].removesuffix(".py")
    standard = Path(json.__file__).parent.parent.parts
    return (
        parts[len(standard)].removesuffix(".py") if parts[: len(standard)] == standard else "other"
    )


def main() -> None:
    """Run the program, and count."""
    counts: Counter[str] = Counter()

    def note(_number: int, frame: FrameType | None) -> None:
        if frame is not None:
            counts[place_of(frame.f_code.co_filename)] += 1

    program, sys.argv = sys.argv[1], sys.argv[1:]
    # asyncio would only note the signal; here it matters what runs when it comes.
    signal.signal(signal.SIGPROF, note)
    signal.signal(
        signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    )
    try:
        if program.endswith(".py"):
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main()
