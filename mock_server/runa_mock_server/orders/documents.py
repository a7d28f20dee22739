"""The JSON documents of an order (provider's pages "Create order" and "Get order").

All of them are rendered from the order, and none is kept. Keys stand in the order of recorded
traffic, once for each document: in ``full``, and in ``BASIC_KEYS`` for the form that lists show.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from runa_mock_server.base.clock import DAY, timestamp
from runa_mock_server.base.ids import Identity, item_ids, payout_tokens
from runa_mock_server.base.money import cents_text
from runa_mock_server.contract.fx import Exchanged
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.order import Distribution, Item, Order, PayoutChange, Products

_HEAD = 80  # bytes in which the status stands, behind the id

BASIC_KEYS = (
    "id",
    "status",
    "created_at",
    "completed_at",
    "description",
    "payment_method",
    "currency",
    "total_discount",
    "total_price",
)
"""What lists show of an order, in the order in which every document has it."""


def basic(order: Order) -> dict[str, Any]:
    """The basic form, which lists and webhooks show."""
    return {
        "id": order.id,
        "status": order.outcome,
        "created_at": timestamp(order.created_at),
        "completed_at": timestamp(order.completed_at),
        "description": order.description,
        "payment_method": payment_method(order.payment_currency, exchanged=bool(order.exchange)),
        "currency": order.payment_currency,
        "total_discount": cents_text(order.total_discount),
        "total_price": cents_text(order.total_price),
    }


def full(order: Order, identity: Identity, links: str, now: int) -> dict[str, Any]:
    """The full order, as it is once it has ended.

    Args:
        order: the order; its position must be known.
        identity: of its account, from which ids and links follow.
        links: what payout links begin with; a token follows.
        now: microseconds since the epoch; links that nobody claimed may have expired by then.
    """
    document = basic(order)
    payouts = [order.payout(index, now) for index in range(len(order.items))]
    places = zip(ids_of(order), tokens_of(order, identity), payouts, strict=True)
    document["items"] = [
        _item(order, item, item_id, links + token, payout)
        for item, (item_id, token, payout) in zip(order.items, places, strict=True)
    ]
    document["transaction_detail"] = fx_detail(
        order.currency, order.value, order.payment_currency, order.exchange
    )
    document["metadata"] = order.metadata
    return document


def full_bytes(order: Order, identity: Identity, links: str, now: int) -> bytes:
    """The full order as JSON bytes; see ``full``."""
    return orjson.dumps(full(order, identity, links, now))


def _item(order: Order, item: Item, item_id: str, url: str, payout: PayoutChange) -> dict[str, Any]:
    document = {
        "id": item_id,
        "distribution_method": distribution_method(item.distribution),
        "products": products(item.products),
        "face_value": cents_text(item.face_value),
        "price": cents_text(item.price),
    }
    if order.legacy_fields:
        document["discount_multiplier"] = item.discount_multiplier
        document["redemption_url"] = url
    document["payout"] = {
        "status": payout.status,
        "status_updated_at": timestamp(order.completed_at if payout.at is None else payout.at),
        "url": url,
        "expiry_date": expiry_day(order),
    }
    document["currency"] = order.currency
    return document


def ids_of(order: Order) -> list[str]:
    """The ids of an order's items."""
    return list(order.item_ids) or item_ids(order.id, len(order.items))


def tokens_of(order: Order, identity: Identity) -> list[str]:
    """The tokens of an order's payout links."""
    return list(order.tokens) or payout_tokens(identity, order.position, len(order.items))


def expiry_day(order: Order) -> str | None:
    """The day on which an order's links expire, ``None`` if they do not."""
    return None if order.expires_at == NEVER else _day(order.expires_at // DAY)


@lru_cache(maxsize=16)
def _day(days: int) -> str:
    return timestamp(days * DAY)[:10]


def distribution_method(distribution: Distribution) -> dict[str, str]:
    """How an item reaches its recipient, as it was sent."""
    kind, recipient_reference, email_address, template_id = distribution
    document = {"type": kind}
    if recipient_reference is not None:
        document["recipient_reference"] = recipient_reference
    if email_address is not None:
        document["email_address"] = email_address
    if template_id is not None:
        document["template_id"] = template_id
    return document


def products(chosen: Products) -> dict[str, Any]:
    """The products of an item as they were sent; a template with the codes it stands for."""
    if chosen.type == "TEMPLATE":
        return {"type": "TEMPLATE", "template_id": chosen.template_id, "values": chosen.codes}
    if chosen.type == "MULTIPLE":
        return {"type": "MULTIPLE", "values": chosen.codes}
    document: dict[str, Any] = {"type": "SINGLE", "value": chosen.codes[0]}
    if chosen.usage_config is not None:
        document["usage_config"] = chosen.usage_config
    return document


def payment_method(currency: str, *, exchanged: bool) -> dict[str, str]:
    """How an order was paid; the currency is shown only where it was exchanged."""
    if not exchanged:
        return {"type": "ACCOUNT_BALANCE"}
    return {"type": "ACCOUNT_BALANCE", "currency": currency}


def fx_detail(
    currency: str, value: int, payment_currency: str, exchange: Exchanged | None
) -> dict[str, Any]:
    """``transaction_detail``: the products' value in their currency, and the exchange, if any.

    Args:
        currency: of the products.
        value: of the products, in cents.
        payment_currency: of the totals.
        exchange: where the two differ.
    """
    fx: Mapping[str, Any] | None = exchange and {
        "rate": exchange.rate,
        "rate_symbol": exchange.rate_symbol,
        "fee": {"value": cents_text(exchange.fee), "currency": payment_currency},
    }
    return {currency: {"value": cents_text(value), "fx": fx}}


def incomplete(order_id: str) -> bytes:
    """All that is shown of an order while it is processed."""
    return (
        b'{"id":"%s","status":"PROCESSING",'
        b'"message":"The order is being processed; ask again in a moment."}' % order_id.encode()
    )


def is_incomplete(document: bytes) -> bool:
    """Whether the document of an order is that of one which is still processed."""
    return b'"status":"PROCESSING"' in document[:_HEAD]


def order_id_in(answer: bytes) -> str | None:
    """The id of the order that the answer to a key is about, ``None`` if it is about none.

    It is parsed, for an imported answer keeps its own white space and order of keys.
    """
    document = orjson.loads(answer)
    order_id = document.get("id") if isinstance(document, dict) else None
    return order_id if isinstance(order_id, str) else None
