"""Requests a second, against the limit."""

from collections.abc import Mapping
from statistics import median

from benchmarks.effort import Effort
from benchmarks.load import CONNECTIONS, Request, alternate, put
from benchmarks.orders import (
    HEADERS,
    KEY_HEADER,
    NUMBER,
    ONE_ITEM,
    ORDER_PATH,
    ORDERING,
    order_of,
)
from benchmarks.report import (
    RUN_COLUMNS,
    Measure,
    Part,
    Table,
    against,
    micro,
    milli,
    run_row,
    spread,
)
from benchmarks.servers import QUIET, Server, ServerError, bare, filled, ours

NEW_ORDER = Request("POST", ORDER_PATH, ORDERING, ONE_ITEM, KEY_HEADER)
OTHER_BODY = Request("POST", ORDER_PATH, ORDERING, order_of(1, description=NUMBER), KEY_HEADER)
ITEMS = 200
_TURNS = 4
_UVLOOP = ("--event-loop", "uvloop")
LIMIT = "the limit: bare aiohttp"


def measure(effort: Effort) -> Part:
    """Orders, reads and replays; many orders stored; many items; the same for a long time."""
    part = Part()
    with bare() as limit:
        with ours(*QUIET) as server, ours() as logging, ours(*QUIET, *_UVLOOP) as driven:
            contenders = {
                LIMIT: (limit, NEW_ORDER),
                "async order": (server, NEW_ORDER),
                "read": (server, reading(server)),
                "replay": (server, replaying()),
                "async order, each body another": (server, OTHER_BODY),
                "async order, each logged": (logging, NEW_ORDER),
                "async order, on uvloop": (driven, NEW_ORDER),
            }
            _requests(part, effort, contenders)
        with ours(*QUIET) as server:
            _endurance(part, effort, limit, server)
        with filled(effort.many) as server:
            _late(part, effort, limit, server)
    with ours(*QUIET) as server:
        _items(part, effort, server)
    return part


def reading(server: Server) -> Request:
    """Reads one order that is completed.

    Raises:
        ServerError: if it cannot be placed.
    """
    headers = {**ORDERING, KEY_HEADER: "read", "X-Mock-Processing": "at-once"}
    status, answer = server.ask("POST", ORDER_PATH, headers, ONE_ITEM.encode())
    order_id = answer.decode().partition('"id":"')[2].partition('"')[0]
    if not order_id:
        raise ServerError(f"an order was answered with {status}: {answer!r}")
    return Request("GET", f"{ORDER_PATH}/{order_id}", HEADERS)


def replaying() -> Request:
    """Sends one order with the same key again and again."""
    return Request("POST", ORDER_PATH, {**ORDERING, KEY_HEADER: "replay"}, ONE_ITEM)


def _requests(part: Part, effort: Effort, contenders: Mapping[str, tuple[Server, Request]]) -> None:
    lines = alternate(list(contenders.values()), effort.rounds, effort.seconds)
    limit_runs, orders, reads, replays = lines[:4]
    part.measures |= {
        "order": against(orders, limit_runs),
        "read": against(reads, limit_runs),
        "replay": against(replays, limit_runs),
    }
    part.tables.append(
        Table(
            "Requests",
            f"{effort.rounds} rounds of {effort.seconds:.0f} s, {CONNECTIONS} connections. An "
            "order has one item and a key of its own; a read shows a completed order; a replay "
            "repeats one order under one key. The limit parses the same body and dumps 900 bytes. "
            "Log level `warning`, but for the line that says so: it has that of `runa-mock serve`, "
            "which writes a line for each request. On uvloop is `serve --event-loop uvloop`.",
            RUN_COLUMNS,
            [run_row(name, runs) for name, runs in zip(contenders, lines, strict=True)],
        )
    )


def _endurance(part: Part, effort: Effort, limit: Server, server: Server) -> None:
    put(server, NEW_ORDER, 1)
    lines = [
        alternate([(limit, NEW_ORDER), (server, NEW_ORDER)], _TURNS, effort.long / _TURNS)
        for _ in range(3)
    ]
    measures = [against(own, other) for other, own in lines]
    ratios = [measure.value / measures[0].value for measure in measures]
    costs = [measure.by_cpu or 0 for measure in measures]
    part.measures["endurance"] = Measure(
        ratios[-1], min(ratios[1:]), max(ratios[1:]), costs[-1] / costs[0]
    )
    part.tables.append(
        Table(
            "The same for longer",
            f"Three runs of {effort.long:.0f} s on one server, each in {_TURNS} turns with the "
            "limit. Compared are the shares, so that a machine that grows slower accuses nobody.",
            ("run", "async orders/s", "the limit", "share", "CPU µs/order", "the limit"),
            [
                (
                    str(number),
                    f"{median(run.rate for run in own):,.0f}",
                    f"{median(run.rate for run in other):,.0f}",
                    f"{measure.value:.2f}",
                    micro(median(run.cpu for run in own)),
                    micro(median(run.cpu for run in other)),
                )
                for number, ((other, own), measure) in enumerate(
                    zip(lines, measures, strict=True), 1
                )
            ],
        )
    )


def _late(part: Part, effort: Effort, limit: Server, server: Server) -> None:
    limit_runs, orders = alternate(
        [(limit, NEW_ORDER), (server, NEW_ORDER)], effort.rounds, effort.seconds
    )
    part.measures["late"] = spread(
        [run.p99 / other.p99 for run, other in zip(orders, limit_runs, strict=True)]
    )
    part.tables.append(
        Table(
            f"With {effort.many:,} orders stored",
            "Async orders on a server that was filled before, one idempotency key for each order.",
            RUN_COLUMNS,
            [run_row(LIMIT, limit_runs), run_row("async order", orders)],
        )
    )


def _items(part: Part, effort: Effort, server: Server) -> None:
    bodies = {
        "the same body": order_of(ITEMS),
        "each body another": order_of(ITEMS, description=NUMBER),
        "each body another, and each of its items": order_of(
            ITEMS, description=NUMBER, by_mail=True
        ),
    }
    requests = [Request("POST", ORDER_PATH, ORDERING, body, KEY_HEADER) for body in bodies.values()]
    lines = alternate([(server, request) for request in requests], 3, effort.seconds, 1)
    part.measures["items"] = spread(
        [1e3 / run.rate for run in lines[1]], 1e3 * median(run.cpu for run in lines[1])
    )
    part.tables.append(
        Table(
            f"Orders of {ITEMS} items",
            "One connection, so the time is that of one request. The goal is held against bodies "
            "that differ: one that comes again is not read again. Of equal items one is read.",
            ("", "ms/request", "CPU ms/request"),
            [
                (
                    name,
                    milli(median(1 / run.rate for run in runs)),
                    milli(median(run.cpu for run in runs)),
                )
                for name, runs in zip(bodies, lines, strict=True)
            ],
        )
    )
