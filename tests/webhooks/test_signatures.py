"""What comes at a receiver: the body, the headers, and signatures that others verify."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks

from runa_client import verify_webhook
from runa_mock_server import ManualClock, MockServer
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control_client.webhooks import WebhooksControl
from runa_schemas import validate
from support.api import KEY, Api, body
from support.receiver import Receiver, Told, cut, status

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - a made-up one
ORDERS: Event = "order.completion"


def verify(secret: str, told: Told) -> None:
    """Have the provider's package verify what came."""
    svix.webhooks.Webhook(secret).verify(told.body, dict(told.headers))


def verify_standard(secret: str, told: Told) -> None:
    """Have the package of Standard Webhooks verify what came."""
    standardwebhooks.Webhook(secret).verify(told.body, dict(told.headers))


def verify_ours(secret: str, told: Told) -> None:
    """Have our client verify what came."""
    verify_webhook(told.body, told.headers, secret)


NAMES: dict[str, tuple[set[str], list[Callable[[str, Told], None]]]] = {
    "svix": ({"svix"}, [verify, verify_ours]),
    "standard": ({"webhook"}, [verify, verify_standard, verify_ours]),
    "both": ({"svix", "webhook"}, [verify, verify_standard, verify_ours]),
}


@pytest.mark.parametrize("names", NAMES)
def test_the_names_of_the_headers_are_those_that_a_verifier_reads(
    server: MockServer, receiver: Receiver, api: Api, names: Any
) -> None:
    """Each package verifies what comes, with the headers as they came, and no others come."""
    server.configure(webhook_headers=names)
    endpoint = server.webhooks.add(receiver.url, ORDERS)
    api.order(mode="sync")
    told = receiver.take()
    prefixes, verifiers = NAMES[names]
    for verifier in verifiers:
        verifier(endpoint.secret, told)
    found = {name for name in told.headers if name.startswith(("svix-", "webhook-"))}
    assert found == {f"{p}-{name}" for p in prefixes for name in ("id", "timestamp", "signature")}


def test_svix_headers_alone_do_not_satisfy_standard_webhooks(
    hooks: WebhooksControl, receiver: Receiver, api: Api
) -> None:
    """What is sent by default is what the provider sends; the setting is there for others."""
    endpoint = hooks.add(receiver.url, ORDERS)
    api.order(mode="sync")
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError, match="headers"):
        verify_standard(endpoint.secret, receiver.take())


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
    server: MockServer, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """With the setting, the timestamp is that of the attempt by the mock's clock, and is signed."""
    server.configure(webhook_timestamps="clock")
    hooks = server.account(KEY).webhooks
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


@pytest.mark.parametrize("by", ["P2D", "P9000D"])
def test_messages_verify_however_the_clock_was_moved(
    server: MockServer, receiver: Receiver, api: Api, by: str
) -> None:
    """Receivers compare with the computer's time; the mock's time is an option."""
    endpoint = server.webhooks.add(receiver.url, ORDERS)
    server.clock.advance(by)
    for mode in ("sync", "async"):
        api.order(mode=mode)
        server.clock.advance(by)
        verify(endpoint.secret, receiver.take())
    server.account(KEY).configure(webhook_timestamps="clock")
    api.order(mode="sync")
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        verify(endpoint.secret, receiver.take())


def test_a_wait_names_the_setting_if_the_time_of_the_mock_may_be_refused(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """Only where signatures carry that time, it is far off, and a receiver refused a message."""
    hooks = server.webhooks
    hooks.add(receiver.script("/", then=status(401)), ORDERS)

    def reason() -> str:
        order_id = api.order(mode="sync").json()["id"]
        hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 2)
        with pytest.raises(TimeoutError) as raised:
            hooks.wait_for(order=order_id, timeout=0)
        return str(raised.value)

    server.configure(webhook_timestamps="clock")
    near = reason()
    server.clock.advance("P2D")
    far = reason()
    receiver.script("/", then=status(500))
    broken = reason()
    receiver.script("/", then=status(401))
    server.configure(webhook_timestamps="computer")
    assert ["webhook_timestamps" in text for text in (near, far, broken, reason())] == [
        *(False, True, False, False)
    ]


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
        settings = make_settings(seed=7, clock="2026-03-14T12:00:00Z", webhook_timestamps="clock")
        with MockServer(settings) as server:
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
