"""Both clients against the server: the guide's flow, long lists, waiting, replays, every error."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from functools import partial

import pytest

from runa_client import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    IdempotencyConflictError,
    IdempotencyInProgressError,
    NotFoundError,
    Order,
    OrderFailedError,
    OrderTimeoutError,
    RateLimitError,
    RetryPolicy,
    RunaApiError,
    RunaClient,
    RunaConnectionError,
    ServerError,
    ValidationError,
    email,
    item,
    multiple,
    recipient,
    single,
    template,
)
from runa_mock_server import ManualClock, MockServer
from runa_schemas import ERRORS
from runa_schemas.strategies import PRODUCT_TEMPLATES
from support.api import Api
from support.clients import make_client

ONE = [item(10, products=single("1800FL-US"))]
Clients = Callable[..., RunaClient]


@pytest.fixture(params=["sync", "async"])
def clients(
    request: pytest.FixtureRequest, server: MockServer, clock: ManualClock
) -> Iterator[Clients]:
    """Makes clients of one kind after the other."""
    with ExitStack() as stack:
        yield partial(make_client, request.param, server, clock, stack)


@pytest.fixture
def client(clients: Clients) -> RunaClient:
    """A client with the usual settings."""
    return clients()


def test_first_order_of_the_guide(client: RunaClient) -> None:
    """Two payout links by template: PROCESSING first, after a second COMPLETED with both links."""
    statuses: list[str] = []
    two = [item(value, products=template(PRODUCT_TEMPLATES["USD"])) for value in (10, "20.00")]

    assert client.ping() == "pong"
    receipt = client.create_order(two, currency="USD", description="guide", metadata={"a": "b"})
    assert receipt.raw == {"id": receipt.id, "status": "PROCESSING"}
    order = client.wait_for_order(receipt, on_progress=lambda seen: statuses.append(seen.status))

    assert set(statuses[:-1]) == {"PROCESSING"}
    assert statuses[-1] == order.status == "COMPLETED"
    assert [line.face_value for line in order.items] == [Decimal(10), Decimal(20)]
    assert len(set(order.urls)) == 2
    assert order.total_price == Decimal("30.00")
    assert (order.description, order.metadata) == ("guide", {"a": "b"})
    assert order == client.get_order(receipt.id)


def test_every_builder_is_understood(client: RunaClient) -> None:
    """What the builders make is what the server reads, to the last digit of an amount."""
    gifts = [
        item("10.10", products=single("1800FL-US"), distribution=email("a@example.test")),
        item(50, products=multiple("1800FL-US", "AMZ-US")),
        item(0.1 + 10, products=single("1800FL-US")),
    ]
    order = client.wait_for_order(client.create_order(gifts))
    assert [str(line.price) for line in order.items] == ["10.10", "50.00", "10.10"]

    paid = recipient("user-1", email_address="a@example.test")
    with pytest.raises(BadRequestError) as caught:
        client.create_order([item(10, products=single("1800FL-US"), distribution=paid)])
    assert caught.value.type == "product_validation_error"


def test_synchronous_order(client: RunaClient) -> None:
    """A sync order comes back whole, and waiting for it asks nothing more."""
    receipt = client.create_order(ONE, execution_mode="sync")
    assert (receipt.status, len(receipt.order.urls)) == ("COMPLETED", 1)
    assert client.wait_for_order(receipt) is receipt.order
    assert receipt.order == client.get_order(receipt.id)


def test_all_orders_are_met_once(client: RunaClient, api: Api, clock: ManualClock) -> None:
    """Going through 250 orders meets each once, newest first, whatever the size of a page."""
    placed = [api.order().json()["id"] for _ in range(250)]
    clock.advance(1)
    for page_size in (100, 125, 500):
        met = list(client.iter_orders(page_size=page_size))
        assert [order.id for order in met] == placed[::-1]
        assert {order.status for order in met} == {"COMPLETED"}

    page = client.list_orders(limit=10, after=placed[20])
    assert [order.id for order in page.items] == placed[19:9:-1]
    back = client.list_orders(limit=10, before=page.before)
    assert [order.id for order in back.items] == placed[29:19:-1]


def test_waiting_takes_as_long_as_processing(client: RunaClient, clock: ManualClock) -> None:
    """The client sees the end within one pause after the second that processing takes."""
    receipt = client.create_order(ONE)
    placed_at = clock.now()
    client.wait_for_order(receipt.id)
    assert 1_000_000 <= clock.now() - placed_at <= 2_000_000


def test_waiting_ends_at_the_deadline(client: RunaClient, clock: ManualClock) -> None:
    """A wait shorter than processing ends with the order as last seen, and can be taken up."""
    receipt = client.create_order(ONE)
    placed_at = clock.now()
    with pytest.raises(OrderTimeoutError) as caught:
        client.wait_for_order(receipt, timeout=0.5)
    assert clock.now() - placed_at == 500_000
    assert isinstance(caught.value.order, Order)
    assert caught.value.order.status == "PROCESSING"
    assert client.wait_for_order(receipt).completed


def test_failed_order(client: RunaClient) -> None:
    """An order that fails is a result, or an exception for those who ask for one."""
    receipt = client.create_order(ONE, trigger_error="order_failed")
    assert client.wait_for_order(receipt).failed
    with pytest.raises(OrderFailedError):
        client.wait_for_order(receipt, raise_on_failure=True)


def test_replay(client: RunaClient, clock: ManualClock) -> None:
    """The same key gets the same receipt for 30 days, and then a new order."""
    first = client.create_order(ONE, idempotency_key="monthly")
    assert client.wait_for_order(first).completed
    assert client.create_order(ONE, idempotency_key="monthly") == first
    assert len(list(client.iter_orders())) == 1

    clock.advance(30 * 24 * 60 * 60)
    assert client.create_order(ONE, idempotency_key="monthly").id != first.id
    assert len(list(client.iter_orders())) == 2


def test_conflict(client: RunaClient) -> None:
    """The same key with another order is refused, for good."""
    client.create_order(ONE, idempotency_key="mine")
    with pytest.raises(IdempotencyConflictError) as caught:
        client.create_order([*ONE, *ONE], idempotency_key="mine")
    assert caught.value.idempotency_key == "mine"
    assert not caught.value.safe_to_retry
    assert caught.value.attempts == 1


def test_field_errors(client: RunaClient) -> None:
    """A 422 arrives with each field at fault."""
    with pytest.raises(ValidationError) as caught:
        client.create_order([item(0, products={"type": "SINGLE"})], currency="EURO")
    assert {detail.location for detail in caught.value.details} == {
        ("body", "payment_method", "currency"),
        ("body", "items", "0", "face_value"),
        ("body", "items", "0", "products", "SINGLE", "value"),
    }


CLASSES = {
    "idempotency_validation_error": IdempotencyConflictError,
    "idempotency_in_progress": IdempotencyInProgressError,
    "validation_error": ValidationError,
}
BY_STATUS = {
    400: BadRequestError,
    401: AuthenticationError,
    403: AccessDeniedError,
    404: NotFoundError,
    410: RunaApiError,
    500: ServerError,
    504: ServerError,
}


@pytest.mark.parametrize(
    "type_", [name for name, error in ERRORS.items() if error.source != "inferred"]
)
def test_every_error_type_has_its_class(clients: Clients, type_: str) -> None:
    """Each error that the provider documents is raised as its class, with what was said."""
    client = clients(retry=RetryPolicy(attempts=2))
    with pytest.raises(RunaApiError) as caught:
        client.create_order(ONE, trigger_error=type_)
    error = caught.value
    assert type(error) is CLASSES.get(type_, BY_STATUS.get(ERRORS[type_].status))
    assert (error.type, error.status) == (type_, ERRORS[type_].status)
    assert error.help == ERRORS[type_].help
    assert error.attempts == (2 if error.safe_to_retry else 1)
    assert list(client.iter_orders()) == []


def test_unknown_order(client: RunaClient) -> None:
    """An order that the account does not have is not found."""
    with pytest.raises(NotFoundError):
        client.get_order("O-01J6Y3JRYWCTNDRHP35302NZ30")


def test_key_that_is_not_accepted(clients: Clients) -> None:
    """A production key is refused by the playground."""
    with pytest.raises(AccessDeniedError):
        clients(api_key="wg-me.secret").ping()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_rate_limit_is_waited_for(kind: str, clock: ManualClock) -> None:
    """Over the limit the client waits, and the order is placed once the minute is over."""
    with MockServer(clock=clock, rate_limit=2) as server, ExitStack() as stack:
        patient = make_client(kind, server, clock, stack, retry=RetryPolicy(attempts=20))
        hasty = make_client(kind, server, clock, stack, retry=RetryPolicy(attempts=1))
        started = clock.now()
        placed = [patient.create_order(ONE).id for _ in range(3)]
        assert clock.now() - started >= 5_000_000
        assert [order.id for order in patient.iter_orders()] == placed[::-1]
        hasty.create_order(ONE)
        with pytest.raises(RateLimitError) as caught:
            hasty.create_order(ONE)
        assert caught.value.status == 429


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_server_that_is_gone(kind: str, clock: ManualClock) -> None:
    """A stopped server is a connection error that names the key to go on with."""
    with ExitStack() as stack:
        with MockServer(clock=clock) as server:
            client = make_client(kind, server, clock, stack)
            assert client.ping() == "pong"
        with pytest.raises(RunaConnectionError) as caught:
            client.create_order(ONE, idempotency_key="mine")
    assert caught.value.safe_to_retry
    assert caught.value.idempotency_key == "mine"
