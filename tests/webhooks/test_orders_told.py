"""Which orders are told of, when, and to whom."""

from collections.abc import Callable

import pytest

from runa_client import RunaClient, item, single
from runa_mock_server import ControlClient, ManualClock, MockServer, connect
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control_client.webhooks import WebhooksControl
from support.api import KEY, Api
from support.receiver import Receiver, status

ORDERS: Event = "order.completion"


def nothing(_: ControlClient, __: Api, ___: str) -> None:
    """The order has ended, or does by itself."""


ENDS: dict[str, tuple[str, Callable[[ControlClient, Api, str], object], str]] = {
    "at once": ("at-once", nothing, "COMPLETED"),
    "seconds": ("seconds:60", lambda account, _, __: account.clock.advance(60), "COMPLETED"),
    "reads": ("reads:2", lambda _, api, order: [api.read(order) for _ in "abc"], "COMPLETED"),
    "by hand": ("never", lambda account, _, order: account.orders.complete(order), "COMPLETED"),
    "made to fail": ("never", lambda account, _, order: account.orders.fail(order), "FAILED"),
    "failed early": ("seconds:60", lambda account, _, o: account.orders.fail(o), "FAILED"),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_order_is_told_once_when_it_ends(
    server: MockServer, receiver: Receiver, api: Api, name: str
) -> None:
    """However it ends, at the moment at which it does, and never before."""
    rule, end, outcome = ENDS[name]
    account = server.account(KEY)
    account.webhooks.add(receiver.url, ORDERS)
    order_id = api.order(X_Mock_Processing=rule).json()["id"]
    if end is not nothing:
        assert account.webhooks.messages() == []
    end(account, api, order_id)
    message = account.webhooks.wait_for(order=order_id)
    told = receiver.take().document
    assert (told["id"], told["status"]) == (order_id, outcome)
    assert message.created_at == account.clock.now()
    account.clock.advance("P9D")
    api.read(order_id)
    assert [each.id for each in account.webhooks] == [message.id]
    assert receiver.waiting() == 0


def test_a_held_order_is_told_when_it_is_let_go(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """The moment at which it would have ended passes in silence."""
    account = server.account(KEY)
    account.webhooks.add(receiver.url, ORDERS)
    order_id = api.order().json()["id"]
    account.orders.hold(order_id)
    account.clock.advance(60)
    assert account.webhooks.messages() == []
    account.orders.complete(order_id)
    assert account.webhooks.wait_for(order=order_id).created_at == account.clock.now()


def test_the_same_key_again_tells_nothing_more(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """A replay has no webhook; the effects count the orders that were told."""
    server.webhooks.add(receiver.script("/", status(500)), ORDERS)
    order_id = api.order(key="k", mode="sync").json()["id"]
    server.webhooks.wait_for(order=order_id)
    assert api.order(key="k", mode="sync").json()["id"] == order_id
    assert api.order({}, key="refused").status_code == 422
    assert len(server.webhooks.messages()) == 1
    assert server.effects().webhooks == 1
    assert server.effects().keys[0].webhooks == 1


def test_accounts_hear_of_their_own_orders(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """An endpoint of an account gets its orders alone, one of the server those of all."""
    other = Api(server.url, "XX-other.x")
    server.account(KEY).webhooks.add(receiver.url + "/mine", ORDERS)
    server.account("XX-other.x").webhooks.add(receiver.url + "/other", ORDERS)
    server.webhooks.add(receiver.url + "/all", ORDERS)
    mine, others = api.order(mode="sync").json()["id"], other.order(mode="sync").json()["id"]
    other.close()
    assert receiver.take("/mine").document["id"] == mine
    assert receiver.take("/other").document["id"] == others
    assert {receiver.take("/all").document["id"] for _ in "ab"} == {mine, others}
    assert receiver.waiting("/mine") == receiver.waiting("/other") == 0
    seen = server.account(KEY).webhooks
    assert [m.order_id for m in seen.messages()] == [mine]
    assert len(seen.endpoints) == 2
    assert len(server.webhooks.messages()) == 2


def test_each_account_goes_by_its_own_clock(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """Time that passes for one account ends and tells the orders of no other."""
    server.webhooks.add(receiver.url, ORDERS)
    other = Api(server.url, "XX-other.x")
    waits, ended = api.order().json()["id"], other.order().json()["id"]
    other.close()
    server.account("XX-other.x").clock.advance(1)
    server.webhooks.wait_for(order=ended)
    assert server.webhooks.messages(order_id=waits) == []
    server.clock.advance(1)
    server.webhooks.wait_for(order=waits)


def test_a_clock_that_runs_fast_tells_by_itself(receiver: Receiver) -> None:
    """A day of waiting and of retries passes in an instant; nobody has to ask."""
    with MockServer(clock="manual", processing_delay=86_400, webhook_retries=[3600]) as server:
        server.webhooks.add(receiver.script("/", status(500)), ORDERS)
        api = Api(server.url)
        api.order()
        server.clock.run(speed=1_000_000)
        assert receiver.take().id == receiver.take().id
        api.close()


def test_the_computers_clock_tells_by_itself(receiver: Receiver) -> None:
    """So it is without any control at all."""
    with MockServer(processing_delay=0.01, webhook_retries=[0.01]) as server:
        server.webhooks.add(receiver.script("/", status(500)), ORDERS)
        with RunaClient(server.base_url, KEY) as client:
            order = client.create_order([item(10, products=single("1800FL-US"))], currency="USD")
        first, second = receiver.take(), receiver.take()
        assert first.document["id"] == second.document["id"] == order.id


def test_who_subscribes_late_is_told_of_what_is_still_to_end(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """What has ended before is not told, to nobody."""
    ended, waits = api.order().json()["id"], api.order(X_Mock_Processing="seconds:9").json()["id"]
    held = api.order(X_Mock_Processing="never").json()["id"]
    server.clock.advance(1)
    server.webhooks.add(receiver.url, ORDERS)
    server.clock.advance(8)
    server.orders.complete(held)
    assert {receiver.take().document["id"] for _ in "ab"} == {waits, held}
    assert server.webhooks.messages(order_id=ended) == []


def test_what_happened_before_a_change_is_told_to_those_who_were_there(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """An endpoint that is added after the clock was moved hears nothing of what ended then."""
    first = server.webhooks.add(receiver.url, ORDERS)
    order_id = api.order().json()["id"]
    server.clock.advance(1)
    server.webhooks.add(receiver.url + "/late", ORDERS)
    (message,) = server.webhooks.messages(order_id=order_id)
    assert [each.endpoint_id for each in message.deliveries] == [first.id]


def test_nobody_is_subscribed(server: MockServer, receiver: Receiver, api: Api) -> None:
    """It can be seen, no message is made, and whoever waits is told at once."""
    order_id = api.order(mode="sync").json()["id"]
    waits: list[Callable[[], object]] = [
        lambda: server.webhooks.wait_for(order=order_id),
        lambda: server.webhooks.wait_for(event=ORDERS),
        server.webhooks.wait_for,
    ]
    for wait in waits:
        with pytest.raises(LookupError, match=r"no endpoint is subscribed to order\.completion"):
            wait()
    endpoint = server.webhooks.add(receiver.url, ORDERS)
    server.webhooks.disable(endpoint.id)
    server.webhooks.add(receiver.url, "product.update")
    with pytest.raises(LookupError):
        server.webhooks.wait_for(order=api.order(mode="sync").json()["id"])
    assert server.webhooks.messages() == []
    assert server.effects().webhooks == 0


def test_a_wait_that_ends_in_nothing_tells_why(
    hooks: WebhooksControl, receiver: Receiver, api: Api
) -> None:
    """What there is instead, and that time stands still."""
    hooks.add(receiver.script("/", then=status(503)), ORDERS)
    order_id = api.order().json()["id"]
    with pytest.raises(TimeoutError, match=r"no message matches; the clock is stopped at 2"):
        hooks.wait_for(order=order_id, timeout=0)
    sync = api.order(mode="sync").json()["id"]
    hooks.wait_for(order=sync, until=lambda m: len(m.deliveries[0].attempts) == 2)
    with pytest.raises(TimeoutError, match=f"to {receiver.url}/ is pending: 503, 503; the clock"):
        hooks.wait_for(order=sync, timeout=0)


def test_an_account_that_is_put_back_is_told_of_again(
    server: MockServer, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """Its orders end a second time; what is still to be attempted goes by its new clock."""
    account = server.account(KEY)
    account.webhooks.add(receiver.script("/", then=status(500)), ORDERS)
    order_id = api.order().json()["id"]
    state = account.export_state()
    clock.advance("P1D")
    first = account.webhooks.wait_for(
        order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 8
    )
    account.import_state(state)
    receiver.script("/")
    account.clock.advance(1)
    again = account.webhooks.wait_for(order=order_id)
    assert again.id != first.id
    assert again.created_at == first.created_at
    account.clock.advance("P9D")
    account.webhooks.wait_for(
        order=order_id, until=lambda m: m.id == first.id and m.deliveries[0].state == "delivered"
    )
    assert len(account.webhooks.messages()) == 2


def test_a_reset_returns_to_the_endpoints_of_the_settings(
    receiver: Receiver, clock: ManualClock
) -> None:
    """Endpoints, messages and tricks that came later are gone; an account's reset takes its own."""
    webhooks = [f"{receiver.url}/={ORDERS}"]
    with MockServer(clock=clock, seed=1, webhooks=webhooks) as server:
        (first,) = server.webhooks.endpoints
        server.webhooks.add(receiver.url, ORDERS)
        server.account(KEY).webhooks.add(receiver.url, ORDERS)
        server.account(KEY).webhooks.misbehave("delay")
        server.webhooks.misbehave("duplicate", times=None)
        server.account(KEY).reset()
        assert len(server.webhooks.endpoints) == 2
        assert [trick.kind for trick in server.webhooks.tricks] == ["duplicate"]
        server.reset()
        assert server.webhooks.endpoints == [first]
        assert (server.webhooks.messages(), server.webhooks.tricks) == ([], [])
        api = Api(server.url)
        server.webhooks.wait_for(order=api.order(mode="sync").json()["id"])
        api.close()


def test_a_server_starts_again_with_its_webhooks(receiver: Receiver, clock: ManualClock) -> None:
    """What was prepared before the start holds, what came due while it stood is sent."""
    server = MockServer(clock=clock)
    server.webhooks.add(receiver.url, ORDERS)
    server.start()
    api = Api(server.url)
    order_id = api.order().json()["id"]
    api.close()
    server.close()
    clock.advance(1)
    (message,) = server.webhooks.messages(order_id=order_id)
    assert message.deliveries[0].attempts == []
    server.start()
    assert receiver.take().document["id"] == order_id
    server.webhooks.wait_for(order=order_id)
    server.close()


def test_a_hand_on_a_server_elsewhere_does_the_same(server: MockServer, receiver: Receiver) -> None:
    """`connect(url)` adds, waits, resends, rotates, recovers, disables and removes."""
    with connect(server.url) as remote:
        hooks = remote.account(KEY).webhooks
        endpoint = hooks.add(receiver.script("/", status(500)), ORDERS)
        api = Api(server.url)
        message = hooks.wait_for(order=api.order(mode="sync").json()["id"])
        api.close()
        assert hooks.get(message.id) == message == server.webhooks.get(message.id)
        hooks.resend(message.id)
        hooks.wait_for(event=ORDERS, until=lambda m: len(m.deliveries[0].attempts) == 3)
        assert hooks.rotate(endpoint.id).retired_secrets == [endpoint.secret]
        hooks.recover(endpoint.id, message.created_at)
        assert hooks.disable(endpoint.id).disabled
        assert not hooks.enable(endpoint.id).disabled
        trick = hooks.misbehave("delay", seconds=5, endpoint_id=endpoint.id)
        assert hooks.tricks == [trick]
        hooks.behave()
        hooks.remove(endpoint.id)
        assert (hooks.endpoints, hooks.tricks) == ([], [])


def test_memory_is_bounded_by_number(server: MockServer, receiver: Receiver) -> None:
    """Of ten thousand and some messages the oldest are forgotten, with all that they waited for."""
    server.webhooks.add(receiver.url, "product.update")
    server.webhooks.disable(server.webhooks.add(receiver.url, "product.update").id)
    server.close()  # nothing is delivered now
    webhooks = server._server_state.webhooks  # noqa: SLF001 - 25,000 changes by the control API take long
    for number in range(25_000):
        webhooks.product_changed({"product_code": str(number)})
    found = server.webhooks.messages(limit=1)
    assert [m.product_code for m in found] == ["24999"]
    assert (len(webhooks.messages), webhooks.dropped) == (10_000, 15_000)
    assert webhooks._queues[None].attempts <= 20_000  # noqa: SLF001 - memory has no other face
    assert len(webhooks.take_due(100_000)) == 10_000
