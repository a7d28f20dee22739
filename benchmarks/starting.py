"""Starting, stopping, importing and resetting."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from statistics import median
from typing import NamedTuple

from benchmarks.effort import Effort
from benchmarks.machine import ROOT, cores, on_core
from benchmarks.orders import HEADERS, KEY_HEADER, ONE_ITEM, ORDER_PATH, ORDERING
from benchmarks.report import Measure, Part, Table, milli
from benchmarks.servers import Server, ServerError, bare, filled, ours

_LOOK = 0.001  # seconds
_CYCLES = 10  # in process, per start of a process
_RESETS = 5
_LATER = 0.5  # seconds
_STORED = 100_000
_IMPORT = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import {}
print([time.perf_counter() - wall, time.process_time() - cpu])
"""


class Took(NamedTuple):
    """Seconds by the clock, and on a core."""

    wall: float
    cpu: float


def measure(effort: Effort) -> Part:
    """How long one waits before the first request, and to begin again."""
    stored = min(_STORED, effort.many)
    limits, starts = _pairs(lambda: _start(bare), lambda: _start(ours), effort.starts)
    cycles = _in_process(_CYCLES * effort.starts)
    resets = [_reset(stored) for _ in range(_RESETS)]
    base, client = _pairs(
        lambda: _import("requests"), lambda: _import("runa_client"), effort.starts
    )
    lines = {
        "bare aiohttp, from nothing to the first answer": limits,
        "`runa-mock serve`, the same": starts,
        "the first order, right after the first answer": _first_orders(0, effort.starts),
        f"the first order, {_LATER} s later": _first_orders(_LATER, effort.starts),
        "`MockServer`, start and stop in a running process": cycles,
        f"`POST /_mock/reset` after {stored:,} orders": resets,
        "`import requests`": base,
        "`import runa_client`": client,
    }
    table = Table(
        "Starting",
        f"What is compared comes by turns, {effort.starts} times, each in a new process. "
        "The server listens first, then loads its settings and itself; what comes meanwhile waits. "
        f"`MockServer` starts {len(cycles)} times in one process, the first not counted. A reset "
        "is not the first control call, which loads the control API.",
        ("", "ms", "lowest", "highest", "CPU ms"),
        [_row(name, figures) for name, figures in lines.items()],
    )
    measures = {
        "start": _ratio(starts, limits),
        "in_process": _milliseconds(cycles),
        "reset": _milliseconds(resets),
        "import": _ratio(client, base),
    }
    return Part(measures, [table])


def _row(name: str, figures: Sequence[Took]) -> tuple[str, ...]:
    walls = [took.wall for took in figures]
    cpu = median(took.cpu for took in figures)
    return (name, *(milli(wall) for wall in (median(walls), min(walls), max(walls))), milli(cpu))


def _milliseconds(figures: Sequence[Took]) -> Measure:
    walls = [1e3 * took.wall for took in figures]
    return Measure(
        median(walls), min(walls), max(walls), 1e3 * median(took.cpu for took in figures)
    )


def _pairs(
    one: Callable[[], Took], other: Callable[[], Took], times: int
) -> tuple[list[Took], list[Took]]:
    """Both by turns; what Python caches is written in a turn that is not counted."""
    turns = [(one(), other()) for _ in range(times + 1)][1:]
    return [first for first, _ in turns], [second for _, second in turns]


def _ratio(figures: Sequence[Took], base: Sequence[Took]) -> Measure:
    """The median of the turns' ratios, and the bounds of their middle half."""
    ratios = sorted(took.wall / limit.wall for took, limit in zip(figures, base, strict=True))
    quarter = len(ratios) // 4
    by_cpu = median(took.cpu for took in figures) / median(limit.cpu for limit in base)
    return Measure(median(ratios), ratios[quarter], ratios[-1 - quarter], by_cpu)


def _start(server: Callable[..., Server]) -> Took:
    start = time.perf_counter()
    with server(patience=_LOOK) as started:
        return Took(time.perf_counter() - start, started.cpu_seconds())


def _first_orders(pause: float, times: int) -> list[Took]:
    """How long a client waits for its first order, so many seconds after the server has started."""
    return [_first_order(pause) for _ in range(times + 1)][1:]


def _first_order(pause: float) -> Took:
    headers = {**ORDERING, KEY_HEADER: "first"}
    with ours(patience=_LOOK) as server:
        time.sleep(pause)
        cpu, start = server.cpu_seconds(), time.perf_counter()
        status, answer = server.ask("POST", ORDER_PATH, headers, ONE_ITEM.encode())
        took = Took(time.perf_counter() - start, server.cpu_seconds() - cpu)
        if status != HTTPStatus.ACCEPTED:
            raise ServerError(f"the first order was answered with {status}: {answer!r}")
        return took


def _reset(orders: int) -> Took:
    with filled(orders) as server:
        server.ask("GET", "/_mock/clock", HEADERS)
        cpu, start = server.cpu_seconds(), time.perf_counter()
        status, answer = server.ask("POST", "/_mock/reset", HEADERS, b"{}")
        took = Took(time.perf_counter() - start, server.cpu_seconds() - cpu)
        left = server.ask("GET", ORDER_PATH, HEADERS)[1]
        if status != HTTPStatus.OK or b'"status"' in left:
            raise ServerError(f"the reset was answered with {status}: {answer!r}")
        return took


def _in_process(times: int) -> list[Took]:
    return [Took(*pair) for pair in json.loads(_output("-m", "benchmarks.in_process", str(times)))]


def _import(name: str) -> Took:
    return Took(*json.loads(_output("-c", _IMPORT.format(name))))


def _output(*arguments: str) -> str:
    with on_core(cores()[0]):
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
    return done.stdout
