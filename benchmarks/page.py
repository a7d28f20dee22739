"""The page, from the results."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.goals import COLUMNS

_BUSY = 4  # a server and its load make a load average of 2
_WARNING = "**The machine had other work to do: measure again on a quiet one.**\n"

HEAD = """\
# How fast it is

Written by `make bench` from `results.json`; not by hand. It takes some ten minutes.
`make bench BENCH="orders clients"` measures some parts again, `make bench BENCH="--quick"` measures
little and writes nothing, and `.venv/bin/tox run -e bench-py311` measures on another Python.

The mock is compared with [bare.py](bare.py), the aiohttp application that a careful user would
write for the same requests: it reads the JSON body and answers 202 with id and status, checks
nothing and stores nothing. The mock runs as `runa-mock serve --log-level warning`, with its journal
on and every check on.

- Figures are CPU time of the server process a request, as the kernel counts it in nanoseconds. "0.5
  of bare" means that a request costs twice the CPU time of the same request to `bare.py`.
- Servers take turns, round by round; a figure is the median of the rounds, with the lowest and the
  highest beside it. Each server has one core to itself, the load generator another.
- Bodies all differ, unless a row says otherwise: a description, an e-mail address and a face value
  with cents that no other request of the run has together.
- Load is [wrk](https://github.com/wg/wrk) with one thread and 32 keep-alive connections, as much as
  the server takes; [paced.py](paced.py) sends at a fixed rate, evenly spaced. A run with an error,
  or with a status of 400 or more, does not count.
"""

TAIL = """\
## Not part of `make bench`

`make bench BENCH=peers` measures other mock servers, which it installs; `make bench BENCH=profile`
shows where the CPU time of an order goes. `python benchmarks/idle_plugin.py` shows what the
installed pytest plugin costs a run that does not use it.
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        results: The contents of ``results.json``.
    """
    goals = [[row[column] for column in COLUMNS] for row in results["goals"]]
    pieces = [HEAD, "## Goals\n", table(COLUMNS, goals)]
    for python, run in results["runs"].items():
        pieces += _on(python, run)
    return "\n".join([*pieces, TAIL])


def _on(python: str, run: Mapping[str, Any]) -> list[str]:
    parts = run["parts"]
    loads = ", ".join(f"{name} {part['load_average']:.1f}" for name, part in parts.items())
    pieces = [f"## On Python {python}\n"]
    if any(part["load_average"] > _BUSY for part in parts.values()):
        pieces.append(_WARNING)
    pieces.append(table(("", ""), [*run["machine"].items(), ("load average at the end", loads)]))
    for name, part in parts.items():
        pieces += [f"**{name}: {problem}**\n" for problem in part["problems"]]
        for shown in part["tables"]:
            pieces += [f"### {shown['title']}\n", f"{shown['text']}\n"]
            pieces.append(table(shown["columns"], shown["rows"]))
    return pieces


def table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, with figures to the right."""
    ruler = [
        "---:" if all(cell == "" or cell[0].isdigit() for cell in column) else "---"
        for column in zip(*lines, strict=True)
    ]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in (columns, ruler, *lines))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
