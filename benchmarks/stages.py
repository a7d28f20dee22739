"""Where the time of one request goes, stage by stage, here and in the limit."""

import sys

from benchmarks.effort import Effort
from benchmarks.load import put
from benchmarks.report import Part, Table
from benchmarks.servers import Server, free_port
from benchmarks.throughput import NEW_ORDER

_ALL = "all"


def measure(effort: Effort) -> Part:
    """The stages of an async order, and those of the limit's one handler."""
    own, limit = (_stages(which, effort.long) for which in ("ours", "bare"))
    names = sorted(own | limit, key=lambda name: (-own.get(name, 0), -limit.get(name, 0)))
    names.append(names.pop(names.index(_ALL)))
    rows = [
        (name, _cell(own.get(name)), _share(own, name), _cell(limit.get(name))) for name in names
    ]
    table = Table(
        "Where the time goes",
        "CPU time of an async order of one item whose body came before. A timer of CPU time "
        "interrupts the server, and what runs counts for its stage; time in C counts for the "
        "Python line that called it.",
        ("stage", "async order, µs", "share", "the limit, µs"),
        rows,
    )
    return Part(tables=[table])


def _stages(which: str, seconds: float) -> dict[str, float]:
    """Microseconds of each stage."""
    port = free_port()
    with Server([sys.executable, "-m", "benchmarks.sampled", which, str(port)], port) as server:
        put(server, NEW_ORDER, 1)
        cost = 1e6 * put(server, NEW_ORDER, seconds).cpu
        server.stop()
        counts = server.told()
    samples = sum(counts.values())
    return {name: cost * count / samples for name, count in counts.items()} | {_ALL: cost}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _share(stages: dict[str, float], name: str) -> str:
    return f"{100 * stages[name] / stages[_ALL]:.0f} %" if name in stages else ""
