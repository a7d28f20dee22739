"""CPU time of an order when the client is a program that users have."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.bodies import ACCOUNT, KEY_HEADER, ONE_ITEM, ORDERING, written
from benchmarks.effort import Effort
from benchmarks.load import LoadError
from benchmarks.machine import ROOT, cores, on_core
from benchmarks.report import Part, Table, micro
from benchmarks.servers import QUIET, Server, bare, ours

_runs = count(1)
Command = Callable[[str, str, int, Path], Sequence[str]]
"""The command that places orders: from URL, run, number of orders and a folder of its own."""


def measure(effort: Effort) -> Part:
    """Each client places orders one after the other, by turns on both servers."""
    rows = []
    with bare() as limit, ours(*QUIET) as server:
        for name, (command, found) in _clients().items():
            installed = found()
            if installed is None:
                rows.append((name, "not installed", "", "", ""))
                continue
            turns = [
                [_play(command, which, effort.client_orders) for which in (limit, server)]
                for _ in range(effort.fewer_rounds)
            ]
            theirs, own = map(median, zip(*turns, strict=True))
            rows.append((name, installed, micro(theirs), micro(own), f"{theirs / own:.2f}"))
    table = Table(
        "Clients that users have",
        f"CPU time of the server while a client places {effort.client_orders:,} async orders on "
        f"one connection, one after the other, bodies all different; {effort.fewer_rounds} rounds. "
        "The server waits between two orders, so each costs more than under load. curl is one "
        "process that finds all orders in its configuration file.",
        ("client", "version", "bare, µs an order", "mock, µs an order", "of bare"),
        rows,
    )
    return Part(tables=[table])


def _clients() -> Mapping[str, tuple[Command, Callable[[], str | None]]]:
    return {
        "requests (`RunaClient`)": (_python("requests"), lambda: _package("requests")),
        "httpx": (_python("httpx"), lambda: _package("httpx")),
        "aiohttp (`AsyncRunaClient`)": (_python("aiohttp"), lambda: _package("aiohttp")),
        "Node fetch": (_node, lambda: _program("node", "--version")),
        "curl": (_curl, lambda: _program("curl", "--version")),
    }


def _play(command: Command, server: Server, orders: int) -> float:
    """Seconds of CPU time that the server took for an order."""
    with TemporaryDirectory() as folder:
        url, run = f"{server.url}/v2", f"client{next(_runs)}"
        words = command(url, run, orders, Path(folder))
        before = server.cpu_seconds()
        with on_core(cores()[1]):
            done = subprocess.run(  # noqa: S603 - a client
                words, cwd=ROOT, capture_output=True, text=True, check=False
            )
        if done.returncode:
            raise LoadError(f"{words[0]} failed: {done.stderr.strip()[-300:]}")
        return (server.cpu_seconds() - before) / orders


def _python(name: str) -> Command:
    program = [sys.executable, "-m", "benchmarks.client_program", name]
    return lambda url, run, orders, _: [*program, url, run, str(orders)]


def _node(url: str, run: str, orders: int, _: Path) -> Sequence[str]:
    script = ROOT / "benchmarks" / "fetch.mjs"
    return ["node", str(script), url, ACCOUNT, run, str(orders), ONE_ITEM]


def _curl(url: str, run: str, orders: int, folder: Path) -> Sequence[str]:
    """A configuration file holds all requests: curl's strings have the escapes of JSON."""
    config = folder / "orders"
    requests = []
    for number in range(1, orders + 1):
        headers = {**ORDERING, KEY_HEADER: f"{run}-{number}"}
        options = [
            ("url", f"{url}/order"),
            *(("header", f"{name}: {value}") for name, value in headers.items()),
            ("data", written(ONE_ITEM, run, number)),
            ("output", "/dev/null"),
        ]
        lines = [f"{name} = {json.dumps(value)}" for name, value in options]
        requests.append("\n".join([*lines, "fail", "silent", "show-error"]))
    config.write_text("\nnext\n".join(requests) + "\n", encoding="utf-8")
    return ["curl", "--config", str(config)]


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _program(name: str, option: str) -> str | None:
    if shutil.which(name) is None:
        return None
    done = subprocess.run([name, option], capture_output=True, text=True, check=False)  # noqa: S603 - a version
    words = done.stdout.split()
    return words[1] if words[0] == name else words[0]
