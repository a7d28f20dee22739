"""The bodies, queries and results of the operations on products."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from runa_mock_server.control.models import LONGEST_PAGE, Body, Query, Result

_Amount = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,15})?$")]


class ProductsQuery(Query):
    """Filters of products."""

    code: str | None = None
    is_orderable: bool | None = None
    search: str | None = Field(
        default=None, description="Part of a code or name, case-insensitive."
    )
    after: str = Field(default="", description="Only products with a greater code.")
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 100


class ProductSummary(Result):
    """A product as it is now."""

    code: str
    name: str
    currency: str
    payout_type: str
    state: str
    is_orderable: bool
    discount_multiplier: str = Field(description="The discount as a share of the face value.")
    denominations: dict[str, Any] | None = Field(
        description="null: a subscription, whose plans have prices, or unknown."
    )


class ProductDetail(ProductSummary):
    """A product with its complete document."""

    product: dict[str, Any]


class ProductsResult(Result):
    """The products that match the filters, sorted by code."""

    products: list[ProductSummary]
    total: int = Field(description="Number of matches on all pages.")
    next_after: str | None = Field(description="`after` of the next page; null: last page.")


class DenominationsBody(Body):
    """Face values, of the type that the product has; derived fields can be left out."""

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
    """A change of a product; fields that are left out keep their values."""

    is_orderable: bool | None = None
    discount_multiplier: Annotated[str, Field(pattern=r"^0(\.[0-9]{1,4})?$")] | None = Field(
        default=None, description="The discount as a share of the face value, below 1."
    )
    denominations: DenominationsBody | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.is_orderable, self.discount_multiplier, self.denominations) == (None, None, None):
            raise ValueError(
                "is_orderable: or one of discount_multiplier and denominations must be given"
            )
        return self
