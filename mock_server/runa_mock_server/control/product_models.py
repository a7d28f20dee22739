"""The bodies, queries and results of the operations on products."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from runa_mock_server.control.models import LONGEST_PAGE, Body, Query, Result

_Amount = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,15})?$")]


class ProductsQuery(Query):
    """Which products to show, by code."""

    code: str | None = None
    is_orderable: bool | None = None
    search: str | None = Field(default=None, description="Part of a code or a name, in any case.")
    after: str = Field(default="", description="Only products whose codes come later.")
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 100


class ProductSummary(Result):
    """A product as it can be ordered now."""

    code: str
    name: str
    currency: str
    payout_type: str
    state: str
    is_orderable: bool
    discount_multiplier: str = Field(description="The share of the face value that is let off.")
    denominations: dict[str, Any] | None = Field(
        description="null for a subscription, whose plans have prices."
    )


class ProductDetail(ProductSummary):
    """A product, and its whole document."""

    product: dict[str, Any]


class ProductsResult(Result):
    """The products that fit, by code."""

    products: list[ProductSummary]
    total: int = Field(description="How many fit, also those on other pages.")
    next_after: str | None = Field(description="`after` of the next page; null: there is none.")


class DenominationsBody(Body):
    """Face values, in the shape that the product has; what follows from the rest may be missing."""

    type: Literal["open", "fixed"] | None = None
    minimum_value: _Amount | None = None
    maximum_value: _Amount | None = None
    available_list: Annotated[list[_Amount], Field(max_length=1_000)] | None = None


class NewProductBody(Body):
    """A product to add."""

    product: dict[str, Any] = Field(
        description="The product as `GET /v2/product/{code}` shows it; fields that the mock does "
        "not rely on are served as they are."
    )

    @field_validator("product")
    @classmethod
    def _is_json(cls, product: dict[str, Any]) -> dict[str, Any]:
        json.dumps(product, allow_nan=False)  # raises a ValueError for what is no JSON
        return product


class ProductBody(Body):
    """How a product is to be from now on; what is not given stays."""

    is_orderable: bool | None = None
    discount_multiplier: Annotated[str, Field(pattern=r"^0(\.[0-9]{1,4})?$")] | None = Field(
        default=None, description="The share of the face value that is let off: below 1."
    )
    denominations: DenominationsBody | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.is_orderable, self.discount_multiplier, self.denominations) == (None, None, None):
            raise ValueError(
                "is_orderable: or one of discount_multiplier and denominations must be given"
            )
        return self
