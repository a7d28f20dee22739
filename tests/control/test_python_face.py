"""`MockServer` and `connect`: one hand on a server, before, while and after it runs."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from runa_client import AsyncRunaClient, item, single
from runa_mock_server import (
    ControlClient,
    ControlRefusedError,
    MockServer,
    PortBusyError,
    RemoteServer,
    connect,
)
from support.api import KEY, TIMEOUT, Api, body
from support.money import at_once

PROMPT = 120


def test_both_faces_do_the_same(hand: ControlClient, server: MockServer, api: Api) -> None:
    """Clock, settings, faults, orders, journal, mails, effects and state: one call each."""
    account = hand.account(KEY)
    account.configure(processing="never")
    with account.faults.arm("status", "after_commit", status=502) as fault:
        assert api.call("GET", "/v2/ping", headers={"X-Api-Key": "XX-other.x"}).status_code == 200
        sent = {"X-Api-Key": KEY, "X-Idempotency-Key": "k", "X-Send-Email": "true"}
        mailed = body(
            items=[
                {
                    "face_value": 10,
                    "distribution_method": {"type": "EMAIL", "email_address": "a@b.example"},
                    "products": {"type": "SINGLE", "value": "1800FL-US"},
                }
            ]
        )
        told = requests.post(server.base_url + "/order", headers=sent, json=mailed, timeout=TIMEOUT)
        assert told.status_code == 502
        assert fault.struck == 1
        assert [each.id for each in account.faults] == [fault.id]
    assert list(account.faults) == []
    (order,) = account.orders
    assert (order.status, order.ends_at, len(account.orders)) == ("PROCESSING", None, 1)
    state = account.export_state()
    assert account.orders.complete(order.id).status == "COMPLETED"
    (mail,) = account.emails
    assert (mail.sent, mail.order_id) == (True, order.id)
    account.assert_exactly_once("k")
    assert [entry.status for entry in account.journal] == [502]
    assert len(hand.journal) == 2
    account.import_state(state)
    assert account.orders.get(order.id).status == "PROCESSING"
    then = hand.clock.now()
    assert hand.clock.advance("P1D") > then
    assert server.clock.now() == hand.clock.now()
    assert account.clock.now() == then  # it came with the state, and stands where it stood
    hand.reset()
    assert (len(hand.orders), len(hand.journal), hand.clock.now()) == (0, 0, then)


REFUSED: dict[str, tuple[Callable[[ControlClient], object], str]] = {
    "setting": (lambda hand: hand.configure(nonsense=1), "nonsense"),  # type: ignore[call-arg] # refused at run time, too
    "fault field": (lambda hand: hand.faults.arm("hang", nht=1), "nht"),  # type: ignore[call-arg] # as above
    "fault place": (lambda hand: hand.faults.arm("slow", "inside"), "place"),
    "filter": (lambda hand: hand.journal.read(stats=1), "stats"),  # type: ignore[call-arg] # as above
    "window": (lambda hand: hand.effects(window=-1), "window"),
    "order": (lambda hand: hand.orders.get("O-none"), "order_id"),
    "empty order": (lambda hand: hand.orders.get(""), "order_id"),
    "order like a path": (lambda hand: hand.orders.complete("../reset"), "order_id"),
    "dots": (lambda hand: hand.orders.get(".."), "order_id"),
    "limit": (lambda hand: hand.orders.list(limit=0), "limit"),
    "duration": (lambda hand: hand.clock.advance("soon"), "advance"),
    "infinity": (lambda hand: hand.clock.advance(float("inf")), "advance"),
    "no account": (lambda hand: hand.export_state(), "x-api-key"),
    "state": (lambda hand: hand.account(KEY).import_state({"orders": 1}), "orders"),
    "key": (lambda hand: hand.account("wg-live.x").orders.list(), "x-api-key"),
    "empty key": (lambda hand: hand.account("").orders.list(), "x-api-key"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_names_the_field(hand: ControlClient, name: str) -> None:
    """A `ControlRefusedError`, which is a `ValueError`, with the field in message and details."""
    act, field = REFUSED[name]
    with pytest.raises(ControlRefusedError) as raised:
        act(hand)
    error = raised.value
    assert isinstance(error, ValueError)
    assert error.status in {400, 404, 422}
    assert field in {detail["location"][1] for detail in error.details}
    assert field in str(error) or len(error.details) > 5


def test_it_is_at_hand_before_and_after_it_runs() -> None:
    """What is prepared before the start holds, what happened can be asked after the end."""
    server = MockServer(clock="manual")
    server.account(KEY).configure(processing="at-once")
    server.faults.arm("status", status=418, times=1)
    server.start()
    api = Api(server.url)
    assert requests.get(server.base_url + "/ping", timeout=TIMEOUT).status_code == 418
    order_id = api.order().json()["id"]
    api.close()
    server.close()
    assert server.account(KEY).orders.get(order_id).status == "COMPLETED"
    server.account(KEY).assert_exactly_once()
    assert server.clock.advance(5) == server.clock.now()
    server.start()
    again = Api(server.url)
    assert again.read(order_id)["status"] == "COMPLETED"
    again.close()
    server.close()
    server.close()


def test_it_is_at_hand_after_a_start_that_failed() -> None:
    """A busy port spoils nothing; no thread is left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = MockServer(port=taken.getsockname()[1])
        with pytest.raises(PortBusyError):
            server.start()
    assert server.orders.list() == []
    assert "runa-mock" not in {thread.name for thread in threading.enumerate()}
    with server:
        assert server.orders.list() == []


def test_a_server_that_was_shut_down_from_outside_can_still_be_asked() -> None:
    """It has stopped listening; its hand works, and it can be closed and started again."""
    server = MockServer(allow_shutdown=True)
    server.start()
    url = server.url
    with connect(url) as remote:
        remote.shut_down()
    for thread in threading.enumerate():
        if thread.name == "runa-mock":
            thread.join(PROMPT)
    with pytest.raises(ConnectionError):
        connect(url)
    assert server.orders.list() == []
    server.close()
    with server:
        assert server.orders.list() == []


def test_many_threads_may_use_one_hand_while_it_starts_and_stops() -> None:
    """No call hangs, fails or is lost, wherever the server is in its life."""
    server = MockServer(clock="manual")
    begin = server.clock.now()
    over = threading.Event()
    counts: list[int] = []

    def work() -> None:
        count = 0
        while not over.is_set():
            server.clock.advance(1)
            server.account(f"XX-{threading.get_ident()}.x").configure(rate_limit=count + 1)
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        server.start()
        server.close()
    over.set()
    for thread in threads:
        thread.join(PROMPT)
    assert not [thread for thread in threads if thread.is_alive()]
    assert (server.clock.now() - begin).total_seconds() == sum(counts) > 0


def test_threads_that_come_together_meet_one_account(server: MockServer) -> None:
    """An account that many use for the first time at once is made once."""
    hands = at_once([server.account(KEY).orders.list] * 8)
    assert hands == [[]] * 8
    with connect(server.url) as remote:
        assert len(remote.account(KEY).journal) == 0


def test_it_serves_an_asyncio_test() -> None:
    """Its loop is its own: a coroutine may call it and wait for a client in turns."""

    async def act() -> str:
        with MockServer(clock="manual", processing="never") as server:
            async with AsyncRunaClient(server.base_url, KEY) as client:
                receipt = await client.create_order([item(10, products=single("1800FL-US"))])
                waiting = asyncio.create_task(client.get_order(receipt.id))
                server.orders.complete(receipt.id)
                await waiting
                return (await client.get_order(receipt.id)).status

    assert asyncio.run(act()) == "COMPLETED"


@pytest.mark.parametrize("end", ["", "/", "/v2", "/v2/"])
def test_connect_takes_either_url(server: MockServer, end: str) -> None:
    """With `/v2` at the end or without it, it has the server's own URLs."""
    with connect(server.url + end) as remote:
        assert isinstance(remote, RemoteServer)
        assert (remote.url, remote.base_url) == (server.url, server.base_url)
        assert remote.settings == server.settings


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:80", "", "http://[", "nonsense:"])
def test_connect_says_that_nothing_is_there(url: str) -> None:
    """A `ConnectionError` with the URL."""
    with pytest.raises(ConnectionError, match="no mock server"):
        connect(url)


class _Other(BaseHTTPRequestHandler):
    """Some other web server."""

    answers: Iterator[tuple[int, bytes]] = iter(())

    def do_GET(self) -> None:
        """Answer with the next of the answers."""
        status, content = next(self.answers)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Keep quiet."""


def test_connect_says_that_it_is_no_mock_server() -> None:
    """Whatever else answers there."""
    answers = [
        (404, b"not found"),
        (200, b"<h1>hello</h1>"),
        (200, b"[]"),
        (200, b'"ok"'),
        (200, b'{"status": "UP"}'),
        (503, b'{"status": "ok"}'),
    ]
    _Other.answers = iter(answers)
    with HTTPServer(("127.0.0.1", 0), _Other) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        for _ in answers:
            with pytest.raises(ConnectionError, match="no mock server"):
                connect(f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
        thread.join()


def test_a_wrong_token_is_named_when_it_is_used() -> None:
    """Health needs none, so `connect` succeeds; the first call says which header is wrong."""
    with MockServer(control_token="right") as server:  # noqa: S106 - of this test
        with connect(server.url, token="wrong") as remote:  # noqa: S106 - of this test
            with pytest.raises(ControlRefusedError, match="x-mock-token") as raised:
                remote.reset()
            assert raised.value.status == 401
        with connect(server.url, token="right") as remote:  # noqa: S106 - of this test
            remote.reset()


def test_a_handful_of_threads_share_one_connection(server: MockServer) -> None:
    """A remote hand may be used from several threads."""
    with connect(server.url) as remote, ThreadPoolExecutor(4) as pool:
        then = remote.clock.now()
        list(pool.map(lambda _: remote.clock.advance(1), range(40)))
        assert (remote.clock.now() - then).total_seconds() == 40
