"""The catalogue: what is asked for, what comes back."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from runa_client import (
    BadRequestError,
    NotFoundError,
    Product,
    RetryPolicy,
    RunaClient,
    RunaError,
    RunaResponseError,
)

if TYPE_CHECKING:
    from client.conftest import Clients, ScriptedServer

GIFT_CARD: dict[str, Any] = {
    "name": "Example Bookshop",
    "code": "EXBOOK-GB",
    "currency": "GBP",
    "state": "LIVE",
    "is_orderable": True,
    "payout_type": "gift_card",
    "categories": ["booksellers"],
    "countries_redeemable_in": ["GB", "IE"],
    "discount_multiplier": "0.0130",
    "availability": "stocked",
    "gift_card": {
        "content_resources": {"description_markdown_url": "https://a.example/d.md"},
        "redeemable_at": "all",
        "denominations": {
            "type": "fixed",
            "minimum_value": "5.00",
            "maximum_value": "10.00",
            "available_list": ["5.00", "10.00"],
        },
    },
}
SUBSCRIPTION = {
    "code": "SAMPLETV-US",
    "payout_type": "subscription",
    "subscription": {
        "subscription_plans": [
            {
                "length_unit": "MONTHS",
                "length": 3,
                "name": "A quarter",
                "price": "29.97",
                "subscription_plan_code": "SAMPLETV-3M",
            }
        ]
    },
}
REFUSED = {"type": "bad_request", "message": "countries_redeemable_in: no.", "help": None}


def _page(*codes: str, after: str | None) -> dict[str, object]:
    return {
        "catalog": [{"code": code} for code in codes],
        "pagination": {"cursors": {"after": after, "before": None}, "page": {"limit": 2}},
    }


def test_a_product_is_read_with_its_types(client: RunaClient, server: ScriptedServer) -> None:
    """The common fields are typed, all others are in `raw`."""
    server.answer(200, GIFT_CARD)

    product = client.get_product("EXBOOK-GB", content="url")

    assert server.received[0].target == "/v2/product/EXBOOK-GB?content=url"
    assert (product.code, product.currency, product.state) == ("EXBOOK-GB", "GBP", "LIVE")
    assert (product.name, product.payout_type) == ("Example Bookshop", "gift_card")
    assert product.is_orderable is True
    assert product.discount_multiplier == Decimal("0.0130")
    assert product.countries_redeemable_in == ("GB", "IE")
    assert product.categories == ("booksellers",)
    assert product.denominations is not None
    assert product.denominations.type == "fixed"
    assert product.denominations.available == (Decimal(5), Decimal(10))
    assert product.denominations.minimum == Decimal("5.00")
    assert product.denominations.maximum == Decimal("10.00")
    assert product.subscription_plans == ()
    assert product.details["redeemable_at"] == "all"
    assert product.content_resources["description_markdown_url"] == "https://a.example/d.md"
    assert product.raw == GIFT_CARD
    assert pickle.loads(pickle.dumps(product)) == product  # noqa: S301 - own bytes


def test_the_plans_of_a_subscription_are_read(client: RunaClient, server: ScriptedServer) -> None:
    """Each plan has the code that orders name and its price."""
    server.answer(200, SUBSCRIPTION)

    product = client.get_product("SAMPLETV-US")

    assert server.received[0].target == "/v2/product/SAMPLETV-US"
    [plan] = product.subscription_plans
    assert (plan.code, plan.name, plan.price) == ("SAMPLETV-3M", "A quarter", Decimal("29.97"))
    assert (plan.length, plan.length_unit) == (3, "MONTHS")
    assert product.denominations is None


def test_a_bare_product_is_a_product(client: RunaClient, server: ScriptedServer) -> None:
    """Only the code must be there."""
    server.answer(200, {"code": "A-US", "payout_type": "token", "new": [1]})

    product = client.get_product("A-US")

    assert (product.code, product.name, product.is_orderable) == ("A-US", None, None)
    assert (product.details, product.content_resources, product.categories) == ({}, {}, ())


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({}, "code is missing"),
        ({"code": "A", "is_orderable": "yes"}, "is_orderable: bool expected"),
        ({"code": "A", "categories": "x"}, "categories: no list"),
        (
            {"code": "A", "payout_type": "payment", "payment": {"denominations": []}},
            "denominations: dict expected",
        ),
    ],
)
def test_what_is_no_product_is_told(
    make_client: Clients, server: ScriptedServer, bad: object, told: str
) -> None:
    """An answer that is no product names the field at fault."""
    server.answer(200, bad)

    with pytest.raises(RunaResponseError, match=told):
        make_client(retry=RetryPolicy(attempts=1)).get_product("A")


@pytest.mark.parametrize("code", ["", ".", ".."])
def test_a_code_that_leads_elsewhere_is_refused(
    client: RunaClient, server: ScriptedServer, code: str
) -> None:
    """No request is sent for a code that would be another path."""
    with pytest.raises(ValueError, match="no product code"):
        client.get_product(code)
    assert server.received == []


def test_an_unknown_product_is_not_found(client: RunaClient, server: ScriptedServer) -> None:
    """A code is one segment of the path, whatever it holds; a 404 is final."""
    server.answer(404, {"type": "not_found", "message": "No.", "help": None})

    with pytest.raises(NotFoundError):
        client.get_product("A/B C?d")

    assert [request.target for request in server.received] == ["/v2/product/A%2FB%20C%3Fd"]


def test_filters_become_the_query(client: RunaClient, server: ScriptedServer) -> None:
    """Each filter has the service's name for it; several values are repeated."""
    for _ in range(4):
        server.answer(200, _page(after=None))

    client.list_products()
    client.list_products(is_orderable=True, countries=["GB", "IE"], limit=2, after="A-GB")
    client.list_products(is_orderable=False, categories="fashion", before="B-GB")
    client.list_products(code="A&B", countries=None, categories=(c for c in ("travel",)))

    assert [request.target.partition("?")[2] for request in server.received] == [
        "",
        "is_orderable=true&countries_redeemable_in=GB&countries_redeemable_in=IE&limit=2&after=A-GB",
        "is_orderable=false&categories=fashion&before=B-GB",
        "categories=travel&code=A%26B",
    ]


def test_filters_that_cannot_be_meant_are_refused(
    client: RunaClient, server: ScriptedServer
) -> None:
    """A misspelt filter, a truth in words and an empty list do not turn into all products."""
    with pytest.raises(TypeError, match="list_products: unknown country"):
        client.list_products(country="GB")  # type: ignore[call-arg]  # wrong on purpose
    with pytest.raises(TypeError, match="iter_products: unknown limit"):
        next(client.iter_products(limit=1))  # type: ignore[call-arg]  # wrong on purpose
    with pytest.raises(TypeError, match="is_orderable is True, False or None, not 'false'"):
        client.list_products(is_orderable=cast("bool", "false"))
    with pytest.raises(ValueError, match="countries is empty"):
        client.list_products(countries=[])
    with pytest.raises(ValueError, match="categories is empty"):
        next(client.iter_products(categories=()))
    assert server.received == []


def test_a_page_has_products_and_cursors(client: RunaClient, server: ScriptedServer) -> None:
    """A page of the catalogue is read like one of orders."""
    server.answer(200, _page("A-US", "B-US", after="B-US"))

    page = client.list_products(limit=2)

    assert [product.code for product in page.items] == ["A-US", "B-US"]
    assert (page.after, page.before, page.limit) == ("B-US", None, 2)
    assert all(isinstance(product, Product) for product in page.items)


def test_all_products_are_walked_lazily(client: RunaClient, server: ScriptedServer) -> None:
    """The walk repeats its filters on each page, even from an iterator, until the empty page."""
    server.answer(200, _page("A-US", "B-US", after="B-US"))
    server.answer(502, b"")
    server.answer(200, _page("C-US", after="C-US"))
    server.answer(200, _page(after=None))

    products = client.iter_products(page_size=2, countries=iter(["US"]), is_orderable=True)

    assert server.received == []
    assert [next(products).code, next(products).code] == ["A-US", "B-US"]
    assert len(server.received) == 1
    assert [product.code for product in products] == ["C-US"]
    query = "/v2/product?is_orderable=true&countries_redeemable_in=US&limit=2"
    assert [request.target for request in server.received] == [
        query,
        f"{query}&after=B-US",
        f"{query}&after=B-US",
        f"{query}&after=C-US",
    ]


@pytest.mark.parametrize("cursors", [["A-US", "A-US"], ["A-US", "B-US", "A-US"]])
def test_a_catalogue_without_end_is_noticed(
    cursors: list[str], client: RunaClient, server: ScriptedServer
) -> None:
    """A cursor that comes again, after however many others, is an error, not an endless loop."""
    for cursor in cursors:
        server.answer(200, _page("A-US", after=cursor))

    with pytest.raises(RunaError, match="same cursor"):
        list(client.iter_products())


def test_a_refused_filter_is_final(client: RunaClient, server: ScriptedServer) -> None:
    """A 400 is raised as such, after one request."""
    server.answer(400, REFUSED)

    with pytest.raises(BadRequestError) as caught:
        client.list_products(countries="Gb")

    assert (caught.value.type, caught.value.attempts) == ("bad_request", 1)


def test_a_page_needs_a_catalog(make_client: Clients, server: ScriptedServer) -> None:
    """An answer without `catalog` is no page."""
    server.answer(200, {"items": []})

    with pytest.raises(RunaResponseError, match="a page without catalog"):
        make_client(retry=RetryPolicy(attempts=1)).list_products()


def test_countries_and_categories_are_codes(client: RunaClient, server: ScriptedServer) -> None:
    """Both come as plain tuples of codes, in the service's order."""
    server.answer(200, {"countries": ["AT", "US"]})
    server.answer(200, {"categories": [{"code": "travel"}, {"code": "fashion"}]})

    assert client.countries() == ("AT", "US")
    assert client.categories() == ("travel", "fashion")
    assert [request.target for request in server.received] == [
        "/v2/product/countries",
        "/v2/product/categories",
    ]


def test_lists_that_are_none_are_told(make_client: Clients, server: ScriptedServer) -> None:
    """An answer of another form names the field at fault."""
    client = make_client(retry=RetryPolicy(attempts=1))
    server.answer(200, {"categories": ["travel"]})
    with pytest.raises(RunaResponseError, match="categories: dict expected"):
        client.categories()
    server.answer(200, {})
    with pytest.raises(RunaResponseError, match="countries is missing"):
        client.countries()
