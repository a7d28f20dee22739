"""Measure, and write the page: ``python -m benchmarks [--quick] [PART ...]``, or ``make bench``."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import calls, clients, orders, peers, profiling, reads, starting, stored
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.goals import COLUMNS, rows
from benchmarks.load import LoadError
from benchmarks.machine import ROOT, busy, described, lacking
from benchmarks.page import page, table
from benchmarks.report import Part
from benchmarks.servers import ServerError

FOLDER = ROOT / "benchmarks"
RESULTS = FOLDER / "results.json"
PAGE = FOLDER / "README.md"
PARTS: Mapping[str, Callable[[Effort], Part]] = {
    "calls": calls.measure,
    "orders": orders.measure,
    "reads": reads.measure,
    "clients": clients.measure,
    "starting": starting.measure,
    "stored": stored.measure,
}
OTHER_PARTS: Mapping[str, Callable[[Effort], Part]] = {
    "peers": peers.measure,
    "profile": profiling.measure,
}
"""Measured only when they are named."""

ALL_PARTS = {**PARTS, **OTHER_PARTS}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    """Do what the command line says; 1 if a part failed."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, and write the page.")
    parser.add_argument(
        "part", nargs="*", help=f"{', '.join(ALL_PARTS)}; by default all but the last two"
    )
    parser.add_argument("--quick", action="store_true", help="measure little, write no page")
    parser.add_argument("--page", action="store_true", help="only write the page from the results")
    parser.add_argument("--results", type=Path, help="write the results to another file, no page")
    wanted = parser.parse_args()
    unknown = set(wanted.part) - set(ALL_PARTS)
    if unknown:
        parser.error(
            f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(ALL_PARTS)}"
        )
    if wanted.page:
        _write(_results())
        return 0
    missing = lacking()
    if missing is not None:
        print(missing, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped
    return _measure(wanted.part or list(PARTS), quick=wanted.quick, elsewhere=wanted.results)


def _measure(names: Sequence[str], *, quick: bool, elsewhere: Path | None) -> int:
    aside = quick or elsewhere is not None
    results = {"runs": {}} if aside else _results()
    results["runs"].setdefault(PYTHON, {"parts": {}})["machine"] = described()
    failures = []
    for name in (name for name in ALL_PARTS if name in names):
        start = time.monotonic()
        print(f"{name} ...", end=" ", flush=True)
        try:
            part = ALL_PARTS[name](QUICK if quick else FULL).document()
        except (LoadError, ServerError, OSError, subprocess.SubprocessError) as error:
            part = {"measures": {}, "tables": [], "problems": [str(error)]}
        seconds = round(time.monotonic() - start)
        failures += [f"{name}: {problem}" for problem in part["problems"]]
        print(f"{seconds} s", flush=True)
        for shown in part["tables"]:
            print(f"\n{shown['title']}\n\n{table(shown['columns'], shown['rows'])}", flush=True)
        # Asked for anew each time: writing puts the parts in order, in a dictionary of their own.
        results["runs"][PYTHON]["parts"][name] = {
            "seconds": seconds,
            "load_average": busy(),
            **part,
        }
        if not aside:
            _write(results)
    results["goals"] = rows(results["runs"])
    print(table(COLUMNS, [list(row.values()) for row in results["goals"]]))
    if elsewhere is not None:
        elsewhere.write_text(_text(results), encoding="utf-8")
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return int(bool(failures))


def _results() -> dict[str, Any]:
    if not RESULTS.exists():
        return {"runs": {}}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _text(results: Mapping[str, Any]) -> str:
    return json.dumps(results, indent=1, ensure_ascii=False) + "\n"


def _write(results: dict[str, Any]) -> None:
    """Keep the results, and write the page from them."""
    runs = results["runs"]
    results["runs"] = {python: _in_order(runs[python]) for python in sorted(runs)}
    results["goals"] = rows(results["runs"])
    RESULTS.write_text(_text(results), encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")


def _in_order(run: Mapping[str, Any]) -> dict[str, Any]:
    parts = run["parts"]
    ordered = {name: parts[name] for name in ALL_PARTS if name in parts}
    return {"machine": run["machine"], "parts": ordered}


if __name__ == "__main__":
    raise SystemExit(main())
