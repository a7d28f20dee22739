"""What all orders of one body have in common, as text that only lacks ids and moments.

Bodies repeat, in tests and under load more than anywhere, so this is worked out once for each.
Written as text: dumping dicts takes three times as long. What comes from the caller goes through
``as_json``, the rest needs no escaping.
"""

from typing import Any, NamedTuple

import orjson

from runa_mock_server.bodies import NewOrder, RecipientDistribution, TemplateProducts
from runa_mock_server.order_rules import Basket, Line
from runa_mock_server.pricing import Price, Quote


class ItemTemplate(NamedTuple):
    """An item.

    Attributes:
        described: what stands between its id and its payout link.
        with_link: what stands before the payout link is told a first time; empty where it is
            told once.
        recipient: the reference of its recipient, if it has one.
    """

    described: str
    with_link: str
    recipient: str | None


class OrderTemplate(NamedTuple):
    """An order.

    Attributes:
        basic: what stands between its moments and the end of the basic form.
        items: its items.
        item_end: what ends each item.
        rest: what stands behind the items.
    """

    basic: str
    items: tuple[ItemTemplate, ...]
    item_end: str
    rest: str


def order_template(
    body: NewOrder, basket: Basket, quote: Quote, *, legacy_item_fields: bool
) -> OrderTemplate:
    """The text of an order.

    Args:
        body: what was asked for.
        basket: the same with its products looked up.
        quote: what it costs.
        legacy_item_fields: whether items carry ``redemption_url`` and ``discount_multiplier``.
    """
    return OrderTemplate(
        basic=f'"description":{as_json(body.description)},'
        f'"payment_method":{as_json(payment_method(quote))},'
        f'"currency":"{quote.payment_currency}",'
        f'"total_discount":"{quote.total_discount}","total_price":"{quote.total_price}"',
        items=tuple(
            _item(line, price, legacy=legacy_item_fields)
            for line, price in zip(basket.lines, quote.prices, strict=True)
        ),
        item_end=f'}},"currency":"{quote.product_currency}"}}',
        rest=f',"transaction_detail":{as_json(transaction_detail(quote))},'
        f'"metadata":{as_json(body.metadata)}}}',
    )


def _item(line: Line, price: Price, *, legacy: bool) -> ItemTemplate:
    to = line.distribution
    return ItemTemplate(
        described=f'"distribution_method":{as_json(to.echo() if to else None)},'
        f'"products":{as_json(products(line))},'
        f'"face_value":"{price.face_value}","price":"{price.price}"',
        with_link=f',"discount_multiplier":"{price.discount_multiplier}","redemption_url":'
        if legacy
        else "",
        recipient=to.recipient_reference if isinstance(to, RecipientDistribution) else None,
    )


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return "null" if value is None else orjson.dumps(value).decode()


def payment_method(quote: Quote) -> dict[str, str]:
    """How an order was paid; the currency is told only where it was exchanged."""
    if quote.exchange is None:
        return {"type": "ACCOUNT_BALANCE"}
    return {"type": "ACCOUNT_BALANCE", "currency": quote.payment_currency}


def products(line: Line) -> dict[str, Any]:
    """The products of an item as they were sent; a template with the codes it stands for."""
    echo = line.products.echo()
    if isinstance(line.products, TemplateProducts):
        echo["values"] = line.selection.codes
    return echo


def transaction_detail(quote: Quote) -> dict[str, Any]:
    """The value of the products in their currency, and the exchange, if there was one.

    The keys of ``fx`` beside ``rate`` and ``rate_symbol`` are inferred.
    """
    exchange = quote.exchange
    fx = (
        None
        if exchange is None
        else {
            "rate": f"{exchange.rate.normalize():f}",
            "rate_symbol": exchange.rate_symbol,
            "converted": str(exchange.converted),
            "fee": str(exchange.fee),
            "currency": quote.payment_currency,
        }
    )
    return {quote.product_currency: {"value": str(quote.value), "fx": fx}}
