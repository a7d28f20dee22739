"""Values at the edge of what a server can be given."""

import copy
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from runa_mock_server import Catalogue, CatalogueError, ManualClock, MockServer, SettingsError
from runa_mock_server.catalogue.catalogue import built_in
from support.api import KEY, TIMEOUT, Api, body, item
from support.raw import connection, message, reply_on, rest_of


@pytest.mark.parametrize("url", ["http://pay.example/?a=1", "http://pay.example/#there"])
def test_a_public_url_has_no_query(url: str) -> None:
    """Links are made by appending a path, so there is nothing behind the path before."""
    with pytest.raises(SettingsError, match="public_url: must have neither"):
        MockServer(public_url=url)


def test_a_public_url_leads_every_link() -> None:
    """Behind a proxy the links name the proxy, with its path."""
    with MockServer(public_url="https://pay.example/runa/") as server:
        api = Api(server.url)
        item = api.order(mode="sync").json()["items"][0]
        api.close()
    assert item["payout"]["url"].startswith("https://pay.example/runa/payout/")


def test_an_unknown_setting_is_said_to_be_none() -> None:
    """A misspelt setting is named."""
    with pytest.raises(SettingsError, match="prot: there is no such setting"):
        MockServer(prot=1)  # type: ignore[call-arg] # refused at run time, too


@pytest.mark.parametrize("kind", [str, Path])
def test_a_catalogue_can_be_a_path(kind: type, tmp_path: Path) -> None:
    """MockServer takes the file that the command line takes, and refuses it in the same way."""
    with pytest.raises(CatalogueError, match="none"):
        MockServer(catalogue=kind(tmp_path / "none.json"))


@pytest.mark.parametrize("codes", [["AMZ-US", "AMC-US"], ("AMZ-US", "AMC-US"), "AMZ-US, AMC-US"])
def test_templates_are_taken_in_every_form(codes: Sequence[str] | str) -> None:
    """A template's products can be a list, a tuple, or text with commas."""
    products = {"type": "TEMPLATE", "template_id": "PT-OWN"}
    with MockServer(templates={"PT-OWN": codes}) as server:
        api = Api(server.url)
        item = {"face_value": 20, "distribution_method": {"type": "PAYOUT_LINK"}}
        body = {
            "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
            "items": [{**item, "products": products}],
        }
        found = api.order(body, mode="sync").json()["items"][0]["products"]["values"]
        api.close()
    assert found == ["AMZ-US", "AMC-US"]


@pytest.mark.parametrize("year", [1969, 9000])
def test_a_clock_starts_where_ids_and_expiry_can_be_told(year: int) -> None:
    """Before 1970 ids cannot grow, and after 9000 what expires later has no date."""
    with pytest.raises(ValueError, match="from 1970 to 9000"):
        ManualClock(datetime(year, 1, 1, tzinfo=UTC))


def test_the_last_moment_of_a_clock_still_serves() -> None:
    """An order with the longest lifetime of links fits behind the last moment."""
    clock = ManualClock(datetime(9000, 1, 1, tzinfo=UTC) - timedelta(microseconds=1))
    with MockServer(clock=clock, link_lifetime_days=36_500, processing_delay=10**9) as server:
        api = Api(server.url)
        assert api.order().status_code == 202
        api.close()
    with pytest.raises(ValueError, match="cannot advance"):
        clock.advance(1)


def test_links_of_many_accounts_each_find_their_own(server: MockServer) -> None:
    """A token leads to the account that made it, also after others have come and gone."""
    callers = [Api(server.url, f"XX-{number}") for number in range(20)]
    orders = [caller.order(mode="sync").json() for caller in callers]
    for order in reversed(orders):
        url = order["items"][0]["payout"]["url"] + "?format=json"
        assert requests.get(url, timeout=TIMEOUT).json()["status"] == "SUCCESS"
    for caller, order in zip(callers, orders, strict=True):
        assert caller.read(order["id"])["items"][0]["payout"]["status"] == "CLAIMED"
    server.reset()
    url = orders[0]["items"][0]["payout"]["url"] + "?format=json"
    assert requests.get(url, timeout=TIMEOUT).json()["error_code"] == "RE011"
    for caller in callers:
        caller.close()


def test_a_long_idempotency_key_is_taken(api: Api) -> None:
    """A key may be any text, also one of sixteen thousand characters."""
    key = "k" * 16_000
    first = api.order(key=key)
    assert first.status_code == 202
    assert api.order(key=key).content == first.content


LONG = "x" * 20_000


@pytest.mark.parametrize(
    "sent",
    [
        message("GET", "/v2/ping", X_Long=LONG),
        message("GET", f"/v2/ping?{LONG}"),
        message("GET", "/v2/ping").replace(b"X-Api-Key", f"X-{LONG}".encode()),
        message("GET", "/v2/ping").replace(KEY.encode(), KEY.encode() * 2_000),
        message("GET", "/v2/ping").replace(KEY.encode(), KEY.encode() + b"\0"),
    ],
    ids=["value", "path", "name", "key", "no header"],
)
def test_what_is_longer_than_a_header_can_be_is_refused(server: MockServer, sent: bytes) -> None:
    """400 in the usual shape, which repeats nothing that was sent; the connection is closed."""
    with connection(server.url) as opened:
        opened.sendall(sent)
        reply = reply_on(opened)
        end = rest_of(opened).end
    assert (reply.status, reply.document["type"]) == (400, "bad_request")
    assert KEY not in reply.document["message"]
    assert LONG[:20] not in reply.document["message"]
    assert end in {"closed", "reset"}


def test_a_cancelled_payout_cannot_be_redeemed(server: MockServer, api: Api) -> None:
    """CANCELLED in the order, RE005 in the redemption API, and cancelled only once."""
    order = api.order(mode="sync").json()
    url = order["items"][0]["payout"]["url"]
    server.orders.cancel_payouts(order["id"])
    assert api.read(order["id"])["items"][0]["payout"]["status"] == "CANCELLED"
    answer = requests.get(url + "?format=json", timeout=TIMEOUT).json()
    assert (answer["status"], answer["error_code"]) == ("ERROR", "RE005")
    assert requests.post(url, timeout=TIMEOUT).status_code == 409
    with pytest.raises(ValueError, match="payout_status: no payout of this is active"):
        server.orders.cancel_payouts(order["id"])
    with pytest.raises(ValueError, match="order_id: there is no order 'none'"):
        server.orders.cancel_payouts("none")


@pytest.mark.parametrize("form", [b"garbage", b'{"a":1}', b"NOPE=0", b"1800FL-US=10&junk"])
def test_a_form_that_says_something_else_claims_nothing(api: Api, form: bytes) -> None:
    """What is not the page's own form is refused, and the payout stays active."""
    order = api.order(mode="sync").json()
    url = order["items"][0]["payout"]["url"]
    assert requests.post(url, data=form, timeout=TIMEOUT).status_code == 400
    assert api.read(order["id"])["items"][0]["payout"]["status"] == "ACTIVE"


def product(code: str, like: str, **details: Any) -> dict[str, Any]:
    """A built-in product under another code, single details changed."""
    document = copy.deepcopy(dict(built_in().product_of(like)))
    document[document["payout_type"]].update(details)
    return {**document, "code": code}


def sold(products: list[dict[str, Any]], **order: Any) -> dict[str, Any]:
    """The answer to a sync order on a server with these products alone."""
    with MockServer(catalogue=Catalogue(products)) as server:
        api = Api(server.url)
        answer: dict[str, Any] = api.order(body(**order), mode="sync").json()
        if "items" in answer:
            url = answer["items"][0]["payout"]["url"] + "?format=json"
            answer["redeemed"] = requests.get(url, timeout=TIMEOUT).json()
        api.close()
    return answer


@pytest.mark.parametrize("kind", ["indefinite", "do-not-show"])
def test_what_does_not_expire_has_no_date(kind: str) -> None:
    """The type of expiry decides, whatever number of months stands beside it."""
    expiry = {"type": kind, "in_months": 0}
    products = [product("1800FL-US", "1800FL-US", expiry=expiry)]
    assert sold(products)["redeemed"]["e_code"]["expiry_date"] == "3000-01-01"


def test_an_order_is_never_free() -> None:
    """A value that is less than a cent in the currency of the payment is refused."""
    denominations = {"type": "open", "minimum_value": "1.00", "maximum_value": "9.00"}
    cheap = product("CHEAP-CO", "1800FL-US", denominations=denominations | {"available_list": None})
    one = item(face_value=1, products={"type": "SINGLE", "value": "CHEAP-CO"})
    answer = sold([{**cheap, "currency": "COP"}], items=[one])
    assert answer["type"] == "product_validation_error"
    assert "less than a cent" in answer["message"]


def test_a_repeat_payout_takes_a_product_that_comes_in_its_value(tmp_path: Path) -> None:
    """A known recipient gets the first of several products that can have the value."""
    dear = {"minimum_value": "100.00", "maximum_value": "500.00"}
    cheap = {"minimum_value": "1.00", "maximum_value": "50.00"}
    products = [
        product("A-HIGH", "EXBANK-US", denominations=dear),
        product("B-LOW", "EXBANK-US", denominations=cheap),
    ]
    to = {"type": "RECIPIENT", "recipient_reference": "emp-1", "email_address": "a@b.test"}
    single = item(
        face_value=5, products={"type": "SINGLE", "value": "B-LOW"}, distribution_method=to
    )
    choice = {**single, "products": {"type": "MULTIPLE", "values": ["A-HIGH", "B-LOW"]}}
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps({"catalog": products}), encoding="utf-8")
    with MockServer(catalogue=path) as server:
        api = Api(server.url)
        first = api.order(body(items=[single]), mode="sync").json()["items"][0]["payout"]
        requests.get(first["url"] + "?format=json", timeout=TIMEOUT)
        second = api.order(body(items=[choice]), mode="sync").json()["items"][0]["payout"]
        page = requests.get(second["url"], timeout=TIMEOUT).text
        api.close()
    assert second["status"] == "CLAIMED"
    assert "USD 5.00" in page
    assert products[1]["name"] in page


def test_a_list_of_products_is_told_once(tmp_path: Path) -> None:
    """A file with the products but no page gets one problem, not one for each product."""
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(list(built_in().products)), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        MockServer(catalogue=path)
    assert str(caught.value).count("page") <= 4
    assert len(str(caught.value)) < 400
