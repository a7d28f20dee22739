"""What a product of a catalogue has to be, as far as the mock relies on it."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from runa_mock_server.base.errors import FieldProblem

_MESSAGE_LIMIT = 80

_Text = Annotated[str, Field(min_length=1)]
_Amount = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,15})?$")]


class _Denominations(BaseModel):
    """What the face values of a gift card or a payment are worked out from."""

    model_config = ConfigDict(strict=True, defer_build=True)

    type: Literal["open", "fixed"] | None = None
    minimum_value: _Amount | None = None
    maximum_value: _Amount | None = None
    available_list: list[_Amount] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "fixed":
            if self.available_list is None:
                raise ValueError("fixed denominations need an available_list")
        elif self.minimum_value is None or self.maximum_value is None:
            raise ValueError("open denominations need minimum_value and maximum_value")
        elif Decimal(self.minimum_value) > Decimal(self.maximum_value):
            raise ValueError("minimum_value is larger than maximum_value")
        return self


class _GiftCardDenominations(_Denominations):
    type: Literal["open", "fixed"]


class _Expiry(BaseModel):
    model_config = ConfigDict(strict=True, defer_build=True)

    in_months: Annotated[int, Field(ge=0, le=12_000)] | None = None


class _Redeemable(BaseModel):
    """What the codes of a product are made from."""

    model_config = ConfigDict(strict=True, defer_build=True)

    expiry: _Expiry | None = None
    barcode_format: str | None = None


class _GiftCard(_Redeemable):
    denominations: _GiftCardDenominations


class _Payment(_Redeemable):
    denominations: _Denominations


class _Plan(BaseModel):
    model_config = ConfigDict(strict=True, defer_build=True)

    price: _Amount
    subscription_plan_code: _Text


class _Subscription(_Redeemable):
    subscription_plans: list[_Plan]


class _Product(BaseModel):
    """What every product has, as far as the mock relies on it."""

    model_config = ConfigDict(strict=True, defer_build=True)

    name: str
    code: _Text
    # The provider adds currencies, states, payout types, categories and countries.
    currency: _Text
    state: _Text
    is_orderable: bool
    payout_type: _Text
    categories: list[str]
    countries_redeemable_in: list[str]
    discount_multiplier: Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,15})?|1(\.0{1,15})?)$")]


_DETAILS: Mapping[str, type[BaseModel]] = {
    "gift_card": _GiftCard,
    "subscription": _Subscription,
    "payment": _Payment,
}


def has_denominations(details: Any) -> bool:
    """Whether the details of a product have face values that orders can be checked against."""
    try:
        _Payment.model_validate(details)
    except ValidationError:
        return False
    return True


def problems_of(product: Any) -> Iterator[FieldProblem]:
    """What is wrong with one product by itself."""
    yield from _violations(_Product, product, "")
    if not isinstance(product, dict):
        return
    payout_type = product.get("payout_type")
    model = _DETAILS.get(payout_type) if isinstance(payout_type, str) else None
    if model is not None:
        if payout_type in product:
            yield from _violations(model, product[payout_type], f"{payout_type}.")
        else:
            yield FieldProblem(f"{payout_type}", "Field required")
    try:
        orjson.dumps(product, default=str)
    except TypeError as error:
        yield FieldProblem("", f"cannot be served again: {error}")


def order_codes(product: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and value of each code by which a product is ordered, as far as it can be read."""
    if product.get("payout_type") != "subscription":
        if isinstance(code := product.get("code"), str):
            yield "code", code
        return
    details = product.get("subscription")
    plans = details.get("subscription_plans") if isinstance(details, dict) else None
    for index, plan in enumerate(plans if isinstance(plans, list) else ()):
        name = plan.get("subscription_plan_code") if isinstance(plan, dict) else None
        if isinstance(name, str):
            yield f"subscription.subscription_plans.{index}.subscription_plan_code", name


def _violations(model: type[BaseModel], value: Any, prefix: str) -> Iterator[FieldProblem]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            yield _told(detail, prefix)


def _told(detail: ErrorDetails, prefix: str) -> FieldProblem:
    field = (prefix + ".".join(map(str, detail["loc"]))).rstrip(".")
    # Pydantic's own words for this one name a class of this module.
    is_no_object = detail["type"] == "model_type"
    reason = "Input should be an object" if is_no_object else detail["msg"]
    reason = reason.removeprefix("Value error, ")
    given = detail["input"]
    if detail["type"] != "missing" and not isinstance(given, dict | list):
        shown = str(given) if isinstance(given, Decimal) else json.dumps(given)
        reason += f", not {shown[:_MESSAGE_LIMIT]}"
    return FieldProblem(field, reason)
