"""What an order would cost (provider's page "Estimate order")."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from runa_mock_server.base.money import show
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders.business_rules import estimate_basket
from runa_mock_server.orders.order_template import payment_method, products, transaction_detail
from runa_mock_server.orders.pricing import quote

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import NewEstimate


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
    basket = estimate_basket(body, catalogue)
    cost = quote(basket.values, basket.payment_currency, discounts=discounts)
    return {
        "payment_method": payment_method(cost),
        "currency": cost.payment_currency,
        "total_price": _number(cost.total_price),
        "total_discount": _number(cost.total_discount),
        "items": [
            {
                "products": products(line),
                "face_value": _number(price.face_value),
                "price": _number(price.price),
                "discount_multiplier": price.discount_multiplier,
                "currency": cost.product_currency,
            }
            for line, price in zip(basket.lines, cost.prices, strict=True)
        ],
        "transaction_detail": transaction_detail(cost),
    }


def _number(amount: Decimal) -> orjson.Fragment:
    # A fragment is written as it stands: the cents reach the wire without becoming a float.
    return orjson.Fragment(show(amount))
