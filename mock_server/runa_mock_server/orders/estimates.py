"""What an order would cost (provider's page "Estimate order")."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from runa_mock_server.base.money import cents_text
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders.business_rules import ESTIMATE_RULES, Line, look_up
from runa_mock_server.orders.documents import fx_detail, payment_method, products
from runa_mock_server.orders.placing import products_of
from runa_mock_server.orders.pricing import quote

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import NewEstimate


class _Basket(NamedTuple):
    """An estimate as the business rules look at it."""

    payment_currency: str
    lines: Sequence[Line]
    synchronous: bool = True

    @property
    def product_currency(self) -> str:
        return self.lines[0].offers[0].currency


def estimate(body: "NewEstimate", catalogue: Catalogue, *, discounts: bool) -> dict[str, Any]:
    """The price of an order that is not placed.

    Amounts are JSON numbers here and ``discount_multiplier`` is a string (specification). What
    it says is what the same order then costs, synchronous where it exchanges currencies.

    Args:
        body: a body that has passed validation.
        catalogue: what can be ordered.
        discounts: whether the catalogue's discounts are applied.

    Raises:
        ApiError: for the rules and with the types of an order.
    """
    basket = _Basket(body["payment_method"]["currency"].value, look_up(body["items"], catalogue))
    for rule in ESTIMATE_RULES:
        rule(basket)
    values = [(line.face_value, line.offers) for line in basket.lines]
    cost = quote(values, basket.payment_currency, discounts=discounts)
    exchange = cost.exchange
    return {
        "payment_method": payment_method(cost.payment_currency, exchanged=exchange is not None),
        "currency": cost.payment_currency,
        "total_price": _number(cost.total_price),
        "total_discount": _number(cost.total_discount),
        "items": [
            {
                "products": products(products_of(line)),
                "face_value": _number(face_value),
                "price": _number(price),
                "discount_multiplier": multiplier,
                "currency": cost.product_currency,
            }
            for line, (face_value, price, multiplier) in zip(basket.lines, cost.prices, strict=True)
        ],
        "transaction_detail": fx_detail(
            cost.product_currency,
            cost.value,
            cost.payment_currency,
            exchange,
        ),
    }


def _number(cents: int) -> orjson.Fragment:
    # A fragment is written as it stands: the amount reaches the wire without becoming a float.
    return orjson.Fragment(cents_text(cents))
