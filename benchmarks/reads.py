"""CPU time of a read and of a replay, beside the bare application."""

from functools import partial

from benchmarks import bodies
from benchmarks.effort import Effort
from benchmarks.load import Request, Run, alternate, saturate
from benchmarks.report import RUN_COLUMNS, Part, Table, of_bare, run_row
from benchmarks.servers import QUIET, Server, bare, ours, placed

_REPLAY = Request(
    "POST",
    bodies.ORDER_PATH,
    {**bodies.ORDERING, bodies.KEY_HEADER: "replay"},
    bodies.SAME_BODY,
)


def measure(effort: Effort) -> Part:
    """Reads of one completed order, and one order sent again and again under one key."""
    with bare() as limit, ours(*QUIET) as server:
        order_id = placed(server, **{"X-Mock-Processing": "at-once"})
        read = Request("GET", f"{bodies.ORDER_PATH}/{order_id}", bodies.HEADERS)
        contenders = {
            f"{name}: {kind}": partial(_saturated, effort, which, request)
            for kind, request in (("read", read), ("replay", _REPLAY))
            for name, which in (("bare", limit), ("mock", server))
        }
        lines = alternate(list(contenders.values()), effort.rounds)
    table = Table(
        "Reads and replays",
        "A read shows a completed order of one item; the bare application dumps the same document. "
        "A replay repeats an order under its key; the bare application accepts it each time.",
        RUN_COLUMNS,
        [run_row(name, runs) for name, runs in zip(contenders, lines, strict=True)],
    )
    return Part(
        {"read": of_bare(lines[1], lines[0]), "replay": of_bare(lines[3], lines[2])}, [table]
    )


def _saturated(effort: Effort, server: Server, request: Request, share: float) -> Run:
    return saturate(server, request, effort.seconds * share)
