"""Answers that the provider recorded or documented fit the schemas and the client."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from runa_client import BadRequestError, RedemptionError, RunaClient, RunaError, item, single
from runa_schemas import iter_errors
from support.recorded import LINK, RECORDED_ITEM, RECORDED_ORDER

if TYPE_CHECKING:
    from client.conftest import ScriptedServer

FX = {"rate": "1.2", "rate_symbol": "GBPUSD", "fee": {"value": "0.16", "currency": "GBP"}}
EXCHANGED = {
    **RECORDED_ORDER,
    "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "GBP"},
    "currency": "GBP",
    "total_price": "8.49",
    "transaction_detail": {"USD": {"value": "10.00", "fx": FX}},
    "metadata": None,
}
NEWEST = {  # without the two fields that the newest documentation has no more
    **RECORDED_ORDER,
    "items": [
        {
            name: value
            for name, value in RECORDED_ITEM.items()
            if name not in {"redemption_url", "discount_multiplier"}
        }
    ],
    "metadata": {"campaign": "spring"},
}
PREPAID = {
    **RECORDED_ORDER,
    "items": [
        {
            **RECORDED_ITEM,
            "products": {"type": "SINGLE", "value": "VISASL-3M-USD", "usage_config": {}},
        }
    ],
}
E_CODE: dict[str, Any] = {
    "type": "code",
    "status": "SUCCESS",
    "amount": "5.00",
    "code": "6006491727003",
    "pin": "012345",
    "barcode_format": "code-128",
    "barcode_string": "6006491727003",
    "expiry_date": "2028-04-30",
    "url": LINK,
    "error_code": None,
    "error_string": None,
}
REDEEMED: dict[str, Any] = {
    "status": "SUCCESS",
    "order_id": "O-VJJLWJPV",
    "error_code": None,
    "error_string": None,
    "error_details": None,
    "e_code": E_CODE,
}
REFUSED = {
    "status": "ERROR",
    "order_id": "O-QRXNZBJV",
    "error_code": "RE004",
    "error_string": "Expired",
    "error_details": None,
}


def estimate(number: type[str | float]) -> dict[str, Any]:
    """An estimate whose amounts are JSON numbers, or strings as in one guide."""
    entry = {
        "products": {"type": "SINGLE", "value": "1800FL-US"},
        "face_value": number("10.00"),
        "price": number("10.00"),
        "discount_multiplier": "0.0000",
        "currency": "USD",
    }
    return {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "GBP"},
        "currency": "GBP",
        "total_price": number("8.49"),
        "total_discount": number("0.00"),
        "items": [entry],
        "transaction_detail": {"USD": {"value": "10.00", "fx": FX}},
    }


@pytest.mark.parametrize("document", [RECORDED_ORDER, EXCHANGED, NEWEST, PREPAID])
def test_orders(client: RunaClient, server: "ScriptedServer", document: dict[str, Any]) -> None:
    """Recorded and documented orders of every age are read."""
    assert list(iter_errors(document, "order")) == []
    server.answer(200, document)
    order = client.get_order(document["id"])
    assert (order.completed, order.urls) == (True, (LINK,))
    assert order.metadata == (document.get("metadata") or {})


@pytest.mark.parametrize("number", [str, float])
def test_estimates(client: RunaClient, server: "ScriptedServer", number: type[str | float]) -> None:
    """Amounts are numbers in the specification and strings in one guide."""
    document = estimate(number)
    assert list(iter_errors(document, "estimate")) == []
    server.answer(200, document)
    found = client.estimate_order([item(10, products=single("1800FL-US"))], currency="GBP")
    assert (found.total_price, found.items[0].price) == (Decimal("8.49"), Decimal(10))


@pytest.mark.parametrize(("text", "currency"), [("10.00", "USD"), ("1000", "JPY")])
def test_balances(client: RunaClient, server: "ScriptedServer", text: str, currency: str) -> None:
    """One guide shows a balance in JPY without decimals."""
    document = {"balance": text, "currency": currency}
    assert list(iter_errors(document, "balance")) == []
    server.answer(200, document)
    assert client.balance(currency).amount == Decimal(text)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pin": None, "barcode_format": None, "barcode_string": None, "expiry_date": "3000-01-01"},
        {"type": "url", "code": LINK, "pin": None, "barcode_format": None, "barcode_string": None},
    ],
)
def test_redemptions(client: RunaClient, server: "ScriptedServer", changes: dict[str, Any]) -> None:
    """A redeemed link has a short order id and always a URL."""
    document = {**REDEEMED, "e_code": E_CODE | changes}
    assert list(iter_errors(document, "redemption")) == []
    server.answer(200, document)
    found = client.redeem(f"{server.url.removesuffix('/v2')}/4c77f610-fda9-4b7f-a06e-0c6feb10f604")
    assert (found.order_id, found.e_code.url) == ("O-VJJLWJPV", LINK)


def test_a_refused_redemption(client: RunaClient, server: "ScriptedServer") -> None:
    """A refusal carries the short order id too."""
    assert list(iter_errors(REFUSED, "redemption")) == []
    server.answer(200, REFUSED)
    with pytest.raises(RedemptionError) as caught:
        client.redeem(f"{server.url.removesuffix('/v2')}/4c77f610-fda9-4b7f-a06e-0c6feb10f604")
    assert (caught.value.code, caught.value.order_id) == ("RE004", "O-QRXNZBJV")


@pytest.mark.parametrize("location", [["body", "payment_method"], ["payment_method"]])
def test_field_errors(client: RunaClient, server: "ScriptedServer", location: list[str]) -> None:
    """Details have the locations of the playground or of production, and no help."""
    detail = {"type": "missing", "message": "Field required", "location": location}
    document = {"type": "validation_error", "message": "Wrong.", "help": None, "details": [detail]}
    assert list(iter_errors(document, "validation_error")) == []
    server.answer(422, document)
    with pytest.raises(RunaError, match="Wrong"):
        client.ping()


def test_errors_without_help(client: RunaClient, server: "ScriptedServer") -> None:
    """Four types of error have null as their help."""
    document = {"type": "product_validation_error", "message": "No such product.", "help": None}
    assert list(iter_errors(document, "error")) == []
    server.answer(400, document)
    with pytest.raises(BadRequestError):
        client.ping()
