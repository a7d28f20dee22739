"""Requests on one connection: answered in turn, however their bytes are cut."""

import gc
import re
import socket
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from support.raw import ORDER, connection, exchange, message, order_message, reply_on, rest_of

PING = message("GET", "/v2/ping")
CHUNKED = message(
    "POST", "/v2/order", X_Idempotency_Key="chunked", Transfer_Encoding="chunked"
).replace(b"Content-Length: 0\r\n", b"").removesuffix(b"\r\n") + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (
    len(ORDER),
    ORDER,
)
LAST = message("GET", "/v2/ping", Connection="close")
REQUESTS = {
    PING: 200,
    order_message("a"): 202,
    CHUNKED: 202,
    message("HEAD", "/v2/ping"): 405,
    message("GET", "/v2/order/O-none"): 404,
    message("POST", "/v2/order", b"{", X_Idempotency_Key="broken"): 400,
    message("GET", "/v2/order?limit=1"): 200,
    order_message("a", Connection="keep-alive, x"): 202,
}


def send(opened: socket.socket, data: bytes, cuts: Sequence[int]) -> None:
    """Send bytes in pieces, each as soon as it can."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    for start, stop in pairwise(places):
        opened.sendall(data[start:stop])


@given(
    asked=st.lists(st.sampled_from(list(REQUESTS)), max_size=6),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_answers_come_in_the_order_of_requests(asked: list[bytes], cuts: list[int]) -> None:
    """However the bytes of requests in a row are cut and mixed, each gets its answer in turn."""
    with MockServer() as server, connection(server.url) as opened:
        send(opened, b"".join([*asked, LAST]), cuts)
        rest = rest_of(opened)
    found = [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3})", rest.data)]
    assert found == [*(REQUESTS[request] for request in asked), 200]
    assert rest.end == "closed"


def test_one_request_after_the_other(server: MockServer) -> None:
    """On one connection each is answered as on one of its own, and all are in the journal."""
    with connection(server.url) as opened:
        found = []
        for request in REQUESTS:
            opened.sendall(request)
            found.append(reply_on(opened, request.split()[0].decode()).status)
    assert found == list(REQUESTS.values())
    assert [entry.status for entry in server.journal] == found


def answers_on(opened: socket.socket, requests: Sequence[bytes]) -> int:
    """Send all requests before the first answer is read; how many are answered."""
    opened.sendall(b"".join(requests))
    data = b""
    while data.count(b"HTTP/1.1 ") < len(requests):
        data += opened.recv(65_536)
    return data.count(b"HTTP/1.1 ")


@pytest.mark.parametrize("request_bytes", [PING, order_message("a"), CHUNKED])
def test_hundreds_in_a_row(server: MockServer, request_bytes: bytes) -> None:
    """A client may send far more than the server takes in at a time; all are answered."""
    with connection(server.url) as opened:
        assert answers_on(opened, [request_bytes] * 300) == 300


def test_orders_are_nothing_that_the_collector_walks(server: MockServer) -> None:
    """Hundreds of orders, all held up, leave no object for the garbage collector."""

    def place(start: int, stop: int) -> int:
        """How many objects there are for the collector once these orders have been placed."""
        keys = [f"{number}" for number in range(start, stop)]
        with connection(server.url) as opened:
            answers_on(opened, [order_message(key, X_Mock_Processing="never") for key in keys])
        exchange(server.url, LAST)  # by then what belonged to that connection is gone
        for _ in range(3):  # each pass stops tracking one level of nested tuples
            gc.collect()
        return len(gc.get_objects())

    before = place(0, 200)
    assert place(200, 600) - before < 100
