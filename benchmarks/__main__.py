"""Measure, and write the page: ``python -m benchmarks [--quick] [PART ...]``, or ``make bench``.

``--quick`` measures little and writes nothing. ``--page`` writes the page and the picture from the
results that there are, ``--check`` says whether that would change the page, ``--goals`` lists them.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import growth, memory, peers, stages, starting, throughput
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.goals import COLUMNS, GOALS, rows
from benchmarks.load import LoadError
from benchmarks.machine import ROOT, busy, described, lacking
from benchmarks.page import PICTURE, page, table
from benchmarks.picture import draw
from benchmarks.report import Part
from benchmarks.servers import ServerError

FOLDER = ROOT / "benchmarks"
RESULTS = FOLDER / "results.json"
PAGE = FOLDER / "README.md"
PARTS: Mapping[str, Callable[[Effort], Part]] = {
    "throughput": throughput.measure,
    "peers": peers.measure,
    "stages": stages.measure,
    "growth": growth.measure,
    "memory": memory.measure,
    "starting": starting.measure,
}


def main() -> int:
    """Do what the command line says; 1 if a part failed or the page does not fit the results."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, and write the page.")
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="measure little, write nothing")
    parser.add_argument("--page", action="store_true", help="only write page and picture anew")
    parser.add_argument("--check", action="store_true", help="only compare the page")
    parser.add_argument("--goals", action="store_true", help="only list the goals")
    wanted = parser.parse_args()
    unknown = set(wanted.part) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if wanted.goals:
        print("\n".join(goal.what for goal in GOALS))
        return 0
    if wanted.check:
        return _check(_results())
    if wanted.page:
        _write(_results())
        return 0
    missing = lacking()
    if missing is not None:
        print(missing, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped
    return _measure(wanted.part or list(PARTS), quick=wanted.quick)


def _measure(names: Sequence[str], *, quick: bool) -> int:
    results = {"parts": {}} if quick else _results()
    results["machine"] = described()
    failed = False
    for name in (name for name in PARTS if name in names):
        start, load = time.monotonic(), busy()
        print(f"{name} ...", end=" ", flush=True)
        part = _part(PARTS[name], QUICK if quick else FULL)
        print(part.get("failed", f"{time.monotonic() - start:.0f} s"), flush=True)
        failed = failed or "failed" in part
        results["parts"][name] = {"load_before": round(load, 1), **part}
        if not quick:
            _write(results)
    for shown in (shown for name in names for shown in results["parts"][name].get("tables", ())):
        print(f"\n{shown['title']}\n\n{table(shown['columns'], shown['rows'])}", end="")
    print(f"\nGoals\n\n{table(COLUMNS, rows(results['parts']))}")
    return int(failed)


def _part(measure: Callable[[Effort], Part], effort: Effort) -> dict[str, Any]:
    """What a part came to, or why it did not."""
    try:
        return measure(effort).document()
    except (LoadError, ServerError, OSError, subprocess.SubprocessError) as error:
        return {"failed": str(error)}


def _check(results: Mapping[str, Any]) -> int:
    """1 if the page or the goals in the results would be others now."""
    fits = PAGE.read_text(encoding="utf-8") == page(results)
    return int(not fits or results["goals"] != _goals(results["parts"]))


def _goals(parts: Mapping[str, Any]) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows(parts)]


def _results() -> dict[str, Any]:
    if not RESULTS.exists():
        return {"parts": {}}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _write(results: dict[str, Any]) -> None:
    """Keep the results, and write what is made from them."""
    parts = results["parts"]
    results["parts"] = {name: parts[name] for name in PARTS if name in parts}
    results["goals"] = _goals(parts)
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")
    curves = parts.get("growth", {}).get("curves")
    if curves:
        draw(curves, FOLDER / PICTURE)


if __name__ == "__main__":
    raise SystemExit(main())
