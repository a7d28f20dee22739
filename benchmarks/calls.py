"""Whether a request takes more function calls than when they were recorded."""

import json
import subprocess
import sys

from benchmarks.effort import Effort
from benchmarks.machine import ROOT
from benchmarks.report import Part, Table


def measure(_: Effort) -> Part:
    """Count with `tools/hot_path.py`, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "tools/hot_path.py", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    counts, recorded, path = (found[name] for name in ("counts", "recorded", "path"))
    rows = [
        (
            name,
            *(
                str(which[name][where])
                for where in ("own", "elsewhere")
                for which in (counts, recorded)
            ),
        )
        for name in counts
    ]
    text = (
        "Python functions that are called for a request; a count of the project's own functions "
        "that grows by more than 5 % makes the run fail. `python tools/hot_path.py --record` "
        f"writes new ones. A new order goes through {len(path['files'])} files of the project, "
        f"with {path['moves']} moves between them."
    )
    columns = ("", "own", "recorded", "elsewhere", "recorded")
    return Part(tables=[Table("Calls", text, columns, rows)], problems=found["grown"])
