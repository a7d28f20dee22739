"""Reading the catalogue over HTTP: pages, filters, single products, and what their URLs lead to."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from runa_schemas import ERRORS
from support.api import Api

PRODUCTS = built_in().products
COUNTRIES = sorted({country for p in PRODUCTS for country in p["countries_redeemable_in"]})
CATEGORIES = sorted({category for p in PRODUCTS for category in p["categories"]})
# A part of the catalogue for the tests that read it again and again.
SOME = PRODUCTS[::6]
SOME_COUNTRIES = sorted({country for p in SOME for country in p["countries_redeemable_in"]})
SOME_CATEGORIES = sorted({category for p in SOME for category in p["categories"]})

Pairs = list[tuple[str, str]]


@pytest.fixture(scope="module")
def shop() -> Iterator[Api]:
    """A caller of a server that all tests here read and none changes."""
    with MockServer() as server, closing(Api(server.url)) as caller:
        yield caller


@pytest.fixture(scope="module")
def small_shop() -> Iterator[Api]:
    """A caller of a server that has only some products."""
    yield from served(SOME)


def served(products: Sequence[Any]) -> Iterator[Api]:
    """A caller of a server with other products."""
    with MockServer(catalogue=Catalogue(products)) as server:
        caller = Api(server.url)
        yield caller
        caller.close()


@st.composite
def filters(draw: st.DrawFn) -> Pairs:
    """Parameters that filter, each possibly absent and the lists with up to three values."""
    pairs: Pairs = []
    if draw(st.booleans()):
        pairs.append(("is_orderable", draw(st.sampled_from(["true", "false"]))))
    some_countries = st.lists(st.sampled_from([*SOME_COUNTRIES, "ZZ"]), max_size=3)
    some_categories = st.lists(st.sampled_from(SOME_CATEGORIES), max_size=3)
    pairs += [("countries_redeemable_in", country) for country in draw(some_countries)]
    pairs += [("categories", category) for category in draw(some_categories)]
    return draw(st.permutations(pairs))


def naive(pairs: Pairs, products: Sequence[Any]) -> list[str]:
    """The codes that a filter should leave, worked out product by product."""

    def passes(product: Any) -> bool:
        for name in {name for name, _ in pairs if (name, "false") not in pairs}:
            wanted = {value for given_name, value in pairs if given_name == name}
            value = product[name]
            found = set(value) if isinstance(value, list) else {str(value).lower()}
            if not wanted & found:
                return False
        return True

    return [product["code"] for product in products if passes(product)]


def page(shop: Api, pairs: Pairs, **more: str | int) -> tuple[list[str], dict[str, str | None]]:
    """The codes of a page and its cursors."""
    response = shop.get("/v2/product?" + urlencode([*pairs, *more.items()]))
    assert response.status_code == 200, response.text
    document = response.json()
    assert document["pagination"]["page"]["limit"] == more.get("limit", 500)
    return [product["code"] for product in document["catalog"]], document["pagination"]["cursors"]


def walk(shop: Api, pairs: Pairs, limit: int, cursor: str, start: str | None) -> list[list[str]]:
    """The pages up to the first that is empty, in the direction that the cursor names."""
    pages: list[list[str]] = []
    while True:
        more = {} if start is None else {cursor: start}
        codes, cursors = page(shop, pairs, limit=limit, **more)
        if not codes:
            assert cursors == {"after": None, "before": None}
            return pages
        assert cursors == {"after": codes[-1], "before": codes[0]}
        pages.append(codes)
        assert len(pages) <= len(PRODUCTS), "the pages do not end"
        start = cursors[cursor]


def refused(response: requests.Response, type_: str, mention: str) -> None:
    """Assert a refusal of a type, with its status, and that it names what is wrong."""
    assert (response.status_code, response.json()["type"]) == (ERRORS[type_].status, type_)
    assert mention in response.json()["message"]


@given(pairs=filters(), limit=st.integers(1, len(SOME)) | st.just(500))
def test_a_filter_leaves_what_fits(small_shop: Api, pairs: Pairs, limit: int) -> None:
    """Values of one filter are alternatives, filters combine, and the page is by code."""
    codes, _ = page(small_shop, pairs, limit=limit)
    assert codes == naive(pairs, SOME)[:limit]


@given(pairs=filters(), size=st.integers(1, 30), end=st.integers(0, len(SOME) - 1))
def test_pages_give_each_product_once(small_shop: Api, pairs: Pairs, size: int, end: int) -> None:
    """Pages of any size, forwards and backwards, are the filtered list cut in pieces."""
    expected = naive(pairs, SOME)
    forwards = walk(small_shop, pairs, size, "after", None)
    assert [code for codes in forwards for code in codes] == expected
    assert all(len(codes) == size for codes in forwards[:-1])

    cursor = SOME[end]["code"]
    backwards = walk(small_shop, pairs, size, "before", cursor)
    found = [code for codes in reversed(backwards) for code in codes]
    assert found == [code for code in expected if code < cursor]
    assert all(len(codes) == size for codes in backwards[:-1])


def test_a_page_has_500_products_by_default(shop: Api) -> None:
    """Without a limit the whole built-in catalogue is one page, sorted by code."""
    codes, _ = page(shop, [])
    assert codes == sorted(product["code"] for product in PRODUCTS)
    assert page(shop, [], after=codes[-1]) == ([], {"after": None, "before": None})


def test_code_finds_one_product(shop: Api) -> None:
    """``code`` leaves its product, or nothing if another filter does not fit."""
    assert page(shop, [("code", "AMZ-US")])[0] == ["AMZ-US"]
    assert page(shop, [("code", "NOBODY")])[0] == []
    assert page(shop, [("code", "AMZ-US"), ("categories", "travel")])[0] == []
    assert page(shop, [("code", "EXBOOK-FR"), ("is_orderable", "true")])[0] == []
    assert page(shop, [("code", "AMZ-US"), ("is_orderable", "false")])[0] == ["AMZ-US"]


@pytest.mark.parametrize("written", ["true", "True", "TRUE"])
def test_booleans_are_taken_in_any_case(small_shop: Api, written: str) -> None:
    """A boolean as Python writes it does what it says."""
    expected = naive([("is_orderable", "true")], SOME)
    assert page(small_shop, [("is_orderable", written)])[0] == expected


def test_unknown_parameters_are_ignored(small_shop: Api) -> None:
    """A parameter that the operation does not have changes nothing."""
    assert page(small_shop, [("colour", "red"), ("sort", "")]) == page(small_shop, [])


@pytest.mark.parametrize(
    ("query", "type_", "mention"),
    [
        ("is_orderable=", "bad_request", "is_orderable"),
        ("is_orderable=1", "bad_request", "is_orderable"),
        ("is_orderable=true&is_orderable=true", "bad_request", "is_orderable"),
        ("countries_redeemable_in=us", "bad_request", "countries_redeemable_in"),
        ("countries_redeemable_in=GB&countries_redeemable_in=USA", "bad_request", "'USA'"),
        ("countries_redeemable_in=", "bad_request", "countries_redeemable_in"),
        ("countries_redeemable_in=GB%0A", "bad_request", "countries_redeemable_in"),
        ("categories=shoes", "bad_request", "categories"),
        ("categories=fashion&categories=", "bad_request", "categories"),
        ("code=AMZ-US&code=AMZ-GB", "bad_request", "code"),
        ("limit=0", "pagination_error", "limit"),
        ("limit=501", "pagination_error", "limit"),
        ("limit=all", "pagination_error", "limit"),
        ("limit=5&limit=5", "pagination_error", "limit"),
        ("after=NOBODY", "pagination_error", "after"),
        ("before=", "pagination_error", "before"),
        ("after=AMZ-US&before=AMZ-US", "pagination_error", "before"),
    ],
)
def test_a_wrong_parameter_is_named(shop: Api, query: str, type_: str, mention: str) -> None:
    """Each wrong value is refused with the parameter's name, and nothing about a body."""
    response = shop.get(f"/v2/product?{query}")
    refused(response, type_, mention)
    assert "body" not in response.json()["help"]


@given(product=st.sampled_from(PRODUCTS))
def test_a_product_is_the_same_alone_and_in_a_page(shop: Api, product: Any) -> None:
    """Reading a product gives the entry of the page, keys in the same order."""
    alone = shop.get(f"/v2/product/{product['code']}")
    paged = shop.get(f"/v2/product?code={product['code']}")
    assert alone.status_code == 200
    assert paged.text.startswith('{"catalog":[' + alone.text + "]")
    assert list(alone.json()) == list(product)


def test_an_unknown_product_is_not_found(shop: Api) -> None:
    """404 that repeats the code."""
    refused(shop.get("/v2/product/NOBODY"), "not_found", "'NOBODY'")


@pytest.mark.parametrize("query", ["content=", "content=pdf", "content=md&content=md"])
def test_an_unknown_form_is_refused(shop: Api, query: str) -> None:
    """400 that names ``content``."""
    refused(shop.get(f"/v2/product/AMZ-US?{query}"), "bad_request", "content")


@given(product=st.sampled_from(PRODUCTS))
def test_every_text_comes_in_three_forms(shop: Api, product: Any) -> None:
    """What is null is null in every form, and everything but the texts stays the same."""
    forms = {
        form: shop.get(f"/v2/product/{product['code']}?content={form}").json()
        for form in ("url", "md", "html")
    }
    texts = {form: own[own["payout_type"]].pop("content_resources") for form, own in forms.items()}
    assert forms["md"] == forms["html"] == forms["url"]
    for key, url in texts["url"].items():
        topic = key.removesuffix("_markdown_url")
        markdown, html = texts["md"].get(f"{topic}_md"), texts["html"].get(f"{topic}_html")
        if key == "locale" or url is None:
            assert texts["md"].get(key) == texts["html"].get(key) in {url, None}
            assert markdown is html is None
        else:
            assert markdown.startswith("# ")
            assert "invented" in markdown
            assert html.startswith("<h1>")
    assert len(texts["url"]) == len(texts["md"]) == len(texts["html"])


def urls(product: Any) -> Iterator[tuple[str, str]]:
    """The URLs on this server that a product refers to, by the key."""
    own = product[product["payout_type"]]
    for group in ("assets", "content_resources"):
        for key, value in own[group].items():
            if key not in {"locale", "primary_color"} and value is not None:
                yield key, value


@given(product=st.sampled_from(PRODUCTS))
def test_every_url_opens_on_the_mock(shop: Api, product: Any) -> None:
    """A product's URLs are this server's, need no key, and give the text or a picture."""
    code = product["code"]
    texts = shop.get(f"/v2/product/{code}?content=md").json()[product["payout_type"]]
    opened = 0
    for key, url in urls(shop.get(f"/v2/product/{code}").json()):
        assert url.startswith(f"{shop.url}/content/{code}/")
        response = shop.get(url.removeprefix(shop.url), headers={"X-Api-Key": None})
        assert response.status_code == 200
        if key.endswith("_markdown_url"):
            assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
            md_key = key.replace("_markdown_url", "_md")
            assert response.content.decode() == texts["content_resources"][md_key]
        else:
            assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
            assert response.text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        opened += 1
    assert opened >= 2


def test_a_text_is_a_page_too(shop: Api) -> None:
    """The same name with ``.html`` is a page with a title."""
    response = shop.get("/content/AMZ-US/description.html")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>Description: " in response.text
    assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    "path",
    [
        "NOBODY/card.svg",
        "AMZ-US/description.txt",
        "AMZ-US/description",
        "AMZ-US/card.html",
        "AMZ-US/disclaimer.md",
        "AMZ-US/disclaimer.html",
        "AMZ-US/description.svg",
    ],
)
def test_other_files_are_not_found(shop: Api, path: str) -> None:
    """404 for what no product refers to, a text that is null among it."""
    refused(shop.get(f"/content/{path}"), "not_found", path.partition("/")[2])


def test_countries_are_those_of_the_products(shop: Api) -> None:
    """Each country in which anything can be redeemed, once, sorted."""
    assert shop.get("/v2/product/countries").json() == {"countries": COUNTRIES}


def test_categories_are_the_provider_s(shop: Api) -> None:
    """Every category of the built-in catalogue, in the provider's order, which is by name."""
    found = [entry["code"] for entry in shop.get("/v2/product/categories").json()["categories"]]
    assert found == sorted(found)
    assert set(CATEGORIES) <= set(found)
    assert len(found) == 17


@pytest.mark.parametrize("path", ["", "/AMZ-US", "/countries", "/categories"])
def test_the_catalogue_needs_a_key(shop: Api, path: str) -> None:
    """401 without a key and 410 for a retired version, before anything else is looked at."""
    address = f"/v2/product{path}?limit=0&content=pdf"
    assert shop.get(address, headers={"X-Api-Key": None}).status_code == 401
    assert shop.get(address, headers={"X-Api-Version": "2023-01-16"}).status_code == 410
    assert shop.get(f"/v2/product{path}/").status_code == 200


def test_names_are_shown_and_not_obeyed() -> None:
    """Signs of HTML, SVG and Markdown in a product's facts are text wherever they are shown."""
    name = '<script>alert(1)</script> & "x" *y* [z](javascript:1)'
    product = {**PRODUCTS[0], "name": name}
    for shop in served([product]):
        files = [
            shop.get(f"/content/{product['code']}/{file}").text
            for file in ("card.svg", "icon.svg", "description.html")
        ]
        for text in files:
            assert "<script" not in text
            assert "&lt;script&gt;" in text
            assert not re.search(r"<(em|a)\b[^>]*>(y|z)", text)


def test_texts_that_are_elsewhere_are_named_as_such() -> None:
    """Of a foreign text the mock has the address only, and says so in the other forms."""
    own = PRODUCTS[0]["gift_card"]
    address = "https://elsewhere.example/description.md"
    texts = {**own["content_resources"], "description_markdown_url": address}
    product = {**PRODUCTS[0], "gift_card": {**own, "content_resources": texts}}
    for shop in served([product]):
        path = f"/v2/product/{product['code']}"
        found = {
            form: shop.get(f"{path}?content={form}").json()["gift_card"]["content_resources"]
            for form in ("url", "md", "html")
        }
        assert found["url"]["description_markdown_url"] == address
        assert "not fetched" in found["md"]["description_md"]
        assert found["html"]["description_html"].startswith("<p>")
        assert found["md"]["disclaimer_md"] is found["html"]["disclaimer_html"] is None
        refused(shop.get(f"/content/{product['code']}/description.md"), "not_found", "description")


def test_urls_follow_the_public_address() -> None:
    """Behind another public address the URLs start with that."""
    with MockServer(public_url="https://mock.example/runa/") as server:
        caller = Api(server.url)
        found = caller.get("/v2/product/AMZ-US").json()
        caller.close()
    assert all(url.startswith("https://mock.example/runa/content/") for _, url in urls(found))
