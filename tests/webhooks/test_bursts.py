"""Many due messages are taken up step by step, and receivers that hang delay nothing else."""

import socket
import threading
from collections.abc import Iterator

import pytest

from runa_mock_server import MockServer
from runa_mock_server.contract.webhook_events import Event
from support.api import Api
from support.receiver import Receiver

ORDERS: Event = "order.completion"
PRODUCTS: Event = "product.update"
LONG = 3_600  # seconds that a receiver has
PROMPT = 300  # seconds, after which something waits that should not
STEPS = 50


def test_a_burst_is_taken_up_in_steps() -> None:
    """Each step is small, asks for the next, and all together take everything in order once."""
    server = MockServer(clock="manual")
    server_state = server._server_state  # noqa: SLF001 - the sender is nowhere public
    server.webhooks.add("http://127.0.0.1:1/a", PRODUCTS)
    server.webhooks.add("http://127.0.0.1:1/b", PRODUCTS)
    for number in range(500):
        server_state.webhooks.product_changed({"product_code": str(number)})
    wakes: list[None] = []
    server_state.wake = lambda: wakes.append(None)
    taken = [server_state.webhooks.take_due(STEPS)]
    while wakes:
        wakes.clear()
        taken.append(server_state.webhooks.take_due(STEPS))
    assert max(map(len, taken)) <= STEPS
    found = [
        (due.delivery.message.subject, due.delivery.endpoint.url[-1])
        for step in taken
        for due in step
    ]
    assert found == [(str(number), each) for number in range(500) for each in "ab"]


def test_orders_that_end_together_become_messages_in_steps(receiver: Receiver) -> None:
    """Making a message is a step, and so is attempting it; nothing is lost in between."""
    with MockServer(clock="manual") as server:
        server_state = server._server_state  # noqa: SLF001 - as above
        server.webhooks.add(receiver.url, ORDERS)
        wake, server_state.wake = server_state.wake, lambda: None
        api = Api(server.url)
        orders = {api.order().json()["id"] for _ in range(30)}
        api.close()
        server.clock.advance(1)
        for due in server_state.webhooks.take_due(20):
            server_state.webhooks.put_back(due)
        assert 0 < len(server_state.webhooks.messages) <= 20
        server_state.wake = wake
        wake()
        assert {receiver.take().document["id"] for _ in orders} == orders


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a receiver that accepts connections and never shakes hands."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_handshake_that_hangs_delays_no_other_endpoint(receiver: Receiver, silent: str) -> None:
    """Nor the end of the server."""
    with MockServer(clock="manual", webhook_timeout=LONG) as server:
        server.webhooks.add(silent, ORDERS)
        server.webhooks.add(receiver.url, ORDERS)
        api = Api(server.url)
        orders = {api.order(mode="sync").json()["id"] for _ in range(20)}
        api.close()
        assert {receiver.take().document["id"] for _ in orders} == orders
        stopping = threading.Thread(target=server.close, daemon=True)
        stopping.start()
        stopping.join(PROMPT)
        assert not stopping.is_alive()
