"""Whatever makes a message due wakes the sender, at any time in an order's life."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ControlRefusedError, ManualClock, MockServer
from runa_mock_server.base.clock import SECOND, Clock
from runa_mock_server.contract.webhook_events import Event
from support.api import KEY, Api
from support.receiver import Receiver

ORDERS: Event = "order.completion"
URL = "http://127.0.0.1:1/"
FASTEST = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RETRY = 50_000  # seconds of the clock
SLACK = 5_000  # seconds of the clock: a minute of an example at the speed that one runs with


@pytest.mark.parametrize("own", [True, False])
def test_an_endpoint_added_while_an_order_is_processing_gets_its_message(
    receiver: Receiver, own: bool
) -> None:
    """Nothing else happens on the server, and the messages are not listed."""
    with MockServer(clock="manual") as server:
        server.clock.run(speed=FASTEST)
        hooks = server.account(KEY).webhooks if own else server.webhooks
        api = Api(server.url)
        seconds, status, order_id = FASTEST, "", ""
        while status != "PROCESSING":  # after the endpoint was added
            order_id = api.order(X_Mock_Processing=f"seconds:{seconds}").json()["id"]
            hooks.add(receiver.url, ORDERS)
            status = api.read(order_id)["status"]
            seconds *= 2
        api.close()
        while receiver.take().document["id"] != order_id:
            """An earlier order that ended while the endpoint was added."""


class Alarm:
    """Stands in for the sender: knows when it would look for due messages next."""

    def __init__(self, server: MockServer) -> None:
        self._server_state = server._server_state  # noqa: SLF001 - the sender is nowhere public
        self._is_woken = False
        self._next_look = inf
        self._server_state.wake = self._wake

    def _wake(self) -> None:
        self._is_woken = True

    def check(self) -> None:
        """Look for due messages if woken; if not, nothing is due before the next look."""
        if self._is_woken:
            for due in self._server_state.webhooks.take_due(1_000):
                due.delivery.due = due.due + RETRY * SECOND
                self._server_state.webhooks.schedule(due.delivery)
            self._next_look = self._seconds()
            self._is_woken = False
        assert self._seconds() >= self._next_look - SLACK

    def _seconds(self) -> float:
        found = self._server_state.webhooks.seconds_until_due()
        return inf if found is None else found


def changes(server: MockServer, api: Api) -> dict[str, Callable[[], object]]:
    """What can make a message due, or due earlier than it was."""
    account, hooks = server.account(KEY), server.webhooks

    def newest_open() -> str:
        return next((order.id for order in server.orders.list("PROCESSING")), "O-none")

    def resend() -> None:
        for message in hooks.messages(limit=1):
            hooks.resend(message.id)

    def each(call: Callable[[str], object]) -> None:
        for endpoint in hooks.endpoints:
            call(endpoint.id)

    return {
        "order": lambda: api.order(X_Mock_Processing="seconds:20000"),
        "sync order": lambda: api.order(mode="sync"),
        "held order": lambda: api.order(X_Mock_Processing="never"),
        "counted order": lambda: api.order(X_Mock_Processing="reads:0"),
        "read": lambda: api.get(f"/v2/order/{newest_open()}"),
        "add": lambda: hooks.add(URL, ORDERS),
        "add to account": lambda: account.webhooks.add(URL, ORDERS),
        "settings": lambda: server.configure(webhook_retries=[1.0], processing_delay=2.0),
        "import": lambda: account.import_state(account.export_state()),
        "reset account": account.reset,
        "advance": lambda: server.clock.advance(30_000),
        "advance account": lambda: account.clock.advance(30_000),
        "run": lambda: server.clock.run(speed=60),
        "run account": lambda: account.clock.run(speed=60),
        "freeze": server.clock.freeze,
        "complete": lambda: server.orders.complete(newest_open()),
        "fail": lambda: server.orders.fail(newest_open()),
        "hold": lambda: server.orders.hold(newest_open()),
        "resend": resend,
        "list": hooks.messages,
        "disable": lambda: each(hooks.disable),
        "enable": lambda: each(hooks.enable),
        "recover": lambda: each(lambda id_: hooks.recover(id_, EPOCH)),
        "product": lambda: server.products.change("1800FL-US", is_orderable=False),
    }


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[MockServer, Api]]:
    """One server for all examples, whose clock runs but stands at the same time."""
    with MockServer(clock=Clock(computer=ManualClock().now)) as server:
        api = Api(server.url)
        yield server, api
        api.close()


@given(data=st.data())
def test_nothing_becomes_due_earlier_without_waking_the_sender(
    shared: tuple[MockServer, Api], data: st.DataObject
) -> None:
    """Whatever is called, in whatever order."""
    server, api = shared
    server.reset()
    alarm = Alarm(server)
    calls = changes(server, api)
    names = st.lists(st.sampled_from(sorted(calls)), min_size=5, max_size=25)
    for name in ["order", "add", *data.draw(names)]:
        with suppress(ControlRefusedError):
            calls[name]()
        alarm.check()
