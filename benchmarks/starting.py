"""Starting, stopping and resetting."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from statistics import median
from typing import NamedTuple

from benchmarks.bodies import HEADERS, ORDER_PATH
from benchmarks.effort import Effort
from benchmarks.load import send
from benchmarks.machine import ROOT, cores, on_core
from benchmarks.orders import DIFFERENT
from benchmarks.report import Measure, Part, Table, milli, spread
from benchmarks.servers import QUIET, Server, ServerError, bare, ours

_LOOK = 0.001  # seconds
_CYCLES = 10  # in process, per start of a process


class Took(NamedTuple):
    """Seconds by the clock, and of CPU time."""

    wall: float
    cpu: float


def measure(effort: Effort) -> Part:
    """How long one waits before the first request, and to begin again."""
    turns = [(_start(bare), _start(ours)) for _ in range(effort.starts + 1)][1:]
    limits, starts = ([turn[place] for turn in turns] for place in (0, 1))
    cycles = _in_process(_CYCLES * effort.starts)
    with ours(*QUIET) as server:
        resets = [_reset(server, effort.reset) for _ in range(effort.fewer_rounds)]
    lines = {
        "bare: from nothing to the first 200": limits,
        "`runa-mock serve`: the same": starts,
        "`MockServer`: start and stop in a running process": cycles,
        f"`POST /_mock/reset` after {effort.reset:,} orders": resets,
    }
    table = Table(
        "Starting",
        f"Processes start by turns, {effort.starts} times, the first not counted. `MockServer` "
        f"starts {len(cycles)} times in one process, the first not counted. A reset is not the "
        "first call of the control API.",
        ("", "CPU ms", "lowest", "highest", "ms"),
        [_row(name, figures) for name, figures in lines.items()],
    )
    measures = {
        "serve": spread([start.cpu / limit.cpu for limit, start in turns]),
        "in_process": _milliseconds(cycles),
        "reset": _milliseconds(resets),
    }
    return Part(measures, [table])


def _row(name: str, figures: Sequence[Took]) -> tuple[str, ...]:
    costs = [took.cpu for took in figures]
    shown = (median(costs), min(costs), max(costs), median(took.wall for took in figures))
    return (name, *map(milli, shown))


def _milliseconds(figures: Sequence[Took]) -> Measure:
    return spread([1e3 * took.cpu for took in figures])


def _start(server: Callable[..., Server]) -> Took:
    start = time.perf_counter()
    with server(patience=_LOOK) as started:
        return Took(time.perf_counter() - start, started.cpu_seconds())


def _reset(server: Server, orders: int) -> Took:
    send(server, DIFFERENT, orders)
    server.ask("GET", "/_mock/clock", HEADERS)
    cpu, start = server.cpu_seconds(), time.perf_counter()
    status, answer = server.ask("POST", "/_mock/reset", HEADERS, b"{}")
    took = Took(time.perf_counter() - start, server.cpu_seconds() - cpu)
    left = server.ask("GET", ORDER_PATH, HEADERS)[1]
    if status != HTTPStatus.OK or b'"status"' in left:
        raise ServerError(f"the reset was answered with {status}: {answer!r}")
    return took


def _in_process(times: int) -> list[Took]:
    with on_core(cores()[0]):
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-m", "benchmarks.in_process", str(times)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return [Took(*pair) for pair in json.loads(done.stdout)]
