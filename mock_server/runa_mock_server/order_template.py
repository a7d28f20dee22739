"""What all orders of one body have in common, as text that only lacks ids and moments.

Bodies repeat, in tests and under load more than anywhere, so this is worked out once for each.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from runa_mock_server.order_rules import Basket, Line
from runa_mock_server.pricing import Price, Quote

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.bodies import NewOrder

# What the writer of JSON puts down as it stands. In a text of the caller it escapes the first
# character, so whatever is found of that afterwards begins a slot.
_BEGINS = "\0"
_SLOT = orjson.Fragment(f"{_BEGINS}s")
_TEXT_SLOT = orjson.Fragment(f'"{_BEGINS}s"')
# Where the link is told once, nothing is shown of what stands in its first slot.
_UNSEEN_SLOT = f"{_BEGINS}.0s"


def _payout(before: str) -> orjson.Fragment:
    slots = (
        ("status", f'{before}"{_BEGINS}s"'),
        ("status_updated_at", f'"{_BEGINS}s"'),
        ("url", f"{_BEGINS}s"),
        ("expiry_date", f"{_BEGINS}s"),
    )
    return orjson.Fragment("{" + ",".join(f'"{name}":{slot}' for name, slot in slots) + "}")


_PAYOUT = _payout(_UNSEEN_SLOT)
_PAYOUT_AFTER_A_LINK = _payout("")


class OrderTemplate(NamedTuple):
    """An order.

    Attributes:
        text: the whole document as a pattern of the ``%`` operator, with a slot for the id, the
            status and the two moments of the order, then for each item for its id, its payout
            link, the status of the payout and the moment of that, the link again and the expiry
            date. Links and the date stand in their slots as JSON.
        items: how many items there are.
        recipients: the items that pay to a recipient, by index, each with his reference.
    """

    text: str
    items: int
    recipients: tuple[tuple[int, str], ...]


def order_template(
    body: "NewOrder", basket: Basket, quote: Quote, *, legacy_item_fields: bool
) -> OrderTemplate:
    """The text of an order.

    Args:
        body: what was asked for.
        basket: the same with its products looked up.
        quote: what it costs.
        legacy_item_fields: whether items carry ``redemption_url`` and ``discount_multiplier``.
    """
    document = {
        "id": _TEXT_SLOT,
        "status": _TEXT_SLOT,
        "created_at": _TEXT_SLOT,
        "completed_at": _TEXT_SLOT,
        "description": body.description,
        "payment_method": payment_method(quote),
        "currency": quote.payment_currency,
        "total_discount": str(quote.total_discount),
        "total_price": str(quote.total_price),
        "items": [
            _item(line, price, quote.product_currency, legacy=legacy_item_fields)
            for line, price in zip(basket.lines, quote.prices, strict=True)
        ],
        "transaction_detail": transaction_detail(quote),
        "metadata": body.metadata,
    }
    return OrderTemplate(
        text=orjson.dumps(document).decode().replace("%", "%%").replace(_BEGINS, "%"),
        items=len(basket.lines),
        recipients=tuple(
            [
                (index, line.distribution.recipient_reference)
                for index, line in enumerate(basket.lines)
                if line.distribution is not None and line.distribution.type == "RECIPIENT"
            ]
        ),
    )


def _item(line: Line, price: Price, currency: str, *, legacy: bool) -> dict[str, Any]:
    to = line.distribution
    item = {
        "id": _TEXT_SLOT,
        "distribution_method": to.echo() if to else None,
        "products": products(line),
        "face_value": str(price.face_value),
        "price": str(price.price),
    }
    if legacy:
        item["discount_multiplier"] = price.discount_multiplier
        item["redemption_url"] = _SLOT
    item["payout"] = _PAYOUT_AFTER_A_LINK if legacy else _PAYOUT
    item["currency"] = currency
    return item


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
    if line.products.type == "TEMPLATE":
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
