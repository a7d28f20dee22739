"""What comes at a receiver: the body, the headers, and signatures that others verify."""

import json
from datetime import timedelta

import pytest
import standardwebhooks
import svix.webhooks

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control_client.webhooks import WebhooksControl
from runa_schemas import validate
from support.api import KEY, Api, body
from support.receiver import Receiver, Told, cut, status

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - a made-up one
ORDERS: Event = "order.completion"


def verify(secret: str, told: Told) -> None:
    """Have both official packages verify what came."""
    svix.webhooks.Webhook(secret).verify(told.body, dict(told.headers))
    headers = {name.replace("svix-", "webhook-"): v for name, v in told.headers.items()}
    standardwebhooks.Webhook(secret).verify(told.body.decode(), headers)


@pytest.mark.parametrize("secret", [SECRET, None, "whsec_AQ=="])
def test_the_official_packages_verify_a_completed_order(
    hooks: WebhooksControl, receiver: Receiver, api: Api, secret: str | None
) -> None:
    """Given or made, the secret of the endpoint verifies the basic order, byte by byte."""
    endpoint = hooks.add(receiver.url, ORDERS, secret)
    assert secret in (None, endpoint.secret)
    order_id = api.order(body(description="é ☃", metadata={"a": "b"}), mode="sync").json()["id"]
    told = receiver.take()
    verify(endpoint.secret, told)
    assert told.document == api.get("/v2/order").json()["items"][0]
    assert told.document["id"] == order_id
    assert told.headers["content-type"] == "application/json"
    message = hooks.wait_for(order=order_id)
    assert (message.id, message.payload.encode()) == (told.id, told.body)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        verify("whsec_" + "AAAA" * 8, told)


def test_a_failed_order_is_told_by_id_and_status(
    hooks: WebhooksControl, receiver: Receiver, api: Api
) -> None:
    """Nothing else stands in it."""
    endpoint = hooks.add(receiver.url, ORDERS)
    accepted = api.order(X_Trigger_Error="order_failed", X_Mock_Processing="at-once")
    order_id = accepted.json()["id"]
    told = receiver.take()
    verify(endpoint.secret, told)
    assert told.document == {"id": order_id, "status": "FAILED"}


def test_a_changed_product_is_told_to_every_account(
    server: MockServer, hooks: WebhooksControl, receiver: Receiver
) -> None:
    """Products are everybody's; each subscriber gets the document, signed with his own secret."""
    paths = ["/mine", "/other", "/all"]
    endpoints = [
        hooks.add(receiver.url + "/mine", "product.update"),
        server.account("XX-other.x").webhooks.add(receiver.url + "/other", "product.update"),
        server.webhooks.add(receiver.url + "/all", "product.update"),
    ]
    hooks.add(receiver.url + "/orders", ORDERS)
    server.products.change("AMZ-US", is_orderable=False)
    for path, endpoint in zip(paths, endpoints, strict=True):
        told = receiver.take(path)
        verify(endpoint.secret, told)
        validate(told.document, "webhook_product_update")
        states = (told.document["old_state"], told.document["new_state"])
        assert [state["is_orderable"] for state in states] == [True, False]
    message = hooks.wait_for(event="product.update", until=lambda m: len(m.deliveries) == 2)
    assert (message.product_code, message.order_id, message.account) == ("AMZ-US", None, None)
    assert {each.endpoint_id for each in message.deliveries} == {endpoints[0].id, endpoints[2].id}
    assert len(server.webhooks.get(message.id).deliveries) == 3
    assert receiver.waiting("/orders") == 0


def test_attempts_share_the_id_and_each_has_its_own_time(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """The timestamp is that of the attempt, by the mock's clock, and is signed."""
    receiver.script("/", status(500), status(503), cut, status(404))
    endpoint = hooks.add(receiver.url, ORDERS)
    start = clock.now() // 1_000_000
    order_id = api.order(mode="sync").json()["id"]
    clock.advance(5 + 300 + 1800)
    all_told = [receiver.take() for _ in range(5)]
    assert len({told.id for told in all_told}) == len({told.body for told in all_told}) == 1
    assert all(told.is_signed_with(endpoint.secret) for told in all_told)
    seconds = [int(told.headers["svix-timestamp"]) - start for told in all_told]
    assert seconds == [0, 0, 5, 305, 2105]
    (delivery,) = hooks.wait_for(order=order_id).deliveries
    assert [a.status for a in delivery.attempts] == [500, 503, None, 404, 200]


def test_the_time_of_the_computer_can_stand_in_the_signature(receiver: Receiver) -> None:
    """A receiver that compares with its own clock takes messages of another century."""
    with MockServer(clock="2050-01-01T00:00:00Z", webhook_timestamps="computer") as server:
        endpoint = server.webhooks.add(receiver.url, ORDERS)
        api = Api(server.url)
        api.order(mode="sync")
        verify(endpoint.secret, receiver.take())
        server.account(KEY).configure(webhook_timestamps="clock")
        api.order(mode="sync")
        with pytest.raises(svix.webhooks.WebhookVerificationError):
            verify(endpoint.secret, receiver.take())
        api.close()


def test_for_a_day_both_secrets_verify(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """After a rotation there are two signatures, the new first; then only the new one."""
    old = hooks.add(receiver.url, ORDERS)
    new = hooks.rotate(old.id, SECRET)
    assert (new.id, new.secret, new.retired_secrets) == (old.id, SECRET, [old.secret])
    api.order(mode="sync")
    told = receiver.take()
    verify(old.secret, told)
    verify(new.secret, told)
    assert len(told.headers["svix-signature"].split(" ")) == 2
    clock.advance(timedelta(days=1) - timedelta(microseconds=1))
    api.order(mode="sync")
    assert receiver.take().is_signed_with(old.secret)
    clock.advance(timedelta(microseconds=1))
    api.order(mode="sync")
    told = receiver.take()
    assert (told.is_signed_with(SECRET), told.is_signed_with(old.secret)) == (True, False)
    assert hooks.endpoints[0].retired_secrets == []


def test_ten_secrets_sign_at_most(hooks: WebhooksControl, receiver: Receiver, api: Api) -> None:
    """However often it is rotated, the header stays short and has the latest."""
    endpoint = hooks.add(receiver.url, ORDERS)
    secrets = [hooks.rotate(endpoint.id).secret for _ in range(30)]
    assert len(set(secrets)) == 30
    api.order(mode="sync")
    told = receiver.take()
    assert [told.is_signed_with(secret) for secret in secrets[-11:]] == [False, *[True] * 10]


def test_a_seed_repeats_ids_and_secrets(receiver: Receiver) -> None:
    """The same seed and calls, the same bytes, whatever other accounts do."""

    def seen(other: str) -> tuple[object, ...]:
        with MockServer(seed=7, clock="2026-03-14T12:00:00Z") as server:
            first = server.webhooks.add(receiver.url, ORDERS)
            api, another = Api(server.url), Api(server.url, other)
            another.order(mode="sync")
            told_another = receiver.take()
            api.order(mode="sync")
            told = receiver.take()
            api.close()
            another.close()
            headers = {name: v for name, v in told.headers.items() if name.startswith("svix-")}
            assert told_another.id != told.id
            payload = json.loads(told.body)
            return first.id, first.secret, headers, payload

    assert seen("XX-a.x") == seen("XX-b.x")
