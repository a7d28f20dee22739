"""The bodies of ``POST /order`` and ``POST /order/estimate``: which are valid.

Pydantic's own details are what the playground shows (page "Errors"), so the rules stand here as
types that pydantic checks, and the wording is the library's. The JSON Schema ``new_order`` states
the same rules a second time, independently, and a property test holds the two together.

An order has up to 200 items, and each is checked before the answer is sent. So a valid body
becomes plain dictionaries, which cost pydantic a fraction of the time that models cost, and
Python is called only for codes among which the recipient chooses.

Importing pydantic is slow, so the server starts to listen before this module is imported. Modules
that the server imports at startup import only the types, for type checking.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    StrictStr,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import (
    CoreSchema,
    chain_schema,
    custom_error_schema,
    decimal_schema,
    int_schema,
    is_instance_schema,
    str_schema,
    union_schema,
)
from typing_extensions import TypedDict  # pydantic refuses that of `typing` before Python 3.12

from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import ApiError
from runa_mock_server.contract.body_rules import rule_of
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


class _FaceValue:
    """Marks an exact number, a face value: neither ``"10"`` nor ``true`` is one."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """A number in JSON, then its size, both checked without calling Python."""
        del source, handler
        a_number = custom_error_schema(
            union_schema(
                [decimal_schema(strict=True, allow_inf_nan=True), int_schema(strict=True)]
            ),
            custom_error_type="float_type",
        )
        return chain_schema([a_number, decimal_schema(ge=MIN_FACE_VALUE, allow_inf_nan=True)])


def _unique(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise PydanticCustomError(
            "value_error",
            "Value error, the product codes must be unique",
            {"pydantic_1": "value_error.list.unique_items"},
        )
    return values


# Only what all dialects of regular expressions spell alike: the control API's document repeats it.
_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+'
_LABEL = "[A-Za-z0-9\x80-\uffff]([A-Za-z0-9\x80-\uffff-]*[A-Za-z0-9\x80-\uffff])?"


class _EmailAddress:
    """Marks a text as an e-mail address; `.invalid` and `.test` are fine.

    The provider recommends them for tests, so pydantic's own type, which refuses them, will not do.
    """

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The text, then its spelling, both checked without calling Python."""
        spelling = custom_error_schema(
            str_schema(
                pattern=rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+$",
                max_length=MAX_EMAIL_ADDRESS_LENGTH,
            ),
            # Pydantic reserves the type `value_error`, and its message, for Python's exceptions.
            custom_error_type="value_error.email",
            custom_error_message="value is not a valid email address",
            custom_error_context={"pydantic_1": "value_error.email", "pydantic_2": "value_error"},
        )
        return chain_schema([handler(source), spelling])


class _Part:
    """Marks an object that the service words as a model: the error names its class."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """An object at all, then its fields."""
        an_object = custom_error_schema(
            is_instance_schema(dict),
            custom_error_type="model_type",
            custom_error_context={"class_name": source.__name__},
        )
        return chain_schema([an_object, handler(source)])


FaceValue = Annotated[Decimal, _FaceValue()]
EmailAddress = Annotated[StrictStr, _EmailAddress()]
_REFERENCE = rf"^[A-Za-z0-9_@.-]{{1,{MAX_RECIPIENT_REFERENCE_LENGTH}}}$"
RecipientReference = Annotated[StrictStr, Field(pattern=_REFERENCE)]
SpendRulesTemplateId = Annotated[StrictStr, Field(pattern=r"^PSR-[0-9A-HJKMNP-TV-Z]{26}$")]
MetadataKey = Annotated[StrictStr, Field(max_length=MAX_METADATA_KEY_LENGTH)]
MetadataValue = Annotated[StrictStr, Field(max_length=MAX_METADATA_VALUE_LENGTH)]

# Unknown fields are ignored everywhere, and `null` for an optional field equals its absence.


class PaymentMethod(TypedDict):
    """Who pays, in which currency."""

    type: Literal["ACCOUNT_BALANCE"]
    currency: Currency


class EmailDistribution(TypedDict):
    """The payout link is sent by e-mail."""

    type: Literal["EMAIL"]
    email_address: EmailAddress
    template_id: NotRequired[StrictStr | None]


class PayoutLinkDistribution(TypedDict):
    """The payout link is only returned to the caller."""

    type: Literal["PAYOUT_LINK"]
    template_id: NotRequired[StrictStr | None]


class RecipientDistribution(TypedDict):
    """The payout goes to a known person; for payment products."""

    type: Literal["RECIPIENT"]
    recipient_reference: RecipientReference
    email_address: EmailAddress
    template_id: NotRequired[StrictStr | None]


class UsageConfig(TypedDict):
    """Where a prepaid card may be spent."""

    spend_rules_template_id: NotRequired[SpendRulesTemplateId | None]


class SingleProduct(TypedDict):
    """One product, or one subscription plan, by its code."""

    type: Literal["SINGLE"]
    value: Annotated[StrictStr, Field(min_length=1)]
    usage_config: NotRequired[Annotated[UsageConfig, _Part()] | None]


class MultipleProducts(TypedDict):
    """Products among which the recipient chooses."""

    type: Literal["MULTIPLE"]
    values: Annotated[list[StrictStr], Field(min_length=2), AfterValidator(_unique)]


class TemplateProducts(TypedDict):
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


class NewItem(TypedDict):
    """One payout link to make."""

    face_value: FaceValue
    distribution_method: Distribution
    products: Products


class NewOrder(TypedDict):
    """The whole body of ``POST /order`` (provider's page "Create order")."""

    payment_method: Annotated[PaymentMethod, _Part()]
    items: Annotated[
        list[Annotated[NewItem, _Part()]], Field(min_length=1, max_length=MAX_ORDER_ITEMS)
    ]
    description: NotRequired[Annotated[StrictStr, Field(max_length=MAX_DESCRIPTION_LENGTH)] | None]
    metadata: NotRequired[
        Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA_PAIRS)] | None
    ]


class EstimateItem(TypedDict):
    """One item to price."""

    face_value: FaceValue
    products: Annotated[SingleProduct | MultipleProducts, Field(discriminator="type")]


class NewEstimate(TypedDict):
    """The whole body of ``POST /order/estimate`` (provider's page "Estimate order")."""

    payment_method: Annotated[PaymentMethod, _Part()]
    items: Annotated[
        list[Annotated[EstimateItem, _Part()]], Field(min_length=1, max_length=MAX_ESTIMATE_ITEMS)
    ]


Body = TypeVar("Body", NewOrder, NewEstimate)


VALIDATORS: dict[Any, Callable[[Any], Any]] = {}
"""The validators that were built, by the type of the body."""


def validator(kind: type[Body]) -> Callable[[Any], Body]:
    """What checks a document and makes a body of it; the first call takes some milliseconds."""
    if kind not in VALIDATORS:
        VALIDATORS[kind] = TypeAdapter(kind).validator.validate_python
    return VALIDATORS[kind]


def validate_body(kind: type[Body], document: Any, *, as_pydantic_1: bool = False) -> Body:
    """The request that a parsed JSON document makes.

    Args:
        kind: what the operation takes.
        document: the parsed body.
        as_pydantic_1: whether details are worded and located as production does.

    Raises:
        ApiError: see ``refusal``.
    """
    try:
        return validator(kind)(document)
    except ValidationError as error:
        raise refusal(error, document, as_pydantic_1=as_pydantic_1) from None


def refusal(error: ValidationError, document: Any, *, as_pydantic_1: bool) -> ApiError:
    """The answer to a document that is not valid.

    Args:
        error: what is wrong.
        document: the parsed body.
        as_pydantic_1: whether details are worded and located as production does.

    Returns:
        ``bad_request`` if the document is no object, ``validation_error`` with a detail for each
        wrong field.
    """
    if not isinstance(document, dict):
        return ApiError(
            "bad_request", "The request body is JSON, but not an object.", rule="json-syntax"
        )
    shape = details_of_pydantic_1 if as_pydantic_1 else details_of_pydantic_2
    errors = error.errors(include_url=False)
    return ApiError(
        "validation_error",
        "The request body is not valid.",
        details=shape(errors),
        rule=rule_of(errors[0]["loc"]),
    )


def is_email_address(text: str) -> bool:
    """Whether a text is an e-mail address as requests take it."""
    try:
        TypeAdapter(EmailAddress).validate_python(text)
    except ValidationError:
        return False
    return True
