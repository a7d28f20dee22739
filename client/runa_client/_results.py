"""What the service answers, as small frozen values.

Fields that the service may add stay reachable in `raw`; optional ones that it leaves out are
None. Only an order's `id` and `status` must be there.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from runa_client._record import Record

T = TypeVar("T")
Raw: TypeAlias = dict[str, Any]


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


class OrderPage(Record):
    """One page of orders; no items means the end. `after` and `before` are cursors."""

    items: tuple[Order, ...]
    after: str | None
    before: str | None
    limit: int | None
    raw: Raw


def parse_order(data: object) -> Order:
    """Read an order in any of its forms.

    Raises:
        ValueError: The data is no order; the message names the field.
    """
    raw = _object(data)
    order_id, status = _optional(raw, "id", _string), _optional(raw, "status", _string)
    if not order_id or not status:
        raise ValueError("an order without id or status")
    return Order(
        id=order_id,
        status=status,
        created_at=_optional(raw, "created_at", _moment),
        completed_at=_optional(raw, "completed_at", _moment),
        description=_optional(raw, "description", _string),
        currency=_optional(raw, "currency", _string),
        total_price=_optional(raw, "total_price", _money),
        total_discount=_optional(raw, "total_discount", _money),
        items=_optional(raw, "items", _each(_item)) or (),
        message=_optional(raw, "message", _string),
        raw=raw,
    )


def parse_page(data: object) -> OrderPage:
    """Read a page of orders.

    Raises:
        ValueError: The data is no page; the message names the field.
    """
    raw = _object(data)
    orders = _optional(raw, "items", _each(parse_order))
    if orders is None:
        raise ValueError("a page without items")
    pagination = _optional(raw, "pagination", _object) or {}
    cursors = _optional(pagination, "cursors", _object) or {}
    page = _optional(pagination, "page", _object) or {}
    return OrderPage(
        items=orders,
        after=_optional(cursors, "after", _string),
        before=_optional(cursors, "before", _string),
        limit=_optional(page, "limit", _integer),
        raw=raw,
    )


def parse_pong(data: object) -> str:
    """Read the answer to a ping: its message.

    Raises:
        ValueError: The data is no such answer.
    """
    return _optional(_object(data), "message", _string) or ""


def _item(data: object) -> OrderItem:
    raw = _object(data)
    return OrderItem(
        id=_optional(raw, "id", _string),
        face_value=_optional(raw, "face_value", _money),
        price=_optional(raw, "price", _money),
        discount_multiplier=_optional(raw, "discount_multiplier", _money),
        currency=_optional(raw, "currency", _string),
        payout=_optional(raw, "payout", _payout),
        redemption_url=_optional(raw, "redemption_url", _string),
        raw=raw,
    )


def _payout(data: object) -> Payout:
    raw = _object(data)
    return Payout(
        status=_optional(raw, "status", _string),
        status_updated_at=_optional(raw, "status_updated_at", _moment),
        url=_optional(raw, "url", _string),
        expiry_date=_optional(raw, "expiry_date", _string),
        raw=raw,
    )


def _optional(raw: Raw, name: str, convert: Callable[[object], T]) -> T | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        return convert(value)
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}") from None


def _each(convert: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    def convert_each(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError("no list")  # noqa: TRY004 - bad data received, not a wrong call
        return tuple(map(convert, value))

    return convert_each


def _object(value: object) -> Raw:
    return _of_type(value, dict)


def _string(value: object) -> str:
    return _of_type(value, str)


def _integer(value: object) -> int:
    return _of_type(value, int)


def _of_type(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")  # noqa: TRY004 - bad data received, not a wrong call
    return value


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("no amount")  # noqa: TRY004 - bad data received, not a wrong call
    amount = Decimal(value)
    if not amount.is_finite():
        raise ValueError("not a finite amount")
    return amount


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_string(value))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
