"""Memory per stored order, while the journal is full."""

from benchmarks.effort import Effort
from benchmarks.load import Request, put
from benchmarks.report import Measure, Part, Table
from benchmarks.servers import QUIET, ours
from benchmarks.throughput import NEW_ORDER, OTHER_BODY

_JOURNAL = 10_000  # requests, what a server keeps unless told otherwise
_RUNS = 3
_ORDERS = {"one body": NEW_ORDER, "each body another": OTHER_BODY}


def measure(effort: Effort) -> Part:
    """Growth of the server's memory from order to order, placed over HTTP."""
    part = Part()
    rows: list[tuple[str, ...]] = []
    for name, request in _ORDERS.items():
        lines, cost = _growth(request, effort)
        rows += [(name, *line) for line in lines]
        if request is NEW_ORDER:
            part.measures["memory"] = cost
    part.tables.append(
        Table(
            "Memory",
            "Resident memory of `runa-mock serve` while it takes async orders of one item over "
            f"HTTP. Its journal was full before the first line: it keeps {_JOURNAL:,} requests. "
            "The goal is held against orders of one body. Nobody reads these orders: one that was "
            "read is kept with its document, which has some 900 bytes here.",
            ("orders of", "orders stored", "MiB", "bytes per order since the line above"),
            rows,
        )
    )
    return part


def _growth(request: Request, effort: Effort) -> tuple[list[tuple[str, ...]], Measure]:
    """Rows of a table, and the memory of an order in KiB."""
    costs: list[float] = []
    with ours(*QUIET) as server:
        placed = 0
        while placed < 2 * _JOURNAL:  # until it forgets as much as it takes in
            placed += put(server, request, effort.seconds).requests
        first_placed, first = placed, server.memory()
        rows: list[tuple[str, ...]] = [(f"{placed:,}", f"{first / 2**20:,.1f}", "")]
        for _ in range(_RUNS):
            before, orders = server.memory(), put(server, request, 3 * effort.seconds).requests
            placed += orders
            after = server.memory()
            costs.append((after - before) / orders)
            rows.append((f"{placed:,}", f"{after / 2**20:,.1f}", f"{costs[-1]:,.0f}"))
        whole = (server.memory() - first) / (placed - first_placed)
    return rows, Measure(whole / 1024, min(costs) / 1024, max(costs) / 1024)
