"""What the views of the dashboard are made of: an order's story, pages of orders, one request."""

import pytest
from requests import ConnectionError  # noqa: A004 - the one that a client sees

from runa_mock_server import ManualClock, MockServer
from support.api import Api, body, item
from support.control import ControlCaller, locations
from support.receiver import OK, Receiver, cut
from support.receiver import status as answer
from support.waiting import until

MAILED = item(distribution_method={"type": "EMAIL", "email_address": "sam@example.com"})


def _kinds(story: dict[str, list[dict[str, object]]]) -> list[object]:
    return [event["kind"] for event in story["events"]]


def test_the_story_tells_request_fault_replay_status_mail_and_payout(
    server: MockServer, api: Api, control: ControlCaller, clock: ManualClock
) -> None:
    """All of it in order, each with its request, and none of another order."""
    server.faults.arm("reset", "after_commit", method="POST")
    with pytest.raises(ConnectionError):
        api.order(body(items=[MAILED]), key="k", X_Send_Email="true")
    order = api.order(body(items=[MAILED]), key="k", X_Send_Email="true").json()["id"]
    other = api.order().json()["id"]
    clock.advance(1)
    api.read(order)
    server.orders.cancel_payouts(order)
    story = control.get(f"/orders/{order}/story")
    assert sorted(map(str, _kinds(story))) == sorted(
        ["request", "fault", "replay", "status", "status", "mail", "read", "payout"]
    )
    moments = [event["at"] for event in story["events"]]
    assert moments == sorted(moments)
    assert not any(event["expected"] for event in story["events"])
    assert [entry["status"] for entry in story["requests"]] == [None, 202, 200]
    assert [fault["id"] for fault in story["faults"]] == ["F-1"]
    assert [mail["to"] for mail in story["emails"]] == ["sam@example.com"]
    (payout,) = story["payouts"]
    assert (payout["status"], payout["opens"]) == ("CANCELLED", True)
    assert other not in str(story)


def _told(story: dict[str, list[dict[str, object]]]) -> list[tuple[object, object, object]]:
    events = [event for event in story["events"] if event["kind"] == "webhook"]
    return [(event["text"], event["message"], event["expected"]) for event in events]


def test_the_story_tells_each_attempt_of_a_webhook_and_the_next(
    server: MockServer, api: Api, control: ControlCaller, clock: ManualClock
) -> None:
    """What was answered, which message it was, and when it will be tried again; then no more."""
    with Receiver() as receiver:
        url = receiver.script("/hook", answer(500), answer(500), OK)
        server.webhooks.add(url, "order.completion")
        order = api.order().json()["id"]
        assert _told(control.get(f"/orders/{order}/story")) == []

        def attempts() -> int:
            (message,) = server.webhooks.messages(order_id=order)
            return len(message.deliveries[0].attempts)

        clock.advance(1)
        until(lambda: attempts() == 2)
        story = control.get(f"/orders/{order}/story")
        (message,) = story["webhooks"]
        failed = (f"order.completion to {url}: answered 500", message["id"], False)
        assert _told(story) == [failed, failed, (f"order.completion to {url}", message["id"], True)]
        clock.advance(60)
        until(lambda: attempts() == 3)
        taken = (f"order.completion to {url}: answered 200", message["id"], False)
        assert _told(control.get(f"/orders/{order}/story")) == [failed, failed, taken]


def test_the_story_says_why_a_webhook_was_not_answered(
    server: MockServer, api: Api, control: ControlCaller
) -> None:
    """The reason stands where the status would, and nothing of another order's messages."""
    with Receiver() as receiver:
        url = receiver.script("/hook", cut)
        server.webhooks.add(url, "order.completion")
        first, other = (api.order(X_Mock_Processing="at-once").json()["id"] for _ in range(2))

        def is_tried() -> bool:
            found = [message.deliveries[0].attempts for message in server.webhooks.messages()]
            return len(found) == 2 and all(found)

        until(is_tried)
        told = {id_: _told(control.get(f"/orders/{id_}/story")) for id_ in (first, other)}
    messages = {message for events in told.values() for _, message, _ in events}
    assert len(messages) == 2
    broken = [
        text for events in told.values() for text, _, _ in events if "answered" not in str(text)
    ]
    assert any(str(text).startswith(f"order.completion to {url}: ") for text in broken)


def test_the_story_tells_what_is_still_to_come(
    server: MockServer, api: Api, control: ControlCaller
) -> None:
    """When an order ends, that it does not do so by itself, and in the end why it failed."""
    waiting, held, reads = (
        api.order(X_Mock_Processing=rule).json()["id"] for rule in ("seconds:5", "never", "reads:2")
    )
    last = control.get(f"/orders/{waiting}/story")["events"][-1]
    assert (last["text"], last["expected"]) == ("COMPLETED", True)
    last = control.get(f"/orders/{held}/story")["events"][-1]
    assert (last["at"], last["text"]) == (None, "It is on hold")
    assert "2 more reads" in control.get(f"/orders/{reads}/story")["events"][-1]["text"]
    assert control.get(f"/orders/{held}/story")["payouts"][0]["opens"] is False
    server.orders.fail(held, "out of stock")
    texts = [event["text"] for event in control.get(f"/orders/{held}/story")["events"]]
    assert "FAILED: out of stock" in texts


def test_pages_of_orders_are_all_of_them_once(
    server: MockServer, api: Api, whole: ControlCaller, clock: ManualClock
) -> None:
    """Page by page, of two accounts whose orders alternate, and of each status."""
    other = Api(server.url, "XX-other.secret")
    made = []
    for number in range(7):
        caller = api if number % 2 else other
        made.append(
            caller.order(X_Mock_Processing="at-once" if number % 3 else "never").json()["id"]
        )
        clock.advance(1)
    newest_first = sorted(made, reverse=True)
    for status in (None, "COMPLETED", "PROCESSING", "FAILED"):
        seen: list[str] = []
        while True:
            wanted = {"status": status, "limit": 2, "before": seen[-1] if seen else None}
            page = whole.get("/orders", params=wanted)["orders"]
            seen += [order["id"] for order in page]
            if len(page) < 2:
                break
        assert seen == [
            order
            for number, order in sorted(enumerate(made), reverse=True)
            if status is None or status == ("COMPLETED" if number % 3 else "PROCESSING")
        ]
    assert newest_first == [order["id"] for order in whole.get("/orders")["orders"]]
    other.close()


@pytest.mark.parametrize("before", ["", "x", "O-1", "O-" + "u" * 26, "O-" + "0" * 27])
def test_a_page_begins_at_an_order(control: ControlCaller, before: str) -> None:
    """Anything else is refused, and the refusal names the parameter."""
    response = control.call("GET", "/orders", params={"before": before})
    assert (response.status_code, locations(response.json())) == (422, {("query", "before")})


def test_an_order_says_how_long_it_still_takes(
    server: MockServer, api: Api, control: ControlCaller, clock: ManualClock
) -> None:
    """By its account's clock, and really, which is never while that stands."""
    order = api.order(X_Mock_Processing="seconds:60").json()["id"]

    def remaining() -> tuple[object, object]:
        found = control.get(f"/orders/{order}")
        return found["remaining"], found["wait"]

    assert remaining() == (60, None)
    clock.advance(20)
    assert remaining() == (40, None)
    clock.advance(40)
    assert remaining() == (None, None)
    assert control.get("/orders")["orders"][0]["description"] is None
    running = api.order(X_Mock_Processing="seconds:1000000").json()["id"]
    server.clock.run(speed=1_000)
    found = control.get(f"/orders/{running}")
    assert found["wait"] <= 1_000
    assert found["wait"] == pytest.approx(found["remaining"] / 1_000, rel=0.1)


def test_requests_come_in_pages_and_without_bodies(api: Api, control: ControlCaller) -> None:
    """A brief list has the same requests; each can be read whole by its number."""
    for number in range(5):
        api.order(key=f"k{number}")
    page = control.get("/requests", params={"before": 4, "limit": 2, "brief": True})
    assert [entry["number"] for entry in page["requests"]] == [2, 3]
    assert page["total"] == 3
    assert {
        (e["request_body"], e["response_body"], len(e["headers"])) for e in page["requests"]
    } == {("", "", 0)}
    whole = control.get("/requests")["requests"][1]
    assert whole["request_body"]
    assert control.get("/requests/2") == whole
