"""Count the Python functions that are called for one request, and write the figures down.

A count does not depend on how busy the machine is, as a time would. It grows with whatever is
added to the way of a request, so a test compares it with the figures that are written here:
`python tools/hot_path.py` after a change that is worth its price.
"""

import argparse
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from types import CodeType, FrameType
from urllib.parse import urlsplit

from runa_mock_server import MockServer

PLACE = Path(__file__).parents[1] / "tests/project/hot_path.json"

_TIMES = 10
_A_PAGE = 100
_KEY = "XX-hot-path.key"
_ORDER = json.dumps(
    {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "items": [
            {
                "face_value": 10,
                "distribution_method": {"type": "PAYOUT_LINK"},
                "products": {"type": "SINGLE", "value": "1800FL-US"},
            }
        ],
    }
).encode()


class _Calls:
    """Counts the calls of functions in the threads that start from now on."""

    def __init__(self) -> None:
        self.found: Counter[CodeType] = Counter()
        threading.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        # What a comprehension is, a call or not, depends on the version of Python.
        if event == "call" and not frame.f_code.co_name.startswith("<"):
            self.found[frame.f_code] += 1

    def per_request(self) -> dict[str, int]:
        """The calls for one request, in this package and elsewhere in Python.

        Each function's are rounded, so that it does not count what happens once in many.
        """
        counts = {"own": 0, "elsewhere": 0}
        for code, calls in self.found.items():
            where = "own" if "runa_mock_server" in code.co_filename else "elsewhere"
            counts[where] += round(calls / _TIMES)
        return counts


def count(orders: int = _A_PAGE, *, armed: bool = False) -> dict[str, dict[str, int]]:
    """The calls for an order, the same again, a look at it, and pages of orders.

    Args:
        orders: how many are there before, all of them ``PROCESSING``.
        armed: whether a fault is armed, though none that strikes: a longer way, for comparison.
    """
    calls = _Calls()
    with MockServer(processing_delay=0) as server:
        if armed:
            server.faults.arm("close", path="/v2/balance")
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            ids = _place(connection, orders)
            middle = ids[(len(ids) + _A_PAGE) // 2 - 1]
            order_id = _ask(connection, "POST /v2/order", "first").split('"')[3]
            asked: dict[str, Callable[[int], tuple[str, str]]] = {
                "POST /v2/order": lambda n: ("POST /v2/order", f"key-{n}"),
                "POST /v2/order, replayed": lambda _: ("POST /v2/order", "first"),
                "GET /v2/order/{id}": lambda _: (f"GET /v2/order/{order_id}", ""),
                "GET /v2/order": lambda _: ("GET /v2/order", ""),
                "GET /v2/order?after=": lambda _: (f"GET /v2/order?after={middle}", ""),
            }
            figures = {}
            for name, request in asked.items():
                _ask(connection, *request(-1))
                calls.found.clear()
                for number in range(_TIMES):
                    _ask(connection, *request(number))
                figures[name] = calls.per_request()
    return figures


def _place(connection: socket.socket, orders: int) -> list[str]:
    """Place orders that stay ``PROCESSING``, a hundred at a time; their ids."""
    ids: list[str] = []
    for start in range(0, orders, _A_PAGE):
        batch = range(start, min(start + _A_PAGE, orders))
        held = "X-Mock-Processing: never\r\n"
        connection.sendall(b"".join(_request("POST /v2/order", f"held-{n}", held) for n in batch))
        answers = b""
        while answers.count(b"PROCESSING") < len(batch):
            answers += connection.recv(65_536)
        ids += re.findall(r"O-\w{26}", answers.decode())
    return ids


def _ask(connection: socket.socket, line: str, key: str) -> str:
    connection.sendall(_request(line, key))
    with HTTPResponse(connection) as response:
        response.begin()
        return response.read().decode()


def _request(line: str, key: str, more: str = "") -> bytes:
    body = _ORDER if line.startswith("POST") else b""
    head = (
        f"{line} HTTP/1.1\r\nHost: mock\r\nX-Api-Key: {_KEY}\r\nX-Idempotency-Key: {key}\r\n"
        f"{more}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=_A_PAGE, help="how many there are before")
    parser.add_argument("--armed", action="store_true", help="arm a fault that does not strike")
    parser.add_argument("--print", action="store_true", help="print the figures, write nothing")
    options = parser.parse_args()
    figures = json.dumps(count(options.orders, armed=options.armed), indent=2)
    if options.print:
        print(figures)  # noqa: T201 - what was asked for
    else:
        PLACE.write_text(figures + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
