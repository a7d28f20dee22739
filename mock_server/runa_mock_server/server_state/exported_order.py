"""The document of an exported order, read back into an order.

The JSON Schema ``order`` says more of it, and takes a hundred times as long: a state can hold
thousands of orders.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, ValidationError

from runa_mock_server.base.clock import EPOCH, to_microseconds
from runa_mock_server.base.ids import Identity, item_ids, payout_tokens
from runa_mock_server.base.money import in_cents
from runa_mock_server.config.settings import SupportedCurrency
from runa_mock_server.contract.fx import Exchanged
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.order import (
    Distribution,
    Item,
    Order,
    Part,
    PayoutChange,
    Products,
)
from runa_mock_server.orders.pricing import NO_DISCOUNT
from runa_schemas.contract_data import MAX_ORDER_ITEMS

_ULID = "[0-9A-HJKMNP-TV-Z]{26}"


def _time(text: str) -> str:
    if datetime.fromisoformat(text) < EPOCH:
        raise ValueError("must not lie before 1970")
    return text


Timestamp = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\+00:00$"),
    AfterValidator(_time),
]
Money = Annotated[str, Field(pattern=r"^[0-9]{1,15}\.[0-9]{2}$")]
OrderId = Annotated[str, Field(pattern=f"^O-{_ULID}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Single(_Part):
    type: Literal["SINGLE"]
    value: str
    usage_config: dict[str, str] | None = None

    def chosen(self) -> Products:
        return Products(self.type, (self.value,), None, self.usage_config)


class _Multiple(_Part):
    type: Literal["MULTIPLE"]
    values: Annotated[list[str], Field(min_length=1)]

    def chosen(self) -> Products:
        return Products(self.type, self.values)


class _Template(_Part):
    type: Literal["TEMPLATE"]
    template_id: str
    values: Annotated[list[str], Field(min_length=1)]

    def chosen(self) -> Products:
        return Products(self.type, self.values, self.template_id)


class _Distribution(_Part):
    type: Literal["EMAIL", "PAYOUT_LINK", "RECIPIENT"]
    recipient_reference: str | None = None
    email_address: str | None = None
    template_id: str | None = None


class _Payout(_Part):
    status: Literal["ACTIVE", "CLAIMED", "CANCELLED", "EXPIRED"]
    status_updated_at: Timestamp
    url: str
    expiry_date: str | None

    @property
    def token(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def updated_at(self) -> int:
        return _microseconds(self.status_updated_at)


class _Item(_Part):
    id: Annotated[str, Field(pattern=f"^E-{_ULID}$")]
    distribution_method: _Distribution
    products: Annotated[_Single | _Multiple | _Template, Discriminator("type")]
    face_value: Money
    price: Money
    discount_multiplier: str | None = None
    payout: _Payout
    currency: SupportedCurrency

    def item(self) -> Item:
        return Item(
            _cents(self.face_value),
            _cents(self.price),
            self.discount_multiplier or NO_DISCOUNT,
            Distribution(**self.distribution_method.model_dump()),
            self.products.chosen(),
        )


class _Fee(_Part):
    value: Money
    currency: SupportedCurrency


class _Fx(_Part):
    rate: str
    rate_symbol: str
    fee: _Fee | Money  # earlier versions exported the amount alone

    def exchanged(self) -> Exchanged:
        fee = self.fee.value if isinstance(self.fee, _Fee) else self.fee
        return Exchanged(self.rate, self.rate_symbol, _cents(fee))


class _Detail(_Part):
    fx: _Fx | None


class ExportedOrder(_Part):
    """The full document of an order."""

    id: OrderId
    status: Literal["COMPLETED", "FAILED"]
    created_at: Timestamp
    completed_at: Timestamp
    description: str | None
    payment_method: dict[str, str]
    currency: SupportedCurrency
    total_discount: Money
    total_price: Money
    items: Annotated[list[_Item], Field(min_length=1, max_length=MAX_ORDER_ITEMS)]
    transaction_detail: Annotated[dict[str, _Detail], Field(min_length=1, max_length=1)]
    metadata: dict[str, str] | None

    @property
    def codes(self) -> Iterator[str]:
        """The codes of its products."""
        for item in self.items:
            yield from item.products.chosen().codes

    @property
    def tokens(self) -> list[str]:
        """The tokens of its payout links."""
        return [item.payout.token for item in self.items]

    def order(
        self,
        *,
        ends_at: int,
        expires_at: int,
        identity: Identity,
        position: int,
        claims: Mapping[str, Sequence[Part]],
    ) -> Order:
        """The order that the document shows.

        Args:
            ends_at: from when on it is shown as ended, or ``NEVER``.
            expires_at: when its links expire, or ``NEVER``.
            identity: of the account that it is imported into.
            position: how many orders of the account are older.
            claims: by token what claimed payouts were turned into.
        """
        ids, tokens, items = [item.id for item in self.items], self.tokens, len(self.items)
        failed = self.status == "FAILED"
        detail = next(iter(self.transaction_detail.values()))
        return Order(
            id=self.id,
            key=None,
            fingerprint="",
            created_at=_microseconds(self.created_at),
            completed_at=_microseconds(self.completed_at),
            ends_at=ends_at,
            expires_at=self._expiry(expires_at),
            failed=failed,
            currency=next(iter(self.transaction_detail)),
            payment_currency=self.currency.value,
            total_price=_cents(self.total_price),
            total_discount=_cents(self.total_discount),
            legacy_fields=self.items[0].discount_multiplier is not None,
            items=[item.item() for item in self.items],
            description=self.description,
            metadata=self.metadata,
            exchange=None if detail.fx is None else detail.fx.exchanged(),
            payouts={} if failed else dict(self._changes(claims)),
            item_ids=() if ids == item_ids(self.id, items) else ids,
            tokens=() if tokens == payout_tokens(identity, position, items) else tokens,
        )

    def _expiry(self, expires_at: int) -> int:
        """When its links expire; states of an earlier version forgot it once they had."""
        if expires_at == NEVER and self.items[0].payout.expiry_date is not None:
            expired = [i.payout.updated_at for i in self.items if i.payout.status == "EXPIRED"]
            return min(expired, default=NEVER)
        return expires_at

    def _changes(self, claims: Mapping[str, Sequence[Part]]) -> Iterator[tuple[int, PayoutChange]]:
        completed_at = _microseconds(self.completed_at)
        for index, item in enumerate(self.items):
            payout = item.payout
            if payout.status != "ACTIVE":
                parts = claims.get(payout.token, ())
                at: int | None = payout.updated_at
                if payout.status == "CLAIMED" and not parts and at == completed_at:
                    at = None  # claimed at once, when the order completes: that may be to come
                yield index, PayoutChange(payout.status, at, parts)


def read_document(text: str) -> ExportedOrder:
    """An order's document.

    Raises:
        ValueError: if this is no document of an order that this double could have written.
    """
    try:
        return ExportedOrder.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place or 'document'}: {first['msg']}") from None


def _microseconds(text: str) -> int:
    return to_microseconds(datetime.fromisoformat(text))


def _cents(text: str) -> int:
    return in_cents(Decimal(text))
