"""What a request costs, in calls of Python functions: a measure that no busy machine changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
FIGURES = json.loads((ROOT / "tests/project/hot_path.json").read_text(encoding="utf-8"))
# By how much a way may get longer. What is not ours differs from version to version of aiohttp
# and Python.
ALLOWED = {"own": 1.1, "elsewhere": 1.5}

Figures = dict[str, dict[str, int]]


def counted(*options: str) -> Figures:
    """What a request costs here and now; in a process of its own, without coverage."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    run = subprocess.run(  # noqa: S603 - our own
        [sys.executable, ROOT / "tools/hot_path.py", "--print", *options],
        env=inherited,
        check=True,
        capture_output=True,
        timeout=60,
    )
    found: Figures = json.loads(run.stdout)
    return found


def longer(found: Figures) -> list[str]:
    """The ways that have become longer than they may."""
    return [
        f"{name}: {calls} calls {where}, {FIGURES[name][where]} before"
        for name, way in found.items()
        for where, calls in way.items()
        if calls > FIGURES[name][where] * ALLOWED[where]
    ]


def test_the_way_of_a_request_stays_short() -> None:
    """An order, its replay and a look at it take no more calls than when they were counted."""
    found = counted()
    assert found.keys() == FIGURES.keys()
    assert not longer(found), (
        "Take what is not needed off the way of a request. If it is worth its price, run "
        "`python tools/hot_path.py`, which writes the new figures."
    )


def test_many_orders_cost_no_more() -> None:
    """Of twenty pages, all of orders that are held up, the first and one amid cost the same."""
    assert not longer(counted("--orders", "2000"))


def test_a_longer_way_is_noticed() -> None:
    """While a fault is armed, fault injection looks at each order: that is longer."""
    noticed = " ".join(longer(counted("--armed")))
    assert "POST /v2/order: " in noticed
    assert "calls own" in noticed
