"""What all orders of one body have in common, as text that only lacks ids and moments.

Bodies repeat, in tests and under load more than anywhere, so this is worked out once for each.
Written as text: dumping dicts takes three times as long. What comes from the caller goes through
``as_json``, the rest needs no escaping.
"""

from typing import Any, NamedTuple

import orjson

from runa_mock_server.bodies import NewOrder, RecipientDistribution, TemplateProducts
from runa_mock_server.order_rules import Basket, Line
from runa_mock_server.order_store import BASIC_ENDS
from runa_mock_server.pricing import Price, Quote

_HEAD = '{"id":"%s","status":"%s","created_at":"%s","completed_at":"%s",'


class OrderTemplate(NamedTuple):
    """An order.

    Attributes:
        text: the whole document as a pattern of the ``%`` operator, with a slot for the id, the
            status and the two moments of the order, then for each item for its id, its payout
            link, the status of the payout and the moment of that, the link again and the expiry
            date. Links and the date stand in their slots as JSON.
        items: how many items there are.
        recipients: for each item the reference of its recipient, if it has one.
    """

    text: str
    items: int
    recipients: tuple[str | None, ...]


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
    basic = _HEAD + _literal(
        f'"description":{as_json(body.description)},'
        f'"payment_method":{as_json(payment_method(quote))},'
        f'"currency":"{quote.payment_currency}",'
        f'"total_discount":"{quote.total_discount}","total_price":"{quote.total_price}"'
    )
    end = f',"currency":"{quote.product_currency}"}}'
    items = ",".join(
        [
            _item(line, price, legacy=legacy_item_fields) + end
            for line, price in zip(basket.lines, quote.prices, strict=True)
        ]
    )
    rest = _literal(
        f',"transaction_detail":{as_json(transaction_detail(quote))},'
        f'"metadata":{as_json(body.metadata)}}}'
    )
    return OrderTemplate(
        text=f"{basic}{BASIC_ENDS}{items}]{rest}",
        items=len(basket.lines),
        recipients=tuple([_recipient(line) for line in basket.lines]),
    )


def _item(line: Line, price: Price, *, legacy: bool) -> str:
    to = line.distribution
    described = _literal(
        f'"distribution_method":{as_json(to.echo() if to else None)},'
        f'"products":{as_json(products(line))},'
        f'"face_value":"{price.face_value}","price":"{price.price}"'
    )
    # Where the link is told once, nothing is shown of what stands in its first slot.
    first_link = (
        f',"discount_multiplier":"{price.discount_multiplier}","redemption_url":%s'
        if legacy
        else "%.0s"
    )
    return (
        f'{{"id":"%s",{described}{first_link},"payout":{{"status":"%s",'
        '"status_updated_at":"%s","url":%s,"expiry_date":%s}'
    )


def _recipient(line: Line) -> str | None:
    to = line.distribution
    return to.recipient_reference if isinstance(to, RecipientDistribution) else None


def _literal(text: str) -> str:
    """A text in which the ``%`` operator finds no slot."""
    return text.replace("%", "%%")


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
