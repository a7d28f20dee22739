"""What an order costs, in whole cents; amounts are rounded half-up."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from runa_mock_server.base.money import from_cents, in_cents
from runa_mock_server.catalogue.catalogue import Offer
from runa_mock_server.contract.fx import Exchanged, exchange

NO_DISCOUNT = "0.0"


class Price(NamedTuple):
    """What one item costs, in the currency of its products.

    Attributes:
        face_value: what the recipient gets, in cents.
        price: what is paid for it, in cents.
        discount_multiplier: the share of the face value that is let off, as it is printed.
    """

    face_value: int
    price: int
    discount_multiplier: str


class Quote(NamedTuple):
    """What a whole order costs.

    Attributes:
        prices: for each item, in the order of the request.
        product_currency: the currency of the items.
        payment_currency: the currency of the totals.
        value: the sum of the items' prices, in cents of the product currency.
        total_price: what is paid, fees included, in cents of the payment currency.
        total_discount: what is let off, in cents of the payment currency.
        exchange: the currency exchange, where the two currencies differ.
    """

    prices: Sequence[Price]
    product_currency: str
    payment_currency: str
    value: int
    total_price: int
    total_discount: int
    exchange: Exchanged | None


def quote(
    lines: Sequence[tuple[Decimal, Sequence[Offer]]], payment_currency: str, *, discounts: bool
) -> Quote:
    """Price the items of an order.

    Args:
        lines: for each item its face value and the offers behind it, all of one currency.
        payment_currency: what the order is paid in.
        discounts: whether the catalogue's discounts are applied.
    """
    prices = []
    value = discount = 0
    for face_value, offers in lines:
        cents = face_value * 100
        face = int(cents) if cents == int(cents) else in_cents(face_value)
        # Inferred: where the recipient is yet to choose a product, no discount applies.
        paid, multiplier = face, NO_DISCOUNT
        if discounts and len(offers) == 1:
            multiplier = offers[0].discount_multiplier
            paid = in_cents(from_cents(face) * (1 - Decimal(multiplier)))
            discount += face - paid
        prices.append(Price(face, paid, multiplier))
        value += paid
    product_currency = lines[0][1][0].currency
    if product_currency == payment_currency:
        return Quote(prices, product_currency, payment_currency, value, value, discount, None)
    exchanged = exchange(from_cents(value), product_currency, payment_currency)
    let_off = exchange(from_cents(discount), product_currency, payment_currency).price
    return Quote(
        prices,
        product_currency,
        payment_currency,
        value,
        in_cents(exchanged.total),
        in_cents(let_off),
        exchanged.exchanged(),
    )
