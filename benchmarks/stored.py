"""What stored orders cost: the p99 of a new one, memory, pages of a long list."""

from collections.abc import Sequence
from functools import partial
from statistics import median

from benchmarks import bodies
from benchmarks.effort import Effort
from benchmarks.load import Request, Run, alternate, saturate, send
from benchmarks.orders import DIFFERENT
from benchmarks.report import RUN_COLUMNS, Measure, Part, Table, run_row, spread
from benchmarks.servers import QUIET, Server, bare, ours, placed

_JOURNAL = 10_000  # requests, what a server keeps unless told otherwise
_STEPS = 3


def measure(effort: Effort) -> Part:
    """Fill one server with orders, and stop on the way to measure."""
    part = Part()
    with bare() as limit, ours(*QUIET) as few, ours(*QUIET) as server:
        stored = _memory(part, effort, server)
        stored += _latency(part, effort, limit, server)
        cursors = [_filled(few, 0, effort.few), _filled(server, stored, effort.most)]
        _pages(part, effort, (few, server), cursors)
    return part


def _memory(part: Part, effort: Effort, server: Server) -> int:
    """Fill the server until it has many orders; the number of orders stored."""
    stored = send(server, DIFFERENT, min(2 * _JOURNAL, effort.many // 4)).requests
    rows = [(f"{stored:,}", f"{server.memory() / 2**20:,.1f}", "")]
    before, first, costs = server.memory(), stored, []
    whole = before
    for _ in range(_STEPS):
        more = send(server, DIFFERENT, (effort.many - first) // _STEPS).requests
        stored += more
        after = server.memory()
        costs.append((after - before) / more)
        rows.append((f"{stored:,}", f"{after / 2**20:,.1f}", f"{costs[-1]:,.0f}"))
        before = after
    cost = (before - whole) / (stored - first)
    part.measures["memory"] = Measure(cost / 1024, min(costs) / 1024, max(costs) / 1024)
    part.tables.append(
        Table(
            "Memory",
            "Resident memory of `runa-mock serve` while it takes async orders of one item whose "
            f"bodies all differ. The journal, which keeps {_JOURNAL:,} requests, is full before "
            "the first line. No order is read.",
            ("orders stored", "MiB", "bytes an order since the line above"),
            rows,
        )
    )
    return stored


def _latency(part: Part, effort: Effort, limit: Server, server: Server) -> int:
    """The p99 beside the bare application; the number of orders that this placed."""
    placed_here = 0

    def play(which: Server, share: float) -> Run:
        nonlocal placed_here
        run = saturate(which, DIFFERENT, effort.seconds * share)
        placed_here += run.requests if which is server else 0
        return run

    bare_runs, runs = alternate([partial(play, limit), partial(play, server)], effort.rounds)
    part.measures["p99"] = spread(
        [run.p99 / other.p99 for run, other in zip(runs, bare_runs, strict=True)]
    )
    part.tables.append(
        Table(
            f"With {effort.many:,} orders stored",
            "Async orders whose bodies all differ, as many as the server takes. Latency is by the "
            "clock, as the load generator sees it.",
            RUN_COLUMNS,
            [run_row("bare", bare_runs), run_row("mock", runs)],
        )
    )
    return placed_here


def _filled(server: Server, stored: int, orders: int) -> str:
    """Store more orders until the server has so many; the id of one in the middle."""
    half = orders // 2
    if stored < half:
        stored += send(server, DIFFERENT, half - stored).requests
    middle = placed(server)
    send(server, DIFFERENT, max(2, orders - stored))
    return middle


def _pages(part: Part, effort: Effort, servers: Sequence[Server], cursors: Sequence[str]) -> None:
    sizes = (effort.few, effort.most)
    contenders = {
        f"{place} of {orders:,}": partial(_saturated, effort, server, _page(after))
        for orders, server, cursor in zip(sizes, servers, cursors, strict=True)
        for place, after in (("first page", ""), ("middle page", cursor))
    }
    lines = alternate(list(contenders.values()), effort.rounds)
    first, middle = (
        [large.cpu / small.cpu for small, large in zip(lines[place], lines[place + 2], strict=True)]
        for place in (0, 1)
    )
    part.measures["pages"] = spread(max(first, middle, key=median))
    part.tables.append(
        Table(
            "Pages of 100 orders",
            "`GET /v2/order?limit=100`, and the same `after` an order in the middle.",
            RUN_COLUMNS,
            [run_row(name, runs) for name, runs in zip(contenders, lines, strict=True)],
        )
    )


def _page(cursor: str) -> Request:
    after = f"&after={cursor}" if cursor else ""
    return Request("GET", f"{bodies.ORDER_PATH}?limit=100{after}", bodies.HEADERS)


def _saturated(effort: Effort, server: Server, request: Request, share: float) -> Run:
    return saturate(server, request, effort.seconds * share)
