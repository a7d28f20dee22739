"""The log: what a line says, and that nobody waits for its reader."""

import json
import logging
import threading
from typing import Any

import pytest

from runa_mock_server import FaultFields, MockServer
from runa_mock_server.config import logs
from runa_mock_server.server_state.fault_spec import PLACES
from support.api import KEY
from support.process import MODULE, Process, serving
from support.raw import ORDER, connection, exchange, message, order_message, rest_of
from support.waiting import until

PING = message("GET", "/v2/ping")
PONG = b'{"message":"pong"}'


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The access log."""
    caplog.set_level(logging.INFO, "runa_mock_server.access")
    return caplog


def fields(lines: pytest.LogCaptureFixture, number: int) -> list[dict[str, Any]]:
    """What the first lines hold, once there are so many."""
    until(lambda: len(lines.records) >= number)
    found: list[dict[str, Any]] = [getattr(line, logs.FIELDS) for line in lines.records]
    return found


def test_a_line_holds_what_came_of_a_request(
    lines: pytest.LogCaptureFixture, server: MockServer
) -> None:
    """Who asked for what, what was answered, and for a refusal which field is wrong and why."""
    order_id = exchange(server.url, order_message("a")).document["id"]
    wrong = ORDER.replace(b'"face_value": 10', b'"face_value": 0')
    exchange(server.url, message("POST", "/v2/order?x=1", wrong, X_Idempotency_Key="b"))
    exchange(server.url, PING.replace(KEY.encode(), b"nobody.secret"))
    exchange(server.url, message("GET", "/_mock/requests?limit=x"))
    placed, refused, stranger, control = fields(lines, 4)
    assert placed.pop("duration_ms") >= 0
    assert str(placed["account"]).startswith("XX-test~")
    assert placed == {
        "method": "POST",
        "path": "/v2/order",
        "query": "",
        "status": 202,
        "account": placed["account"],
        "idempotency_key": "a",
        "order_id": order_id,
        "error_type": None,
        "error_field": None,
        "error_reason": None,
        "fault": None,
    }
    assert (refused["status"], refused["query"], refused["order_id"]) == (422, "x=1", None)
    assert refused["error_type"] == "validation_error"
    assert refused["error_field"] == "body.items.0.face_value"
    assert "greater than or equal" in lines.messages[1]
    assert (stranger["status"], stranger["account"]) == (403, None)
    assert stranger["error_type"] == "forbidden"
    assert (control["status"], control["error_field"]) == (422, "query.limit")
    assert not [line for line in lines.messages if "secret" in line]


@pytest.mark.parametrize(
    ("kind", "place"), [(k, p) for k, places in PLACES.items() for p in places]
)
def test_a_line_says_what_the_client_saw(
    lines: pytest.LogCaptureFixture, server: MockServer, kind: Any, place: Any
) -> None:
    """No status where there was none, as in the journal, and the fault that did it."""
    delay: FaultFields = {"delay": 0.01} if kind in {"delay", "slow"} else {}
    fault = server.faults.arm(kind, place, **delay)
    with connection(server.url) as opened:
        opened.sendall(order_message("a", Connection="close"))
        until(lambda: fault.struck == 1)
        fault.remove()
        data = rest_of(opened).data
    seen = int(data.split()[1]) if data else None
    (line,) = fields(lines, 1)
    assert (line["status"], line["fault"]) == (seen, f"F-1 {kind} {place}")
    assert [entry.status for entry in server.journal] == [seen]


def test_a_client_that_gives_up_saw_nothing(
    lines: pytest.LogCaptureFixture, server: MockServer
) -> None:
    """The order was made, but not heard of."""
    fault = server.faults.arm("hang", "after_commit")
    with connection(server.url) as opened:
        opened.sendall(order_message("a"))
        until(lambda: fault.struck == 1)
    (line,) = fields(lines, 1)
    assert (line["status"], line["idempotency_key"]) == (None, "a")
    assert " no answer " in lines.messages[0]


def test_a_log_that_nobody_reads_stops_nobody() -> None:
    """A pipe holds a thousand lines or so; the requests behind them are answered as well."""
    with serving("--port", "0") as served:
        with connection(served.url) as opened:
            for _ in range(40):
                opened.sendall(PING * 50)
                data = b""
                while data.count(PONG) < 50:
                    data += opened.recv(65_536)
        assert exchange(served.url, PING).status == 200
        assert served.stop().code == 0


def test_what_the_log_has_no_room_for_is_counted() -> None:
    """Once it is read again, it says how many lines were dropped, and goes on."""
    written: list[str] = []
    is_blocked, may_go_on = threading.Event(), threading.Event()

    def write(line: str) -> None:
        is_blocked.set()
        assert may_go_on.wait(20)
        written.append(line)

    handler = logs.LogQueue(write, logging.Formatter("%(message)s"), most=3)

    def say(text: str) -> None:
        handler.handle(logging.LogRecord("x", logging.INFO, "", 0, text, (), None))

    say("first")
    assert is_blocked.wait(20)
    for number in range(10):
        say(f"{number}")
    may_go_on.set()
    handler.flush()
    said = "7 lines of this log were dropped: nobody read it in time"
    assert [line.rstrip("\n") for line in written] == ["first", said, "0", "1", "2"]
    say("last")
    handler.flush()
    assert written[-1] == "last\n"


def test_a_reader_that_closes_the_log_is_no_error() -> None:
    """What comes after that is dropped."""
    tried: list[str] = []

    def write(line: str) -> None:
        tried.append(line)
        raise BrokenPipeError

    handler = logs.LogQueue(write, logging.Formatter("%(message)s"))
    for _ in range(3):
        handler.handle(logging.LogRecord("x", logging.INFO, "", 0, "text", (), None))
    handler.flush()
    assert tried == ["text\n"]


@pytest.mark.skipif("sys.platform == 'win32'", reason="needs a POSIX shell")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_server_without_standard_output_serves(form: str) -> None:
    """There is no log then, and no complaint."""
    shell = ("sh", "-c", 'exec "$@" >&-', "sh", *MODULE)
    arguments = ("serve", "--port", "1", "--host", "192.0.2.1", "--log-format", form)
    with Process(*arguments, command=shell) as process:
        finished = process.finish()  # the address is not this computer's: it got that far
    assert (finished.code, "Traceback" in finished.err) == (1, False)
    assert "cannot listen on 192.0.2.1" in finished.err


@pytest.mark.skipif("sys.platform == 'win32'", reason="needs a limit on open files")
def test_a_lack_of_file_descriptors_is_one_line_a_second() -> None:
    """Not one for each connection that waits; there is room again when some are closed."""
    shell = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh", *MODULE)
    with serving("--port", "0", "--log-format", "json", command=shell) as served:
        opened = [connection(served.url) for _ in range(100)]
        sockets = [each.__enter__() for each in opened]
        line = json.loads(served.process.line())
        for each in sockets:
            each.close()
        assert exchange(served.url, PING).status == 200
        finished = served.stop()
    assert line["message"] == "cannot accept connections: Too many open files"
    assert (finished.err, len(finished.out.splitlines()) < 30) == ("", True)
