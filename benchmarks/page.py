"""The page, from the results."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.goals import COLUMNS, rows

PICTURE = "growth.svg"

_BUSY = 4  # a server and its load make a load of 2
_WARNING = "**The machine had other work to do: measure again on a quiet one.**\n"

HEAD = """\
# How fast it is

Written by `make bench` from `results.json`; not by hand. `make bench BENCH="throughput memory"`
measures some parts anew; `make bench BENCH="--quick"` measures little and writes nothing, to see
that the programs work.

Absolute figures say more about the machine than about the program, and drift on the same machine.
So each program measures its limit, a bare aiohttp application on the same interpreter and event
loop, in the same run, and the goals are ratios where that makes sense.

- Each server has one core to itself, the load generator another; servers to be compared take turns,
  and the medians of the rounds count.
- Load is [wrk](https://github.com/wg/wrk): one thread, 32 keep-alive connections, and a Lua script
  that gives each order an idempotency key of its own. A run with an error, or with a status of 400
  or more, counts as failed.
- A server with many orders was filled in its own process, by the service classes behind its HTTP
  edge; what is then measured goes over HTTP.
- CPU time is what `/proc` says the server took. Other work on the machine disturbs it less than
  the clock, so it stands beside; the verdicts go by the clock.
"""

TAIL = """\
## What an idle plugin costs

`python benchmarks/idle_plugin.py` shows what the installed pytest plugin costs a run that does not
use it. It installs into empty folders of its own, and is no part of `make bench`.
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        results: what ``results.json`` has.
    """
    parts = results["parts"]
    pieces = [
        HEAD,
        "## Goals\n",
        *([_WARNING] if any(part["load_before"] > _BUSY for part in parts.values()) else []),
        table(COLUMNS, rows(parts)),
        "## The machine\n",
        table(("", ""), [*results["machine"].items(), ("load before each part", _loads(parts))]),
    ]
    for name, part in parts.items():
        if part.get("failed"):
            pieces.append(f"## The part {name}\n\nfailed: {part['failed']}\n")
        for shown in part.get("tables", ()):
            pieces += [f"## {shown['title']}\n", f"{shown['text']}\n"]
            if shown["title"] == "Growth":
                pieces.append(f"![Time per request and memory against orders]({PICTURE})\n")
            pieces.append(table(shown["columns"], shown["rows"]))
    return "\n".join([*pieces, TAIL])


def _loads(parts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {part['load_before']}" for name, part in parts.items())


def table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, with figures to the right."""
    ruler = [
        "---:" if all(cell == "" or cell[0].isdigit() for cell in column) else "---"
        for column in zip(*lines, strict=True)
    ]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in (columns, ruler, *lines))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
