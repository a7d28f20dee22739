"""`runa-mock trigger`, asked of a running server."""

import pytest
from click.testing import Result

from runa_client import RunaClient, RunaConnectionError, item, single
from runa_mock_server import MockServer
from runa_schemas.strategies import FAULT_PLACES
from support.command import run
from support.receiver import Receiver, status

KEY = "XX-trigger.mock"


@pytest.fixture
def server() -> MockServer:
    """A server that completes orders at once."""
    return MockServer(processing="at-once")


def trigger(server: MockServer, *arguments: str) -> Result:
    """What `runa-mock trigger` does."""
    return run("trigger", *arguments, "--url", server.url)


def test_an_order_completes_and_its_link_is_shown(server: MockServer) -> None:
    """The order is there, once, and the link opens it."""
    with server:
        done = trigger(server, "order")
        assert done.exit_code == 0, done.output
        (order,) = server.account(KEY).orders
        assert order.id in done.output
        assert "COMPLETED" in done.output
        assert "/payout/" in done.output


def test_an_order_can_fail_or_be_refused(server: MockServer) -> None:
    """One ends FAILED, the other is refused with the error that was asked for."""
    with server:
        failed = trigger(server, "order.failed")
        refused = trigger(server, "order.refused", "--error", "ordering_restricted")
    assert (failed.exit_code, "FAILED" in failed.output) == (0, True)
    assert (refused.exit_code, "ordering_restricted" in refused.output) == (0, True)


def test_a_webhook_is_delivered_where_it_is_wanted(server: MockServer) -> None:
    """An endpoint for this time gets the event, and its secret is shown."""
    with server, Receiver() as handler:
        done = trigger(server, "order.completion", "--to", handler.script("/hook"))
        assert done.exit_code == 0, done.output
        assert b"COMPLETED" in handler.take("/hook").body
        assert "whsec_" in done.output
        assert server.account(KEY).webhooks.endpoints == []
        broken = handler.script("/broken", then=status(500))
        refused = trigger(server, "order.completion", "--to", broken)
    assert refused.exit_code == 1
    assert "no endpoint accepted" in refused.output


def test_a_webhook_without_an_endpoint_says_what_to_give(server: MockServer) -> None:
    """Nothing waits: exit 2, naming the option."""
    with server:
        done = trigger(server, "order.completion")
    assert (done.exit_code, "--to" in done.output) == (2, True)


def test_a_product_goes_off_sale_and_returns(server: MockServer) -> None:
    """Two events are sent, and the product is as it was."""
    with server, Receiver() as handler:
        server.webhooks.add(handler.script("/products"), "product.update")
        done = trigger(server, "product.update", "--product", "BAW-GB")
        assert done.exit_code == 0, done.output
        states = [handler.take("/products").document["new_state"] for _ in range(2)]
        assert {state["is_orderable"] for state in states} == {True, False}
        assert server.products.get("BAW-GB").product["is_orderable"] is True
        unknown = trigger(server, "product.update", "--product", "NONE")
    assert (unknown.exit_code, "NONE" in unknown.output) == (2, True)


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_fault_hits_the_next_request(server: MockServer, kind: str) -> None:
    """The next request of the API key fails, and the one after it does not."""
    entry = item(10, products=single("AMZ-US"))
    with server, RunaClient(server.base_url, KEY, retry=0) as client:
        assert trigger(server, "fault", "--kind", kind).exit_code == 0
        with pytest.raises(RunaConnectionError):
            client.create_order([entry], currency="USD")
        client.create_order([entry], currency="USD")


def test_a_place_that_a_kind_cannot_have_is_refused(server: MockServer) -> None:
    """The places that it can have are named."""
    with server:
        done = trigger(server, "fault", "--kind", "slow", "--place", "before")
    assert done.exit_code == 2
    assert all(place in done.output for place in FAULT_PLACES["slow"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nothing",), "order.completion"),
        ((), "EVENT"),
        (("order", "--url", "http://127.0.0.1:9"), "no mock server answers"),
        (("order", "--url", "127.0.0.1"), "no mock server answers"),
        (("order", "--timeout", "0"), "--timeout"),
    ],
)
def test_nonsense_is_one_line(arguments: tuple[str, ...], named: str) -> None:
    """Wrong usage is exit 2 and names what is wrong, without a traceback."""
    done = run("trigger", *arguments)
    assert done.exit_code == 2
    assert named in done.output
    assert "Traceback" not in done.output
