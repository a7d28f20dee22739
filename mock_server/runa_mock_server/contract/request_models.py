"""The bodies of ``POST /order`` and ``POST /order/estimate``: which ones pass.

Pydantic's own details are what the playground shows (page "Errors"), so the rules stand here as a
pydantic model and the wording is the library's. The JSON Schema ``new_order`` states the same
rules a second time, independently, and a property test holds the two together.

Pydantic takes long to load, so a server begins to listen without this module: whoever needs more
of it than its types imports it late.
"""

import re
import threading
from contextlib import suppress
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictStr,
    ValidationError,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import ApiError
from runa_mock_server.base.strict_json import canonical
from runa_mock_server.contract.validation_details import (
    details_of_pydantic_1,
    details_of_pydantic_2,
)
from runa_schemas.contract_data import (
    MAX_DESCRIPTION_LENGTH,
    MAX_EMAIL_ADDRESS_LENGTH,
    MAX_ESTIMATE_ITEMS,
    MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_PAIRS,
    MAX_METADATA_VALUE_LENGTH,
    MAX_ORDER_ITEMS,
    MAX_RECIPIENT_REFERENCE_LENGTH,
    MIN_FACE_VALUE,
)

_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+'
_LABEL = r"[A-Za-z0-9\x80-\uffff](?:[A-Za-z0-9\x80-\uffff-]*[A-Za-z0-9\x80-\uffff])?"


def _face_value(value: object) -> Decimal:
    # A number in JSON is a number here: neither "10" nor true is one.
    if type(value) is not int and type(value) is not Decimal:
        raise PydanticKnownError("float_type")
    if value < MIN_FACE_VALUE:
        raise PydanticKnownError("greater_than_equal", {"ge": float(MIN_FACE_VALUE)})
    return Decimal(value)


@cache
def _email() -> re.Pattern[str]:
    # Its sets of letters take long to compile: a server starts without waiting for them.
    return re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def _address(value: str) -> str:
    # `.invalid` and `.test` are fine: the provider recommends them for tests.
    if len(value) > MAX_EMAIL_ADDRESS_LENGTH or not _email().fullmatch(value):
        raise PydanticCustomError(
            "value_error", "value is not a valid email address", {"pydantic_1": "value_error.email"}
        )
    return value


def _unique(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise PydanticCustomError(
            "value_error",
            "Value error, the product codes must be unique",
            {"pydantic_1": "value_error.list.unique_items"},
        )
    return values


FaceValue = Annotated[Decimal, PlainValidator(_face_value)]
EmailAddress = Annotated[StrictStr, AfterValidator(_address)]
_REFERENCE = rf"^[A-Za-z0-9_@.-]{{1,{MAX_RECIPIENT_REFERENCE_LENGTH}}}$"
RecipientReference = Annotated[StrictStr, Field(pattern=_REFERENCE)]
SpendRulesTemplateId = Annotated[StrictStr, Field(pattern=r"^PSR-[0-9A-HJKMNP-TV-Z]{26}$")]
MetadataKey = Annotated[StrictStr, Field(max_length=MAX_METADATA_KEY_LENGTH)]
MetadataValue = Annotated[StrictStr, Field(max_length=MAX_METADATA_VALUE_LENGTH)]


class _Part(BaseModel):
    """A piece of a request: unknown fields are ignored, ``null`` equals absence."""

    # Built with the first body: a server starts without waiting for it.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    def echo(self) -> dict[str, Any]:
        """The piece as an answer repeats it: what was sent and is known."""
        # A third of the time that model_dump takes, and done twice for every item.
        return {name: value for name, value in self.__dict__.items() if value is not None}


class PaymentMethod(_Part):
    """Who pays, in which currency."""

    type: Literal["ACCOUNT_BALANCE"]
    currency: Currency


class EmailDistribution(_Part):
    """The payout link is sent by e-mail."""

    type: Literal["EMAIL"]
    email_address: EmailAddress
    template_id: StrictStr | None = None


class PayoutLinkDistribution(_Part):
    """The payout link is only returned to the caller."""

    type: Literal["PAYOUT_LINK"]
    template_id: StrictStr | None = None


class RecipientDistribution(_Part):
    """The payout goes to a known person; for payment products."""

    type: Literal["RECIPIENT"]
    recipient_reference: RecipientReference
    email_address: EmailAddress
    template_id: StrictStr | None = None


class UsageConfig(_Part):
    """Where a prepaid card may be spent."""

    spend_rules_template_id: SpendRulesTemplateId


class SingleProduct(_Part):
    """One product, or one subscription plan, by its code."""

    type: Literal["SINGLE"]
    value: Annotated[StrictStr, Field(min_length=1)]
    usage_config: UsageConfig | None = None

    def echo(self) -> dict[str, Any]:
        """The product, with what is known of its usage."""
        told: dict[str, Any] = {"type": self.type, "value": self.value}
        if self.usage_config is not None:
            told["usage_config"] = self.usage_config.echo()
        return told


class MultipleProducts(_Part):
    """Products among which the recipient chooses."""

    type: Literal["MULTIPLE"]
    values: Annotated[list[StrictStr], Field(min_length=2), AfterValidator(_unique)]


class TemplateProducts(_Part):
    """A product-selection template, which stands for its products."""

    type: Literal["TEMPLATE"]
    template_id: StrictStr


Distribution = Annotated[
    EmailDistribution | PayoutLinkDistribution | RecipientDistribution,
    Field(discriminator="type"),
]
Products = Annotated[
    SingleProduct | MultipleProducts | TemplateProducts,
    Field(discriminator="type"),
]


class NewItem(_Part):
    """One payout link to make."""

    face_value: FaceValue
    distribution_method: Distribution
    products: Products


class NewOrder(_Part):
    """The whole body of ``POST /order`` (provider's page "Create order")."""

    payment_method: PaymentMethod
    items: Annotated[list[NewItem], Field(min_length=1, max_length=MAX_ORDER_ITEMS)]
    description: Annotated[StrictStr, Field(max_length=MAX_DESCRIPTION_LENGTH)] | None = None
    metadata: (
        Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA_PAIRS)] | None
    ) = None


class EstimateItem(_Part):
    """One item to price."""

    face_value: FaceValue
    products: Annotated[SingleProduct | MultipleProducts, Field(discriminator="type")]


class NewEstimate(_Part):
    """The whole body of ``POST /order/estimate`` (provider's page "Estimate order")."""

    payment_method: PaymentMethod
    items: Annotated[list[EstimateItem], Field(min_length=1, max_length=MAX_ESTIMATE_ITEMS)]


Body = TypeVar("Body", NewOrder, NewEstimate)


_BUILDING = threading.Lock()


def validate_order(document: Any, *, as_pydantic_1: bool) -> NewOrder:
    """The order that a parsed JSON document makes; of equal items one stands for all.

    Large orders buy the same many times over, and each item takes as long to read as an order.

    Raises:
        ApiError: as ``validate_body`` does.
    """
    items = document.get("items") if isinstance(document, dict) else None
    if isinstance(items, list) and 1 < len(items) <= MAX_ORDER_ITEMS:
        distinct, places = _distinct(items)
        if len(distinct) < len(items):
            with suppress(ApiError):  # it would name wrong items by other places than theirs
                order = validate_body(NewOrder, document | {"items": distinct})
                return order.model_copy(update={"items": [order.items[n] for n in places]})
    return validate_body(NewOrder, document, as_pydantic_1=as_pydantic_1)


def _distinct(items: list[Any]) -> tuple[list[Any], list[int]]:
    """The items that differ, and for each item the place of its equal among them."""
    numbers: dict[bytes, int] = {}
    distinct: list[Any] = []
    places: list[int] = []
    for item in items:
        number = numbers.setdefault(canonical(item), len(distinct))
        if number == len(distinct):
            distinct.append(item)
        places.append(number)
    return distinct, places


def build(kind: type[Body]) -> None:
    """Make a model ready to be used, if it is not."""
    if not kind.__pydantic_complete__:
        with _BUILDING:  # servers on several threads may take their first order together
            kind.model_rebuild()


def validate_body(kind: type[Body], document: Any, *, as_pydantic_1: bool = False) -> Body:
    """The request that a parsed JSON document makes.

    Args:
        kind: what the operation takes.
        document: the parsed body.
        as_pydantic_1: whether details are worded and located as production does.

    Raises:
        ApiError: ``bad_request`` if the document is no object, ``validation_error`` with a detail
            for each wrong field.
    """
    if not isinstance(document, dict):
        raise ApiError("bad_request", "The request body is JSON, but not an object.")
    build(kind)
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        shape = details_of_pydantic_1 if as_pydantic_1 else details_of_pydantic_2
        details = shape(error.errors(include_url=False))
        raise ApiError(
            "validation_error", "The request body is not valid.", details=details
        ) from None
