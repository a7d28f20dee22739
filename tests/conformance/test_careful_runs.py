"""A run stops ordering where it should not, ends in time, and reports by cause."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runa_conformance import as_json, as_junit, as_text, conform, read_recording, replay
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in

KEY = "XX-conformance.own-secret"
FEW = Catalogue([p for p in built_in().products if p["currency"] == "CAD"][:9])
READ = "POST /order: answered 202"
PAGE_LINES = 100


class NaiveFake(ThreadingHTTPServer):
    """A fake that accepts whatever comes: each POST is an order, each GET an empty object.

    Attributes:
        orders: the bodies that were posted to ``/v2/order``.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Naive)
        self.orders: list[bytes] = []

    @property
    def base_url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.server_port}/v2"


class _Naive(BaseHTTPRequestHandler):
    server: NaiveFake
    wbufsize = -1  # an answer in one packet

    def handle_any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, document = 200, {}
        if self.path == "/v2/ping":
            document = {"message": "pong"}
        elif self.command == "POST":
            status, document = 202, {"id": f"O-{len(self.server.orders)}", "status": "PROCESSING"}
            if self.path == "/v2/order":
                self.server.orders.append(sent)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - as http.server names them

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def naive() -> Iterator[NaiveFake]:
    """A naive fake."""
    with NaiveFake() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_first_accepted_order_is_the_last_that_is_sent(naive: NaiveFake) -> None:
    """Without orders being allowed a server that accepts what it should refuse is asked once."""
    report = conform(naive.base_url, KEY)
    assert len(naive.orders) == 1
    assert report.bought == READ
    assert not report.passed
    stopped = [r for r in report.results if r.status == "skipped" and READ in str(r.reason)]
    assert len(stopped) > 30
    assert READ in as_text(report).splitlines()[-2]
    assert json.loads(as_json(report))["ordering_stopped"] == READ


def test_allowed_orders_do_not_stop_at_the_first(naive: NaiveFake) -> None:
    """With orders allowed every check is run, and each failure of one cause is reported once."""
    report = conform(naive.base_url, KEY, allow_orders=True, select=["bodies", "syntax", "access"])
    assert report.bought is None
    assert len(naive.orders) > 20
    text = as_text(report)
    assert text.count(f"{READ}, expected") <= 3
    assert report.count("failed") > 20
    assert len(text.splitlines()) < PAGE_LINES
    assert as_junit(report).count("<failure") == report.count("failed")


def test_a_failure_shows_what_was_sent_and_what_came(naive: NaiveFake) -> None:
    """A curl command to repeat it, without the key, and status and body of the answer."""
    report = conform(naive.base_url, KEY, select=["balances.a_balance*"])
    (failed,) = [r for r in report.results if r.name.startswith("balances.")]
    assert failed.sent == 'curl -i "$RUNA_BASE_URL"/balance -H "X-Api-Key: $RUNA_API_KEY"'
    assert failed.received == "200 application/json {}"


def test_differences_are_reported_by_field(naive: NaiveFake, tmp_path_factory: Any) -> None:
    """A recording of a right server replayed at a naive fake is a page of differences."""
    directory = tmp_path_factory.mktemp("recording")
    clock = ManualClock()
    with MockServer(clock=clock, catalogue=FEW) as server:
        conform(server.base_url, KEY, record=directory, select=["access", "bodies", "paths"])
    recording = read_recording(directory)
    comparison = replay(recording, naive.base_url, KEY, allow_orders=True, sleep=clock.advance)
    assert len(comparison.drifts) > PAGE_LINES
    assert len(as_text(comparison).splitlines()) < PAGE_LINES


@contextmanager
def _dripping(head: bytes, drip: bytes) -> Iterator[str]:
    """A server that answers the ping and then sends an answer byte for byte, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        pong = b'{"message": "pong"}'
        whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        first, _ = listener.accept()
        with first:
            first.recv(65536)
            first.sendall(b"%sContent-Length: %d\r\n\r\n%s" % (whole, len(pong), pong))
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=drip_on, args=(connection,)).start()

    def drip_on(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(head)
                while not ended.wait(0.01):
                    connection.sendall(drip)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2"
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
)
def test_a_dripping_answer_ends_with_the_total_time(head: bytes, drip: bytes) -> None:
    """An answer that never ends is a failed check after `timeout` seconds, and the run goes on."""
    with _dripping(head, drip) as url:
        report = conform(url, KEY, select=["balances", "access.ping*"], timeout=0.3)
    failed = [r for r in report.results if r.status == "failed" and "no answer" in str(r.reason)]
    assert failed


def test_an_interrupted_run_reports_what_is_known() -> None:
    """Ctrl-C in a check skips it and the rest; what ran before is in the report."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    clock = ManualClock()
    with MockServer(clock=clock, catalogue=FEW) as server:
        report = conform(
            server.base_url,
            KEY,
            allow_orders=True,
            sleep=interrupt,
            select=["access.ping*", "orders.an_order_completes", "orders.ids_grow"],
        )
    statuses = {r.name: r.status for r in report.results if not r.name.startswith("answers.")}
    assert statuses == {
        "access.ping_answers_pong": "passed",
        "orders.an_order_completes": "skipped",
        "orders.ids_grow": "skipped",
    }
    assert report.is_interrupted


def test_a_long_wait_is_announced() -> None:
    """A pause after 429 is told before it is made."""
    clock = ManualClock()
    told: list[str] = []
    with MockServer(clock=clock, rate_limit=7, catalogue=FEW) as server:
        conform(server.base_url, KEY, sleep=clock.advance, select=["syntax"], on_wait=told.append)
    assert told
    assert all(sentence.startswith("waiting 5 s: POST /order: answered 429") for sentence in told)
