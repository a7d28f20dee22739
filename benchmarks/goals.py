"""What the project wants to reach, and whether a run reached it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal.

    Attributes:
        part: The part of the benchmarks that measures it.
        key: The name of the measure.
        what: What is measured.
        sign: Whether the figure is to be at least the limit, or at most.
        limit: The figure to reach.
        floor: The figure that must not be missed.
        unit: What the figure counts; for a ratio, of what.
        on_313: Another limit on Python 3.13.
    """

    part: str
    key: str
    what: str
    sign: Literal["≥", "≤"]
    limit: float
    floor: float
    unit: str
    on_313: float | None = None

    def limit_on(self, python: str) -> float:
        """The limit on a version of Python, such as ``3.13``."""
        return self.limit if self.on_313 is None or python != "3.13" else self.on_313


OF_BARE = "of bare aiohttp"
TIMES_BARE = "times bare aiohttp"
GOALS = (
    Goal(
        part="orders",
        key="differ",
        what="async order, each with another body, as many as the server takes",
        sign="≥",
        limit=0.70,
        floor=0.55,
        unit=OF_BARE,
        on_313=0.65,
    ),
    Goal("orders", "paced", "the same at 4,000 a second", "≥", 0.80, 0.65, OF_BARE),
    Goal("orders", "same", "async order, one body repeated", "≥", 0.80, 0.70, OF_BARE),
    Goal("reads", "read", "read of a completed order", "≥", 1.2, 1.0, OF_BARE),
    Goal("reads", "replay", "replay of a known idempotency key", "≥", 1.1, 1.0, OF_BARE),
    Goal("orders", "items", "order of 200 items that all differ", "≤", 1.2, 2.0, "ms"),
    Goal("stored", "p99", "p99 of orders with 250,000 orders stored", "≤", 2, 2.5, TIMES_BARE),
    Goal("stored", "memory", "memory an order, bodies that differ", "≤", 0.7, 0.9, "KiB"),
    Goal(
        part="stored",
        key="pages",
        what="first page and middle page at 1,000,000 orders, the slower",
        sign="≤",
        limit=1.2,
        floor=1.3,
        unit="times the same page at 1,000",
    ),
    Goal("starting", "serve", "`serve` to the first 200", "≤", 1.4, 1.6, TIMES_BARE),
    Goal("starting", "in_process", "`MockServer` start and stop", "≤", 2, 2, "ms"),
    Goal("starting", "reset", "reset after 100,000 orders", "≤", 5, 5, "ms"),
)

COLUMNS = ("what", "goal", "floor", "measured", "verdict")
MISSING = "not measured"
_VERDICTS = ("goal reached", "floor kept", "below the floor", MISSING)


def rows(runs: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each goal; its verdict is that of the Python that does worst.

    Args:
        runs: The results, by version of Python.
    """
    return [_row(goal, runs) for goal in GOALS]


def _row(goal: Goal, runs: Mapping[str, Any]) -> dict[str, str]:
    measured, verdicts = [], []
    for python, run in runs.items():
        measure = run["parts"].get(goal.part, {}).get("measures", {}).get(goal.key)
        if measure is not None:
            value, low, high = (measure[name] for name in ("value", "low", "high"))
            measured.append(f"{value:.2f} ({low:.2f} to {high:.2f}) on {python}")
            verdicts.append(_VERDICTS.index(_verdict(goal, python, value)))
    limit = f"{goal.sign} {goal.limit:g} {goal.unit}"
    if goal.on_313 is not None:
        limit += f"; on 3.13 {goal.sign} {goal.on_313:g}"
    texts: Sequence[str] = (
        goal.what,
        limit,
        f"{goal.floor:g}",
        "; ".join(measured) or MISSING,
        _VERDICTS[max(verdicts, default=-1)],
    )
    return dict(zip(COLUMNS, texts, strict=True))


def _verdict(goal: Goal, python: str, value: float) -> str:
    def reached(limit: float) -> bool:
        return value >= limit if goal.sign == "≥" else value <= limit

    if reached(goal.limit_on(python)):
        return _VERDICTS[0]
    return _VERDICTS[1] if reached(goal.floor) else _VERDICTS[2]
