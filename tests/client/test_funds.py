"""Estimates and balances: what goes out, and amounts to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runa_client import (
    BadRequestError,
    RetryPolicy,
    RunaClient,
    RunaResponseError,
    ValidationError,
    email,
    item,
    multiple,
    single,
)

if TYPE_CHECKING:
    from client.conftest import Clients, ScriptedServer

ITEMS = [
    item("10.10", products=single("1800FL-US")),
    item(20, products=multiple("A-US", "B-US"), distribution=email("a@example.test")),
]
ESTIMATE = b"""{
    "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "GBP"}, "currency": "GBP",
    "total_price": 8.490, "total_discount": 0,
    "items": [{"products": {"type": "SINGLE", "value": "1800FL-US"}, "face_value": 10.10,
               "price": 9007199254740993.01, "discount_multiplier": "0.0130", "currency": "USD"}],
    "transaction_detail": {"USD": {"value": "10.00",
        "fx": {"rate": "1.2", "rate_symbol": "GBPUSD",
               "fee": {"value": "0.16", "currency": "GBP"}}}}}"""
REFUSED = {"type": "currency_mismatch", "message": "No.", "help": None}
INVALID = {
    "type": "validation_error",
    "message": "Invalid.",
    "help": None,
    "details": [{"type": "missing", "message": "Field required", "location": ["body", "items"]}],
}


def _sent(server: ScriptedServer) -> Any:
    return json.loads(server.received[-1].body, parse_float=Decimal)


def test_the_items_of_an_order_are_estimated(client: RunaClient, server: ScriptedServer) -> None:
    """An estimate has the path, the exact amounts and what bears on the cost, and no key."""
    server.answer(200, ESTIMATE)

    estimate = client.estimate_order(ITEMS, currency="GBP")

    [sent] = server.received
    assert (sent.method, sent.target) == ("POST", "/v2/order/estimate")
    assert sent.headers["content-type"] == "application/json"
    assert not {"x-idempotency-key", "x-execution-mode"} & sent.headers.keys()
    assert _sent(server) == {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "GBP"},
        "items": [
            {"face_value": Decimal("10.10"), "products": single("1800FL-US")},
            {"face_value": 20, "products": multiple("A-US", "B-US")},
        ],
    }
    assert (estimate.currency, str(estimate.total_price)) == ("GBP", "8.490")
    assert estimate.total_discount == 0
    [line] = estimate.items
    assert str(line.face_value) == "10.10"
    assert str(line.price) == "9007199254740993.01"
    assert (line.discount_multiplier, line.currency) == (Decimal("0.0130"), "USD")
    assert estimate.raw["transaction_detail"]["USD"]["fx"]["fee"]["value"] == "0.16"


def test_a_whole_order_is_estimated_as_it_would_be_placed(
    client: RunaClient, server: ScriptedServer
) -> None:
    """The body of an order serves for its estimate too, and is left as it was."""
    server.answer(200, ESTIMATE)
    order = {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "EUR"},
        "items": ITEMS,
        "description": "thanks",
        "metadata": {"a": "b"},
    }

    client.estimate_order(order)

    assert _sent(server).keys() == {"payment_method", "items"}
    assert [line.keys() for line in _sent(server)["items"]] == [{"face_value", "products"}] * 2
    assert "distribution_method" in ITEMS[0]
    assert order.keys() == {"payment_method", "items", "description", "metadata"}


def test_the_payment_of_an_estimate(client: RunaClient, server: ScriptedServer) -> None:
    """USD unless a currency or a whole payment method is given."""
    whole = {"type": "ACCOUNT_BALANCE", "currency": "CAD"}
    for _ in range(2):
        server.answer(200, ESTIMATE)

    client.estimate_order(line for line in ITEMS)
    assert _sent(server)["payment_method"] == {"type": "ACCOUNT_BALANCE", "currency": "USD"}
    client.estimate_order(ITEMS, payment_method=whole)
    assert _sent(server)["payment_method"] == whole


def test_estimates_that_cannot_be_meant_are_refused(
    client: RunaClient, server: ScriptedServer
) -> None:
    """Contradictions and options of an order are errors, before anything is sent."""
    with pytest.raises(TypeError, match="exclude each other"):
        client.estimate_order(ITEMS, currency="USD", payment_method={})
    with pytest.raises(TypeError, match="not also currency"):
        client.estimate_order({"items": ITEMS}, currency="USD")
    with pytest.raises(TypeError, match="estimate_order: unknown description"):
        client.estimate_order(ITEMS, description="x")  # type: ignore[call-arg]  # wrong on purpose
    assert server.received == []


def test_nonsense_is_left_to_the_service(client: RunaClient, server: ScriptedServer) -> None:
    """What has no items to look into goes out as given, and its 422 comes back."""
    server.answer(422, INVALID)
    server.answer(422, INVALID)

    for nonsense in ({"items": None}, {"items": [None, 7]}):
        with pytest.raises(ValidationError) as caught:
            client.estimate_order(nonsense)
        assert _sent(server) == nonsense
        assert caught.value.details[0].location == ("body", "items")


def test_an_estimate_is_sent_again_after_passing_failures(
    client: RunaClient, server: ScriptedServer
) -> None:
    """It stores nothing, so it is repeated as it is; a refusal is final."""
    server.reset()
    server.answer(503, b"")
    server.answer(200, ESTIMATE)
    client.estimate_order(ITEMS)
    assert [server.received[0]] * 3 == server.received

    server.clear()
    server.answer(400, REFUSED)
    with pytest.raises(BadRequestError) as caught:
        client.estimate_order(ITEMS)
    assert (caught.value.type, caught.value.attempts) == ("currency_mismatch", 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amount=st.decimals(min_value=0, max_value=10**12, places=2), as_number=st.booleans())
def test_amounts_keep_every_digit(
    client: RunaClient,
    server: ScriptedServer,
    amount: Decimal,
    as_number: bool,
) -> None:
    """Whatever the amount, and whether a number or a string, it is read exactly."""
    written = f"{amount}" if as_number else f'"{amount}"'
    server.answer(200, f'{{"total_price": {written}}}'.encode())
    assert str(client.estimate_order(ITEMS).total_price) == str(amount)

    server.answer(200, f'{{"currency": "USD", "balance": {written}}}'.encode())
    assert str(client.balance("USD").amount) == str(amount)


def test_balances_are_read(client: RunaClient, server: ScriptedServer) -> None:
    """All balances, or the one of a currency."""
    server.answer(200, [{"balance": "10.00", "currency": "USD"}, {"balance": "1", "currency": "X"}])
    server.answer(200, [])
    server.answer(200, {"balance": "0.00", "currency": "GBP"})

    held = client.balances()
    assert [(one.currency, one.amount) for one in held] == [
        ("USD", Decimal(10)),
        ("X", Decimal(1)),
    ]
    assert client.balances() == ()
    assert client.balance("GBP").amount == Decimal("0.00")
    assert [request.target for request in server.received] == [
        "/v2/balance",
        "/v2/balance",
        "/v2/balance?currency=GBP",
    ]


def test_answers_of_another_form_are_told(make_client: Clients, server: ScriptedServer) -> None:
    """An answer that is none names the field at fault."""
    client = make_client(retry=RetryPolicy(attempts=1))
    server.answer(200, {"balance": "1.00"})
    with pytest.raises(RunaResponseError, match="currency is missing"):
        client.balance("USD")
    server.answer(200, {"balance": "1.00", "currency": "USD"})
    with pytest.raises(RunaResponseError, match="no list"):
        client.balances()
    server.answer(200, {"currency": "USD"})
    with pytest.raises(RunaResponseError, match="total_price is missing"):
        client.estimate_order(ITEMS)
