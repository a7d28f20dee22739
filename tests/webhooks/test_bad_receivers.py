"""Receivers that answer badly in every way: an attempt with a reason, and harm to nobody else."""

import gzip
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.control_client.webhooks import WebhooksControl
from support.api import KEY, Api
from support.certificates import certificate, tls_receiver
from support.receiver import Answer, Receiver, cut, drip, flood, hang, raw, status
from support.waiting import until

ORDERS: Event = "order.completion"
LONG = 3_600  # seconds that a receiver has
PROMPT = 300  # seconds, after which something waits that should not
BOMB = gzip.compress(b"\0" * 10_000_000)

BAD: dict[str, tuple[Answer, int | None, str]] = {
    "redirect": (status(302, b"", "Location: /elsewhere"), 302, ""),
    "moved": (status(308, b"", "Location: /elsewhere"), 308, ""),
    "not modified": (raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"), 304, ""),
    "teapot": (status(418, b"I am"), 418, "I am"),
    "no reason": (raw(b"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n"), 500, ""),
    "switching": (raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), 101, ""),
    "odd status": (status(999), 999, ""),
    "no text": (status(500, b"\xff\xfe"), 500, "\\xff\\xfe"),
    "only 1xx": (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 3), None, ""),
    "nothing": (raw(b""), None, ""),
    "cut": (cut, None, ""),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), None, ""),
    "huge header": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n"), None, ""),
    "many headers": (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000), None, ""),
    "bad length": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), None, ""),
}
GOOD: dict[str, tuple[Answer, int, str]] = {
    "short body": (status(200, b"thanks"), 200, "thanks"),
    "after 1xx": (raw(b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 204 No\r\n\r\n"), 204, ""),
    "body cut": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"), 200, "half"),
    "a kilobyte": (status(200, b"x" * 1024), 200, "x" * 1024),
    "more than that": (status(200, b"x" * 5000), 200, "x" * 1024),
    "no gzip": (status(200, b"plain", "Content-Encoding: gzip"), 200, "plain"),
    "cookie": (status(200, b"", "Set-Cookie: a=b"), 200, ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_a_failed_attempt(
    hooks: WebhooksControl, receiver: Receiver, api: Api, name: str
) -> None:
    """Status or reason are kept, it is tried again, and no redirect is followed."""
    answer, code, text = BAD[name]
    hooks.add(receiver.script("/", answer), ORDERS)
    message = hooks.wait_for(order=api.order(mode="sync").json()["id"])
    failed, taken = message.deliveries[0].attempts
    assert (failed.status, failed.response, taken.status) == (code, text, 200)
    assert (failed.error is None) == (code is not None)
    assert failed.error is None or 0 < len(failed.error) <= 200
    assert receiver.waiting("/elsewhere") == 0


@pytest.mark.parametrize("name", GOOD)
def test_a_status_counts_whatever_comes_behind_it(
    hooks: WebhooksControl, receiver: Receiver, api: Api, name: str
) -> None:
    """One attempt, with at most a kilobyte of the answer."""
    answer, code, text = GOOD[name]
    hooks.add(receiver.script("/", answer), ORDERS)
    message = hooks.wait_for(order=api.order(mode="sync").json()["id"])
    (taken,) = message.deliveries[0].attempts
    assert (taken.status, taken.response, taken.error) == (code, text, None)
    assert "cookie" not in receiver.take().headers


def test_a_large_answer_is_not_read(hooks: WebhooksControl, receiver: Receiver, api: Api) -> None:
    """Of ten megabytes little leaves the receiver, and a bomb is not unpacked."""
    hooks.add(receiver.script("/", flood), ORDERS)
    hooks.add(receiver.script("/gzip", status(200, BOMB, "Content-Encoding: gzip")), ORDERS)
    message = hooks.wait_for(
        order=api.order(mode="sync").json()["id"],
        until=lambda m: {d.state for d in m.deliveries} == {"delivered"},
    )
    large, bomb = (delivery.attempts[0] for delivery in message.deliveries)
    assert large.response == "x" * 1024
    assert len(bomb.response) <= 4 * 1024
    assert receiver.flooded < 9_000_000


@pytest.mark.parametrize(
    "url",
    [
        "http://nobody.invalid/",
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://user:pass@127.0.0.1:1/",
        "http://127.0.0.1:1/a b?c=d e",
        "http://0.0.0.0:1/",
    ],
)
def test_a_receiver_that_is_not_there(hooks: WebhooksControl, api: Api, url: str) -> None:
    """The reason is kept."""
    endpoint = hooks.add(url, ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    message = hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 2)
    assert all(each.error and each.status is None for each in message.deliveries[0].attempts)
    hooks.remove(endpoint.id)


def test_a_name_is_looked_up(hooks: WebhooksControl, receiver: Receiver, api: Api) -> None:
    """`localhost` is found."""
    hooks.add(receiver.url.replace("127.0.0.1", "localhost"), ORDERS)
    hooks.wait_for(order=api.order(mode="sync").json()["id"])


def test_a_certificate_that_nobody_signed(hooks: WebhooksControl, api: Api, tmp_path: Path) -> None:
    """It is told as the reason."""
    with tls_receiver(certificate(tmp_path), b"") as url:
        hooks.add(url, ORDERS)
        order_id = api.order(mode="sync").json()["id"]
        message = hooks.wait_for(order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 2)
    assert "certificate" in str(message.deliveries[0].attempts[0].error).lower()


@pytest.mark.parametrize("never", [hang, drip])
def test_an_answer_has_its_time_and_no_more(
    server: MockServer, receiver: Receiver, api: Api, never: Answer
) -> None:
    """Nothing in time is a failure that has lasted the whole limit; a status in time counts."""
    account = server.account(KEY)
    account.configure(webhook_timeout=1)
    account.webhooks.add(receiver.script("/", never), ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    message = account.webhooks.wait_for(
        order=order_id, until=lambda m: len(m.deliveries[0].attempts) == 1
    )
    (attempt,) = message.deliveries[0].attempts
    if never is hang:
        assert (attempt.status, attempt.error) == (None, "no answer within 1 s")
        retried = message.deliveries[0].next_attempt_at
        assert retried is not None
        assert (retried - attempt.at).total_seconds() == 1
    else:
        assert (attempt.status, attempt.error) == (200, None)
        assert set(attempt.response) <= {"."}


def test_the_limit_passes_by_the_clock_of_the_mock(
    hooks: WebhooksControl, receiver: Receiver, api: Api, clock: ManualClock
) -> None:
    """Fifteen seconds that the clock was moved by are fifteen seconds."""
    hooks.add(receiver.script("/", hang), ORDERS)
    order_id = api.order(mode="sync").json()["id"]
    receiver.take()
    clock.advance(15)
    message = hooks.wait_for(order=order_id)
    assert [a.error for a in message.deliveries[0].attempts] == ["no answer within 15 s", None]


def test_a_hanging_receiver_harms_nobody_else(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """The healthy endpoint gets all while the other has eight in hand and no more."""
    with Receiver() as healthy:
        server.webhooks.add(receiver.script("/", then=hang), ORDERS)
        server.webhooks.add(healthy.url, ORDERS)
        orders = {api.order(mode="sync").json()["id"] for _ in range(40)}
        assert {healthy.take().document["id"] for _ in orders} == orders
        until(lambda: receiver.waiting() == 8)
        assert receiver.most_at_once == 8
        receiver.script("/")
        receiver.release()
        for order_id in orders:
            server.webhooks.wait_for(
                order=order_id, until=lambda m: {d.state for d in m.deliveries} == {"delivered"}
            )
        assert max(receiver.most_at_once, healthy.most_at_once) <= 8


@pytest.mark.parametrize("never", [hang, drip, flood])
def test_a_server_stops_at_once(receiver: Receiver, never: Answer, clock: ManualClock) -> None:
    """Whatever a receiver does and however many wait; nothing is left over."""
    with MockServer(clock=clock, webhook_timeout=LONG) as server:
        server.webhooks.add(receiver.script("/", then=never), ORDERS)
        api = Api(server.url)
        for _ in range(20):
            api.order(mode="sync")
        api.close()
        receiver.take()
        stopping = threading.Thread(target=server.close, daemon=True)
        stopping.start()
        stopping.join(PROMPT)
        assert not stopping.is_alive()


@pytest.mark.parametrize("end", [MockServer.close, lambda server: server.reset()])
def test_what_was_under_way_when_the_server_stopped_is_sent_when_it_starts(
    receiver: Receiver, clock: ManualClock, end: Callable[[MockServer], object]
) -> None:
    """Every message of a server that was closed comes in the end; of one that was reset, none."""
    server = MockServer(clock=clock)
    server.start()
    receiver.script("/", then=hang)
    server.webhooks.add(receiver.url, ORDERS)
    api = Api(server.url)
    orders = {api.order(mode="sync").json()["id"] for _ in range(12)}
    api.close()
    for _ in range(8):
        receiver.take()
    end(server)
    server.close()
    receiver.script("/")
    server.start()
    if end is MockServer.close:
        assert {receiver.take().document["id"] for _ in orders} == orders
        for order_id in orders:
            assert len(server.webhooks.wait_for(order=order_id).deliveries[0].attempts) == 1
    else:
        assert (server.webhooks.messages(), server.webhooks.endpoints) == ([], [])
    server.close()
    assert receiver.waiting() == 0


def test_an_account_can_be_reset_while_its_messages_are_on_their_way(
    server: MockServer, receiver: Receiver, api: Api
) -> None:
    """What hangs is forgotten, its answer changes nothing, and the account begins anew."""
    server.webhooks.add(receiver.script("/", then=hang), ORDERS)
    api.order(mode="sync")
    receiver.take()
    server.account(KEY).reset()
    receiver.script("/")
    receiver.release()
    order_id = api.order(mode="sync").json()["id"]
    server.webhooks.wait_for(order=order_id)
    assert [m.order_id for m in server.webhooks.messages()] == [order_id]
    assert server.webhooks.endpoints[0].failing_since is None
