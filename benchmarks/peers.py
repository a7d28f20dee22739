"""What others do: each places or creates the nearest thing to an order that it has.

One that does not install or start is named with the reason.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.effort import Effort
from benchmarks.load import LoadError, Request, Run, saturate
from benchmarks.orders import DIFFERENT
from benchmarks.others import INSTALL, PEERS, PeerError, installed, started
from benchmarks.report import RUN_COLUMNS, Part, Table, run_row
from benchmarks.servers import QUIET, Server, ServerError, bare, ours

_ROUNDS = 3
_WARM_UP = 4  # runs; some compile, and need a while until they are at their best


def measure(effort: Effort) -> Part:
    """All peers that can be had, beside the bare application and this project."""
    lines = [
        Line("bare aiohttp", "parses the order, answers 202", "python benchmarks/bare.py PORT"),
        Line("runa-mock", "checks, stores and notes it", f"runa-mock serve {' '.join(QUIET)}"),
    ]
    with ExitStack() as stack:
        for line, server in zip(lines, (bare(), ours(*QUIET)), strict=True):
            line.aim(stack.enter_context(server), DIFFERENT)
        for peer in PEERS:
            install = f"{INSTALL[peer.registry]} {peer.packages}"
            lines.append(line := Line(peer.name, peer.does, f"{install}; {peer.command}"))
            try:
                line.name = f"{peer.name} {installed(peer)}"
                line.aim(started(peer, stack), peer.request)
            except (PeerError, ServerError) as error:
                line.lack = str(error)
        for line in lines:
            line.play(_WARM_UP * effort.seconds, counted=False)
        for line in _ROUNDS * lines:
            line.play(effort.seconds, counted=True)
    return Part(tables=[_figures(lines, effort), _recipes(lines)])


@dataclass(slots=True)
class Line:
    """A contender, and what came of it."""

    name: str
    does: str
    recipe: str
    lack: str = ""
    runs: list[Run] = field(default_factory=list)
    target: tuple[Server, Request] | None = None

    def aim(self, server: Server, request: Request) -> None:
        """Say what is measured."""
        self.target = server, request

    def play(self, seconds: float, *, counted: bool) -> None:
        """One run, unless there is no server, or one before had errors."""
        if self.target is None or self.lack:
            return
        try:
            run = saturate(*self.target, seconds)
        except LoadError as error:
            self.lack = str(error)
        else:
            self.runs += [run] if counted else []


def _figures(lines: Sequence[Line], effort: Effort) -> Table:
    blank = [""] * (len(RUN_COLUMNS) - 1)
    rows = [
        (*run_row(line.name, line.runs), line.does)
        if not line.lack
        else (line.name, *blank, f"not measured: {line.lack}")
        for line in lines
    ]
    return Table(
        "Others",
        f"{_ROUNDS} rounds of {effort.seconds:.0f} s, all by turns. They do different things, and "
        "most store nothing: the figures say what a client waits for, not who is better.",
        (*RUN_COLUMNS, "what a request does"),
        rows,
    )


def _recipes(lines: Sequence[Line]) -> Table:
    return Table(
        "To reproduce",
        "How each was installed and started; ADMIN is another port, BIN the folder of installed "
        "commands. What it was given and sent stands in `others.py`.",
        ("", "commands"),
        [(line.name, f"`{line.recipe}`") for line in lines],
    )
