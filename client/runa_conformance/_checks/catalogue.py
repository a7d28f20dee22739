"""The catalogue: its pages, its filters and its single products."""

from collections.abc import Iterable, Mapping
from typing import Any

from runa_client import Product
from runa_conformance._expect import (
    at,
    distinct,
    entries,
    equal,
    expect,
    keys,
    refused,
    strings,
    success,
)
from runa_conformance._failures import SkippedError
from runa_conformance._messages import Answer
from runa_conformance._registry import Group
from runa_conformance._service import Service
from runa_schemas.contract_data import DEFAULT_PRODUCT_LIMIT, MAX_PAGE_LIMIT

GROUP = Group("catalogue")

NO_CODE = "NO-SUCH-PRODUCT"
WRONG_LIMITS = ("0", str(MAX_PAGE_LIMIT + 1), "-1", "1.5", "ten", "", "1e2")


def codes(answer: Answer) -> list[str]:
    """The codes of the products on a page."""
    return [str(at(entry, "code")) for entry in entries(success(answer), "catalog")]


def _cursors(answer: Answer) -> Any:
    return at(success(answer), "pagination", "cursors")


def _all_codes(service: Service) -> list[str]:
    return [product.code for product in service.catalogue.products]


def _some_codes(service: Service) -> list[str]:
    """The first few codes of the catalogue, at least three."""
    found = _all_codes(service)[:7]
    if len(found) < 3:  # noqa: PLR2004 - a page of two and one more
        raise SkippedError("the catalogue has no three products")
    return found


@GROUP.check("product-pages")
def a_page_has_at_most_500_products(service: Service) -> None:
    """A page without a limit has room for 500 products, and says so."""
    answer = service.get("/product")
    document = success(answer)
    keys(document, ["catalog", "pagination"], "a page")
    equal(at(document, "pagination", "page"), {"limit": DEFAULT_PRODUCT_LIMIT}, f"{answer}, page")
    equal(codes(answer), _all_codes(service)[:DEFAULT_PRODUCT_LIMIT], f"{answer}, codes")


@GROUP.check("page-limit")
def a_limit_is_1_to_500(service: Service) -> None:
    """Limits of 1 and 500 are taken; 0, 501 and what is no whole number are pagination errors."""
    for limit in (1, 2, MAX_PAGE_LIMIT):
        answer = service.query("/product", limit=limit)
        equal(codes(answer), _all_codes(service)[:limit], f"{answer}, codes")
        equal(at(answer.document, "pagination", "page", "limit"), limit, f"{answer}, limit")
    for wrong in WRONG_LIMITS:
        refused(service.query("/product", limit=wrong), "pagination_error")


@GROUP.check("product-cursors")
def pages_join_to_the_catalogue(service: Service) -> None:
    """Walking with small pages finds each product once, in the order of their codes."""
    expected = _all_codes(service)
    equal(expected, sorted(expected), "the codes of the catalogue")
    distinct(expected, "the codes of the catalogue")
    limit = max(2, len(expected) // 12 + 1)
    walked: list[str] = []
    after = None
    while len(walked) < len(expected):
        answer = service.query("/product", limit=limit, after=after)
        found = codes(answer)
        equal(found, expected[len(walked) :][:limit], f"{answer}, codes")
        equal(_cursors(answer), {"after": found[-1], "before": found[0]}, f"{answer}, cursors")
        walked += found
        after = found[-1]
    last = service.query("/product", limit=limit, after=after)
    equal(codes(last), [], f"{last}, codes")
    equal(_cursors(last), {"after": None, "before": None}, f"{last}, cursors")


@GROUP.check("product-cursors")
def before_pages_backwards(service: Service) -> None:
    """The page before a product has the products in front of it, still by code."""
    found = _some_codes(service)
    last = service.query("/product", limit=2, before=found[-1])
    equal(codes(last), found[-3:-1], f"{last}, codes")
    first = service.query("/product", before=found[0])
    equal(codes(first), [], f"{first}, codes")
    equal(_cursors(first), {"after": None, "before": None}, f"{first}, cursors")


@GROUP.check("page-cursors")
def a_cursor_is_one_that_a_page_gave(service: Service) -> None:
    """A cursor that is none, and both at once, are pagination errors."""
    code = _some_codes(service)[0]
    refused(service.query("/product", after=code, before=code), "pagination_error")
    for cursor in (NO_CODE, "", code.lower()):
        refused(service.query("/product", after=cursor), "pagination_error")
        refused(service.query("/product", before=cursor), "pagination_error")


@GROUP.check("repeated-parameter")
def a_parameter_is_given_once(service: Service) -> None:
    """A limit or a cursor given twice is a pagination error."""
    code = _some_codes(service)[0]
    refused(service.query("/product", limit=[1, 1]), "pagination_error")
    refused(service.query("/product", after=[code, code]), "pagination_error")


def _filtered(service: Service, wanted: Iterable[Product], **parameters: object) -> None:
    """With these filters the catalogue has these products, and nothing else."""
    answer = service.query("/product", **parameters)
    expected = [product.code for product in wanted][:DEFAULT_PRODUCT_LIMIT]
    equal(codes(answer), expected, f"{answer}, codes")


@GROUP.check("product-filters")
def products_are_filtered_by_is_orderable(service: Service) -> None:
    """True leaves the products that can be ordered now; false turns the filter off."""
    orderable = [p for p in service.catalogue.products if p.is_orderable]
    _filtered(service, orderable, is_orderable="true")
    _filtered(service, service.catalogue.products, is_orderable="false")


@GROUP.check("product-filters")
def products_are_filtered_by_country(service: Service) -> None:
    """Of several countries any may match."""
    known = sorted({c for p in service.catalogue.products for c in p.countries_redeemable_in})
    for chosen in (known[:1], known[:2], known[-2:]):
        wanted = [p for p in service.catalogue.products if {*chosen} & {*p.countries_redeemable_in}]
        _filtered(service, wanted, countries_redeemable_in=chosen)


@GROUP.check("product-filters")
def products_are_filtered_by_category(service: Service) -> None:
    """Of several categories any may match."""
    known = sorted({c for p in service.catalogue.products for c in p.categories})
    for chosen in (known[:1], known[:2], known[-2:]):
        wanted = [p for p in service.catalogue.products if {*chosen} & {*p.categories}]
        _filtered(service, wanted, categories=chosen)


@GROUP.check("product-filters")
def a_product_is_found_by_its_code(service: Service) -> None:
    """The filter code finds one product, or none."""
    wanted = service.catalogue.products[:1]
    _filtered(service, wanted, code=wanted[0].code)
    _filtered(service, [], code=NO_CODE)


@GROUP.check("product-filters")
def filters_are_all_to_be_met(service: Service) -> None:
    """Different filters narrow each other, and pages are counted after them."""
    first = service.catalogue.find(
        lambda p: bool(p.is_orderable and p.countries_redeemable_in and p.categories),
        "orderable product with a country and a category",
    )
    country, category = first.countries_redeemable_in[0], first.categories[0]
    wanted = [
        product
        for product in service.catalogue.products
        if product.is_orderable
        and country in product.countries_redeemable_in
        and category in product.categories
    ]
    filters: Mapping[str, object] = {
        "is_orderable": "true",
        "countries_redeemable_in": country,
        "categories": category,
    }
    _filtered(service, wanted, **filters)
    _filtered(service, wanted[:2], **filters, limit=2)
    _filtered(service, wanted[1:2], **filters, limit=1, after=wanted[0].code)


@GROUP.check("filter-values")
def filters_have_known_values(service: Service) -> None:
    """A value that a filter cannot have is 400 bad_request; unknown parameters are ignored."""
    for name, value in (
        ("is_orderable", "yes"),
        ("is_orderable", ""),
        ("countries_redeemable_in", "usa"),
        ("categories", "no-such-category"),
    ):
        refused(service.query("/product", **{name: value}), "bad_request")
    answer = service.query("/product", no_such_parameter=1, limit=2)
    equal(codes(answer), _some_codes(service)[:2], f"{answer}, codes")


@GROUP.check("product-single")
def a_product_reads_as_it_is_listed(service: Service) -> None:
    """A product by its code is the entry of the list; one of each payout type is compared."""
    kinds = {product.payout_type: product for product in service.catalogue.products}
    for product in kinds.values():
        answer = service.get(f"/product/{product.code}")
        equal(success(answer), product.raw, f"{answer}")


@GROUP.check("product-single")
def an_unknown_product_is_not_found(service: Service) -> None:
    """A code that no product has is 404 not_found, in lower case too."""
    for code in (NO_CODE, service.catalogue.products[0].code.lower()):
        refused(service.get(f"/product/{code}"), "not_found")


@GROUP.check("product-content")
def texts_come_in_three_forms(service: Service) -> None:
    """Texts come as url, md or html, and the form ends their names."""
    code = service.catalogue.find(lambda p: bool(p.content_resources), "product with texts").code
    suffixes = {"url": "_markdown_url", "md": "_md", "html": "_html"}
    topics = {form: _topics(service, code, form, end) for form, end in suffixes.items()}
    for form, found in topics.items():
        equal(found, topics["url"], f"texts of {code} as {form}")
    equal(_topics(service, code, None, "_markdown_url"), topics["url"], f"texts of {code}")
    refused(service.query(f"/product/{code}", content="pdf"), "bad_request")


def _topics(service: Service, code: str, form: str | None, suffix: str) -> dict[str, bool]:
    """The topics of a product's texts, and whether there is a text."""
    answer = service.query(f"/product/{code}", content=form)
    document = success(answer)
    texts = at(document, str(at(document, "payout_type")), "content_resources")
    named = {name: text for name, text in texts.items() if name != "locale"}
    for name in named:
        expect(name.endswith(suffix), f"{answer}, a text called {name}, expected …{suffix}")
    return {name.removesuffix(suffix): text is not None for name, text in named.items()}


@GROUP.check("countries")
def countries_are_those_of_the_products(service: Service) -> None:
    """The countries are those in which a product can be redeemed, each once."""
    answer = service.get("/product/countries")
    found = strings(success(answer), "countries")
    distinct(found, f"{answer}, countries")
    expected = {c for p in service.catalogue.products for c in p.countries_redeemable_in}
    equal(set(found), expected, f"{answer}, countries")


@GROUP.check("categories")
def categories_hold_those_of_the_products(service: Service) -> None:
    """Each category that a product has is listed, once."""
    answer = service.get("/product/categories")
    found = [str(at(entry, "code")) for entry in entries(success(answer), "categories")]
    distinct(found, f"{answer}, categories")
    used = {c for p in service.catalogue.products for c in p.categories}
    expect(used <= set(found), f"{answer}, without {sorted(used - set(found))}")
