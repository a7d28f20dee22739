"""Count the Python functions that are called for a request, and compare with the recorded counts.

A count does not depend on how busy the machine is, as a time would. `python tools/hot_path.py`
prints the counts beside the recorded ones, and the files that an order goes through; it exits with
1 if a count has grown by more than 5 %. After a change that is worth its price, `--record` writes
the new counts.
"""

import argparse
import json
import platform
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http.client import HTTPResponse
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import urlsplit

from runa_mock_server import MockServer

PLACE = Path(__file__).parents[1] / "benchmarks/hot_path.json"
ALLOWED = 1.05
GOAL = {"files": 12, "moves": 25}

_TIMES = 10
_A_PAGE = 100
_STORED = (_A_PAGE, 2_000)  # with more orders stored, a request must not take more calls
_KEY = "XX-hot-path.key"
_OURS = re.compile(r"/(runa_(?:mock_server|schemas)/.*)")
NEW = "POST /v2/order, new body"

Calls = dict[str, dict[str, int]]


@cache
def _file_of_ours(path: str) -> str | None:
    ours = _OURS.search(path)
    return None if ours is None else ours[1]


class _Profile:
    """Notes the calls of functions in the threads that start from now on."""

    def __init__(self) -> None:
        self.calls: Counter[CodeType] = Counter()
        self.files: list[str] = []
        threading.setprofile(self._note)

    def clear(self) -> None:
        self.calls.clear()
        self.files.clear()

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        # Whether a comprehension is a call depends on the version of Python.
        if event == "call" and not frame.f_code.co_name.startswith("<"):
            self.calls[frame.f_code] += 1
            ours = _file_of_ours(frame.f_code.co_filename)
            if ours is not None:
                self.files.append(ours)

    def per_request(self) -> dict[str, int]:
        """The calls for one request, in this project and elsewhere in Python.

        Each function's are rounded, so that what happens once in many requests does not count.
        """
        counts = {"own": 0, "elsewhere": 0}
        for code, calls in self.calls.items():
            where = "elsewhere" if _file_of_ours(code.co_filename) is None else "own"
            counts[where] += round(calls / _TIMES)
        return counts


def measure() -> dict[str, Any]:
    """Count, and compare: counts, recorded counts, what has grown, and the path of an order."""
    recorded = json.loads(PLACE.read_text(encoding="utf-8"))
    found = versions()
    counts: Calls = {}
    path: Sequence[str] = ()
    for stored in _STORED:
        at_this_size, path = count(stored)
        for name, calls in at_this_size.items():
            so_far = counts.setdefault(name, calls)
            counts[name] = {where: max(so_far[where], calls[where]) for where in calls}
    # What others' code does for a request differs from version to version of theirs.
    guarded = ("own", "elsewhere") if found == recorded["versions"] else ("own",)
    return {
        "versions": found,
        "counts": counts,
        "recorded": recorded["counts"],
        "grown": _grown(counts, recorded["counts"], guarded),
        "path": {
            "files": sorted(set(path)),
            "moves": sum(one != next_one for one, next_one in pairwise(path)),
        },
    }


def versions() -> dict[str, str]:
    """What the calls outside of the project depend on."""
    return {"Python": platform.python_version(), "aiohttp": version("aiohttp")}


def _grown(counts: Calls, recorded: Calls, guarded: Sequence[str]) -> list[str]:
    return [
        f"{name}: {counts[name][where]} calls {where}, {calls[where]} recorded"
        for name, calls in recorded.items()
        for where in guarded
        if counts[name][where] > calls[where] * ALLOWED
    ]


def count(orders: int) -> tuple[Calls, Sequence[str]]:
    """The calls for each kind of request, and the files that a new order goes through.

    Args:
        orders: How many are stored before, all of them ``PROCESSING``.
    """
    profile = _Profile()
    path: Sequence[str] = ()
    with MockServer(processing_delay=0) as server:
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            ids = _place(connection, orders)
            middle = ids[(len(ids) + _A_PAGE) // 2 - 1]
            order_id = _ask(connection, "POST /v2/order", "first").split('"')[3]
            asked: Mapping[str, Callable[[int], tuple[str, str, int]]] = {
                NEW: lambda n: ("POST /v2/order", f"new-{n}", n),
                "POST /v2/order, same body": lambda n: ("POST /v2/order", f"key-{n}", 0),
                "POST /v2/order, replayed": lambda _: ("POST /v2/order", "first", 0),
                "GET /v2/order/{id}": lambda _: (f"GET /v2/order/{order_id}", "", 0),
                "GET /v2/order": lambda _: ("GET /v2/order", "", 0),
                "GET /v2/order?after=": lambda _: (f"GET /v2/order?after={middle}", "", 0),
            }
            figures = {}
            for name, request in asked.items():
                _ask(connection, *request(_TIMES + 1))
                profile.clear()
                for number in range(_TIMES):
                    profile.files.clear()
                    _ask(connection, *request(number))
                figures[name] = profile.per_request()
                path = path or tuple(profile.files)
    threading.setprofile(None)
    return figures, path


def _place(connection: socket.socket, orders: int) -> list[str]:
    """Place orders that stay ``PROCESSING``, a hundred at a time; their ids."""
    ids: list[str] = []
    for start in range(0, orders, _A_PAGE):
        batch = range(start, min(start + _A_PAGE, orders))
        held = "X-Mock-Processing: never\r\n"
        requests = [_request("POST /v2/order", f"held-{n}", n, held) for n in batch]
        connection.sendall(b"".join(requests))
        answers = b""
        while answers.count(b"PROCESSING") < len(batch):
            answers += connection.recv(65_536)
        ids += re.findall(r"O-\w{26}", answers.decode())
    return ids


def _ask(connection: socket.socket, line: str, key: str, number: int = 0) -> str:
    connection.sendall(_request(line, key, number))
    with HTTPResponse(connection) as response:
        response.begin()
        return response.read().decode()


def _request(line: str, key: str, number: int, more: str = "") -> bytes:
    body = _order(number) if line.startswith("POST") else b""
    head = (
        f"{line} HTTP/1.1\r\nHost: mock\r\nX-Api-Key: {_KEY}\r\nX-Idempotency-Key: {key}\r\n"
        f"{more}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _order(number: int) -> bytes:
    item = {
        "face_value": 10 + number % 9000 / 100,
        "distribution_method": {"type": "EMAIL", "email_address": f"person-{number}@example.com"},
        "products": {"type": "SINGLE", "value": "1800FL-US"},
    }
    paid = {"type": "ACCOUNT_BALANCE", "currency": "USD"}
    order = {"payment_method": paid, "description": f"order {number}", "items": [item]}
    return json.dumps(order).encode()


def _report(found: Mapping[str, Any]) -> str:
    lines = [
        f"{'calls for a request':28}{'own':>6}{'recorded':>10}{'elsewhere':>11}{'recorded':>10}"
    ]
    for name, calls in found["counts"].items():
        before = found["recorded"].get(name, {"own": 0, "elsewhere": 0})
        lines.append(
            f"{name:28}{calls['own']:6}{before['own']:10}"
            f"{calls['elsewhere']:11}{before['elsewhere']:10}"
        )
    files, moves = found["path"]["files"], found["path"]["moves"]
    lines.append(
        f"{NEW}: {len(files)} files (goal: {GOAL['files']}), "
        f"{moves} moves between them (goal: {GOAL['moves']})"
    )
    return "\n".join([*lines, *(f"  {file}" for file in files), *found["grown"]])


def main() -> int:
    """Print the comparison; 1 if a count has grown too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the counts as recorded")
    parser.add_argument("--json", action="store_true", help="print JSON, exit with 0")
    options = parser.parse_args()
    found = measure()
    if options.record:
        record = {"versions": found["versions"], "counts": found["counts"]}
        PLACE.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return 0
    print(json.dumps(found) if options.json else _report(found))  # noqa: T201 - what was asked for
    return 0 if options.json else int(bool(found["grown"]))


if __name__ == "__main__":
    raise SystemExit(main())
