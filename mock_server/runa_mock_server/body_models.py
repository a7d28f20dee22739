"""Which bodies of ``POST /order`` and ``POST /order/estimate`` pass.

Pydantic's own details are what the playground shows (page "Errors"), so the rules stand here as a
pydantic model and the wording is the library's. The JSON Schema ``new_order`` states the same
rules a second time, independently, and a property test holds the two together. Each model is a
part of ``bodies.py``, which everybody else knows: this module takes long to load.
"""

import re
import threading
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, cast

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

from runa_mock_server import bodies
from runa_mock_server.currencies import Currency
from runa_mock_server.errors import ApiError
from runa_mock_server.validation_details import details_of_pydantic_1, details_of_pydantic_2

_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+'
_LABEL = r"[A-Za-z0-9\x80-\uffff](?:[A-Za-z0-9\x80-\uffff-]*[A-Za-z0-9\x80-\uffff])?"
_EMAIL_LIMIT = 254
_LEAST_FACE_VALUE = Decimal("0.01")


def _face_value(value: object) -> Decimal:
    # A number in JSON is a number here: neither "10" nor true is one.
    if type(value) is not int and type(value) is not Decimal:
        raise PydanticKnownError("float_type")
    if value < _LEAST_FACE_VALUE:
        raise PydanticKnownError("greater_than_equal", {"ge": float(_LEAST_FACE_VALUE)})
    return Decimal(value)


@cache
def _email() -> re.Pattern[str]:
    # Its sets of letters take long to compile: a server starts without waiting for them.
    return re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def _address(value: str) -> str:
    # `.invalid` and `.test` are fine: the provider recommends them for tests.
    if len(value) > _EMAIL_LIMIT or not _email().fullmatch(value):
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
RecipientReference = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_@.-]{1,255}$")]
SpendRulesTemplateId = Annotated[StrictStr, Field(pattern=r"^PSR-[0-9A-HJKMNP-TV-Z]{26}$")]
MetadataKey = Annotated[StrictStr, Field(max_length=40)]
MetadataValue = Annotated[StrictStr, Field(max_length=200)]


class _Model(BaseModel):
    """Unknown fields are ignored, ``null`` equals absence."""

    # Built with the first body: a server starts without waiting for it.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class PaymentMethod(_Model, bodies.PaymentMethod):
    type: Literal["ACCOUNT_BALANCE"]
    currency: Currency


class EmailDistribution(_Model, bodies.EmailDistribution):
    type: Literal["EMAIL"]
    email_address: EmailAddress
    template_id: StrictStr | None = None


class PayoutLinkDistribution(_Model, bodies.PayoutLinkDistribution):
    type: Literal["PAYOUT_LINK"]
    template_id: StrictStr | None = None


class RecipientDistribution(_Model, bodies.RecipientDistribution):
    type: Literal["RECIPIENT"]
    recipient_reference: RecipientReference
    email_address: EmailAddress
    template_id: StrictStr | None = None


class UsageConfig(_Model, bodies.UsageConfig):
    spend_rules_template_id: SpendRulesTemplateId


class SingleProduct(_Model, bodies.SingleProduct):
    type: Literal["SINGLE"]
    value: Annotated[StrictStr, Field(min_length=1)]
    usage_config: UsageConfig | None = None


class MultipleProducts(_Model, bodies.MultipleProducts):
    type: Literal["MULTIPLE"]
    values: Annotated[list[StrictStr], Field(min_length=2), AfterValidator(_unique)]


class TemplateProducts(_Model, bodies.TemplateProducts):
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


class NewItem(_Model, bodies.NewItem):
    face_value: FaceValue
    distribution_method: Distribution
    products: Products


class NewOrder(_Model, bodies.NewOrder):
    payment_method: PaymentMethod
    items: Annotated[list[NewItem], Field(min_length=1, max_length=200)]
    description: Annotated[StrictStr, Field(max_length=128)] | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=20)] | None = None


class EstimateItem(_Model, bodies.EstimateItem):
    face_value: FaceValue
    products: Annotated[SingleProduct | MultipleProducts, Field(discriminator="type")]


class NewEstimate(_Model, bodies.NewEstimate):
    payment_method: PaymentMethod
    items: Annotated[list[EstimateItem], Field(min_length=1, max_length=500)]


_MODELS: Mapping[type, type[BaseModel]] = {
    bodies.NewOrder: NewOrder,
    bodies.NewEstimate: NewEstimate,
}
_BUILDING = threading.Lock()


def build(kind: type[bodies.Body]) -> type[BaseModel]:
    """The model of what an operation takes, ready to be used."""
    model = _MODELS[kind]
    if not model.__pydantic_complete__:
        with _BUILDING:  # servers on several threads may take their first order together
            model.model_rebuild()
    return model


def validated(kind: type[bodies.Body], document: Any, *, as_pydantic_1: bool) -> bodies.Body:
    """What ``bodies.validate_body`` gives for an object.

    Raises:
        ApiError: ``validation_error``, with a detail for each wrong field.
    """
    try:
        return cast("bodies.Body", build(kind).model_validate(document))
    except ValidationError as error:
        shape = details_of_pydantic_1 if as_pydantic_1 else details_of_pydantic_2
        details = shape(error.errors(include_url=False))
        raise ApiError(
            "validation_error", "The request body is not valid.", details=details
        ) from None
