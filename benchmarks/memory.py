"""Memory per stored order, while the journal is full."""

from benchmarks.effort import Effort
from benchmarks.load import put
from benchmarks.report import Measure, Part, Table
from benchmarks.servers import QUIET, ours
from benchmarks.throughput import NEW_ORDER

_JOURNAL = 10_000  # requests, what a server keeps unless told otherwise
_RUNS = 3


def measure(effort: Effort) -> Part:
    """Growth of the server's memory from order to order, placed over HTTP."""
    rows: list[tuple[str, ...]] = []
    costs: list[float] = []
    with ours(*QUIET) as server:
        placed = 0
        while placed < 2 * _JOURNAL:  # until it forgets as much as it takes in
            placed += put(server, NEW_ORDER, effort.seconds).requests
        first_placed, first = placed, server.memory()
        rows.append((f"{placed:,}", f"{first / 2**20:,.1f}", ""))
        for _ in range(_RUNS):
            before, orders = server.memory(), put(server, NEW_ORDER, 3 * effort.seconds).requests
            placed += orders
            after = server.memory()
            costs.append((after - before) / orders)
            rows.append((f"{placed:,}", f"{after / 2**20:,.1f}", f"{costs[-1]:,.0f}"))
        whole = (server.memory() - first) / (placed - first_placed)
    part = Part()
    part.measures["memory"] = Measure(whole / 1024, min(costs) / 1024, max(costs) / 1024)
    part.tables.append(
        Table(
            "Memory",
            "Resident memory of `runa-mock serve` while it takes async orders of one item over "
            f"HTTP. Its journal was full before the first line: it keeps {_JOURNAL:,} requests.",
            ("orders stored", "MiB", "bytes per order since the line above"),
            rows,
        )
    )
    return part
