"""Starting, stopping, importing and resetting."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from benchmarks.effort import Effort
from benchmarks.machine import ROOT, cores, on_core
from benchmarks.orders import HEADERS
from benchmarks.report import Measure, Part, Table, milli, spread
from benchmarks.servers import Server, ServerError, bare, filled, ours

_LOOK = 0.001  # seconds
_CYCLES = 10  # in process, per start of a process
_RESETS = 3
_STORED = 100_000
_IMPORT = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"


def measure(effort: Effort) -> Part:
    """How long one waits before the first request, and to begin again."""
    part = Part()
    rows: list[tuple[str, ...]] = []

    def add(name: str, figures: list[float]) -> None:
        rows.append((name, milli(median(figures)), milli(min(figures)), milli(max(figures))))

    limits, own = _pairs(lambda: _start(bare), lambda: _start(ours), effort.starts)
    part.measures["start"] = _ratio(own, limits)
    add("bare aiohttp, from nothing to the first answer", limits)
    add("`runa-mock serve`, the same", own)

    cycles = _in_process(_CYCLES * effort.starts)
    part.measures["in_process"] = spread([1e3 * seconds for seconds in cycles])
    add("`MockServer`, start and stop in a running process", cycles)

    resets = [_reset(min(_STORED, effort.many)) for _ in range(_RESETS)]
    part.measures["reset"] = spread([1e3 * seconds for seconds in resets])
    add(f"`POST /_mock/reset` after {min(_STORED, effort.many):,} orders", resets)

    base, client = _pairs(
        lambda: _import("requests"), lambda: _import("runa_client"), effort.starts
    )
    part.measures["import"] = _ratio(client, base)
    add("`import requests`", base)
    add("`import runa_client`", client)
    part.tables.append(
        Table(
            "Starting",
            f"Each in a new process, {effort.starts} times, what is compared by turns.",
            ("", "ms", "lowest", "highest"),
            rows,
        )
    )
    return part


def _pairs(
    one: Callable[[], float], other: Callable[[], float], times: int
) -> tuple[list[float], list[float]]:
    """Both by turns; what Python caches is written in a turn that is not counted."""
    turns = [(one(), other()) for _ in range(times + 1)][1:]
    return [first for first, _ in turns], [second for _, second in turns]


def _ratio(figures: list[float], base: list[float]) -> Measure:
    """The ratio of the medians; its spread is that of the turns' middle half."""
    ratios = sorted(figure / limit for figure, limit in zip(figures, base, strict=True))
    quarter = len(ratios) // 4
    return Measure(median(figures) / median(base), ratios[quarter], ratios[-1 - quarter])


def _start(server: Callable[[float], Server]) -> float:
    start = time.perf_counter()
    with server(_LOOK):
        return time.perf_counter() - start


def _reset(orders: int) -> float:
    with filled(orders) as server:
        start = time.perf_counter()
        status, answer = server.ask("POST", "/_mock/reset", HEADERS, b"{}")
        seconds = time.perf_counter() - start
        if status != 200 or server.ask("GET", "/v2/order", HEADERS)[1].startswith(b'{"items":[{'):
            raise ServerError(f"the reset was answered with {status}: {answer!r}")
        return seconds


def _in_process(times: int) -> list[float]:
    found: list[float] = json.loads(_output("-m", "benchmarks.in_process", str(times)))
    return found


def _import(name: str) -> float:
    return float(_output("-c", _IMPORT.format(name)))


def _output(*arguments: str) -> str:
    with on_core(cores()[0]):
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
    return done.stdout
