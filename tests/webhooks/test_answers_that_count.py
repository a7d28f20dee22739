"""A status counts once its headers have come; without a status the kind of failure is told."""

import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control.webhook_models import AttemptResult
from support.api import KEY, Api
from support.certificates import certificate, tls_receiver
from support.process import serving
from support.receiver import Answer, Receiver, cut, hang, raw, status

ORDERS: Event = "order.completion"
BUSY = 600  # seconds, for what would have hung


def first_attempt(server: MockServer, api: Api, url: str) -> AttemptResult:
    """What the first attempt to deliver a message to a URL came to."""
    hooks = server.account(KEY).webhooks
    endpoint = hooks.add(url, ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    message = hooks.wait_for(
        order=order_id, until=lambda m: m.deliveries[-1].attempts != [], timeout=BUSY
    )
    hooks.remove(endpoint.id)
    return message.deliveries[-1].attempts[0]


RESPONSES: dict[str, bytes] = {
    "204 with a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "204 with a body of unknown length": b"HTTP/1.1 204 No Content\r\n\r\nhello",
    "204 chunked": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "205 with a body": b"HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nhi",
    "length too short": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhello",
    "length too long": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    "no length": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "bad first chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
    "bad second chunk": b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n?\r\n",
    "two responses": b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n",
    "nonsense behind the headers": b"HTTP/1.1 204 No Content\r\n\r\n\x00\xff\r\n\r\n",
    "only line feeds": b"HTTP/1.0 200 OK\nServer: x\n\nhello",
    "after an interim response": b"HTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 204 N\r\n\r\nx",
}


def in_pieces(pieces: Iterable[bytes]) -> Answer:
    """Some bytes in segments of their own, as far as the system sends them so."""

    def answer(_: Receiver, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)

    return answer


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[MockServer, Api, Receiver]]:
    """One server and one receiver for all examples."""
    with Receiver() as receiver, MockServer(clock=ManualClock(), webhook_retries=[]) as server:
        server.configure(webhook_timeout=BUSY)
        api = Api(server.url)
        yield server, api, receiver
        api.close()


@pytest.mark.parametrize("name", RESPONSES)
@given(cuts=st.sets(st.integers(1, 60), max_size=3))
def test_a_2xx_counts_whatever_follows_its_headers(
    shared: tuple[MockServer, Api, Receiver], name: str, cuts: set[int]
) -> None:
    """In the same segment or in others."""
    server, api, receiver = shared
    response = RESPONSES[name]
    ends = [*sorted(cuts), len(response)]
    pieces = [response[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    attempt = first_attempt(server, api, receiver.script("/", in_pieces(pieces)))
    assert (attempt.status, attempt.error, attempt.failure) == (
        int(re.findall(rb"HTTP/1.. (2..)", response)[0]),
        None,
        None,
    )


def test_a_2xx_counts_though_the_connection_stays_open(
    shared: tuple[MockServer, Api, Receiver],
) -> None:
    """The end of the body is not waited for as long as an answer."""
    server, api, receiver = shared

    def keep(receiver: Receiver, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        hang(receiver, connection)

    attempt = first_attempt(server, api, receiver.script("/", keep))
    assert (attempt.status, attempt.error) == (200, None)
    assert attempt.duration_ms < BUSY * 1_000 / 2


@pytest.mark.parametrize(
    ("protocol", "reads"), [("HTTP/1.0", True), ("HTTP/1.1", True), ("HTTP/1.1", False)]
)
@pytest.mark.parametrize("code", [200, 204])
@pytest.mark.parametrize("header", [None, "Content-Length: 2", "Transfer-Encoding: chunked"])
def test_handlers_of_the_standard_library(
    shared: tuple[MockServer, Api, Receiver],
    protocol: str,
    reads: bool,
    code: int,
    header: str | None,
) -> None:
    """Handlers of `http.server` that write a body, announced rightly, wrongly or not at all."""
    server, api, _ = shared

    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def do_POST(self) -> None:
            if reads:
                self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(code)
            if header is not None:
                self.send_header(*header.split(": "))
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with running(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        attempt = first_attempt(server, api, url)
    assert (attempt.status, attempt.failure) == (code, None)


@pytest.mark.parametrize("length", [None, "1"])
def test_wsgi_applications(shared: tuple[MockServer, Api, Receiver], length: str | None) -> None:
    """A 204 of `wsgiref` has a body if the application returns one."""
    server, api, _ = shared

    def application(_: Any, start_response: Any) -> list[bytes]:
        headers = [] if length is None else [("Content-Length", length)]
        start_response("204 No Content", [("Content-Type", "text/plain"), *headers])
        return [b"thanks"] if length is None else [b"t"]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with running(make_server("127.0.0.1", 0, application, handler_class=Quiet)) as url:
        attempt = first_attempt(server, api, url)
    assert (attempt.status, attempt.failure) == (204, None)


@contextmanager
def running(http: HTTPServer) -> Iterator[str]:
    """A server of the standard library on a thread; its URL."""
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


HEAD = b"HTTP/1.1 200 OK\r\n"
TRANSFERS: dict[str, Answer] = {
    "cut": cut,
    "nothing": raw(b""),
    "half a status line": raw(b"HTTP/1.1 20"),
    "half the headers": raw(HEAD + b"Content-Length: 0\r\n"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "worded like an answer": raw(b"400 Bad Request\r\n\r\n"),
    "bad status": raw(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "bad header": raw(HEAD + b"Bad Header: x\r\n\r\n"),
    "bad length": raw(HEAD + b"Content-Length: -5\r\n\r\n"),
    "only interim responses": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
    "endless interim responses": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000),
    "huge header": raw(HEAD + b"X: " + b"x" * 66_000 + b"\r\n\r\n"),
    "header without end": raw(HEAD + b"X: " + b"x" * 1_000_000),
    "many headers": raw(HEAD + b"X: y\r\n" * 20_000 + b"\r\n"),
}


@pytest.mark.parametrize("name", TRANSFERS)
def test_a_failed_transfer_is_not_worded_like_an_answer(
    shared: tuple[MockServer, Api, Receiver], name: str
) -> None:
    """It has no status, and begins with what it is."""
    server, api, receiver = shared
    attempt = first_attempt(server, api, receiver.script("/", TRANSFERS[name]))
    assert (attempt.status, attempt.failure) == (None, "transfer_failed")
    assert attempt.error is not None
    assert attempt.error.startswith("transfer failed: ")
    assert len(attempt.error) <= 200


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://nobody.invalid/", "dns_failure"),
        (f"http://{'x' * 70}.example/", "dns_failure"),
        ("http://127.0.0.1:1/", "connection_refused"),
        ("https://[::1]:1/", None),  # refused, or unreachable where there is no IPv6
    ],
)
def test_why_there_is_no_connection(
    shared: tuple[MockServer, Api, Receiver], url: str, failure: str | None
) -> None:
    """A name that is unknown and a port that is closed are told apart."""
    server, api, _ = shared
    attempt = first_attempt(server, api, url)
    assert attempt.status is None
    assert attempt.error
    assert attempt.failure in (
        {failure} if failure else {"connection_refused", "connection_failed"}
    )


def test_an_answer_that_is_no_2xx_and_none_at_all(
    shared: tuple[MockServer, Api, Receiver],
) -> None:
    """`http_status` and `timeout`."""
    server, api, receiver = shared
    for code in (302, 404, 500):
        attempt = first_attempt(server, api, receiver.script("/", status(code)))
        assert (attempt.status, attempt.error, attempt.failure) == (code, None, "http_status")
    server.configure(webhook_timeout=0.01)
    attempt = first_attempt(server, api, receiver.script("/", hang))
    server.configure(webhook_timeout=BUSY)
    assert (attempt.status, attempt.failure) == (None, "timeout")
    assert attempt.error == "no answer within 0.01 s"


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is trusted is accepted, another one is a TLS failure, as is plain text."""
    files = certificate(tmp_path)
    with MockServer(clock="manual", webhook_retries=[], webhook_timeout=BUSY) as server:
        api = Api(server.url)
        with tls_receiver(files, status_line=b"HTTP/1.1 204 No Content\r\n\r\nx") as url:
            untrusted = first_attempt(server, api, url)
        with Receiver() as plain:
            no_tls = first_attempt(server, api, plain.url.replace("http:", "https:"))
        api.close()
    for attempt in (untrusted, no_tls):
        assert (attempt.status, attempt.failure) == (None, "tls_failure")
        assert str(attempt.error).startswith("TLS")
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    with MockServer(clock="manual", webhook_retries=[], webhook_timeout=BUSY) as server:
        api = Api(server.url)
        with tls_receiver(files, status_line=b"HTTP/1.1 204 No Content\r\n\r\nx") as url:
            trusted = first_attempt(server, api, url)
        api.close()
    assert (trusted.status, trusted.error) == (204, None)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_every_event_loop_sends_webhooks(receiver: Receiver, loop: str) -> None:
    """Those of the command, too."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    arguments = ("--port", "0", "--event-loop", loop, "--webhook", f"{receiver.url}/={ORDERS}")
    with serving(*arguments) as served:
        api = Api(served.url)
        order_id = api.order(mode="sync").json()["id"]
        api.close()
        assert receiver.take().document["id"] == order_id
