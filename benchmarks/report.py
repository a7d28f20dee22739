"""What parts of the benchmarks report: measures for the goals, and tables for the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.load import Run


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: the median of the rounds, the least and the most."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title and a sentence about it."""

    title: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Part:
    """What a part of the benchmarks came to.

    Attributes:
        measures: By the key of the goal that they belong to.
        tables: For the page.
        problems: What must not be so, and makes the run fail.
    """

    measures: dict[str, Measure] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def spread(figures: Sequence[float]) -> Measure:
    """The measure of figures that were measured one after the other."""
    return Measure(median(figures), min(figures), max(figures))


def of_bare(runs: Sequence[Run], bare: Sequence[Run]) -> Measure:
    """CPU time of the bare application against that of the mock, round by round.

    1 is as fast as bare, 0.5 half as fast.
    """
    return spread([other.cpu / run.cpu for run, other in zip(runs, bare, strict=True)])


RUN_COLUMNS = ("", "CPU µs/request", "lowest to highest", "requests/s", "p50 ms", "p99 ms")


def run_row(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    """The row of a contender in a table with ``RUN_COLUMNS``."""
    costs = [run.cpu for run in runs]
    return (
        name,
        micro(median(costs)),
        f"{micro(min(costs))} to {micro(max(costs))}",
        f"{median(run.rate for run in runs):,.0f}",
        milli(median(run.p50 for run in runs)),
        milli(median(run.p99 for run in runs)),
    )


def micro(seconds: float) -> str:
    """Seconds as microseconds."""
    return f"{1e6 * seconds:,.0f}"


def milli(seconds: float) -> str:
    """Seconds as milliseconds, with three significant digits."""
    value = 1e3 * seconds
    return f"{value:,.{max(0, 3 - len(f'{value:.0f}'))}f}"
