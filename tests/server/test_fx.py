"""Paying in another currency than that of the product."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from runa_mock_server import MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from runa_mock_server.contract.fx import exchange
from support.answers import refusal
from support.money import (
    CURRENCIES,
    FROM_USD_ONLY,
    MoneyApi,
    multiple,
    offers,
    paid_in,
    single,
)

MISMATCH = (400, "currency_mismatch")


@pytest.fixture(scope="module")
def bank() -> Iterator[MoneyApi]:
    """A caller of a server that all tests here share."""
    with MockServer() as server, closing(MoneyApi(server.url)) as caller:
        yield caller


def item_in(currency: str) -> dict[str, Any]:
    """An item of some product in a currency, at its smallest value."""
    offer = offers()[currency][0]
    return single(offer.code, float(offer.denominations.minimum))


@pytest.mark.parametrize(
    ("payment", "item", "figures"),
    [
        ("GBP", single("1800FL-US", 10), ("8.49", "0.16")),
        ("USD", single("BAW-GB", 10), ("12.23", "0.23")),
    ],
)
def test_worked_example(
    bank: MoneyApi, payment: str, item: dict[str, Any], figures: tuple[str, str]
) -> None:
    """The provider's example, to the cent, in both directions at one rate and symbol."""
    total, fee = figures
    product = "USD" if payment == "GBP" else "GBP"
    order = bank.finished(paid_in(payment, item))
    assert order["payment_method"] == {"type": "ACCOUNT_BALANCE", "currency": payment}
    assert order["currency"] == payment
    assert (order["total_price"], order["total_discount"]) == (total, "0.00")
    assert [(i["face_value"], i["price"], i["currency"]) for i in order["items"]] == [
        ("10.00", "10.00", product)
    ]
    fee_paid = {"value": fee, "currency": payment}
    fx = {"rate": "1.2", "rate_symbol": "GBPUSD", "fee": fee_paid}
    assert order["transaction_detail"] == {product: {"value": "10.00", "fx": fx}}
    basic = bank.get("/v2/order?limit=1").json()["items"][0]
    assert basic == {key: order[key] for key in basic}


@pytest.mark.once
@pytest.mark.parametrize("product", CURRENCIES)
def test_every_pair(bank: MoneyApi, product: str) -> None:
    """Each currency is paid in each other, but for those that only USD or their own buy."""
    item = item_in(product)
    price = Decimal(str(item["face_value"]))
    for payment in CURRENCIES:
        response = bank.order(paid_in(payment, item), mode="sync")
        if product in FROM_USD_ONLY and payment not in {product, "USD"}:
            assert refusal(response) == MISMATCH
            assert product in response.json()["message"]
            assert payment in response.json()["message"]
            continue
        order = response.json()
        assert response.status_code == 200, response.text
        assert order["currency"] == payment
        detail = order["transaction_detail"]
        assert list(detail) == [product]
        assert Decimal(detail[product]["value"]) == price
        if payment == product:
            assert order["payment_method"] == {"type": "ACCOUNT_BALANCE"}
            assert detail[product]["fx"] is None
            assert Decimal(order["total_price"]) == price
        else:
            fx = detail[product]["fx"]
            assert order["payment_method"]["currency"] == fx["fee"]["currency"] == payment
            assert sorted([fx["rate_symbol"][:3], fx["rate_symbol"][3:]]) == sorted(
                [product, payment]
            )
            exchanged = exchange(price, product, payment)
            assert list(fx) == ["rate", "rate_symbol", "fee"]
            assert Decimal(fx["fee"]["value"]) == exchanged.fee
            assert Decimal(order["total_price"]) == exchanged.total > 0


@pytest.mark.parametrize("mode", [None, "async"])
def test_async_orders_are_not_exchanged(bank: MoneyApi, mode: str | None) -> None:
    """Only a synchronous order can be paid in another currency."""
    response = bank.order(paid_in("GBP", single("1800FL-US", 10)), mode=mode)
    assert refusal(response) == MISMATCH


def test_several_items_are_not_exchanged(bank: MoneyApi) -> None:
    """Two items in a foreign currency are a mismatch in async mode and in an estimate."""
    document = paid_in("GBP", single("1800FL-US", 10), single("AMZ-US", 10))
    assert refusal(bank.order(document)) == MISMATCH
    assert refusal(bank.estimate(document)) == MISMATCH
    # A synchronous order of several items is refused for that, whatever pays.
    assert refusal(bank.order(document, mode="sync")) == (400, "invalid_execution_mode")


def test_refused_exchanges_leave_no_order(bank: MoneyApi) -> None:
    """Nothing is stored of an order that its currency refuses."""
    before = bank.get("/v2/order").content
    assert refusal(bank.order(paid_in("EUR", item_in("AED")), mode="sync")) == MISMATCH
    assert bank.get("/v2/order").content == before


def test_a_choice_is_exchanged_too(bank: MoneyApi) -> None:
    """One item is one item, also if its recipient has several products to choose from."""
    order = bank.finished(paid_in("GBP", multiple(100, "AMZ-US", "1800FL-US")))
    assert order["total_price"] == "84.91"  # 83.33 and 1.58


def test_a_product_that_nobody_can_pay() -> None:
    """A catalogue's product in a currency that the service does not know is a mismatch."""
    original = next(p for p in built_in().products if p["code"] == "1800FL-US")
    foreign = {**original, "code": "FOREIGN", "currency": "XTS"}
    with MockServer(catalogue=Catalogue([foreign])) as server:
        caller = MoneyApi(server.url)
        for mode in ("sync", "async"):
            response = caller.order(paid_in("USD", single("FOREIGN", 10)), mode=mode)
            assert refusal(response) == MISMATCH
        assert refusal(caller.estimate(paid_in("USD", single("FOREIGN", 10)))) == MISMATCH
        caller.close()
