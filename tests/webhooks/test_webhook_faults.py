"""What webhook faults do to messages, and to which."""

import json
from datetime import timedelta

import pytest
import svix.webhooks

from runa_mock_server import ControlRefusedError, ManualClock, MockServer
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control_client.webhooks import WebhooksControl
from runa_mock_server.webhooks.faults import FaultKind
from support.api import KEY, Api
from support.receiver import Receiver, Told, status

ORDERS: Event = "order.completion"


def passes(secret: str, told: Told) -> bool:
    """Whether the official package takes a message."""
    try:
        svix.webhooks.Webhook(secret).verify(told.body, dict(told.headers))
    except svix.webhooks.WebhookVerificationError:
        return False
    return True


def test_duplicate(hooks: WebhooksControl, receiver: Receiver, api: Api) -> None:
    """The same message comes twice, though it was taken; the next comes once."""
    hooks.add(receiver.url, ORDERS)
    hooks.misbehave("duplicate")
    message = hooks.wait_for(order=api.order(mode="sync").json()["id"])
    first, second = receiver.take(), receiver.take()
    assert (first.id, first.body, first.headers) == (second.id, second.body, second.headers)
    assert [a.adversary for a in message.deliveries[0].attempts] == [["duplicate"]] * 2
    hooks.wait_for(order=api.order(mode="sync").json()["id"])
    assert receiver.take().id != first.id
    assert receiver.waiting() == 0
    assert [(t.armed, t.struck) for t in hooks.tricks] == [(False, 1)]


def test_reorder(hooks: WebhooksControl, receiver: Receiver, api: Api) -> None:
    """A message is overtaken by the one after it; what else was to be done to it, is."""
    hooks.add(receiver.url, ORDERS)
    hooks.misbehave("reorder", times=None)
    hooks.misbehave("duplicate")
    orders = []
    for _ in range(4):
        orders.append(api.order(mode="sync").json()["id"])
        if len(orders) % 2 == 0:
            for each in orders[-2:]:
                hooks.wait_for(order=each)
    told = [receiver.take().document["id"] for _ in range(5)]
    assert told == [orders[1], orders[0], orders[0], orders[3], orders[2]]
    assert hooks.tricks[0].struck == 2


def test_reorder_without_another(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """If nothing overtakes it, it comes late; by hand it comes at once."""
    hooks.add(receiver.url, ORDERS)
    hooks.misbehave("reorder", seconds=60, times=None)
    order_id = api.order(mode="sync").json()["id"]
    message = hooks.wait_for(
        order=order_id,
        until=lambda m: (
            m.deliveries[0].next_attempt_at is not None
            and m.deliveries[0].next_attempt_at > m.created_at
        ),
    )
    assert message.deliveries[0].next_attempt_at == message.created_at + timedelta(seconds=60)
    assert receiver.waiting() == 0
    clock.advance(60)
    (attempt,) = hooks.wait_for(order=order_id).deliveries[0].attempts
    assert attempt.adversary == ["reorder"]
    hooks.resend(message.id)
    hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 2)


def test_delay(hooks: WebhooksControl, receiver: Receiver, api: Api) -> None:
    """The signature is good but older than receivers tolerate."""
    endpoint = hooks.add(receiver.url, ORDERS)
    hooks.misbehave("delay")
    hooks.misbehave("delay", seconds=10**7)
    api.order(mode="sync")
    told = receiver.take()
    assert told.is_signed_with(endpoint.secret)
    assert not passes(endpoint.secret, told)
    api.order(mode="sync")
    assert passes(endpoint.secret, receiver.take())


@pytest.mark.parametrize("kind", ["wrong_signature", "old_secret", "reserialised"])
def test_what_does_not_verify(
    hooks: WebhooksControl, receiver: Receiver, api: Api, kind: FaultKind
) -> None:
    """No secret of the endpoint that is in use verifies it; the attempt after it is good."""
    endpoint = hooks.add(receiver.script("/", status(401)), ORDERS)
    hooks.misbehave(kind)
    api.order(mode="sync")
    bad, good = receiver.take(), receiver.take()
    assert not passes(endpoint.secret, bad)
    assert passes(endpoint.secret, good)
    assert bad.id == good.id
    assert json.loads(bad.body) == json.loads(good.body)
    assert (bad.body == good.body) == (kind != "reserialised")


def test_old_secret_after_a_rotation(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """It is the one that was replaced, though it is not to be used any more."""
    old = hooks.add(receiver.url, ORDERS)
    new = hooks.rotate(old.id)
    clock.advance("P2D")
    hooks.misbehave("old_secret")
    api.order(mode="sync")
    told = receiver.take()
    assert (told.is_signed_with(old.secret), told.is_signed_with(new.secret)) == (True, False)


@pytest.mark.parametrize("rule", ["never", "seconds:60", "at-once"])
def test_early(server: MockServer, receiver: Receiver, api: Api, rule: str) -> None:
    """The receiver has the message before the caller has his answer."""
    hooks = server.account(KEY).webhooks
    hooks.add(receiver.url, ORDERS)
    hooks.misbehave("early")
    answer = api.order(X_Mock_Processing=rule).json()
    assert answer["status"] == "PROCESSING"
    assert receiver.waiting() == 1
    assert receiver.take().document["id"] == answer["id"]
    assert api.read(answer["id"])["status"] == "COMPLETED"


def test_early_with_nobody_there(server: MockServer, receiver: Receiver, api: Api) -> None:
    """Without a subscriber, or with one that hangs, the order is answered all the same."""
    server.configure(webhook_timeout=0.2)
    server.webhooks.misbehave("early", times=None)
    order_id = api.order(X_Mock_Processing="never").json()["id"]
    assert api.read(order_id)["status"] == "PROCESSING"
    server.webhooks.add(receiver.script("/", status(500)), ORDERS)
    order_id = api.order(X_Mock_Processing="never").json()["id"]
    assert api.read(order_id)["status"] == "COMPLETED"
    server.webhooks.misbehave("reorder")
    assert api.order(X_Mock_Processing="never").status_code == 202


def test_tricks_are_for_an_account_or_an_endpoint(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """Others get their messages as they should be, and keep the trick for whom it is."""
    hooks = server.account(KEY).webhooks
    hooks.add(receiver.url + "/a", ORDERS)
    second = hooks.add(receiver.url + "/b", ORDERS)
    server.webhooks.add(receiver.url + "/all", ORDERS)
    hooks.misbehave("duplicate", endpoint_id=second.id)
    other = Api(server.url, "XX-other.x")
    other.order(mode="sync")
    api.order(mode="sync")
    other.close()
    receiver.take("/a")
    assert receiver.take("/b").id == receiver.take("/b").id
    assert receiver.take("/all").id != receiver.take("/all").id
    with pytest.raises(ControlRefusedError, match="endpoint_id"):
        server.account("XX-other.x").webhooks.misbehave("delay", endpoint_id=second.id)
    with pytest.raises(ControlRefusedError, match="endpoint_id"):
        hooks.misbehave("early", endpoint_id=second.id)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b"])
def test_a_name_that_would_lead_elsewhere_is_one_that_does_not_exist(
    server: MockServer, name: str
) -> None:
    """It reaches no other call of the control API than the one that was meant."""
    for call in (server.webhooks.get, server.webhooks.resend, server.webhooks.remove):
        with pytest.raises(ControlRefusedError) as refused:
            call(name)
        assert refused.value.status == 404
