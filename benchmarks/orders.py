"""CPU time of an order, beside the bare application."""

from functools import partial
from statistics import median

from benchmarks import bodies
from benchmarks.effort import Effort
from benchmarks.load import CONNECTIONS, Request, Run, alternate, saturate, send
from benchmarks.report import RUN_COLUMNS, Part, Table, milli, of_bare, run_row, spread
from benchmarks.servers import QUIET, Server, bare, ours

RATE = 4_000
ITEMS = 200
DIFFERENT = Request("POST", bodies.ORDER_PATH, bodies.ORDERING, bodies.ONE_ITEM, bodies.KEY_HEADER)
SAME = Request("POST", bodies.ORDER_PATH, bodies.ORDERING, bodies.SAME_BODY, bodies.KEY_HEADER)
_LARGE = Request("POST", bodies.ORDER_PATH, bodies.ORDERING, bodies.order(ITEMS), bodies.KEY_HEADER)


def measure(effort: Effort) -> Part:
    """Orders with one item, as many as the server takes and at a rate; orders with many items."""
    part = Part()
    with bare() as limit, ours(*QUIET) as server:
        contenders = {
            f"{name}: {kind}": partial(play, which, request)
            for kind, request, play in (
                ("each body another", DIFFERENT, partial(_saturated, effort)),
                (f"each body another, {RATE:,} a second", DIFFERENT, partial(_paced, effort)),
                ("one body repeated", SAME, partial(_saturated, effort)),
            )
            for name, which in (("bare", limit), ("mock", server))
        }
        lines = alternate(list(contenders.values()), effort.rounds)
        large = alternate([partial(_alone, effort, server)], effort.fewer_rounds)[0]
    for key, place in (("differ", 0), ("paced", 2), ("same", 4)):
        part.measures[key] = of_bare(lines[place + 1], lines[place])
    part.measures["items"] = spread([1e3 * run.cpu for run in large])
    part.tables += [
        Table(
            "Orders",
            f"{effort.rounds} rounds by turns, {CONNECTIONS} connections. An async order has one "
            "item and an idempotency key of its own. Where each body is another, description, "
            "e-mail address and face value differ from request to request.",
            RUN_COLUMNS,
            [run_row(name, runs) for name, runs in zip(contenders, lines, strict=True)],
        ),
        Table(
            f"Orders of {ITEMS} items",
            "Each item has its own address and face value, and each body is another. There is one "
            "connection, so the time by the clock is that of one request.",
            ("CPU ms/order", "ms/order"),
            [
                (
                    milli(median(run.cpu for run in large)),
                    milli(median(1 / run.rate for run in large)),
                )
            ],
        ),
    ]
    return part


def _saturated(effort: Effort, server: Server, request: Request, share: float) -> Run:
    return saturate(server, request, effort.seconds * share)


def _paced(effort: Effort, server: Server, request: Request, share: float) -> Run:
    return send(server, request, round(RATE * effort.seconds * share), RATE)


def _alone(effort: Effort, server: Server, share: float) -> Run:
    return saturate(server, _LARGE, effort.seconds * share, connections=1)
