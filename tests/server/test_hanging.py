"""What hangs delays nobody else, and lets go when it should."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from runa_mock_server import ArmedFault, FaultFields, FaultsControl, MockServer
from runa_mock_server.server_state.fault_spec import PLACES
from support.answers import order_ids
from support.api import KEY, Api, body, item
from support.raw import (
    ORDER,
    Rest,
    connection,
    exchange,
    message,
    order_message,
    reply_on,
    rest_of,
)
from support.waiting import until

PING = message("GET", "/v2/ping")
LONG = 3_000
PROMPT = 300.0  # seconds; what is waited for takes LONG, and the machine may be slow
HELD = [("hang", place) for place in PLACES["hang"]]
LATE = [("delay", place) for place in PLACES["delay"]] + [("slow", "in_body")]


def in_progress(server: MockServer, key: str, document: Any = None) -> tuple[int, str]:
    """What another request with a key is answered with."""
    with_key = Api(server.url)
    answer = with_key.order(document, key=key)
    with_key.close()
    return answer.status_code, answer.json().get("type", "")


def test_a_key_is_in_progress_while_its_first_request_hangs_inside(server: MockServer) -> None:
    """Any body; other keys go on; released, the first gets its 202 and the key its answer."""
    fault = server.faults.arm("hang", "inside")
    refused = (400, "idempotency_in_progress")
    with connection(server.url) as first:
        first.sendall(order_message("one"))
        until(lambda: fault.struck == 1)
        assert [
            in_progress(server, "one"),
            in_progress(server, "one", body(items=[item()] * 2)),
        ] == [
            refused,
            refused,
        ]
        assert in_progress(server, "two") == (202, "")
        assert len(server.orders) == 1
        fault.remove()
        accepted = reply_on(first)
    assert (accepted.status, accepted.document["status"]) == (202, "PROCESSING")
    again = exchange(server.url, order_message("one"))
    assert (again.status, again.body) == (202, accepted.body)
    server.assert_exactly_once("one", window=0)
    outcomes = [attempt.outcome for attempt in server.effects("one").keys[0].attempts]
    assert outcomes == ["refused", "refused", "created", "replayed"]


def test_the_first_client_may_be_gone(server: MockServer) -> None:
    """The service goes on without it: one order, which the next request with the key is shown."""
    fault = server.faults.arm("hang", "inside")
    with connection(server.url) as first:
        first.sendall(order_message("one"))
        until(lambda: fault.struck == 1)
    until(lambda: len(server.orders) == 1)
    until(lambda: len(server.journal) == 1)
    assert exchange(server.url, order_message("one")).status == 202
    told = [(a.outcome, a.status) for a in server.effects("one").keys[0].attempts]
    assert told == [("created", None), ("replayed", 202)]
    server.assert_exactly_once("one")


def test_what_is_refused_inside_is_stored_all_the_same(server: MockServer) -> None:
    """A body that breaks a rule waits like every other."""
    fault = server.faults.arm("delay", "inside", delay=0)
    refused = message("POST", "/v2/order", b"{}", X_Idempotency_Key="a")
    assert [exchange(server.url, refused).status for _ in range(2)] == [422, 422]
    assert fault.read().matched == 1  # the second never was inside


@pytest.mark.parametrize(("kind", "place"), HELD + LATE)
def test_nobody_waits_for_a_request_that_is_held_up(
    server: MockServer, api: Api, kind: Any, place: Any
) -> None:
    """Orders, reads and control are served, though ten requests wait."""
    fields: FaultFields = {"times": 10, "path": "/v2/order", "method": "POST"}
    if kind != "hang":
        fields["delay"] = LONG
    fault = server.faults.arm(kind, place, **fields)
    started = time.monotonic()
    with ExitStack() as stack:
        for number in range(10):
            opened = stack.enter_context(connection(server.url))
            opened.sendall(order_message(f"held-{number}"))
        until(lambda: fault.struck == 10)
        order_id = api.order(key="free").json()["id"]
        assert api.read(order_id)["status"] == "PROCESSING"
        server.assert_exactly_once("free", window=0)
    assert time.monotonic() - started < PROMPT


@pytest.mark.parametrize(("kind", "place"), HELD + LATE)
def test_a_server_stops_although_requests_are_held_up(kind: Any, place: Any) -> None:
    """Promptly, without a thread left; the held callers hear of it."""
    before = threading.active_count()
    fields: FaultFields = {"times": None}
    if kind != "hang":
        fields["delay"] = LONG
    with ExitStack() as stack:
        with MockServer() as server:
            fault = server.faults.arm(kind, place, **fields)
            held = stack.enter_context(connection(server.url))
            held.sendall(order_message("held"))
            until(lambda: fault.struck == 1)
            started = time.monotonic()
        assert time.monotonic() - started < PROMPT
        assert threading.active_count() == before
        rest_of(held)


def held_up(
    url: str, faults: FaultsControl, kind: Any, place: Any, end: Callable[[ArmedFault], object]
) -> Rest:
    """What comes over the wire once a fault that holds a request up is ended."""
    fields: FaultFields = {} if kind == "hang" else {"delay": LONG}
    fault = faults.arm(kind, place, **fields)
    with connection(url) as held:
        held.sendall(order_message("held", Connection="close"))
        until(lambda: fault.struck == 1)
        end(fault)
        return rest_of(held)


@pytest.mark.parametrize("how", ["remove", "clear"])
@pytest.mark.parametrize(("kind", "place"), HELD + LATE)
def test_a_removed_fault_lets_go(server: MockServer, kind: Any, place: Any, how: str) -> None:
    """Whatever was held up goes on, and the caller gets the whole answer."""
    faults = server.faults
    rest = held_up(
        server.url, faults, kind, place, lambda f: f.remove() if how == "remove" else faults.clear()
    )
    head, _, answer = rest.data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 202")
    assert json.loads(answer)["status"] == "PROCESSING"
    server.assert_exactly_once("held")
    assert [entry.status for entry in server.journal] == [202]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("kind", "place"), HELD + LATE)
def test_a_reset_forgets_what_is_held_up(
    server: MockServer, api: Api, kind: Any, place: Any, *, whole: bool
) -> None:
    """The connection is closed, and what was asked for is not done after it."""
    scope = server if whole else server.account(KEY)
    rest = held_up(server.url, scope.faults, kind, place, lambda _: scope.reset())
    assert rest.end == "closed"
    assert not rest.data.endswith(b"}")
    assert (order_ids(api), server.effects().verdict) == ([], "none")
    assert api.order(key="held").status_code == 202
    server.assert_exactly_once("held")


@pytest.mark.parametrize(("kind", "place"), HELD + LATE)
def test_a_fault_that_is_removed_before_the_body_has_come_holds_nothing_up(
    server: MockServer, kind: Any, place: Any
) -> None:
    """It has struck, but there is nothing left to wait for."""
    fields: FaultFields = {} if kind == "hang" else {"delay": LONG}
    fault = server.faults.arm(kind, place, **fields)
    head, sent, _ = order_message("held", Connection="close").partition(ORDER)
    with connection(server.url) as held:
        held.sendall(head)
        if place != "inside":
            until(lambda: fault.struck == 1)
        fault.remove()
        held.sendall(sent)
        assert rest_of(held).end == "closed"


def test_who_gives_up_frees_what_it_held(server: MockServer) -> None:
    """A hundred clients that hang and leave: the service is as it was, and knows what it did."""
    fault = server.faults.arm("hang", "after_commit", times=None, method="POST")
    with ExitStack() as stack:
        for number in range(100):
            opened = stack.enter_context(connection(server.url))
            opened.sendall(order_message(f"key-{number}"))
        until(lambda: fault.struck == 100)
    assert exchange(server.url, PING).status == 200
    until(lambda: len(server.orders) == 100)
    assert {
        attempt.status for key in server.effects(window=0).keys for attempt in key.attempts
    } == {None}


def test_a_late_answer_that_nobody_waits_for_was_not_heard(server: MockServer, api: Api) -> None:
    """The story says so, for this is how most orders are made twice."""
    fault = server.faults.arm("delay", "after_commit", delay=LONG)
    with connection(server.url) as opened:
        opened.sendall(order_message("slow"))
        until(lambda: fault.struck == 1)
        assert [attempt.status for attempt in server.effects().keys[0].attempts] == [202]
    until(lambda: server.effects().keys[0].attempts[0].status is None)
    api.order(key="impatient")
    with pytest.raises(AssertionError, match="received no response; fault F-1 delay after_com"):
        server.assert_exactly_once()
    assert order_ids(api)[1:] == server.effects("slow").keys[0].orders


def test_a_delay_can_be_drawn_from_a_distribution() -> None:
    """The seed repeats it; both ends of a uniform one can be the same."""
    for spec in (
        {"distribution": "uniform", "low": 0.02, "high": 0.02},
        {"distribution": "lognormal", "median": 0.02, "sigma": 0},
    ):
        with MockServer() as server:
            server.faults.arm("delay", delay=spec)
            started = time.monotonic()
            assert exchange(server.url, PING).status == 200
            assert time.monotonic() - started >= 0.019


@pytest.mark.parametrize("how", ["reset", "reset one", "import"])
@pytest.mark.parametrize("hangs", [False, True], ids=["body", "body, then fault"])
def test_an_order_whose_account_is_replaced_while_its_body_comes_is_placed_once(
    server: MockServer, api: Api, how: str, hangs: bool
) -> None:
    """In the account that there is then; if a fault holds it up, only its retry has an answer."""
    account = server.account(KEY)
    api.order(key="before")
    replace: dict[str, Callable[[], object]] = {
        "reset": server.reset,
        "reset one": account.reset,
        "import": lambda: account.import_state(state),
    }
    state = account.export_state()
    sent = order_message("k")
    with connection(server.url) as held:
        held.sendall(sent[:-1])
        until(lambda: len(account.journal) == 1)
        assert api.get("/v2/ping").status_code == 200  # sent later, so the head has come
        if hangs:
            fault = account.faults.arm("hang", "inside")
            held.sendall(sent[-1:])
            until(lambda: fault.struck == 1)
        replace[how]()
        account.faults.clear()  # an import removes none
        if not hangs:
            held.sendall(sent[-1:])
            answer = reply_on(held).document
        else:
            assert rest_of(held).data == b""
    made = api.order(key="k").json()["id"]
    assert hangs or answer["id"] == made
    assert order_ids(api)[0] == made
    assert len(order_ids(api)) == (2 if how == "import" else 1)
    assert account.effects("k", window=0).verdict == "exactly_once"
