"""When an order ends: after a time, after some reads, at once, or when somebody says so."""

from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.contract.processing import NEVER, Processing, parse_processing
from runa_mock_server.control_client.transport import ControlRefusedError
from runa_mock_server.server_state.fault_spec import Place
from support.answers import refusal
from support.api import KEY, Api, body, item
from support.money import redeemed

OTHER = "XX-other.secret"
BY_MAIL = body(
    items=[item(distribution_method={"type": "EMAIL", "email_address": "a@example.com"})]
)
NO_HEADERS: dict[str, Any] = {}
PROCESSING, COMPLETED = "PROCESSING", "COMPLETED"


def reads(api: Api, order_id: str, count: int) -> list[str]:
    """The statuses that so many reads show."""
    return [api.read(order_id)["status"] for _ in range(count)]


def in_list(api: Api) -> list[str]:
    """The statuses that the list shows, newest first."""
    return [entry["status"] for entry in api.get("/v2/order").json()["items"]]


@pytest.mark.parametrize("how", ["setting", "run time", "one account", "header"])
@pytest.mark.parametrize(
    ("rule", "seen", "later"),
    [
        ("at-once", [COMPLETED] * 3, COMPLETED),
        ("never", [PROCESSING] * 3, PROCESSING),
        ("reads:0", [COMPLETED] * 3, COMPLETED),
        ("reads:2", [PROCESSING, PROCESSING, COMPLETED], COMPLETED),
        ("reads:3", [PROCESSING] * 3, COMPLETED),
        ("seconds:0", [COMPLETED] * 3, COMPLETED),
        ("seconds:5", [PROCESSING] * 3, COMPLETED),
        ("seconds:86400.000001", [PROCESSING] * 3, COMPLETED),
    ],
)
def test_a_rule_holds_wherever_it_is_given(
    clock: ManualClock, how: str, rule: str, seen: list[str], later: str
) -> None:
    """At the start, at run time for all or for one account, and on a single request."""
    with MockServer(clock=clock, processing=rule if how == "setting" else "never") as server:
        api = Api(server.url)
        if how == "run time":
            server.configure(processing=rule)
        if how == "one account":
            server.account(KEY).configure(processing=rule)
        headers: dict[str, Any] = {"X_Mock_Processing": rule} if how == "header" else {}
        accepted = api.order(**headers).json()
        found = reads(api, accepted["id"], 3)
        clock.advance("P2D")
        after = reads(api, accepted["id"], 1)
        api.close()
    assert (accepted["status"], found, after) == (PROCESSING, seen, [later])


def test_the_header_beats_the_account_beats_the_server(server: MockServer, api: Api) -> None:
    """The nearest rule holds; without any there is the delay."""
    server.configure(processing="never")
    server.account(KEY).configure(processing="at-once")
    mine, named = api.order().json()["id"], api.order(X_Mock_Processing="reads:1").json()["id"]
    assert (reads(api, mine, 1), reads(api, named, 2)) == ([COMPLETED], [PROCESSING, COMPLETED])
    others = Api(server.url, OTHER)
    assert reads(others, others.order().json()["id"], 2) == [PROCESSING] * 2
    others.close()
    server.account(KEY).configure(processing=None)
    delayed = api.order().json()["id"]
    server.clock.advance(1)
    assert reads(api, delayed, 1) == [COMPLETED]


def test_only_reads_of_the_order_count(server: MockServer, api: Api) -> None:
    """Not those of the list, of other orders, of the control API, nor what is refused."""
    order_id = api.order(X_Mock_Processing="reads:1", key="a").json()["id"]
    for _ in range(3):
        assert in_list(api)[-1] == PROCESSING
        api.order(X_Mock_Processing="reads:1", key="a")
        api.read(api.order().json()["id"])
        api.get(f"/v2/order/{order_id}", headers={"X-Api-Key": OTHER})
        api.get(f"/v2/order/{order_id}", headers={"X-Api-Version": "none"})
        assert server.orders.get(order_id).reads_left == 1
    assert reads(api, order_id, 1) == [PROCESSING]
    assert server.orders.get(order_id).reads_left == 0
    assert reads(api, order_id, 2) == [COMPLETED] * 2
    assert server.orders.get(order_id).reads_left is None


def test_a_read_counts_although_nobody_hears_the_answer(server: MockServer, api: Api) -> None:
    """The service has done its work; what never reached it does not count."""
    order_id = api.order(X_Mock_Processing="reads:2").json()["id"]
    path = f"/v2/order/{order_id}"
    places: list[tuple[Place, int]] = [("before", 2), ("after_commit", 1)]
    for place, left in places:
        server.faults.arm("close", place)
        with pytest.raises(requests.ConnectionError):
            api.get(path)
        assert server.orders.get(order_id).reads_left == left


def test_an_order_that_a_read_ends_ends_at_that_moment(api: Api, clock: ManualClock) -> None:
    """Its timestamps are those of the read, and stay."""
    order_id = api.order(X_Mock_Processing="reads:1").json()["id"]
    clock.advance(10)
    api.read(order_id)
    clock.advance(10)
    order = api.read(order_id)
    clock.advance(10)
    assert order["created_at"] == "2026-03-14T12:00:00.250000+00:00"
    assert order["completed_at"] == "2026-03-14T12:00:20.250000+00:00"
    assert order["items"][0]["payout"]["status_updated_at"] == order["completed_at"]
    assert api.read(order_id) == order
    assert in_list(api) == [COMPLETED]
    assert redeemed(order["items"][0]["payout"]["url"])["status"] == "SUCCESS"


def test_an_order_that_fails_fails_on_its_last_read(api: Api) -> None:
    """The rule says when, not how."""
    order_id = api.order(X_Mock_Processing="reads:1", X_Trigger_Error="order_failed").json()["id"]
    assert reads(api, order_id, 2) == [PROCESSING, "FAILED"]


@pytest.mark.parametrize("rule", ["at-once", "never", "reads:5", "seconds:60"])
def test_sync_orders_follow_no_rule(clock: ManualClock, rule: str) -> None:
    """They are complete when they are answered, a second later by their own account."""
    with MockServer(clock=clock, processing=rule) as server:
        api = Api(server.url)
        for headers in NO_HEADERS, {"X_Mock_Processing": rule}:
            order = api.order(mode="sync", **headers).json()
            assert order["status"] == COMPLETED
            assert order["completed_at"] == "2026-03-14T12:00:01.250000+00:00"
            assert api.read(order["id"]) == order
            assert server.orders.get(order["id"]).reads_left is None
        api.close()


WRONG = ("", "soon", "At-Once", "never ", "seconds:", "seconds:-1", "seconds:1e3", "seconds:.5")
WRONG_TOO = (
    "reads:1.5",
    "reads:-1",
    "reads:1000000",
    "reads: 1",
    "seconds:1.0000001",
    "reads:\u0661",
)


@pytest.mark.parametrize("rule", [*WRONG, *WRONG_TOO])
def test_a_rule_that_does_not_exist_is_refused(server: MockServer, rule: str) -> None:
    """As a setting too, which is named; and nothing was changed."""
    with pytest.raises(ValueError, match=r"^must be at-once, never, seconds:N or reads:N$"):
        parse_processing(rule)
    with pytest.raises(ControlRefusedError, match=r"^processing: must be at-once, never, seconds"):
        server.configure(processing=rule)
    assert server.settings.processing is None


@pytest.mark.parametrize("rule", ["soon", "", "reads:x", "seconds:1e3"])
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_wrong_header_is_refused_and_not_stored(api: Api, rule: str, mode: str) -> None:
    """The key is as if nothing had happened, and the message names the header."""
    refused = api.order(key="a", mode=mode, X_Mock_Processing=rule)
    assert refusal(refused) == (400, "bad_request")
    assert refused.json()["message"].startswith("X-Mock-Processing must be at-once, never, ")
    assert api.order(BY_MAIL, key="a", mode=mode).ok


def test_the_header_is_checked_in_its_place(server: MockServer, api: Api) -> None:
    """After the other headers, before the idempotency key is looked at and the body is read."""
    wrong: dict[str, Any] = {"X_Mock_Processing": "soon"}
    earlier = [
        api.order(X_Api_Version="none", **wrong),
        api.order(mode="none", **wrong),
        api.order(key="", **wrong),
        api.order(X_Api_Key="none", **wrong),
    ]
    assert [refusal(answer)[1] for answer in earlier] == [
        "invalid_version",
        "invalid_execution_mode",
        "validation_error",
        "forbidden",
    ]
    api.order(key="used")
    later = [
        api.order(key="used", **wrong),
        api.order({}, **wrong),
        api.order(raw=b"{", **wrong),
        api.order(X_Trigger_Error="timeout", **wrong),
        api.order(raw=b"x" * (server.settings.max_body_bytes + 1), **wrong),
    ]
    assert {refusal(answer) for answer in later} == {(400, "bad_request")}
    assert all("X-Mock-Processing" in answer.json()["message"] for answer in later)


def test_a_repetition_keeps_the_first_rule(api: Api) -> None:
    """Headers do not count: the answer comes again, the order stays as it is."""
    first = api.order(key="a", X_Mock_Processing="never")
    again = api.order(key="a", X_Mock_Processing="at-once")
    assert again.content == first.content
    assert reads(api, first.json()["id"], 2) == [PROCESSING] * 2


def test_a_rule_holds_for_orders_to_come(server: MockServer, api: Api) -> None:
    """Those that there are keep the one under which they were placed."""
    server.configure(processing="never")
    held = api.order().json()["id"]
    server.configure(processing="at-once")
    assert reads(api, held, 1) == [PROCESSING]
    assert server.orders.complete(held).status == COMPLETED
    assert reads(api, held, 1) == [COMPLETED]


def test_mails_leave_when_the_order_completes(
    server: MockServer, api: Api, clock: ManualClock
) -> None:
    """Not while it is on hold, not if it fails; they bear the moment of the end."""
    made = [
        api.order(BY_MAIL, X_Send_Email="true", X_Mock_Processing=rule).json()["id"]
        for rule in ("never", "reads:0", "seconds:5", "never")
    ]
    held, read, timed, failed = made
    sent = {mail.order_id: (mail.sent, mail.sent_at) for mail in server.emails}
    assert [sent[order_id][0] for order_id in made] == [False] * 4
    assert [sent[order_id][1] for order_id in (held, read, failed)] == [None] * 3
    clock.advance(5)
    api.read(read)
    server.orders.fail(failed)
    server.orders.hold(api.order(BY_MAIL, X_Send_Email="true").json()["id"])
    leaving = {mail.order_id: mail.sent for mail in server.emails}
    assert (leaving[held], leaving[read], leaving[timed]) == (False, True, True)
    assert failed not in leaving
    assert sum(leaving.values()) == 2
    server.orders.complete(held)
    (mail,) = server.emails.list(order_id=held)
    assert (mail.sent, mail.sent_at) == (True, server.clock.now())


def test_a_failure_gives_the_money_back_once(clock: ManualClock) -> None:
    """In production: by fail, not by complete or hold, and not for an order that was to fail."""
    settings_: dict[str, Any] = {"balances": {"USD": "100"}, "processing": "never"}
    with MockServer(clock=clock, profile="production", **settings_) as server:
        api = Api(server.url, "wg-a.secret")

        def balance() -> str:
            return str(api.get("/v2/balance?currency=USD").json()["balance"])

        orders = [api.order().json()["id"] for _ in range(3)]
        after_three = balance()
        server.orders.complete(orders[0])
        server.orders.hold(orders[1])
        assert balance() == after_three
        server.orders.fail(orders[1], "out of stock")
        after_two = balance()
        for ended in orders[:2]:
            with pytest.raises(ControlRefusedError, match="status: the order has ended, it is"):
                server.orders.fail(ended)
        assert balance() == after_two
        server.orders.fail(orders[2])
        after_one = balance()
        api.close()
    price = (100 - float(after_three)) / 3
    assert [round(100 - float(b), 2) for b in (after_two, after_one)] == [
        round(2 * price, 2),
        round(price, 2),
    ]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4), st.data())
@settings(max_examples=15)
def test_each_order_counts_its_own_reads(counts: list[int], data: st.DataObject) -> None:
    """In whatever order they are read: PROCESSING exactly so many times."""
    numbers = [n for n, count in enumerate(counts) for _ in range(count + 2)]
    turns = data.draw(st.permutations(numbers))
    with MockServer() as server:
        api = Api(server.url)
        made = [api.order(X_Mock_Processing=f"reads:{count}").json()["id"] for count in counts]
        seen: list[list[str]] = [[] for _ in counts]
        for number in turns:
            seen[number] += reads(api, made[number], 1)
        api.close()
    assert seen == [[PROCESSING] * count + [COMPLETED] * 2 for count in counts]


@given(st.integers(0, 10**9 - 1), st.integers(0, 999_999))
def test_seconds_are_taken_to_the_microsecond(seconds: int, micro: int) -> None:
    """Every digit of them."""
    rule = parse_processing(f"seconds:{seconds}.{micro:06d}")
    assert rule == Processing(seconds * 1_000_000 + micro)
    assert rule.delay < NEVER
