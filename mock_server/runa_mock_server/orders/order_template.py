"""What all orders of one body have in common, as text that only lacks ids and moments.

Bodies repeat, in tests and under load more than anywhere, so this is worked out once for each.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from runa_mock_server.contract.echo import echo
from runa_mock_server.orders.account_state import OrderTerms
from runa_mock_server.orders.business_rules import Basket, Line
from runa_mock_server.orders.pricing import Price, Quote

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import NewOrder

# What the writer of JSON puts down as it stands. In a text of the caller it escapes the first
# character, so whatever is found of that afterwards begins a slot.
_BEGINS = "\0"
_SLOT = orjson.Fragment(f"{_BEGINS}s")
_TEXT_SLOT = orjson.Fragment(f'"{_BEGINS}s"')


class OrderTemplate(NamedTuple):
    """An order.

    Attributes:
        text: the whole document as a pattern of the ``%`` operator, with a slot for the id, the
            status and the two moments of the order, then for each item for its id, its payout
            token, the status of the payout and the moment of that, the token again and the expiry
            date, which stands in its slot as JSON.
        items: how many items there are.
        recipients: the items that pay to a recipient, by index, each with his reference.
    """

    text: str
    items: int
    recipients: tuple[tuple[int, str], ...]


def order_template(
    body: "NewOrder", basket: Basket, quote: Quote, terms: OrderTerms
) -> OrderTemplate:
    """The text of an order.

    Args:
        body: what was asked for.
        basket: the same with its products looked up.
        quote: what it costs.
        terms: how the order is carried out.
    """
    shared = _shared(quote.product_currency, terms.payout_url, legacy=terms.legacy_item_fields)
    document = {
        "id": _TEXT_SLOT,
        "status": _TEXT_SLOT,
        "created_at": _TEXT_SLOT,
        "completed_at": _TEXT_SLOT,
        "description": body.get("description"),
        "payment_method": payment_method(quote),
        "currency": quote.payment_currency,
        "total_discount": str(quote.total_discount),
        "total_price": str(quote.total_price),
        "items": _items(basket, quote, shared),
        "transaction_detail": transaction_detail(quote),
        "metadata": body.get("metadata"),
    }
    return OrderTemplate(
        text=orjson.dumps(document).decode().replace("%", "%%").replace(_BEGINS, "%"),
        items=len(basket.lines),
        recipients=tuple(
            [
                (index, line.distribution["recipient_reference"])
                for index, line in enumerate(basket.lines)
                if line.distribution is not None and line.distribution["type"] == "RECIPIENT"
            ]
        ),
    )


class _Shared(NamedTuple):
    """What the items of an order have in common."""

    link: orjson.Fragment | None  # told a second time, as it once was
    payout: orjson.Fragment
    currency: str


@lru_cache(maxsize=16)
def _shared(currency: str, payout_url: str, *, legacy: bool) -> _Shared:
    start = orjson.dumps(payout_url).decode().removesuffix('"')
    link = orjson.Fragment(f'{start}{_BEGINS}s"')
    payout = {
        # Where the link is told once, nothing is shown of the token in its first slot.
        "status": _TEXT_SLOT if legacy else orjson.Fragment(f'{_BEGINS}.0s"{_BEGINS}s"'),
        "status_updated_at": _TEXT_SLOT,
        "url": link,
        "expiry_date": _SLOT,
    }
    return _Shared(link if legacy else None, orjson.Fragment(orjson.dumps(payout)), currency)


def _items(basket: Basket, quote: Quote, shared: _Shared) -> list[dict[str, Any]]:
    known: dict[int, dict[str, Any]] = {}  # by line, for one can stand in many places
    for line, price in zip(basket.lines, quote.prices, strict=True):
        if id(line) not in known:
            known[id(line)] = _item(line, price, shared)
    return [known[id(line)] for line in basket.lines]


def _item(line: Line, price: Price, shared: _Shared) -> dict[str, Any]:
    to = line.distribution
    item = {
        "id": _TEXT_SLOT,
        "distribution_method": echo(to) if to else None,
        "products": products(line),
        "face_value": str(price.face_value),
        "price": str(price.price),
    }
    if shared.link is not None:
        item["discount_multiplier"] = price.discount_multiplier
        item["redemption_url"] = shared.link
    item["payout"] = shared.payout
    item["currency"] = shared.currency
    return item


def payment_method(quote: Quote) -> dict[str, str]:
    """How an order was paid; the currency is told only where it was exchanged."""
    if quote.exchange is None:
        return {"type": "ACCOUNT_BALANCE"}
    return {"type": "ACCOUNT_BALANCE", "currency": quote.payment_currency}


def products(line: Line) -> dict[str, Any]:
    """The products of an item as they were sent; a template with the codes it stands for."""
    sent = echo(line.products)
    if line.products["type"] == "TEMPLATE":
        sent["values"] = line.selection.codes
    return sent


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
