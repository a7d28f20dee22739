"""CPU time of an order, beside the bare application."""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median

from benchmarks import bodies
from benchmarks.effort import Effort
from benchmarks.load import CONNECTIONS, Request, Run, alternate, saturate, send
from benchmarks.report import RUN_COLUMNS, Part, Table, milli, of_bare, run_row, spread
from benchmarks.servers import QUIET, Server, bare, ours

RATE = 4_000
_NEAR = 0.97  # of the rate
_MISSED = (
    f" The rate of {RATE:,} a second was not reached, so it has no verdict: bare took {{:,.0f}}, "
    "the mock {:,.0f}."
)
ITEMS = 200
DIFFERENT = Request("POST", bodies.ORDER_PATH, bodies.ORDERING, bodies.ONE_ITEM, bodies.KEY_HEADER)
SAME = Request("POST", bodies.ORDER_PATH, bodies.ORDERING, bodies.SAME_BODY, bodies.KEY_HEADER)
_LARGE = Request("POST", bodies.ORDER_PATH, bodies.ORDERING, bodies.order(ITEMS), bodies.KEY_HEADER)


def measure(effort: Effort) -> Part:
    """Orders with one item, as many as the server takes and at a rate; orders with many items."""
    with bare() as limit, ours(*QUIET) as server:
        contenders = {
            f"{name}: {kind}": partial(play, effort, which, request)
            for kind, request, play in (
                ("each body another", DIFFERENT, _saturated),
                (f"each body another, {RATE:,} a second", DIFFERENT, _paced),
                ("one body repeated", SAME, _saturated),
            )
            for name, which in (("bare", limit), ("mock", server))
        }
        lines = alternate(list(contenders.values()), effort.rounds)
        large = alternate([partial(_alone, effort, server)], effort.fewer_rounds)[0]
    reached = [median(run.rate for run in runs) for runs in lines[2:4]]
    missed = "" if min(reached) > _NEAR * RATE else _MISSED.format(*reached)
    measures = {
        key: of_bare(lines[place + 1], lines[place])
        for key, place in (("differ", 0), ("paced", 2), ("same", 4))
        if key != "paced" or not missed
    }
    measures["items"] = spread([1e3 * run.cpu for run in large])
    by_name = dict(zip(contenders, lines, strict=True))
    return Part(measures, [_one_item(effort, by_name, missed), _many_items(large)])


def _one_item(effort: Effort, lines: Mapping[str, Sequence[Run]], missed: str) -> Table:
    return Table(
        "Orders",
        f"{effort.rounds} rounds by turns, {CONNECTIONS} connections. An async order has one "
        "item and an idempotency key of its own. Where each body is another, description, "
        f"e-mail address and face value differ from request to request.{missed}",
        RUN_COLUMNS,
        [run_row(name, runs) for name, runs in lines.items()],
    )


def _many_items(runs: Sequence[Run]) -> Table:
    cpu, wall = (median(run.cpu for run in runs), median(1 / run.rate for run in runs))
    return Table(
        f"Orders of {ITEMS} items",
        "Each item has its own address and face value, and each body is another. There is one "
        "connection, so the time by the clock is that of one request.",
        ("CPU ms/order", "ms/order"),
        [(milli(cpu), milli(wall))],
    )


def _saturated(effort: Effort, server: Server, request: Request, share: float) -> Run:
    return saturate(server, request, effort.seconds * share)


def _paced(effort: Effort, server: Server, request: Request, share: float) -> Run:
    return send(server, request, round(RATE * effort.seconds * share), RATE)


def _alone(effort: Effort, server: Server, share: float) -> Run:
    return saturate(server, _LARGE, effort.seconds * share, connections=1)
