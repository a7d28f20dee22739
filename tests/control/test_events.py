"""The stream of what changes: who hears what, how many may listen, and how it ends."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

import pytest

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.control.changes import PARTS
from runa_mock_server.web import events
from support.api import KEY, Api
from support.control import ControlCaller
from support.events import Listener, listening
from support.receiver import Receiver, hang
from support.waiting import until


@contextmanager
def _several(url: str, number: int) -> Iterator[list[Listener]]:
    with ExitStack() as stack:
        yield [stack.enter_context(listening(url)) for _ in range(number)]


def test_a_listener_first_hears_of_everything(server: MockServer) -> None:
    """So that whoever comes late, or again, reads all of it; nothing may keep the answer."""
    with listening(server.url) as listener:
        assert listener.response.status == 200
        assert listener.response.headers["Content-Type"] == "text/event-stream"
        assert listener.response.headers["Cache-Control"] == "no-store"
        assert listener.changed() == set(PARTS)


def test_an_order_is_heard_of_by_all(server: MockServer, api: Api) -> None:
    """Requests, orders and accounts have changed; settings have not."""
    with _several(server.url, 5) as listeners:
        for listener in listeners:
            listener.changed()
        api.order()
        for listener in listeners:
            heard = listener.changed()
            assert {"requests", "orders", "accounts"} <= heard
            assert "settings" not in heard


def test_what_is_done_by_hand_is_heard_of(server: MockServer, clock: ManualClock, api: Api) -> None:
    """A clock, even the caller's own; a fault that is armed, and that strikes; a reset."""
    with listening(server.url) as listener:
        listener.changed()
        clock.advance(1)
        assert listener.changed() >= {"clock", "orders", "emails"}
        server.faults.arm("rate_limit", path="/v2/ping")
        listener.until("faults", "settings")
        assert api.get("/v2/ping").status_code == 429
        listener.until("faults", "requests")
        server.reset()
        listener.until(*PARTS)
        api.order()
        listener.until("orders")


def test_a_webhook_is_heard_of_when_it_is_made_and_when_it_was_attempted(
    server: MockServer, api: Api
) -> None:
    """Twice, though nobody calls the control API: the receiver answers late."""
    with Receiver() as receiver:
        server.webhooks.add(receiver.script("/hook", hang), "order.completion")
        with listening(server.url) as listener:
            listener.changed()
            api.order(X_Mock_Processing="at-once")
            listener.until("webhooks", "orders")
            receiver.take("/hook")
            receiver.release()
            listener.until("webhooks")
    (message,) = server.webhooks.messages()
    assert message.deliveries[0].attempts


def test_silence_is_broken_by_comments(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a connection that died is found, and proxies leave it open."""
    monkeypatch.setattr(events, "HEARTBEAT", 0.01)
    with listening(server.url) as listener:
        listener.changed()
        assert listener.line().startswith(": ")
        assert listener.line().startswith(": ")


def test_so_many_may_listen_and_no_more(server: MockServer, whole: ControlCaller) -> None:
    """The next one is refused; when one has gone there is room again, at once."""

    def is_refused() -> bool:
        with listening(server.url) as listener:
            return listener.response.status == 503

    with _several(server.url, events.MOST_STREAMS - 1):
        with listening(server.url):
            refused = whole.call("GET", "/events")
            assert (refused.status_code, refused.json()["type"]) == (503, "too_many_streams")
        until(lambda: not is_refused())


def test_a_stop_ends_the_streams(clock: ManualClock) -> None:
    """Each ends as a whole answer ends, and its thread with it."""
    with MockServer(clock=clock) as server, _several(server.url, 3) as listeners:
        for listener in listeners:
            listener.changed()
        stopping = Thread(target=server.close)
        stopping.start()
        assert [listener.line() for listener in listeners] == ["", "", ""]
        stopping.join()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-Mock-Token": "wrong"}, 401),
        ({"X-Mock-Token": "t"}, 200),
        ({"X-Mock-Token": "t", "Origin": "https://evil.example"}, 403),
        ({"X-Mock-Token": "t", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Mock-Token": "t", "Host": "evil.example"}, 403),
    ],
    ids=str,
)
def test_it_is_behind_the_gate(headers: dict[str, str], status: int) -> None:
    """Token, origin and host are asked for as of every call."""
    with MockServer(control_token="t") as server, listening(server.url, **headers) as listener:  # noqa: S106 - of this test
        assert listener.response.status == status


def test_it_goes_with_the_control_api(whole: ControlCaller) -> None:
    """Off with ``control``; and there is nothing to be sent to it."""
    with MockServer(control=False) as server, listening(server.url) as listener:
        assert listener.response.status == 404
    assert whole.call("POST", "/events", headers={"X-Api-Key": KEY}).status_code == 404
