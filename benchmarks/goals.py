"""What the project wants to reach, and whether a run reached it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal.

    Attributes:
        part: the part of the benchmarks that measures it.
        key: the name of the measure.
        what: what is measured.
        sign: whether it is to be at least the limit, or at most.
        limit: the figure to reach.
        unit: what the figure counts; for a ratio, of what.
        dream: a figure beyond the goal.
    """

    part: str
    key: str
    what: str
    sign: Literal["≥", "≤"]
    limit: float
    unit: str
    dream: float | None = None


GOALS = (
    Goal(
        "throughput",
        "order",
        "async `POST /v2/order`, one item, a new key each, journal on: requests/s",
        *("≥", 0.75, "of bare aiohttp"),
        dream=0.9,
    ),
    Goal("throughput", "late", "its p99 with 250,000 orders stored", "≤", 2, "times bare aiohttp"),
    Goal("throughput", "read", "`GET /v2/order/{id}`, completed", "≥", 1.1, "of bare aiohttp"),
    Goal("throughput", "replay", "replay of a known key", "≥", 1, "of bare aiohttp"),
    Goal("throughput", "items", "order of 200 items", "≤", 3, "ms"),
    Goal("throughput", "endurance", "the third long run", "≥", 0.95, "of the first"),
    Goal("memory", "memory", "memory per stored async order, journal full", "≤", 1.5, "KiB"),
    Goal(
        "growth",
        "lists",
        "pages of 100, first and middle, at 1,000 and at 1,000,000 orders: the fastest",
        *("≤", 1.3, "times the slowest"),
    ),
    Goal("starting", "start", "`runa-mock serve` to the first 200", "≤", 1.4, "times bare aiohttp"),
    Goal("starting", "in_process", "start and stop of `MockServer`", "≤", 2, "ms"),
    Goal("starting", "reset", "`POST /_mock/reset` after 100,000 orders", "≤", 5, "ms"),
    Goal("starting", "import", "`import runa_client`", "≤", 1.1, "times `import requests`"),
)

COLUMNS = ("what", "goal", "measured", "lowest to highest", "by CPU time", "verdict")
MISSING = "not measured"


def rows(parts: Mapping[str, Any]) -> list[Sequence[str]]:
    """A row for each goal.

    Args:
        parts: the results, by the name of their part.
    """
    return [_row(goal, parts.get(goal.part, {})) for goal in GOALS]


def _row(goal: Goal, part: Mapping[str, Any]) -> Sequence[str]:
    wanted = f"{goal.sign} {goal.limit:g} {goal.unit}"
    measure = part.get("measures", {}).get(goal.key)
    if measure is None:
        return (goal.what, wanted, MISSING, "", "", part.get("failed") or MISSING)
    by_cpu = measure["by_cpu"]
    return (
        goal.what,
        wanted,
        f"{measure['value']:.2f}",
        f"{measure['low']:.2f} to {measure['high']:.2f}",
        "" if by_cpu is None else f"{by_cpu:.2f}",
        _verdict(goal, measure["value"]),
    )


def _verdict(goal: Goal, value: float) -> str:
    def reached(limit: float) -> bool:
        return value >= limit if goal.sign == "≥" else value <= limit

    if goal.dream is not None and reached(goal.dream):
        return f"reached, and {goal.dream:g} too"
    return "reached" if reached(goal.limit) else "missed"
