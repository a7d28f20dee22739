"""Clients that keep the server waiting: each wait has an end."""

import socket

import pytest

from runa_mock_server import MockServer
from runa_mock_server.web import connection
from support.raw import ORDER, exchange, message, order_message, reply_on, rest_of
from support.raw import connection as connected
from support.waiting import until

PING = message("GET", "/v2/ping")
SHORT = 0.05  # seconds


def is_cut_off(opened: socket.socket) -> bool:
    """Whether the other side has closed a connection; sends a byte to find out."""
    opened.settimeout(0)
    try:
        opened.send(b"x")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("sent", [b"", b"G", PING[:-1], PING + PING[:20]])
def test_an_idle_connection_is_closed(
    server: MockServer, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """One that has sent nothing, half a head, or nothing any more."""
    monkeypatch.setattr(connection, "IDLE_SECONDS", SHORT)
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    with connected(server.url) as opened:
        opened.sendall(sent)
        rest = rest_of(opened)
    assert rest.data.count(b"HTTP/1.1 200 OK") == (len(sent) > len(PING))


def test_a_head_in_drops_is_cut_off(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a client sends another byte of it."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    with connected(server.url) as opened:
        opened.sendall(b"GET /v2/ping HTTP/1.1\r\nX-Filler: ")
        until(lambda: is_cut_off(opened))


@pytest.mark.parametrize("sent", [ORDER[:-1], b""])
def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """The client hears of it, nothing is stored under its key, and the connection is closed."""
    monkeypatch.setattr(connection, "BODY_SECONDS", SHORT)
    monkeypatch.setattr(connection, "LINGER_SECONDS", SHORT)
    head, _, _ = order_message("a").partition(ORDER)
    with MockServer(max_body_bytes=1_000) as server:
        with connected(server.url) as opened:
            opened.sendall(head + sent)
            reply = reply_on(opened)
            rest_of(opened)
        assert (reply.status, reply.document["type"]) == (400, "bad_request")
        assert exchange(server.url, order_message("a")).status == 202


def test_a_client_that_does_not_read_is_left(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that wait for their reader are given up."""
    monkeypatch.setattr(connection, "IDLE_SECONDS", SHORT)
    asked = message("GET", "/v2/product")
    with connected(server.url) as opened:
        opened.sendall(asked * 100)
        until(lambda: is_cut_off(opened))
    assert len(server.journal) < 100


def test_a_request_in_hand_has_no_deadline(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the peer is waited for with impatience, not the service and its faults."""
    monkeypatch.setattr(connection, "IDLE_SECONDS", SHORT)
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    server.faults.arm("delay", "before", delay=5 * SHORT)
    assert exchange(server.url, PING).status == 200
