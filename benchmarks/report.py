"""What parts of the benchmarks report: measures for the goals, and tables for the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from benchmarks.load import Run


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    Attributes:
        value: the median of what was measured.
        low: the least.
        high: the most.
        by_cpu: the same figure, worked out from the server's CPU time instead of from the clock,
            where that makes sense. Other work on the machine changes it less.
    """

    value: float
    low: float
    high: float
    by_cpu: float | None = None


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
        measures: by the key of the goal that they belong to.
        tables: for the page.
        curves: for the picture: a name and its points.
    """

    measures: dict[str, Measure] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def spread(figures: Sequence[float], by_cpu: float | None = None) -> Measure:
    """The measure of figures that were measured one after the other."""
    return Measure(median(figures), min(figures), max(figures), by_cpu)


def against(runs: Sequence[Run], limit: Sequence[Run]) -> Measure:
    """Throughput of runs against that of the limit's runs in the same rounds."""
    ratios = [run.rate / other.rate for run, other in zip(runs, limit, strict=True)]
    return spread(ratios, median(run.cpu for run in limit) / median(run.cpu for run in runs))


RUN_COLUMNS = ("", "requests/s", "lowest to highest", "CPU µs/request", "p50 ms", "p99 ms")


def run_row(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    """The row of a contender in a table with ``RUN_COLUMNS``."""
    rates = [run.rate for run in runs]
    return (
        name,
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        micro(median(run.cpu for run in runs)),
        milli(median(run.p50 for run in runs)),
        milli(median(run.p99 for run in runs)),
    )


def micro(seconds: float) -> str:
    """Seconds as microseconds."""
    return f"{1e6 * seconds:,.0f}"


def milli(seconds: float) -> str:
    """Seconds as milliseconds, with three digits that say something."""
    value = 1e3 * seconds
    return f"{value:,.{max(0, 3 - len(f'{value:.0f}'))}f}"
