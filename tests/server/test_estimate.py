"""What an order would cost, and that it then does."""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from support.answers import order_ids, refusal
from support.api import KEY
from support.money import (
    CURRENCIES,
    FROM_USD_ONLY,
    PRODUCTION_KEY,
    MoneyApi,
    baskets,
    exact,
    multiple,
    paid_in,
    single,
)

AMOUNTS = ("total_price", "total_discount")
RICH = dict.fromkeys(CURRENCIES, "1000000000000000")
_numbers = count()

TWO = paid_in("USD", single("1800FL-US", 10), multiple(20, "AMZ-US", "1800FL-US"))


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    return ManualClock()


@pytest.fixture(scope="module", params=["playground", "production"])
def bank(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[MoneyApi]:
    """A rich caller in each environment."""
    key = KEY if request.param == "playground" else PRODUCTION_KEY
    with MockServer(clock=clock, profile=request.param, balances=RICH) as server:
        caller = MoneyApi(server.url, key)
        yield caller
        caller.close()


@pytest.fixture(scope="module")
def shop() -> Iterator[MoneyApi]:
    """A caller in production, where discounts show."""
    with MockServer(profile="production") as server:
        caller = MoneyApi(server.url, PRODUCTION_KEY)
        yield caller
        caller.close()


def cost_of(document: dict[str, Any]) -> dict[str, Any]:
    """What an order document and an estimate both say, amounts as text."""
    told = ("products", "face_value", "price", "discount_multiplier", "currency")
    return {
        "payment_method": document["payment_method"],
        "currency": document["currency"],
        **{name: str(document[name]) for name in AMOUNTS},
        "items": [{name: str(item[name]) for name in told} for item in document["items"]],
        "transaction_detail": document["transaction_detail"],
    }


@given(basket=baskets(max_items=6))
def test_an_estimate_is_what_the_order_then_costs(
    bank: MoneyApi, clock: ManualClock, basket: tuple[str, list[dict[str, Any]]]
) -> None:
    """Several items in their own currency: the figures of the estimate are those of the order."""
    currency, items = basket
    document = paid_in(currency, *items)
    estimated = bank.estimate(document)
    assert estimated.status_code == 200, estimated.text
    accepted = bank.order(document)
    assert accepted.status_code == 202, accepted.text
    clock.advance(1)
    order = bank.read(accepted.json()["id"])
    assert cost_of(exact(estimated)) == cost_of(order)


@given(basket=baskets(max_items=1), payment=st.sampled_from(CURRENCIES))
def test_an_exchange_costs_what_was_estimated(
    bank: MoneyApi, basket: tuple[str, list[dict[str, Any]]], payment: str
) -> None:
    """A single item paid in any currency: the figures agree, and so does a refusal."""
    currency, items = basket
    document = paid_in(payment, *items)
    estimated, ordered = bank.estimate(document), bank.order(document, mode="sync")
    if currency in FROM_USD_ONLY and payment not in {currency, "USD"}:
        assert refusal(estimated) == refusal(ordered) == (400, "currency_mismatch")
        assert estimated.content == ordered.content
    else:
        assert cost_of(exact(estimated)) == cost_of(ordered.json())


def test_the_shape(shop: MoneyApi) -> None:
    """Amounts are JSON numbers with two decimals, multipliers strings, a choice has none."""
    response = shop.estimate(TWO)
    assert response.json() == {
        "payment_method": {"type": "ACCOUNT_BALANCE"},
        "currency": "USD",
        "total_price": 29.87,
        "total_discount": 0.13,
        "items": [
            {
                "products": {"type": "SINGLE", "value": "1800FL-US"},
                "face_value": 10,
                "price": 9.87,
                "discount_multiplier": "0.0130",
                "currency": "USD",
            },
            {
                "products": {"type": "MULTIPLE", "values": ["AMZ-US", "1800FL-US"]},
                "face_value": 20,
                "price": 20,
                "discount_multiplier": "0.0",
                "currency": "USD",
            },
        ],
        "transaction_detail": {"USD": {"value": "29.87", "fx": None}},
    }
    assert list(response.json()) == [
        *("payment_method", "currency", *AMOUNTS, "items", "transaction_detail")
    ]
    assert b'"total_price":29.87,"total_discount":0.13,' in response.content


def test_the_worked_example_of_an_exchange(shop: MoneyApi) -> None:
    """USD 10 less the discount, from GBP: the rate, the fee and the paying currency are told."""
    estimate = exact(shop.estimate(paid_in("GBP", single("1800FL-US", 10))))
    assert estimate["payment_method"] == {"type": "ACCOUNT_BALANCE", "currency": "GBP"}
    fx = estimate["transaction_detail"]["USD"]["fx"]
    fee = {"value": "0.16", "currency": "GBP"}  # of GBP 8.23, which is USD 9.87
    assert fx == {"rate": "1.2", "rate_symbol": "GBPUSD", "fee": fee}
    assert [str(estimate[name]) for name in AMOUNTS] == ["8.39", "0.11"]


@pytest.mark.parametrize("size", [1, 2, 201, 500])
def test_up_to_500_items(bank: MoneyApi, size: int) -> None:
    """An estimate takes more items than an order does."""
    document = paid_in("USD", *[single("1800FL-US", "10.005")] * size)
    estimate = exact(bank.estimate(document))
    assert len(estimate["items"]) == size
    assert estimate["total_price"] + estimate["total_discount"] == size * Decimal("10.01")


@pytest.mark.parametrize("size", [0, 501])
def test_no_item_and_501_are_refused(bank: MoneyApi, size: int) -> None:
    """The number of items is a matter of the body."""
    response = bank.estimate(paid_in("USD", *[single("1800FL-US", 10)] * size))
    assert refusal(response) == (422, "validation_error")
    (detail,) = response.json()["details"]
    assert detail["location"][-1] == "items"


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "unknown product": (paid_in("USD", single("NOBODY", 10)), "product_validation_error"),
    "not orderable": (paid_in("GBP", single("EXBANK-GB", 10)), "product_validation_error"),
    "too little": (paid_in("USD", single("1800FL-US", "9.999")), "product_validation_error"),
    "too much": (paid_in("USD", single("1800FL-US", "100.001")), "product_validation_error"),
    "not in the list": (paid_in("GBP", single("BAW-GB", 15)), "product_validation_error"),
    "not the plan's price": (
        paid_in("USD", single("EXSTRM-US-1M", 15)),
        "product_validation_error",
    ),
    "the product, not its plan": (
        paid_in("USD", single("EXSTRM-US", "15.99")),
        "product_validation_error",
    ),
    "a choice with cents": (
        paid_in("USD", {**multiple(20, "AMZ-US", "1800FL-US"), "face_value": 20.5}),
        "product_validation_error",
    ),
    "two currencies": (
        paid_in("USD", single("1800FL-US", 10), single("BAW-GB", 10)),
        "product_validation_error",
    ),
    "other balance": (
        paid_in("GBP", single("1800FL-US", 10), single("AMZ-US", 10)),
        "currency_mismatch",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_rules_are_those_of_an_order(bank: MoneyApi, name: str) -> None:
    """What an order would be refused for, its estimate is, in the same words."""
    document, type_ = BROKEN[name]
    estimated, ordered = bank.estimate(document), bank.order(document)
    assert refusal(estimated) == refusal(ordered) == (400, type_)
    assert estimated.content == ordered.content


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"products": {"type": "TEMPLATE", "template_id": "PT-1"}}, ("items", "0", "products")),
        ({"products": {"type": "MULTIPLE", "values": ["A"]}}, ("items", "0", "products")),
        ({"face_value": "10"}, ("items", "0", "face_value")),
        ({"face_value": True}, ("items", "0", "face_value")),
        ({"face_value": 0}, ("items", "0", "face_value")),
    ],
)
def test_bodies_are_validated(
    bank: MoneyApi, change: dict[str, Any], location: Sequence[str]
) -> None:
    """Templates cannot be estimated; all else is as in an order."""
    response = bank.estimate(paid_in("USD", single("1800FL-US", 10, **change)))
    assert refusal(response) == (422, "validation_error")
    found = response.json()["details"][0]["location"]
    assert [step for step in found if step != "body"][:3] == list(location)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"a":1,"a":2}', b"\xff"])
def test_what_is_no_json_object(bank: MoneyApi, raw: bytes) -> None:
    """A body that cannot be read is a bad request."""
    response = bank.call("POST", "/v2/order/estimate", data=raw)
    assert refusal(response) == (400, "bad_request")


def test_fields_of_an_order_are_ignored(bank: MoneyApi) -> None:
    """A body made for an order can be sent as it is; its further fields do not count."""
    bare = paid_in("USD", {"face_value": 10, "products": {"type": "SINGLE", "value": "1800FL-US"}})
    full = paid_in(
        "USD", single("1800FL-US", 10, distribution_method=7), description=7, metadata=[]
    )
    assert bank.estimate(bare).content == bank.estimate(full).content


def test_nothing_is_stored(bank: MoneyApi) -> None:
    """No order, no debit, no idempotency key: the headers of an order do not count."""
    orders, funds = order_ids(bank), bank.balance().content
    headers = {
        "X-Idempotency-Key": f"estimate-{next(_numbers)}",
        "X-Execution-Mode": "later",
        "X-Trigger-Error": "timeout",
    }
    document = json.dumps(paid_in("USD", single("NOBODY", 10))).encode()
    for _ in range(2):
        response = bank.call("POST", "/v2/order/estimate", data=document, headers=headers)
        assert refusal(response) == (400, "product_validation_error")
    assert bank.estimate(TWO).status_code == 200
    assert order_ids(bank) == orders
    assert bank.balance().content == funds
    fresh = bank.order(paid_in("USD", single("1800FL-US", 10)), key=headers["X-Idempotency-Key"])
    assert fresh.status_code == 202


def test_an_estimate_needs_no_funds(shop: MoneyApi) -> None:
    """Production tells the price to an account that could not pay it."""
    assert shop.balance().json() == []
    assert shop.estimate(TWO).status_code == 200


def test_key_and_version_come_first(bank: MoneyApi) -> None:
    """401 without a key, 410 for a retired version, 405 for another method."""
    path = "/v2/order/estimate"
    assert bank.call("POST", path, headers={"X-Api-Key": None}).status_code == 401
    assert bank.call("POST", path, headers={"X-Api-Version": "2023-07-27"}).status_code == 410
    response = bank.get(path)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
