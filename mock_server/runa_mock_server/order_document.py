"""The JSON documents of an order, as bytes (provider's pages "Create order" and "Get order").

Keys stand in the order of recorded traffic. In the full document all that belongs to the basic
form comes first, so that the basic form is a prefix of the full one.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import orjson

from runa_mock_server.bodies import TemplateProducts
from runa_mock_server.clock import timestamp
from runa_mock_server.ids import IdSource
from runa_mock_server.money import show, to_cents
from runa_mock_server.order_rules import Line, OrderRequest
from runa_mock_server.order_store import StoredOrder

Outcome = Literal["COMPLETED", "FAILED"]

# The playground applies no discount, whatever the catalogue says (recorded traffic).
_NO_DISCOUNT = "0.0"
_FIRST_OF_FULL_FORM = b',"items":'


class Timing(NamedTuple):
    """The moments of an order, in microseconds since the epoch.

    Attributes:
        created_at: when it was accepted.
        completed_at: the moment printed as its completion.
        ends_at: from when on it is shown as ended.
    """

    created_at: int
    completed_at: int
    ends_at: int


class Renderer:
    """Makes the documents of one account's orders.

    Args:
        ids: where ids and tokens come from.
        payout_url: turns a payout token into the link that opens it.
        legacy_item_fields: whether items carry ``redemption_url`` and ``discount_multiplier``.
    """

    def __init__(
        self, ids: IdSource, payout_url: Callable[[str], str], *, legacy_item_fields: bool
    ) -> None:
        self._ids = ids
        self._payout_url = payout_url
        self._legacy_item_fields = legacy_item_fields

    def order(self, request: OrderRequest, timing: Timing, outcome: Outcome) -> StoredOrder:
        """A new order in its final form, with fresh ids for it and for its items."""
        order_id = self._ids.order_id(timing.created_at)
        completed_at = timestamp(timing.completed_at)
        prices = [to_cents(line.item.face_value) for line in request.lines]
        total = show(sum(prices, Decimal(0)))
        currency = request.body.payment_method.currency.value
        document = orjson.dumps(
            {
                "id": order_id,
                "status": outcome,
                "created_at": timestamp(timing.created_at),
                "completed_at": completed_at,
                "description": request.body.description,
                "payment_method": {"type": request.body.payment_method.type},
                "currency": currency,
                "total_discount": "0.00",
                "total_price": total,
                "items": [
                    self._item(line, price, timing.created_at, completed_at, outcome)
                    for line, price in zip(request.lines, prices, strict=True)
                ],
                "transaction_detail": {currency: {"value": total, "fx": None}},
                "metadata": request.body.metadata,
            }
        )
        basic_size = document.index(_FIRST_OF_FULL_FORM)
        return StoredOrder(order_id, timing.ends_at, document, basic_size)

    def _item(
        self, line: Line, price: Decimal, created_at: int, completed_at: str, outcome: Outcome
    ) -> dict[str, Any]:
        url = self._payout_url(self._ids.payout_token())
        products = line.item.products.echo()
        if isinstance(line.item.products, TemplateProducts):
            products["values"] = line.selection.codes
        amount = show(price)
        item: dict[str, Any] = {
            "id": self._ids.item_id(created_at),
            "distribution_method": line.item.distribution_method.echo(),
            "products": products,
            "face_value": amount,
            "price": amount,
        }
        if self._legacy_item_fields:
            item["discount_multiplier"] = _NO_DISCOUNT
            item["redemption_url"] = url
        item["payout"] = {
            "status": "ACTIVE" if outcome == "COMPLETED" else "CANCELLED",
            "status_updated_at": completed_at,
            "url": url,
            "expiry_date": None,
        }
        item["currency"] = line.selection.offers[0].currency
        return item


def accepted(order_id: str) -> bytes:
    """The answer to a new async order: exactly ``id`` and ``status``."""
    return b'{"id":"%s","status":"PROCESSING"}' % order_id.encode()


def incomplete(order_id: str) -> bytes:
    """All that is shown of an order while it is processed."""
    return (
        b'{"id":"%s","status":"PROCESSING",'
        b'"message":"The order is being processed; ask again in a moment."}' % order_id.encode()
    )
