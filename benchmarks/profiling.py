"""Where the CPU time of an order goes, by room of the server and by library."""

import sys
from signal import SIGUSR1

from benchmarks.effort import Effort
from benchmarks.load import saturate
from benchmarks.orders import DIFFERENT
from benchmarks.report import Part, Table
from benchmarks.servers import BARE, QUIET, Server, free_port

_RUNS = 3


def measure(effort: Effort) -> Part:
    """Sample the mock and the bare application under the same load."""
    seconds = _RUNS * effort.seconds
    own = _places(seconds, "runa_mock_server", "serve", *QUIET, "--port")
    bare = _places(seconds, BARE)
    names = sorted(own | bare, key=lambda name: (-own.get(name, 0), -bare.get(name, 0)))
    table = Table(
        "Where the time goes",
        "CPU time of an async order, each with another body. A timer of CPU time interrupts the "
        "server, and the file that runs counts for its room or its package; time in C counts for "
        "the Python line that called it.",
        ("", "mock, µs", "bare, µs"),
        [(name, _cell(own.get(name)), _cell(bare.get(name))) for name in names],
    )
    return Part(tables=[table])


def _places(seconds: float, *program: str) -> dict[str, float]:
    """Microseconds at each place."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.sampled", *program, str(port)]
    with Server(command, port) as server:
        saturate(server, DIFFERENT, 1)
        server.signal(SIGUSR1)
        cost = 1e6 * saturate(server, DIFFERENT, seconds).cpu
        server.stop()
        counts = server.told()
    samples = sum(counts.values())
    return {name: cost * count / samples for name, count in counts.items()}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
