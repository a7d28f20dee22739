"""The bodies of ``POST /order`` and ``POST /order/estimate``, as whoever works with them sees them.

What they have to be is said in ``body_models.py``, which is loaded with the first body, or once a
server has begun to listen: until then nobody waits for pydantic.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeVar

from runa_mock_server.currencies import Currency
from runa_mock_server.errors import ApiError
from runa_mock_server.strict_json import MalformedJsonError, parse


class _Part:
    """A piece of a request that passed."""

    def echo(self) -> dict[str, Any]:
        """The piece as an answer repeats it: what was sent and is known."""
        # Twice as fast as model_dump, and done twice for every item. To ask whether something is
        # of a model's class takes longer than the rest, so that is left to what is no text.
        return {
            name: value.echo() if type(value) is not str and isinstance(value, _Part) else value
            for name, value in self.__dict__.items()
            if value is not None
        }


class PaymentMethod(_Part):
    """Who pays, in which currency."""

    type: Literal["ACCOUNT_BALANCE"]
    currency: Currency


class EmailDistribution(_Part):
    """The payout link is sent by e-mail."""

    type: Literal["EMAIL"]
    email_address: str
    template_id: str | None


class PayoutLinkDistribution(_Part):
    """The payout link is only returned to the caller."""

    type: Literal["PAYOUT_LINK"]
    template_id: str | None


class RecipientDistribution(_Part):
    """The payout goes to a known person; for payment products."""

    type: Literal["RECIPIENT"]
    recipient_reference: str
    email_address: str
    template_id: str | None


class UsageConfig(_Part):
    """Where a prepaid card may be spent."""

    spend_rules_template_id: str


class SingleProduct(_Part):
    """One product, or one subscription plan, by its code."""

    type: Literal["SINGLE"]
    value: str
    usage_config: UsageConfig | None


class MultipleProducts(_Part):
    """Products among which the recipient chooses."""

    type: Literal["MULTIPLE"]
    values: Sequence[str]


class TemplateProducts(_Part):
    """A product-selection template, which stands for its products."""

    type: Literal["TEMPLATE"]
    template_id: str


Distribution = EmailDistribution | PayoutLinkDistribution | RecipientDistribution
Products = SingleProduct | MultipleProducts | TemplateProducts


class NewItem(_Part):
    """One payout link to make."""

    face_value: Decimal
    distribution_method: Distribution
    products: Products


class NewOrder(_Part):
    """The whole body of ``POST /order`` (provider's page "Create order")."""

    payment_method: PaymentMethod
    items: Sequence[NewItem]
    description: str | None
    metadata: Mapping[str, str] | None


class EstimateItem(_Part):
    """One item to price."""

    face_value: Decimal
    products: SingleProduct | MultipleProducts


class NewEstimate(_Part):
    """The whole body of ``POST /order/estimate`` (provider's page "Estimate order")."""

    payment_method: PaymentMethod
    items: Sequence[EstimateItem]


def parse_body(raw: bytes) -> Any:
    """The JSON document in a body.

    Raises:
        ApiError: ``bad_request`` if it is no JSON.
    """
    try:
        return parse(raw)
    except MalformedJsonError as error:
        raise not_json(error) from None


def not_json(error: MalformedJsonError) -> ApiError:
    """The answer to a body that is no JSON."""
    return ApiError("bad_request", f"The request body is not JSON: {error}.")


Body = TypeVar("Body", NewOrder, NewEstimate)


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
    from runa_mock_server.body_models import validated  # noqa: PLC0415 - see above

    return validated(kind, document, as_pydantic_1=as_pydantic_1)
