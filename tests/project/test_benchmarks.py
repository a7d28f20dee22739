"""The page of the benchmarks, and the results that it is made from. Nothing is timed here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks"


def _benchmarks(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_page_is_made_from_the_results() -> None:
    """Writing the page anew would change nothing, and so for the goals in the results."""
    run = _benchmarks("--check")
    assert run.returncode == 0, "run `python -m benchmarks --page`"


def test_every_goal_has_a_row_with_a_verdict() -> None:
    """Whatever the benchmarks are to reach stands on the page, measured or not."""
    goals = _benchmarks("--goals").stdout.splitlines()
    told = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))["goals"]
    rows = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    assert [row["what"] for row in told] == goals
    assert goals
    for row in told:
        assert row["verdict"]
        assert f"| {' | '.join(row.values())} |" in rows


def test_an_unknown_part_is_refused_by_name() -> None:
    """A part that is not there is named, with those that are; nothing is measured."""
    run = _benchmarks("sped")
    assert run.returncode == 2
    assert "there is no part sped; there are throughput" in run.stderr


def test_the_picture_is_small_and_has_every_curve() -> None:
    """The picture of the curves is a small SVG file that the page shows."""
    picture = FOLDER / "growth.svg"
    assert picture.stat().st_size < 150_000
    assert "(growth.svg)" in (FOLDER / "README.md").read_text(encoding="utf-8")
    text = picture.read_text(encoding="utf-8")
    curves = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))["parts"]["growth"]
    assert set(curves["curves"]) == {"limit", "read", "page", "new", "memory"}
    for label in ("read of an order", "page of 100", "async order", "resident memory, MiB"):
        assert label in text


@pytest.mark.skipif(sys.platform != "linux", reason="they need Linux before wrk")
def test_a_missing_load_generator_is_told_with_its_package() -> None:
    """Without wrk nothing is measured, and one is told how to install it."""
    run = _benchmarks("memory", PATH="")
    assert run.returncode == 1
    assert "apt-get install wrk" in run.stderr
    assert run.stdout == ""
