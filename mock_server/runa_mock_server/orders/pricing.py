"""What an order costs. Everything is decimal, and every amount has exactly two decimals."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from runa_mock_server.base.money import ZERO, to_cents
from runa_mock_server.catalogue.catalogue import Selection
from runa_mock_server.contract.fx import Exchange, exchange

NO_DISCOUNT = "0.0"


class Price(NamedTuple):
    """What one item costs, in the currency of its products.

    Attributes:
        face_value: what the recipient gets.
        price: what is paid for it.
        discount_multiplier: the share of the face value that is let off, as it is printed.
    """

    face_value: Decimal
    price: Decimal
    discount_multiplier: str


class Quote(NamedTuple):
    """What a whole order costs.

    Attributes:
        prices: for each item, in the order of the request.
        product_currency: the currency of the items.
        payment_currency: the currency of the totals.
        value: the sum of the items' prices, in the product currency.
        total_price: what is paid, fees included, in the payment currency.
        total_discount: what is let off, in the payment currency.
        exchange: the currency exchange, where the two currencies differ.
    """

    prices: tuple[Price, ...]
    product_currency: str
    payment_currency: str
    value: Decimal
    total_price: Decimal
    total_discount: Decimal
    exchange: Exchange | None


def quote(
    lines: Sequence[tuple[Decimal, Selection]], payment_currency: str, *, discounts: bool
) -> Quote:
    """Price the items of an order.

    Args:
        lines: for each item its face value and the offers behind it, all of one currency.
        payment_currency: what the order is paid in.
        discounts: whether the catalogue's discounts are applied.
    """
    prices = tuple([_price(value, selection, discounts=discounts) for value, selection in lines])
    product_currency = lines[0][1].offers[0].currency
    value = sum((price.price for price in prices), ZERO)
    discount = sum((price.face_value - price.price for price in prices), ZERO)
    if product_currency == payment_currency:
        return Quote(
            prices, product_currency, payment_currency, value, value, discount, exchange=None
        )
    exchanged = exchange(value, product_currency, payment_currency)
    return Quote(
        prices,
        product_currency,
        payment_currency,
        value,
        exchanged.total,
        exchange(discount, product_currency, payment_currency).converted,
        exchanged,
    )


def _price(face_value: Decimal, selection: Selection, *, discounts: bool) -> Price:
    # Inferred: where the recipient is yet to choose a product, none of their discounts applies.
    if not discounts or len(selection.offers) > 1:
        return _priced(face_value, NO_DISCOUNT)
    return _priced(face_value, selection.offers[0].discount_multiplier)


@lru_cache(maxsize=256)  # a basket of two hundred items knows a few prices
def _priced(face_value: Decimal, multiplier: str) -> Price:
    face_value = to_cents(face_value)
    if multiplier == NO_DISCOUNT:
        return Price(face_value, face_value, multiplier)
    return Price(face_value, to_cents(face_value * (1 - Decimal(multiplier))), multiplier)
