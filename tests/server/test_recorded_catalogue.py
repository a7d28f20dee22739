"""Catalogues as the real service has them: served back as they are, and what can be ordered."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runa_client import RunaClient
from runa_mock_server import MockServer
from runa_schemas import iter_errors
from support.api import Api, body, item
from support.recorded_catalogue import odd_products, page_text, recorded_products

PRODUCTS = [*odd_products(), *recorded_products(300)]
ODD = {product["code"]: product for product in odd_products()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    """A server with a catalogue from a file, as it was recorded."""
    path: Path = tmp_path_factory.mktemp("catalogue") / "recorded.json"
    path.write_text(page_text(PRODUCTS), encoding="utf-8")
    with MockServer(catalogue=path) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: MockServer) -> Iterator[Api]:
    """A caller of that server."""
    with closing(Api(server.url)) as caller:
        yield caller


def compact(document: object) -> str:
    """JSON text without blanks between its parts."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def test_each_product_is_served_byte_for_byte(api: Api) -> None:
    """Keys, their order, nulls and the spelling of every value come back, alone and in a page."""
    page = api.get("/v2/product").text
    for product in PRODUCTS:
        recorded = compact(product)
        assert recorded in page
    for code, product in ODD.items():
        assert api.get(f"/v2/product/{code}").text == compact(product)


def test_every_product_fits_the_schema_and_the_client(server: MockServer) -> None:
    """Real answers are no violation of our own schemas, and the client reads them."""
    with RunaClient(server.base_url, "XX-test.secret") as client:
        read = {product.code: product for product in client.iter_products()}
    for product in PRODUCTS:
        assert list(iter_errors(product, "product")) == []
        assert read[product["code"]].raw == product


@pytest.mark.parametrize("form", ["md", "html"])
def test_texts_of_products_without_details(api: Api, form: str) -> None:
    """A product without texts is the same in every form."""
    for code in ("ODD-TYPE-WITHOUT-VALUES", "ODD-TYPE-WITHOUT-DETAILS", "ODD-TYPE-OF-ANOTHER-KEY"):
        assert api.get(f"/v2/product/{code}?content={form}").text == compact(ODD[code])


def order(code: str, face_value: float, currency: str = "USD", **sent: Any) -> tuple[int, str]:
    """Status and type of the answer to an order of one item."""
    products = {"type": "SINGLE", "value": code}
    payment = {"type": "ACCOUNT_BALANCE", "currency": currency}
    document = body(payment_method=payment, items=[item(face_value=face_value, products=products)])
    response = sent.pop("api").order(document, **sent)
    return response.status_code, response.json().get("type", "")


@pytest.mark.parametrize(
    ("code", "face_value", "status"),
    [
        ("ODD-SPELLING", 15, 202),
        ("ODD-SPELLING", 500, 202),
        ("ODD-SPELLING", 20.00, 202),
        ("ODD-SPELLING", 10, 202),
        ("ODD-SPELLING", 14.99, 400),
        ("ODD-SPELLING", 50, 400),
        ("ODD-STATE", 10, 202),
        ("ODD-NOWHERE", 10, 202),
        ("ODD-CATEGORY", 10, 202),
        ("ODD-COUNTRY", 10, 202),
        ("ODD-TYPE", 1.5, 202),
        ("ODD-TYPE", 20, 202),
        ("ODD-TYPE", 1.49, 400),
        ("ODD-TYPE-WITHOUT-VALUES", 10, 400),
        ("ODD-TYPE-WITHOUT-DETAILS", 10, 400),
        ("ODD-TYPE-OF-ANOTHER-KEY", 10, 400),
        ("ODD-PLAN", 7.99, 202),
        ("ODD-PLAN", 8, 400),
    ],
)
def test_orders_compare_numbers_and_take_what_the_rules_allow(
    api: Api, code: str, face_value: float, status: int
) -> None:
    """A face value fits by its number, not its spelling; a type without values has none."""
    expected = (status, "" if status == 202 else "product_validation_error")
    assert order(code, face_value, api=api) == expected


@pytest.mark.parametrize("code", ["ODD-CURRENCY", "ODD-LONG-CURRENCY"])
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_products_of_an_unknown_currency_cannot_be_paid(api: Api, code: str, mode: str) -> None:
    """No payment is in that currency, and there is no rate for it."""
    assert order(code, 10, api=api, mode=mode) == (400, "currency_mismatch")


def test_an_order_of_an_unknown_type_is_redeemed(api: Api) -> None:
    """A product of an unknown type with face values is claimed like others."""
    products = {"type": "SINGLE", "value": "ODD-TYPE"}
    placed = api.order(body(items=[item(face_value=5, products=products)]), mode="sync").json()
    url = placed["items"][0]["payout"]["url"]
    assert api.get(url.removeprefix(api.url) + "?format=json").json()["status"] == "SUCCESS"


def test_unknown_values_can_be_filtered_by(api: Api) -> None:
    """Countries and categories of the catalogue are listed, and are values of the filters."""
    assert {"XK", "GLOBAL"} <= {*api.get("/v2/product/countries").json()["countries"]}
    categories = [c["code"] for c in api.get("/v2/product/categories").json()["categories"]]
    assert {"pets", "Charity & Giving"} <= {*categories}
    for query in ("countries_redeemable_in=GLOBAL", "categories=Charity%20%26%20Giving"):
        found = api.get(f"/v2/product?{query}").json()["catalog"]
        assert len(found) == 1


def test_the_control_api_shows_them(server: MockServer) -> None:
    """Lists and details know unknown types, with their denominations or without."""
    shown = {product.code: product for product in server.products}
    assert shown["ODD-TYPE"].payout_type == "bank_transfer"
    assert shown["ODD-TYPE"].denominations == {"minimum_value": "1.5", "maximum_value": "20"}
    assert shown["ODD-TYPE-WITHOUT-VALUES"].denominations is None
    detail = server.products.get("ODD-TYPE-WITHOUT-DETAILS")
    assert detail.product == ODD["ODD-TYPE-WITHOUT-DETAILS"]
