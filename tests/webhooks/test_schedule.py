"""When attempts are made: as a small model says, however the clock gets there."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.base.clock import DAY
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control.webhook_models import MessageResult
from runa_mock_server.control_client.webhooks import WebhooksControl
from runa_mock_server.webhooks.endpoints import Endpoint
from support.api import KEY, Api
from support.receiver import Answer, Receiver, cut, raw, status

ORDERS: Event = "order.completion"
DOCUMENTED = (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
FIVE_DAYS = 5 * 24 * 3600

ANSWERS: dict[str, tuple[Answer, int | None]] = {
    **{str(code): (status(code), code) for code in (200, 204, 299, 300, 302, 404, 410, 500, 503)},
    "cut": (cut, None),
    "nothing": (raw(b""), None),
    "no HTTP": (raw(b"hello\r\n\r\n"), None),
    "half": (raw(b"HTTP/1.1 200 OK\r\nContent-"), None),
}
_numbers = count()


class Expected(NamedTuple):
    """What the model says: seconds after the first attempt, statuses, and how it ends."""

    moments: list[float]
    statuses: list[int | None]
    state: str
    disabled: bool


def model(script: Sequence[str], waits: Sequence[float], until: float) -> Expected:
    """One message, from its first attempt on, as far as a moment."""
    moment, moments, statuses = 0.0, [], []
    for number in range(len(waits) + 1):
        code = ANSWERS[script[number]][1] if number < len(script) else 200
        moments.append(moment)
        statuses.append(code)
        if code is not None and 200 <= code < 300:
            return Expected(moments, statuses, "delivered", disabled=False)
        if moment >= FIVE_DAYS:
            return Expected(moments, statuses, "failed", disabled=True)
        if number < len(waits) and moment + waits[number] > until:
            return Expected(moments, statuses, "pending", disabled=False)
        moment += waits[number] if number < len(waits) else 0
    return Expected(moments, statuses, "failed", disabled=False)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[MockServer, Receiver]]:
    """One server and one receiver for all examples, each with an account of its own."""
    with Receiver() as receiver, MockServer(clock=ManualClock()) as server:
        yield server, receiver


def seconds(message: MessageResult) -> list[float]:
    """The moments of the attempts to its one endpoint, counted from its making."""
    (delivery,) = message.deliveries
    return [(each.at - message.created_at).total_seconds() for each in delivery.attempts]


@given(
    script=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=7),
    waits=st.lists(st.integers(0, 300_000), max_size=6) | st.just(list(DOCUMENTED)),
    moves=st.lists(st.sampled_from([0, 1, 5, 14, 16, 300, 40_000]) | st.integers(0, 400_000)),
)
def test_attempts_are_made_when_the_model_says(
    shared: tuple[MockServer, Receiver], script: list[str], waits: list[int], moves: list[int]
) -> None:
    """For any answers, schedule and moves of the clock: the same moments, statuses and end."""
    server, receiver = shared
    number = next(_numbers)
    account = server.account(f"XX-{number}.x")
    account.configure(webhook_retries=waits)
    url = receiver.script(f"/{number}", *(ANSWERS[name][0] for name in script))
    endpoint = account.webhooks.add(url, ORDERS)
    api = Api(server.url, f"XX-{number}.x")
    order_id = api.order(mode="sync").json()["id"]
    api.close()
    passed = 0
    for move in [0, *moves]:
        passed += move
        account.clock.advance(move)
        expected = model(script, waits, passed)

        def is_there(message: MessageResult, expected: Expected = expected) -> bool:
            (delivery,) = message.deliveries
            so_far = (len(delivery.attempts), delivery.state)
            is_idle = delivery.state != "pending" or delivery.next_attempt_at is not None
            return is_idle and so_far == (len(expected.moments), expected.state)

        message = account.webhooks.wait_for(order=order_id, until=is_there)
        assert seconds(message) == expected.moments
        assert [a.status for a in message.deliveries[0].attempts] == expected.statuses
    (found,) = account.webhooks.endpoints
    assert (found.id, found.disabled) == (endpoint.id, model(script, waits, passed).disabled)


def test_the_documented_schedule(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """Nine attempts in 27 hours and 35 minutes, in one move of the clock; then it has failed."""
    receiver.script("/", then=status(500, b"no"))
    hooks.add(receiver.url, ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    clock.advance("P1DT3H35M4S")
    message = hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 8)
    assert message.deliveries[0].state == "pending"
    clock.advance(1)
    message = hooks.wait_for(order=order_id, until=lambda m: m.deliveries[0].state == "failed")
    waits = [b - a for a, b in zip(seconds(message), seconds(message)[1:], strict=False)]
    assert tuple(waits) == DOCUMENTED
    assert {(a.status, a.response, a.error) for a in message.deliveries[0].attempts} == {
        (500, "no", None)
    }
    assert message.deliveries[0].next_attempt_at is None


def test_an_endpoint_that_fails_for_five_days_is_disabled(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """What was pending has failed, nothing more is told, until somebody enables it again."""
    receiver.script("/", then=status(500))
    endpoint = hooks.add(receiver.url, ORDERS)
    first = api.order(mode="sync").json()["id"]
    for _ in range(4):
        clock.advance("P1DT4H")
        later = api.order(mode="sync").json()["id"]
        hooks.wait_for(order=later, until=lambda m: len(m.deliveries[0].attempts) > 1)
    assert not hooks.endpoints[0].disabled
    # Beyond five days by less than the pause of the retries: only the next message fails then.
    clock.advance("PT9H")
    last = api.order(mode="sync").json()["id"]
    message = hooks.wait_for(order=last, until=lambda m: m.deliveries[0].state == "failed")
    assert len(message.deliveries[0].attempts) == 1
    (found,) = hooks.endpoints
    assert found.disabled
    assert found.failing_since == hooks.messages(order_id=first)[0].created_at
    with pytest.raises(LookupError):
        hooks.wait_for(order=api.order(mode="sync").json()["id"])
    receiver.script("/")
    assert not hooks.enable(endpoint.id).disabled
    hooks.wait_for(order=api.order(mode="sync").json()["id"])
    assert hooks.endpoints[0].failing_since is None


@given(st.permutations(range(5)))
def test_five_days_count_from_the_first_failure_in_time(days: list[int]) -> None:
    """However late it is heard of: attempts side by side end in any order."""
    endpoint = Endpoint("ep_1", None, "http://127.0.0.1/", ORDERS, "secret")
    for day in days:
        endpoint.failed(KEY, day * DAY)
    assert (endpoint.failing_since, endpoint.disabled) == (0, False)
    endpoint.failed(KEY, 5 * DAY - 1)
    assert not endpoint.disabled
    endpoint.failed(KEY, 5 * DAY)
    assert endpoint.disabled


def test_one_success_ends_the_row_of_failures(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """Four days of failures, a success, four days of failures: it still listens."""
    hooks.add(receiver.url, ORDERS)
    for answer in (status(500), status(200), status(500), status(500)):
        receiver.script("/", then=answer)
        order_id = api.order(mode="sync").json()["id"]
        hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) > 0)
        clock.advance("P2D")
        hooks.wait_for(order=order_id, until=lambda m: m.deliveries[0].state != "pending")
    assert not hooks.endpoints[0].disabled


def test_a_leap_disables_as_if_time_had_passed(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """Of messages a day apart, each is attempted in its time before a later one disables."""
    account = server.account(KEY)
    account.configure(webhook_retries=[3600], processing="seconds:1")
    receiver.script("/", then=status(500))
    account.webhooks.add(receiver.url, ORDERS)
    orders = [
        api.order(X_Mock_Processing=f"seconds:{day * 24 * 3600 + 1}").json()["id"]
        for day in (0, 3, 6, 9)
    ]
    account.clock.advance("P20D")
    found = [
        account.webhooks.wait_for(order=each, until=lambda m: m.deliveries[0].state == "failed")
        for each in orders
    ]
    assert [len(m.deliveries[0].attempts) for m in found] == [2, 2, 1, 0]
    assert account.webhooks.endpoints[0].disabled


def test_accounts_in_other_times_do_not_disable_a_common_endpoint(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """Five days are five days of one account."""
    receiver.script("/", then=status(500))
    server.webhooks.add(receiver.url, ORDERS)
    other = Api(server.url, "XX-other.x")
    server.account("XX-other.x").clock.advance("P30D")
    for caller in (api, other, api):
        order_id = caller.order(mode="sync").json()["id"]
        server.webhooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 2)
    other.close()
    assert not server.webhooks.endpoints[0].disabled


def test_a_message_is_sent_again_by_hand(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """One attempt now, with the same id and body; the schedule goes on as if nothing was."""
    receiver.script("/", *[status(500)] * 3)
    hooks.add(receiver.url, ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    message = hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 2)
    due = message.deliveries[0].next_attempt_at
    clock.advance(1)
    hooks.resend(message.id)
    again = hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 3)
    assert again.deliveries[0].next_attempt_at == due
    hooks.resend(message.id, message.deliveries[0].endpoint_id)
    done = hooks.wait_for(order=order_id)
    assert seconds(done) == [0, 0, 1, 1]
    hooks.resend(message.id)
    hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 5)
    clock.advance("P2D")
    all_told = [receiver.take() for _ in range(5)]
    assert {(told.id, told.body) for told in all_told} == {(message.id, message.payload.encode())}
    assert receiver.waiting() == 0


def test_all_failed_since_a_time_are_recovered(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """Those and no others; each starts its schedule over."""
    receiver.script("/", then=status(500))
    endpoint = hooks.add(receiver.url, ORDERS)
    orders = []
    for _ in range(3):
        orders.append(api.order(mode="sync").json()["id"])
        clock.advance("PT28H")
        hooks.wait_for(order=orders[-1], until=lambda m: m.deliveries[0].state == "failed")
    since = hooks.messages(order_id=orders[1])[0].created_at
    receiver.script("/", status(500), status(500))
    hooks.recover(endpoint.id, since)
    clock.advance(5)
    found = [hooks.wait_for(order=each) for each in orders[1:]]
    assert all(10 <= len(m.deliveries[0].attempts) <= 12 for m in found)
    assert hooks.messages(order_id=orders[0])[0].deliveries[0].state == "failed"
    hooks.recover(endpoint.id, since - timedelta(days=9))
    assert hooks.wait_for(order=orders[0]).id == hooks.messages()[-1].id


def test_a_disabled_or_removed_endpoint_gets_nothing_more(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """What waits for its next attempt has failed; what is told afterwards goes to the others."""
    receiver.script("/", then=status(500))
    first, second = hooks.add(receiver.url, ORDERS), hooks.add(receiver.url, ORDERS)
    hooks.add(receiver.url + "/other", ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    hooks.wait_for(
        order=order_id, until=lambda m: [len(d.attempts) for d in m.deliveries] == [2, 2, 1]
    )
    hooks.disable(first.id)
    hooks.remove(second.id)
    states = [delivery.state for delivery in hooks.messages(order_id=order_id)[0].deliveries]
    assert states == ["failed", "failed", "delivered"]
    api.order(mode="sync")
    clock.advance("P3D")
    assert len(hooks.wait_for(order=api.order(mode="sync").json()["id"]).deliveries) == 1
    assert receiver.waiting() == 4
