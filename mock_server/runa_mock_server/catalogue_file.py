"""Catalogues from files, in the shape in which ``GET /product`` answers.

Strict about what the mock relies on, lenient about what it only repeats: unknown fields and nulls
stay as they are, so that a saved catalogue is served back unchanged.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from runa_mock_server import strict_json
from runa_mock_server.catalogue import Catalogue, CatalogueError, built_in
from runa_mock_server.errors import quoted
from runa_mock_server.settings import Settings
from runa_mock_server.text_file import UnreadableFileError, read_text

_MESSAGE_LIMIT = 80
_SHAPE = 'must be a page, {"catalog": [...], "pagination": ...}, or a list of pages'

_Text = Annotated[str, Field(min_length=1)]
_Amount = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,15})?$")]


def catalogue_of(settings: Settings) -> Catalogue:
    """The catalogue that settings ask for.

    Raises:
        CatalogueError: if the file or a template cannot be used.
    """
    if settings.catalogue is None and not settings.templates:
        return built_in()
    products = built_in().products if settings.catalogue is None else load(settings.catalogue)
    return Catalogue(products, settings.templates)


def load(path: str | Path) -> list[dict[str, Any]]:
    """The product documents in a file, as they are, in the file's order.

    Args:
        path: a file with one page as ``GET /product`` answers it (its ``pagination`` may be
            missing), or with a list of such pages.

    Raises:
        CatalogueError: listing every problem of the file with page, entry, field and reason.
            A product that is there twice, even unchanged, is one (inferred): it is what pages
            look like that were saved wrongly.
    """
    path = Path(path)
    document = _read(path)
    pages = document if isinstance(document, list) else [document]
    placed = list(_products(pages))
    problems = [
        *_misshapen(pages),
        *(f"{place}: {told}" for place, product in placed for told in problems_of(product)),
        *_repeated(placed),
    ]
    if not problems and not placed:
        problems.append("there is no product in it")
    if problems:
        raise _refused(path, problems)
    return [product for _, product in placed]


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
    # Inferred: the provider may have products of more currencies than it takes payments in.
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    state: Literal["LIVE", "TEMPORARILY_DISABLED", "TEMPORARILY_DEGRADED"]
    is_orderable: bool
    payout_type: Literal["gift_card", "subscription", "payment"]
    categories: list[str]
    countries_redeemable_in: list[str]
    discount_multiplier: Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,15})?|1(\.0{1,15})?)$")]


_DETAILS: Mapping[str, type[BaseModel]] = {
    "gift_card": _GiftCard,
    "subscription": _Subscription,
    "payment": _Payment,
}


class FieldProblem(NamedTuple):
    """What is wrong with one field of a product; no field is the product as a whole."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class _Placed(NamedTuple):
    """An entry of the file and where it stands, for messages."""

    place: str
    product: Any


def _read(path: Path) -> Any:
    try:
        return strict_json.parse(read_text(path).encode())
    except UnreadableFileError as error:
        raise _refused(path, [str(error)]) from None
    except strict_json.MalformedJsonError as error:
        raise _refused(path, [f"is not JSON: {error}"]) from None


def _is_page(page: Any) -> bool:
    return isinstance(page, dict) and isinstance(page.get("catalog"), list)


def _misshapen(pages: Iterable[Any]) -> Iterator[str]:
    pages = list(pages)
    if len(pages) > 1 and not any(_is_page(page) for page in pages):
        yield f"none of its {len(pages)} entries is a page: the file {_SHAPE}"
        return
    for number, page in enumerate(pages, 1):
        if not _is_page(page):
            yield f"page {number}: {_SHAPE}"


def _products(pages: Iterable[Any]) -> Iterator[_Placed]:
    """Every entry of every page, whatever it is."""
    for number, page in enumerate(pages, 1):
        for index, product in enumerate(page["catalog"] if _is_page(page) else ()):
            code = product.get("code") if isinstance(product, dict) else None
            name = f" ({quoted(code)[1:-1]})" if isinstance(code, str) else ""
            yield _Placed(f"page {number}, catalog[{index}]{name}", product)


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


def _repeated(placed: Iterable[_Placed]) -> Iterator[str]:
    """Codes that stand for two things: products, plans, or one of each."""
    products: dict[str, str] = {}
    offers: dict[str, str] = {}
    for place, product in placed:
        if not isinstance(product, dict):
            continue
        if isinstance(code := product.get("code"), str):
            first = products.setdefault(code, place)
            if first != place:
                yield f"{place}: code: {quoted(code)} is that of {first} already"
                continue
        for field, name in _order_codes(product):
            here = f"{place}: {field}"
            first = offers.setdefault(name, here)
            if first != here:
                yield f"{here}: {quoted(name)} is that of {first} already"


def _order_codes(product: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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


def _refused(path: Path, problems: Iterable[str]) -> CatalogueError:
    return CatalogueError("\n".join(f"{path}: {problem}" for problem in problems))
