"""Measure for how long control operations hold up the requests of other accounts.

`python benchmarks/pauses.py` serves 100,000 accounts with an order each, and one with 100,000
orders, from a process of its own, calls each slow operation of the control API, and prints how long
the longest turn of the event loop took meanwhile (processor time, which does not depend on how busy
the machine is) and the longest ping of a second client (wall time).
"""

import argparse
import asyncio
import subprocess
import sys
import threading
import time
from asyncio.events import Handle
from collections.abc import Callable, Sequence
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import orjson

from runa_mock_server.base.collector import freezes_accounts
from runa_mock_server.config.settings import make_settings
from runa_mock_server.orders.placing import OrderRequest, place
from runa_mock_server.orders.terms import OrderOptions
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.checks import UNDER_THE_KEY
from runa_mock_server.web.http_server import HttpServer

LIMIT = 20.0
"""Milliseconds for which one account's work may hold up another's."""

_LARGE, _OTHER = "XX-large.key", "XX-ping.key"
_TIMEOUT = 600
_BODY = {
    "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
    "items": [
        {
            "face_value": 10,
            "distribution_method": {"type": "EMAIL", "email_address": "a@mail.example"},
            "products": {"type": "SINGLE", "value": "1800FL-US"},
        }
    ],
}


class Call(NamedTuple):
    """A call of the control API.

    Attributes:
        method: the HTTP method.
        path: below ``/_mock``.
        body: what is sent.
        api_key: of the account; ``None`` for the whole server.
    """

    method: str
    path: str
    body: bytes = b""
    api_key: str | None = None


def calls(order_id: str, mail_id: str) -> list[Call]:
    """The calls that are measured; the last one throws everything away."""
    reads = (
        "/accounts",
        "/orders",
        "/orders?status=FAILED",
        "/orders?limit=10000",
        "/emails",
        "/emails?to=nobody@mail.example",
        "/effects",
        "/requests",
        "/requests?limit=10000",
        "/requests/999999999",
        "/settings?account=none",
        "/webhooks/messages",
        "/webhooks/endpoints",
        "/faults",
        "/products",
        f"/orders/{order_id}",
        f"/orders/{order_id}/story",
        f"/emails/{mail_id}",
        "/emails/M-none",
        "/orders/O-none",
    )
    endpoint = b'{"url": "http://127.0.0.1:9/hook", "event": "order.completion"}'
    return [
        *(Call("GET", path) for path in reads),
        *(Call("GET", path, api_key=_LARGE) for path in reads),
        Call("GET", "/state?format=lines", api_key=_LARGE),
        Call("GET", "/state", api_key=_LARGE),
        Call("PUT", "/settings", b'{"rate_limit": 1000}'),
        Call("PUT", "/settings", b'{"balances": {"USD": 1000000}}'),
        Call("PATCH", "/products/AMZ-US", b'{"is_orderable": false}'),
        Call("PUT", "/clock", b'{"advance": "P1D"}'),
        Call("POST", "/webhooks/endpoints", endpoint),
        Call("GET", "/webhooks/endpoints"),
        Call("PATCH", f"/orders/{order_id}", b'{"payout_status": "CANCELLED"}'),
        Call("POST", "/reset", b"{}", _LARGE),
        Call("POST", "/reset", b"{}"),
    ]


class _Turns:
    """How long the turns of the event loop take in this process, in processor time."""

    def __init__(self) -> None:
        self.longest = 0.0
        run = Handle._run  # noqa: SLF001 - the one place that every callback goes through

        def timed(handle: Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.longest = max(self.longest, time.thread_time() - began)

        Handle._run = timed  # type: ignore[assignment, method-assign] # noqa: SLF001 - see above


def _fill(account: Account, count: int) -> None:
    terms, now = account.orders.terms, account.clock.now()
    for number in range(count):
        document = orjson.dumps(_BODY | {"description": f"order {number}"})
        options = OrderOptions(email=True)
        request = OrderRequest(f"key-{number}", document, options, terms, now)
        account.state.commit(partial(place, request, UNDER_THE_KEY))


async def _serve(accounts: int, orders: int) -> None:
    """Serve, and say on demand how long the longest turn was since the last demand."""
    turns = _Turns()
    server_state = ServerState(make_settings(port=0, max_body_bytes=1024))
    server_state.installed.append(freezes_accounts())  # as `runa-mock serve` does
    server = HttpServer(server_state)
    url = await server.start()
    for number in range(accounts):
        _fill(server_state.account(f"XX-shop.{number}"), 1)
    _fill(server_state.account(_LARGE), orders)
    newest = next(server_state.account(_LARGE).state.orders())
    mail = server_state.account(_LARGE).outbox.by_order()[-1]
    print(url, newest.id, mail.id, flush=True)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer() -> None:
        for _ in sys.stdin:
            print(turns.longest, flush=True)
            turns.longest = 0.0
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=answer, daemon=True).start()
    await over.wait()


class _Pings(threading.Thread):
    """A second client: pings one after the other, and notes the longest."""

    def __init__(self, place: str) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._place = place
        self.over = threading.Event()

    def run(self) -> None:
        """Ping until told to stop."""
        connection = HTTPConnection(self._place, timeout=_TIMEOUT)
        while not self.over.is_set():
            began = time.perf_counter()
            connection.request("GET", "/v2/ping", headers={"X-Api-Key": _OTHER})
            connection.getresponse().read()
            self.longest = max(self.longest, time.perf_counter() - began)
            time.sleep(0.002)


def _ask(place: str, call: Call) -> tuple[int, bytes, float]:
    headers = {} if call.api_key is None else {"X-Api-Key": call.api_key}
    connection = HTTPConnection(place, timeout=_TIMEOUT)
    began = time.perf_counter()
    connection.request(call.method, f"/_mock{call.path}", call.body, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, time.perf_counter() - began


def measure(accounts: int, orders: int, only: str) -> bool:
    """Measure and print each call.

    Args:
        accounts: how many accounts with an order there are.
        orders: how many orders the large account has.
        only: measure the calls whose method and path hold this text.

    Returns:
        Whether no turn of the event loop took longer than ``LIMIT``.
    """
    command = [sys.executable, str(Path(__file__)), "--serve", str(accounts), str(orders)]
    with subprocess.Popen(  # noqa: S603 - this file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("the pipes of the server are missing")
        url, order_id, mail_id = server.stdout.readline().split()
        place = url.removeprefix("http://")

        def longest_turn() -> float:
            print(file=server.stdin, flush=True)
            return float(server.stdout.readline()) * 1000 if server.stdout else 0.0

        worst, exported = 0.0, b""
        print(f"{'turn ms':>8} {'ping ms':>8} {'took s':>8} {'bytes':>12}  status, call")
        for call in calls(order_id, mail_id):
            if only not in f"{call.method} {call.path}":
                continue
            worst = max(worst, _measure_one(place, call, longest_turn))
            if call.path.startswith("/state"):
                exported = _ask(place, call)[1]
                again = Call("PUT", "/state", exported, _LARGE)
                worst = max(worst, _measure_one(place, again, longest_turn))
        server.stdin.close()
    return worst <= LIMIT


def _measure_one(place: str, call: Call, longest_turn: Callable[[], float]) -> float:
    longest_turn()
    pings = _Pings(place)
    pings.start()
    status, body, took = _ask(place, call)
    time.sleep(0.5)  # what goes on after the answer
    pings.over.set()
    pings.join()
    turn = longest_turn()
    whose = "" if call.api_key is None else " (one account)"
    print(
        f"{turn:8.1f} {pings.longest * 1000:8.1f} {took:8.2f} {len(body):12}  "
        f"{status} {call.method} {call.path}{whose}",
        flush=True,
    )
    return turn


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or serve for a process that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--only", default="", help="measure the calls that hold this text")
    parser.add_argument("--serve", nargs=2, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        asyncio.run(_serve(*given.serve))
        return 0
    return 0 if measure(given.accounts, given.orders, given.only) else 1


if __name__ == "__main__":
    sys.exit(main())
