"""What the document of an order has to be, so that it can be taken up again.

The JSON Schema ``order`` says more of it, and takes a hundred times as long: a state can hold
thousands of orders.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, ValidationError

from runa_mock_server.base.ids import Place, read_payout_token
from runa_mock_server.config.settings import SupportedCurrency
from runa_mock_server.orders.documents import BASIC_KEYS
from runa_mock_server.orders.order_store import BASIC_ENDS
from runa_schemas.contract_data import MAX_ORDER_ITEMS, PayoutStatus

_ULID = "[0-9A-HJKMNP-TV-Z]{26}"


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Timestamp = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\+00:00$"),
    AfterValidator(_moment),
]
Money = Annotated[str, Field(pattern=r"^[0-9]{1,20}\.[0-9]{2}$")]
OrderId = Annotated[str, Field(pattern=f"^O-{_ULID}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Single(_Part):
    type: Literal["SINGLE"]
    value: str

    @property
    def codes(self) -> list[str]:
        return [self.value]


class _Several(_Part):
    type: Literal["MULTIPLE", "TEMPLATE"]
    values: Annotated[list[str], Field(min_length=1)]

    @property
    def codes(self) -> list[str]:
        return self.values


class _Distribution(_Part):
    type: Literal["EMAIL", "PAYOUT_LINK", "RECIPIENT"]
    recipient_reference: str | None = None


class _Payout(_Part):
    status: PayoutStatus
    status_updated_at: Timestamp
    url: str
    expiry_date: str | None


class _Item(_Part):
    id: Annotated[str, Field(pattern=f"^E-{_ULID}$")]
    distribution_method: _Distribution
    products: Annotated[_Single | _Several, Discriminator("type")]
    face_value: Money
    price: Money
    payout: _Payout
    currency: SupportedCurrency


class KeptOrder(_Part):
    """A full order, as far as later answers are made from it."""

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
    transaction_detail: dict[str, dict[str, Any]]
    metadata: dict[str, str] | None

    @property
    def codes(self) -> Iterator[str]:
        """The codes of its products."""
        for item in self.items:
            yield from item.products.codes

    def lies_at(self, account: int, position: int) -> bool:
        """Whether its links lead to it, in an account of this number, after so many orders."""
        places = [read_payout_token(item.payout.url.rpartition("/")[2]) for item in self.items]
        return places == [Place(account, position, index) for index in range(len(places))]

    def claimed(self, token: str) -> Decimal | None:
        """What a payout link of it was worth that was claimed; ``None`` for any other token."""
        for item in self.items:
            if item.payout.status == "CLAIMED" and item.payout.url.endswith("/" + token):
                return Decimal(item.face_value)
        return None


def read_order(text: str) -> KeptOrder:
    """An order from its document.

    Raises:
        ValueError: if this is no document of an order that this double could have written.
    """
    try:
        order = KeptOrder.model_validate_json(text)
        document = orjson.loads(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place or 'document'}: {first['msg']}") from None
    missing = [key for key in BASIC_KEYS if key not in document]
    if missing:
        raise ValueError(f"{missing[0]}: Field required")
    # Lists show the first bytes of a document, so those must be just what lists show.
    basic = orjson.dumps({key: document[key] for key in BASIC_KEYS})[: -len("}")]
    if not text.encode().startswith(basic + BASIC_ENDS.encode()):
        raise ValueError("document: its keys are not in the order in which they were exported")
    return order
