"""What faults do to a connection, byte by byte."""

import json
import logging
import time
from http.client import HTTPResponse
from typing import Any

import pytest

from runa_mock_server import FaultFields, MockServer
from runa_mock_server.server_state.fault_spec import PLACES
from support.answers import order_ids
from support.api import Api, body
from support.raw import (
    ORDER,
    Reply,
    connection,
    exchange,
    message,
    order_message,
    reply_on,
    rest_of,
)
from support.waiting import until

PING = message("GET", "/v2/ping")
PONG = b'{"message":"pong"}'


def sent(server: MockServer, *messages: bytes) -> tuple[bytes, bytes, str]:
    """Head and body of what comes for messages on one connection, and how it ends."""
    with connection(server.url) as opened:
        opened.sendall(b"".join(messages))
        data, end = rest_of(opened)
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest, end


@pytest.mark.parametrize("place", ["before", "after_commit"])
@pytest.mark.parametrize(("kind", "end"), [("reset", "reset"), ("close", "closed")])
def test_a_cut_leaves_nothing(server: MockServer, place: Any, kind: Any, end: str) -> None:
    """Not a byte comes; what was sent behind it on the connection is not served."""
    server.faults.arm(kind, place)
    assert sent(server, order_message("a"), order_message("b")) == (b"", b"", end)
    assert len(server.journal) == 1
    assert [entry.status for entry in server.journal] == [None]
    assert len(server.orders) == (place == "after_commit")


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.999])
@pytest.mark.parametrize(("kind", "end"), [("reset", "reset"), ("close", "closed")])
def test_a_cut_in_the_body_leaves_a_share(
    server: MockServer, kind: Any, end: str, share: float
) -> None:
    """The status line, every header and so much of the body; the length is that of the whole."""
    server.faults.arm(kind, "in_body", share=share)
    head, rest, ended = sent(server, PING, order_message("not-served"))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 18" in head
    assert b"X-Api-Version: 2024-02-05" in head
    assert (rest, ended) == (PONG[: int(18 * share)], end)
    assert len(server.orders) == 0


def test_of_a_long_body_the_share_arrives_too(server: MockServer) -> None:
    """Half of the product list, which fits into no single packet."""
    whole = exchange(server.url, message("GET", "/v2/product"))
    server.faults.arm("close", "in_body")
    head, rest, end = sent(server, message("GET", "/v2/product"))
    assert (rest, end) == (whole.body[: len(whole.body) // 2], "closed")
    assert f"Content-Length: {len(whole.body)}".encode() in head


def test_malformed_json_is_half_of_it_and_says_so(server: MockServer) -> None:
    """Cut in the middle with a length that fits, so the connection stays good."""
    server.faults.arm("malformed_json", method="POST")
    with connection(server.url) as opened:
        opened.sendall(order_message("a"))
        cut = reply_on(opened)
        opened.sendall(order_message("a"))
        whole = reply_on(opened)
    assert (cut.status, cut.headers["content-type"]) == (202, "application/json")
    assert cut.body == whole.body[: len(whole.body) // 2]
    with pytest.raises(json.JSONDecodeError):
        _ = cut.document


def test_a_gateway_s_answer_is_html(server: MockServer) -> None:
    """None of the service's headers is on it, for the gateway knows nothing of the service."""
    server.faults.arm("status", "after_commit", status=504)
    reply = exchange(server.url, order_message("a"))
    assert (reply.status, reply.headers["content-type"]) == (504, "text/html")
    assert b"<title>504 Gateway Timeout</title>" in reply.body
    assert not {name for name in reply.headers if name.startswith("x-")}


def test_an_answer_of_one_s_own_is_sent_to_the_letter(server: MockServer) -> None:
    """Status, type, body and ``Retry-After``, also a status that nobody knows."""
    server.faults.arm(
        "status", status=599, body="späť\n", content_type="text/plain; charset=utf-8", retry_after=7
    )
    reply = exchange(server.url, PING)
    assert (reply.status, reply.body) == (599, "späť\n".encode())
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["retry-after"] == "7"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_gets_none(server: MockServer, status: int) -> None:
    """So the next answer on the connection starts where it should."""
    server.faults.arm("status", status=status)
    with connection(server.url) as opened:
        opened.sendall(PING + PING)
        replies = [reply_on_same(opened) for _ in range(2)]
    assert [(reply.status, reply.body) for reply in replies] == [(status, b""), (200, PONG)]


def reply_on_same(opened: Any) -> Reply:
    """Read one of several answers: not a byte more than it has."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += opened.recv(1)
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:-2])
    rest = b""
    while len(rest) < int(headers.get("content-length", 0)):
        rest += opened.recv(1)
    return Reply(int(lines[0].split()[1]), headers, rest)


@pytest.mark.parametrize("retry_after", [None, 3])
def test_a_rate_limit_is_the_service_s_own(server: MockServer, retry_after: int | None) -> None:
    """The other shape of 429, with the service's version header; nothing was counted or stored."""
    fields: dict[str, Any] = {} if retry_after is None else {"retry_after": retry_after}
    server.faults.arm("rate_limit", **fields)
    reply = exchange(server.url, order_message("a"))
    assert (reply.status, reply.document) == (429, {"error": "rate exceeded"})
    assert reply.headers["x-api-version"] == "2024-02-05"
    assert reply.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert server.effects().verdict == "none"


def test_a_slow_body_comes_in_drops_and_whole(server: MockServer, api: Api) -> None:
    """It takes the time that was asked for, however short the body is, and harms nothing."""
    server.faults.arm("slow", delay=0.1)
    started = time.monotonic()
    with connection(server.url) as opened:
        opened.sendall(PING)
        pieces: list[bytes] = []
        while b"".join(pieces).partition(b"\r\n\r\n")[2] != PONG:
            pieces.append(opened.recv(65536))
        took = time.monotonic() - started
        opened.sendall(PING)
        assert reply_on(opened).body == PONG
    assert took >= 0.09
    assert len(pieces) > 5
    assert api.order().status_code == 202


@pytest.mark.parametrize("kind", ["slow", "hang", "close", "reset"])
def test_an_answer_to_head_stays_without_a_body(server: MockServer, kind: Any) -> None:
    """There is none to be cut or dripped, and the next answer starts where it should."""
    fields: FaultFields = {"delay": 0.01} if kind == "slow" else {}
    fault = server.faults.arm(kind, "in_body", **fields)
    with connection(server.url) as opened:
        opened.sendall(message("HEAD", "/v2/ping"))
        response = HTTPResponse(opened, method="HEAD")
        response.begin()
        assert response.status == 405
        response.close()
        fault.remove()
        goes_on = kind in ("slow", "hang")
        opened.sendall(PING) if goes_on else None
        answer = reply_on(opened).body if goes_on else rest_of(opened).data
    assert answer == (PONG if goes_on else b"")


KEPT = [
    ("delay", "before"),
    ("delay", "after_commit"),
    ("delay", "inside"),
    ("status", "before"),
    ("status", "after_commit"),
    ("rate_limit", "before"),
    ("malformed_json", "after_commit"),
    ("slow", "in_body"),
]


@pytest.mark.parametrize(("kind", "place"), KEPT)
def test_a_connection_that_is_not_cut_stays_good(server: MockServer, kind: Any, place: Any) -> None:
    """The same connection serves the next request; the key has its one order then."""
    fields: FaultFields = {"delay": 0.01} if kind in {"delay", "slow"} else {}
    fault = server.faults.arm(kind, place, **fields)
    with connection(server.url) as opened:
        opened.sendall(order_message("a"))
        reply_on(opened)
        assert fault.struck == 1
        opened.sendall(order_message("a"))
        reply = reply_on(opened)
    assert (reply.status, reply.document["status"]) == (202, "PROCESSING")
    server.assert_exactly_once("a")


def test_every_other_fault_ends_the_connection() -> None:
    """What is not in the list above resets, closes or hangs."""
    others = {(kind, place) for kind, places in PLACES.items() for place in places} - set(KEPT)
    assert {kind for kind, _ in others} == {"reset", "close", "hang"}


@pytest.mark.parametrize(
    ("kind", "place", "orders"),
    [("status", "before", 0), ("close", "before", 0), ("close", "after_commit", 1)],
)
def test_who_waits_for_100_continue_is_answered(
    server: MockServer, api: Api, kind: Any, place: Any, orders: int
) -> None:
    """The body is asked for before the fault strikes, so nobody waits for ever."""
    server.faults.arm(kind, place)
    head, _, _ = order_message("a", Expect="100-continue").partition(ORDER)
    with connection(server.url) as opened:
        opened.sendall(head)
        assert opened.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(ORDER)
        if kind == "status":
            assert reply_on(opened).status == 503
        else:
            assert rest_of(opened) == (b"", "closed")
    assert len(order_ids(api)) == orders


@pytest.mark.parametrize("kind", ["status", "close", "reset"])
def test_a_huge_body_is_cut_off_or_answered(server: MockServer, kind: Any) -> None:
    """Beyond the limit it is not read; the next caller is served."""
    server.faults.arm(kind)
    huge = message("POST", "/v2/order", b"x" * 3_000_000, X_Idempotency_Key="a")
    with connection(server.url) as opened:
        try:
            opened.sendall(huge)
            head = opened.recv(12)
        except ConnectionError:
            head = b""
    assert head == (b"HTTP/1.1 503" if kind == "status" else b"")
    assert exchange(server.url, PING).body == PONG
    assert [entry.status for entry in server.journal] == [503 if kind == "status" else None, 200]


def test_a_fault_on_half_a_request_waits_for_the_rest(server: MockServer) -> None:
    """A client that hangs up in the middle of its body has ordered nothing, and is noted."""
    fault = server.faults.arm("reset")
    with connection(server.url) as opened:
        opened.sendall(order_message("a")[:-10])
        until(lambda: fault.struck == 1)
    until(lambda: len(server.journal) == 1)
    (entry,) = server.journal
    assert (entry.status, entry.outcome, len(server.orders)) == (None, None, 0)


def test_old_clients_get_the_same(server: MockServer) -> None:
    """HTTP/1.0, where the end of the connection is the end of the answer."""
    server.faults.arm("slow", delay=0.01)
    old = PING.replace(b"HTTP/1.1", b"HTTP/1.0")
    _, rest, end = sent(server, old)
    assert (rest, end) == (PONG, "closed")


@pytest.mark.parametrize(
    ("kind", "place"), [(k, p) for k, places in PLACES.items() for p in places]
)
def test_no_fault_is_taken_for_a_defect(
    server: MockServer, caplog: pytest.LogCaptureFixture, kind: Any, place: Any
) -> None:
    """Whether the client stays or goes, the log has no warning and the next order is taken."""
    fields: FaultFields = {"times": 2}
    if kind in {"delay", "slow"}:
        fields["delay"] = 0.02
    with caplog.at_level(logging.WARNING):
        fault = server.faults.arm(kind, place, **fields)
        with connection(server.url) as opened:
            opened.sendall(order_message("gone"))
            until(lambda: fault.struck == 1)
        with connection(server.url) as opened:
            opened.sendall(order_message("stays", Connection="close"))
            until(lambda: fault.struck == 2)
            fault.remove()
            rest_of(opened)
        assert exchange(server.url, order_message("next")).status == 202
    assert caplog.records == []


def test_the_whole_body_is_there_after_any_share(server: MockServer, api: Api) -> None:
    """A retry meets a clean server: the bytes of which a part had come."""
    server.faults.arm("close", "in_body", share=0.9, method="POST")
    _, part, _ = sent(server, order_message("a"))
    again = api.order(body(), key="a").content
    assert again.startswith(part)
    assert len(part) == int(len(again) * 0.9)
