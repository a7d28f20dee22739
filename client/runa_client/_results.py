"""What the service answers about orders, as small frozen values.

Fields that the service may add stay reachable in `raw`; optional ones that it leaves out are
None. Only an order's `id` and `status` must be there.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from runa_client._fields import Raw, each, json_object, moment, money, optional, string
from runa_client._page import Page, page_fields
from runa_client._record import Record


class Payout(Record):
    """The payout link of one item.

    `status` is `ACTIVE`, `CLAIMED`, `CANCELLED` or `EXPIRED`; `status_updated_at` is aware;
    `expiry_date` is the text that the service gives; `raw` is the JSON object.
    """

    status: str | None
    status_updated_at: datetime | None
    url: str | None
    expiry_date: str | None
    raw: Raw


class OrderItem(Record):
    """One item of an order; amounts are in units of `currency`, `raw` is the JSON object."""

    id: str | None
    face_value: Decimal | None
    price: Decimal | None
    discount_multiplier: Decimal | None
    currency: str | None
    payout: Payout | None
    redemption_url: str | None
    raw: Raw

    @property
    def url(self) -> str | None:
        """The link for the recipient: of the payout, else the older `redemption_url`."""
        of_payout = self.payout.url if self.payout is not None else None
        return of_payout or self.redemption_url


class Order(Record):
    """An order as far as the service shows it.

    While it is `PROCESSING` only `id`, `status` and perhaps `message` are known; the list of
    orders shows no items. Amounts are in units of `currency`, times are aware, and `raw` is the
    JSON object, its fractions as `Decimal`.
    """

    id: str
    status: str
    created_at: datetime | None
    completed_at: datetime | None
    description: str | None
    currency: str | None
    total_price: Decimal | None
    total_discount: Decimal | None
    items: tuple[OrderItem, ...]
    message: str | None
    raw: Raw

    @property
    def completed(self) -> bool:
        """Whether the order ended well."""
        return self.status == "COMPLETED"

    @property
    def failed(self) -> bool:
        """Whether the order ended badly."""
        return self.status == "FAILED"

    @property
    def ended(self) -> bool:
        """Whether the order will change no more."""
        return self.completed or self.failed

    @property
    def metadata(self) -> Mapping[str, str]:
        """The pairs given with the order, empty when there were none."""
        return self.raw.get("metadata") or {}

    @property
    def urls(self) -> tuple[str, ...]:
        """The payout links of the items that have one, in the order of the items."""
        return tuple(item.url for item in self.items if item.url is not None)


class OrderReceipt(Record):
    """The answer to a new order.

    `order` is all that the answer says: id and status after an asynchronous order, everything
    after a synchronous one. The same `idempotency_key` with the same body gets the same answer
    for 30 days.
    """

    order: Order
    idempotency_key: str

    @property
    def id(self) -> str:
        """The order's id, `O-…`."""
        return self.order.id

    @property
    def status(self) -> str:
        """The order's status at the time of the answer."""
        return self.order.status

    @property
    def raw(self) -> Raw:
        """The JSON object that the service answered."""
        return self.order.raw


class OrderPage(Page[Order]):
    """One page of orders, newest first; no items means the end."""


def parse_order(data: object) -> Order:
    """Read an order in any of its forms.

    Raises:
        ValueError: The data is no order; the message names the field.
    """
    raw = json_object(data)
    order_id, status = optional(raw, "id", string), optional(raw, "status", string)
    if not order_id or not status:
        raise ValueError("an order without id or status")
    return Order(
        id=order_id,
        status=status,
        created_at=optional(raw, "created_at", moment),
        completed_at=optional(raw, "completed_at", moment),
        description=optional(raw, "description", string),
        currency=optional(raw, "currency", string),
        total_price=optional(raw, "total_price", money),
        total_discount=optional(raw, "total_discount", money),
        items=optional(raw, "items", each(_item)) or (),
        message=optional(raw, "message", string),
        raw=raw,
    )


def parse_order_page(data: object) -> OrderPage:
    """Read a page of orders.

    Raises:
        ValueError: The data is no page; the message names the field.
    """
    return OrderPage(**page_fields(data, "items", parse_order))


def parse_pong(data: object) -> str:
    """Read the answer to a ping: its message.

    Raises:
        ValueError: The data is no such answer.
    """
    return optional(json_object(data), "message", string) or ""


def _item(data: object) -> OrderItem:
    raw = json_object(data)
    return OrderItem(
        id=optional(raw, "id", string),
        face_value=optional(raw, "face_value", money),
        price=optional(raw, "price", money),
        discount_multiplier=optional(raw, "discount_multiplier", money),
        currency=optional(raw, "currency", string),
        payout=optional(raw, "payout", _payout),
        redemption_url=optional(raw, "redemption_url", string),
        raw=raw,
    )


def _payout(data: object) -> Payout:
    raw = json_object(data)
    return Payout(
        status=optional(raw, "status", string),
        status_updated_at=optional(raw, "status_updated_at", moment),
        url=optional(raw, "url", string),
        expiry_date=optional(raw, "expiry_date", string),
        raw=raw,
    )
