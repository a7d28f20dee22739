"""The catalogue: its records, and the calls that read it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Literal, TypedDict

from runa_client._core import Core, PageReader, check_names, get, segment
from runa_client._exchange import Flow
from runa_client._fields import (
    Raw,
    boolean,
    each,
    integer,
    json_object,
    money,
    optional,
    required,
    string,
)
from runa_client._page import Page, page_fields
from runa_client._record import Record

ContentForm = Literal["url", "md", "html"]


class ProductFilters(TypedDict, total=False):
    """What narrows the list of products; a product passes when it passes each that is given.

    Attributes:
        is_orderable: True for only the products that can be ordered now; False turns the filter
            off, as the service documents it.
        countries: Redeemable in any of these, such as `GB`; one or several.
        categories: In any of these, see `categories`; one or several.
        code: The product with this code, if there is one.
    """

    is_orderable: bool | None
    countries: str | Iterable[str] | None
    categories: str | Iterable[str] | None
    code: str | None


class Denominations(Record):
    """The face values that a product takes, in its currency.

    `type` is `open`, any value from `minimum` to `maximum`, or `fixed`, only those in
    `available`. An open product can have values in `available`, too, as suggestions. Payments have
    no type: they are open.
    """

    type: str | None
    minimum: Decimal | None
    maximum: Decimal | None
    available: tuple[Decimal, ...]
    raw: Raw


class SubscriptionPlan(Record):
    """A plan of a subscription: orders name its `code` and have its `price` as face value.

    `length` counts `length_unit`, `DAYS` or `MONTHS`.
    """

    code: str | None
    name: str | None
    price: Decimal | None
    length: int | None
    length_unit: str | None
    raw: Raw


class Product(Record):
    """A product of the catalogue.

    `state` is `LIVE`, `TEMPORARILY_DISABLED` or `TEMPORARILY_DEGRADED`, `payout_type` is
    `gift_card`, `subscription` or `payment`; the service can add values of both, of `currency`, of
    `categories` and of `countries_redeemable_in`. `discount_multiplier` is the share of the face
    value that production takes off. Subscriptions have `subscription_plans`, the others
    `denominations`. `raw` is the JSON object, its fractions as `Decimal`.
    """

    code: str
    name: str | None
    currency: str | None
    state: str | None
    is_orderable: bool | None
    payout_type: str | None
    availability: str | None
    categories: tuple[str, ...]
    countries_redeemable_in: tuple[str, ...]
    discount_multiplier: Decimal | None
    denominations: Denominations | None
    subscription_plans: tuple[SubscriptionPlan, ...]
    raw: Raw

    @property
    def details(self) -> Raw:
        """What the service keeps under the name of the payout type: assets, expiry and so on."""
        return _details(self.raw, self.payout_type)

    @property
    def content_resources(self) -> Raw:
        """The texts about the product, or their URLs, by the service's names for them."""
        found: Raw = self.details.get("content_resources") or {}
        return found


class ProductPage(Page[Product]):
    """One page of products, by code; no items means the end. Cursors are product codes."""


_PAYOUT_TYPES = ("gift_card", "subscription", "payment")  # the ones that are documented
_OTHER_OPERATIONS = ("categories", "countries")  # whose paths look like those of products


def get_product(core: Core, code: str, content: ContentForm | None) -> Flow[Product]:
    """Read one product."""
    if code in _OTHER_OPERATIONS:
        raise ValueError(f"no product code: {code!r}")
    path = f"/product/{segment('product code', code)}"
    return core.call(get(path, {"content": content}), parse_product)


def list_products(
    core: Core,
    limit: int | None,
    after: str | None,
    before: str | None,
    filters: ProductFilters,
) -> Flow[ProductPage]:
    """Read one page of products."""
    query = _query("list_products", filters)
    paging = {"limit": limit, "after": after, "before": before}
    return core.call(get("/product", {**query, **paging}), parse_product_page)


def product_pages(core: Core, page_size: int, filters: ProductFilters) -> PageReader[Product]:
    """Make the reader of the pages of all products that pass the filters."""
    query = _query("iter_products", filters)

    def read(after: str | None) -> Flow[ProductPage]:
        paged = {**query, "limit": page_size, "after": after}
        return core.call(get("/product", paged), parse_product_page)

    return read


def countries(core: Core) -> Flow[tuple[str, ...]]:
    """Read the codes of the countries in which there is something to redeem."""
    return core.call(
        get("/product/countries"),
        lambda data: required(json_object(data), "countries", each(string)),
    )


def categories(core: Core) -> Flow[tuple[str, ...]]:
    """Read the codes of the product categories."""
    return core.call(
        get("/product/categories"),
        lambda data: required(json_object(data), "categories", each(_code)),
    )


def parse_product(data: object) -> Product:
    """Read a product.

    Raises:
        ValueError: The data is no product; the message names the field.
    """
    raw = json_object(data)
    payout_type = optional(raw, "payout_type", string)
    details = _details(raw, payout_type)
    if payout_type not in _PAYOUT_TYPES:
        details = _readable(details)
    return Product(
        code=required(raw, "code", string),
        name=optional(raw, "name", string),
        currency=optional(raw, "currency", string),
        state=optional(raw, "state", string),
        is_orderable=optional(raw, "is_orderable", boolean),
        payout_type=payout_type,
        availability=optional(raw, "availability", string),
        categories=optional(raw, "categories", each(string)) or (),
        countries_redeemable_in=optional(raw, "countries_redeemable_in", each(string)) or (),
        discount_multiplier=optional(raw, "discount_multiplier", money),
        denominations=optional(details, "denominations", parse_denominations),
        subscription_plans=optional(details, "subscription_plans", each(_plan)) or (),
        raw=raw,
    )


def parse_product_page(data: object) -> ProductPage:
    """Read a page of products.

    Raises:
        ValueError: The data is no page; the message names the field.
    """
    return ProductPage(**page_fields(data, "catalog", parse_product))


def parse_denominations(data: object) -> Denominations:
    """Read the face values of a product.

    Raises:
        ValueError: The data is no such object; the message names the field.
    """
    raw = json_object(data)
    return Denominations(
        type=optional(raw, "type", string),
        minimum=optional(raw, "minimum_value", money),
        maximum=optional(raw, "maximum_value", money),
        available=optional(raw, "available_list", each(money)) or (),
        raw=raw,
    )


def _details(raw: Raw, payout_type: str | None) -> Raw:
    if payout_type in _PAYOUT_TYPES:
        return optional(raw, payout_type, json_object) or {}
    found = raw.get(payout_type or "")
    return found if isinstance(found, dict) else {}


def _readable(details: Raw) -> Raw:
    """The details of an unknown payout type, without what has another shape than usual."""
    read: dict[str, Callable[[object], object]] = {
        "denominations": parse_denominations,
        "subscription_plans": each(_plan),
    }
    found = {}
    for name, convert in read.items():
        with suppress(ValueError):
            optional(details, name, convert)
            found[name] = details.get(name)
    return found


def _plan(data: object) -> SubscriptionPlan:
    raw = json_object(data)
    return SubscriptionPlan(
        code=optional(raw, "subscription_plan_code", string),
        name=optional(raw, "name", string),
        price=optional(raw, "price", money),
        length=optional(raw, "length", integer),
        length_unit=optional(raw, "length_unit", string),
        raw=raw,
    )


def _code(data: object) -> str:
    return required(json_object(data), "code", string)


def _query(method: str, filters: ProductFilters) -> Mapping[str, object]:
    check_names(method, filters, ProductFilters.__annotations__)
    orderable = filters.get("is_orderable")
    if orderable is not None and not isinstance(orderable, bool):
        raise TypeError(f"is_orderable is True, False or None, not {orderable!r}")
    return {
        "is_orderable": None if orderable is None else str(orderable).lower(),
        "countries_redeemable_in": _several("countries", filters.get("countries")),
        "categories": _several("categories", filters.get("categories")),
        "code": filters.get("code"),
    }


def _several(name: str, given: str | Iterable[str] | None) -> list[str] | None:
    if given is None:
        return None
    wanted = [given] if isinstance(given, str) else list(given)
    if not wanted:
        # Nothing would be sent for it, and all products would come back.
        raise ValueError(f"{name} is empty, which no product passes: leave it out for all")
    return wanted
