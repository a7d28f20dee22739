"""Whether a request costs more, and an order takes more, the more orders there are."""

from statistics import median

from benchmarks.effort import Effort
from benchmarks.load import Request, Run, alternate
from benchmarks.orders import HEADERS, ORDER_PATH
from benchmarks.report import RUN_COLUMNS, Measure, Part, Table, micro, milli, run_row
from benchmarks.servers import Server, bare, filled
from benchmarks.throughput import LIMIT, NEW_ORDER, replaying

_EVERY = 10  # of so many orders, one stays PROCESSING
_ROUNDS = 3
CURVES = {
    "limit": LIMIT,
    "read": "read of an order",
    "page": "page of 100",
    "new": "async order",
}


def measure(effort: Effort) -> Part:
    """The curves from few orders to most, and lists at both ends."""
    part = Part(curves={name: [] for name in (*CURVES, "memory")})
    rows: list[tuple[str, ...]] = []
    few, most = effort.sizes[0], effort.sizes[-1]
    with bare() as limit:
        for orders in effort.sizes[:-1]:
            with filled(orders, _EVERY) as server:
                rows.append(_point(part, effort, orders, server, limit))
        with filled(most, _EVERY) as large:
            with filled(few, _EVERY) as small:
                _lists(part, effort, small, large)
            rows.append(_point(part, effort, most, large, limit))
            _scale(part, effort, most, large)
    part.tables.insert(
        0,
        Table(
            "Growth",
            "Servers filled with orders of one item, one in ten of them still `PROCESSING`, and "
            "the CPU time of a request to each.",
            (
                "orders",
                "filled in s",
                "MiB",
                *(f"{name}, CPU µs" for name in CURVES.values()),
            ),
            rows,
        ),
    )
    return part


def _page(cursor: str = "") -> Request:
    after = f"&after={cursor}" if cursor else ""
    return Request("GET", f"{ORDER_PATH}?limit=100{after}", HEADERS)


def _read(order_id: str) -> Request:
    return Request("GET", f"{ORDER_PATH}/{order_id}", HEADERS)


def _point(
    part: Part, effort: Effort, orders: int, server: Server, limit: Server
) -> tuple[str, ...]:
    """Add to the curves; the row of the table."""
    told, memory = server.told(), server.memory()
    reads = [(limit, NEW_ORDER), (server, _read(told["ids"][0])), (server, _page())]
    lines = alternate(reads, _ROUNDS, effort.seconds / _ROUNDS)
    # Last, for these are orders that come on top.
    lines += alternate([(server, NEW_ORDER)], _ROUNDS, effort.seconds / _ROUNDS)
    costs = [median(run.cpu for run in runs) for runs in lines]
    for name, cost in zip(CURVES, costs, strict=True):
        part.curves[name].append((orders, 1e6 * cost))
    part.curves["memory"].append((orders, memory / 2**20))
    mebibytes = f"{memory / 2**20:,.0f}"
    return (f"{orders:,}", f"{told['seconds']:.1f}", mebibytes, *map(micro, costs))


def _lists(part: Part, effort: Effort, small: Server, large: Server) -> None:
    few, most = effort.sizes[0], effort.sizes[-1]
    contenders = [
        (f"{place} of {orders:,}", server, request)
        for orders, server in ((few, small), (most, large))
        for place, request in (
            ("first page", _page()),
            ("page in the middle", _page(server.told()["ids"][1])),
        )
    ]
    lines = alternate(
        [(server, request) for _, server, request in contenders], _ROUNDS, effort.seconds
    )
    costs = [median(run.cpu for run in runs) for runs in lines]
    per_round = [_widest(runs) for runs in zip(*lines, strict=True)]
    part.measures["lists"] = Measure(
        median(per_round), min(per_round), max(per_round), max(costs) / min(costs)
    )
    part.tables.append(
        Table(
            "Pages of 100 orders",
            "`GET /v2/order?limit=100`, and the same `after` an order in the middle.",
            RUN_COLUMNS,
            [run_row(name, runs) for (name, _, _), runs in zip(contenders, lines, strict=True)],
        )
    )


def _widest(runs: tuple[Run, ...]) -> float:
    return max(run.rate for run in runs) / min(run.rate for run in runs)


def _scale(part: Part, effort: Effort, orders: int, server: Server) -> None:
    ids = server.told()["ids"]
    contenders = {
        "async order": NEW_ORDER,
        "replay": replaying(),
        "read, completed": _read(ids[0]),
        "read, processing": _read(ids[-1]),
        "first page of 100": _page(),
    }
    lines = alternate(
        [(server, request) for request in contenders.values()], _ROUNDS, effort.seconds
    )
    rows = [
        (*run_row(name, runs), milli(max(run.worst for run in runs)))
        for name, runs in zip(contenders, lines, strict=True)
    ]
    part.tables.append(
        Table(
            f"{orders:,} orders, {orders // _EVERY:,} of them processing",
            f"The same server; {server.memory() / 2**20:,.0f} MiB at the end.",
            (*RUN_COLUMNS, "slowest ms"),
            rows,
        )
    )
