"""Products that change while the server runs: who sees it, what stays, what is refused."""

import json
import threading
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ControlClient, ControlRefusedError, MockServer
from runa_mock_server.catalogue.catalogue import built_in
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.webhook_subscription import Subscription
from runa_mock_server.control.api import ControlApi
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.server_state.server_state import ServerState
from runa_schemas import validate
from support.answers import product_refusal
from support.api import KEY, TIMEOUT, Api, body, item
from support.money import PRODUCTION_KEY, MoneyApi, multiple, paid_in, redeemed, single
from support.waiting import until

TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"
CODE = "1800FL-US"
FIXED = {"type": "fixed", "available_list": ["25.00", "5", "10.00"]}
OPEN = {"type": "open", "minimum_value": "10.00", "maximum_value": "100.00", "available_list": None}


def of_template(face_value: int = 20) -> dict[str, Any]:
    """An order of one item that a template stands for."""
    products = {"type": "TEMPLATE", "template_id": TEMPLATE}
    return body(items=[item(face_value=face_value, products=products)])


def test_a_product_that_is_taken_off_sale_cannot_be_ordered_until_it_is_back(
    hand: ControlClient, bank: MoneyApi
) -> None:
    """Catalogue, filter, orders, remembered ones too, and estimates follow at once, for all."""
    other = Api(bank.url, "XX-other.secret")
    assert bank.order().status_code == 202
    detail = hand.products.change(CODE, is_orderable=False)
    assert (detail.code, detail.is_orderable, detail.state) == (CODE, False, "LIVE")
    assert hand.products.get(CODE) == detail
    assert bank.get(f"/v2/product/{CODE}").json()["is_orderable"] is False
    listed = bank.get("/v2/product?is_orderable=true&limit=500").json()["catalog"]
    assert CODE not in [product["code"] for product in listed]
    for answer in (bank.order(), other.order(), bank.estimate(paid_in("USD", single(CODE, 10)))):
        assert f"'{CODE}' cannot be ordered now" in product_refusal(answer)
    hand.products.change(CODE, is_orderable=True)
    assert bank.order().status_code == other.order().status_code == 202
    assert bank.estimate(paid_in("USD", single(CODE, 10))).status_code == 200
    other.close()


def test_an_order_in_progress_meets_the_product_as_it_is_when_it_is_made(
    server: MockServer, api: Api
) -> None:
    """Read before the change, made after it: refused, and so is the same body later."""
    assert api.order().status_code == 202  # from here on the body is remembered
    fault = server.faults.arm("hang", "inside")
    answers: list[requests.Response] = []
    held = Api(server.url)
    thread = threading.Thread(target=lambda: answers.append(held.order()))
    thread.start()
    until(lambda: fault.struck == 1)
    server.products.change(CODE, is_orderable=False)
    fault.remove()
    thread.join(TIMEOUT)
    assert "cannot be ordered now" in product_refusal(answers[0])
    assert "cannot be ordered now" in product_refusal(api.order())
    held.close()


def test_denominations_change_in_the_shape_that_the_product_has(
    hand: ControlClient, api: Api
) -> None:
    """What follows from the list is filled in; orders keep to the new values, and then the old."""
    detail = hand.products.change(CODE, denominations=FIXED)
    whole = {"minimum_value": "5", "maximum_value": "25.00", **FIXED}
    assert detail.denominations == whole
    assert api.get(f"/v2/product/{CODE}").json()["gift_card"]["denominations"] == whole
    assert "one of 5, 10.00, 25.00" in product_refusal(api.order(body(items=[item(face_value=11)])))
    assert api.order(body(items=[item(face_value=5)])).status_code == 202
    hand.products.change(CODE, denominations=OPEN)
    assert api.order(body(items=[item(face_value=11)])).status_code == 202
    assert "from 10.00 to 100.00" in product_refusal(api.order(body(items=[item(face_value=5)])))


def test_a_payment_has_a_range_alone(hand: ControlClient) -> None:
    """Its denominations have no type and no list, before and after."""
    wanted = {"minimum_value": "2.00", "maximum_value": "3.00"}
    assert hand.products.change("EXBANK-DE", denominations=wanted).denominations == wanted


def test_discounts_change_what_production_takes() -> None:
    """A remembered body costs the new price; what was ordered keeps its own; written out whole."""
    with MockServer(profile="production", clock="manual", balances={"USD": 100}) as server:
        bank = MoneyApi(server.url, PRODUCTION_KEY)
        order = paid_in("USD", single(CODE, 10))
        before = bank.finished(order)
        assert before["total_price"] == "9.87"
        assert server.products.change(CODE, discount_multiplier="0.5").discount_multiplier == (
            "0.5000"
        )
        after = bank.finished(order)
        assert (after["total_price"], after["items"][0]["discount_multiplier"]) == (
            "5.00",
            "0.5000",
        )
        assert bank.estimate(order).json()["total_price"] == 5
        assert bank.read(before["id"]) == before
        assert str(bank.amount("USD")) == "85.13"
        bank.close()


@pytest.mark.parametrize(
    "change", [{"is_orderable": False}, {"denominations": FIXED}], ids=["off sale", "other values"]
)
def test_payouts_that_exist_are_redeemed_as_ever(
    server: MockServer, bank: MoneyApi, change: dict[str, Any]
) -> None:
    """One product or a choice: the order does not change, and the value it had can be claimed."""
    choice = bank.finished(paid_in("USD", multiple(60, CODE, "AMZ-US")))
    alone = bank.finished(paid_in("USD", single(CODE, 60)))
    claimed = bank.finished(paid_in("USD", single(CODE, 60)))
    code = redeemed(claimed["items"][0]["payout"]["url"])
    before = [bank.get(f"/v2/order/{order['id']}").content for order in (choice, alone, claimed)]
    server.products.change(CODE, **change)
    after = [bank.get(f"/v2/order/{order['id']}").content for order in (choice, alone, claimed)]
    assert before == after
    assert redeemed(claimed["items"][0]["payout"]["url"]) == code
    assert redeemed(alone["items"][0]["payout"]["url"])["status"] == "SUCCESS"
    url = choice["items"][0]["payout"]["url"]
    assert requests.post(url, data={CODE: "60"}, timeout=TIMEOUT).status_code == 200
    assert redeemed(url)["status"] == "SUCCESS"


def test_a_template_of_the_playground_goes_without_what_is_off_sale(
    server: MockServer, api: Api
) -> None:
    """The others stay, and it is back when it is back; with none left the products are named."""
    full = api.order(of_template(), mode="sync").json()["items"][0]["products"]["values"]
    server.products.change(CODE, is_orderable=False)
    rest = api.order(of_template(), mode="sync").json()["items"][0]["products"]["values"]
    assert rest == [code for code in full if code != CODE]
    for code in rest:
        server.products.change(code, is_orderable=False)
    assert "cannot be ordered now" in product_refusal(api.order(of_template()))
    for code in full:
        server.products.change(code, is_orderable=True)
    again = api.order(of_template(), mode="sync").json()["items"][0]["products"]["values"]
    assert again == full


def test_a_template_of_ones_own_names_what_it_names() -> None:
    """An order for it is refused while one of its products is off sale."""
    with MockServer(templates={TEMPLATE: [CODE, "AMZ-US"]}) as server:
        api = Api(server.url)
        assert api.order(of_template()).status_code == 202
        server.products.change(CODE, is_orderable=False)
        assert f"'{CODE}' cannot be ordered now" in product_refusal(api.order(of_template()))
        api.close()


def test_a_reset_of_the_server_goes_back_to_the_first_catalogue(
    server: MockServer, api: Api, hand: ControlClient
) -> None:
    """That of an account does not: products belong to the server. Other servers never knew."""
    first = server.products.get(CODE)
    hand.account(KEY).products.change(CODE, is_orderable=False, discount_multiplier="0.9")
    hand.account(KEY).reset()
    assert "cannot be ordered now" in product_refusal(api.order())
    with MockServer() as other:
        assert other.products.get(CODE) == first
    hand.reset()
    assert server.products.get(CODE) == first
    assert api.get(f"/v2/product/{CODE}").json()["is_orderable"] is True
    assert api.order().status_code == 202


def test_an_exported_state_knows_nothing_of_products(server: MockServer, api: Api) -> None:
    """It is the same before and after a change, and goes back without undoing it."""
    assert api.order(mode="sync").status_code == 200
    account = server.account(KEY)
    state = account.export_state()
    account.products.change(CODE, is_orderable=False)
    assert account.export_state() == state
    account.import_state(state)
    assert not server.products.get(CODE).is_orderable


def test_lists_are_filtered_and_paged(hand: ControlClient) -> None:
    """The pages of a list are the list; a filter leaves what fits it."""
    everything = list(hand.products)
    assert [product.code for product in everything] == [p["code"] for p in built_in().products]
    found, after = [], None
    while page := hand.products.list(limit=7, after=after):
        found += page
        after = page[-1].code
    assert found == everything
    assert [product.code for product in hand.products.list("AMZ-GB")] == ["AMZ-GB"]
    off = [product for product in everything if not product.is_orderable]
    assert hand.products.list(is_orderable=False) == off
    named = hand.products.list(search="amz")
    assert (
        {"AMZ-GB", "AMZ-US"}
        <= {product.code for product in named}
        < {product.code for product in everything}
    )
    assert hand.products.list("NONE-XX") == []


def test_a_page_says_how_to_go_on(server: MockServer) -> None:
    """`next_after` leads to the next page, and is null on the last; `total` counts all that fit."""
    url = f"{server.url}/_mock/products"
    first = requests.get(url, params={"search": "amz-"}, timeout=TIMEOUT).json()
    assert (first["total"], first["next_after"]) == (len(first["products"]), None)
    one = requests.get(url + "?search=amz-&limit=1", timeout=TIMEOUT).json()
    assert (one["total"], one["next_after"]) == (first["total"], first["products"][0]["code"])


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such product": ("NONE-XX", {"is_orderable": False}, "code"),
    "another path": ("../reset", {"is_orderable": False}, "code"),
    "nothing": (CODE, {}, "is_orderable"),
    "nulls": (CODE, {"is_orderable": None, "denominations": None}, "is_orderable"),
    "unknown field": (CODE, {"is_orderable": False, "price": "1"}, "price"),
    "number for a truth": (CODE, {"is_orderable": 0}, "is_orderable"),
    "number for a text": (CODE, {"discount_multiplier": 0.5}, "discount_multiplier"),
    "whole discount": (CODE, {"discount_multiplier": "1"}, "discount_multiplier"),
    "five decimals": (CODE, {"discount_multiplier": "0.00001"}, "discount_multiplier"),
    "negative discount": (CODE, {"discount_multiplier": "-0.1"}, "discount_multiplier"),
    "exponent": (CODE, {"discount_multiplier": "1e-2"}, "discount_multiplier"),
    "line end": (CODE, {"discount_multiplier": "0.5\n"}, "discount_multiplier"),
    "no type": (CODE, {"denominations": {"minimum_value": "1"}}, "type"),
    "open without ends": (CODE, {"denominations": {"type": "open"}}, "denominations"),
    "open, list out of range": (CODE, {"denominations": {**OPEN, "available_list": ["1"]}}, "list"),
    "fixed without list": (CODE, {"denominations": {"type": "fixed"}}, "denominations"),
    "ends crossed": (CODE, {"denominations": {**OPEN, "minimum_value": "101"}}, "denominations"),
    "wrong end": (CODE, {"denominations": {**FIXED, "minimum_value": "6"}}, "minimum_value"),
    "unknown denomination": (CODE, {"denominations": {**OPEN, "step": "5"}}, "step"),
    "no amount": (CODE, {"denominations": {**OPEN, "minimum_value": "ten"}}, "minimum_value"),
    "type of a payment": ("EXBANK-DE", {"denominations": OPEN}, "denominations.type"),
    "list of a payment": ("EXBANK-DE", {"denominations": FIXED}, "denominations.available_list"),
    "subscription": ("EXSTRM-US", {"denominations": OPEN}, "denominations"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused_whole_and_named(
    hand: ControlClient, server: MockServer, name: str
) -> None:
    """The field stands in the details and in the message; nothing was changed, nothing told."""
    code, change, field = REFUSED[name]
    before = list(server.products)
    both = {"is_orderable": False, **change} if len(change) == 1 else change
    with pytest.raises(ControlRefusedError) as raised:
        hand.products.change(code, **both)
    error = raised.value
    assert field in ".".join(".".join(detail["location"]) for detail in error.details)
    assert field in str(error)
    assert list(server.products) == before


_values = st.integers(1, 50).map(str) | st.integers(100, 5_000).map(lambda c: f"{c / 100:.2f}")


def _range(ends: tuple[str, str]) -> dict[str, str]:
    low, high = sorted(ends, key=float)
    return {"minimum_value": low, "maximum_value": high}


_ranges = st.tuples(_values, _values).map(_range)
_gift_cards = _ranges.map(lambda ends: {"type": "open", **ends}) | st.lists(
    _values, max_size=4
).map(lambda listed: {"type": "fixed", "available_list": listed})
_plain = {
    "is_orderable": st.booleans(),
    "discount_multiplier": st.integers(0, 9_999).map(lambda n: f"0.{n:04}")
    | st.sampled_from(["0", "0.5", "0.50"]),
}


@st.composite
def _changes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A product, and a change that it can take."""
    code = draw(st.sampled_from([CODE, "BAW-GB", "EXBANK-DE", "EXSTRM-US"]))
    denominations = {"EXBANK-DE": _ranges, "EXSTRM-US": None}.get(code, _gift_cards)
    parts = {**_plain, **({} if denominations is None else {"denominations": denominations})}
    change = draw(st.fixed_dictionaries({}, optional=parts).filter(bool))
    return code, change


def _state(product: dict[str, Any]) -> dict[str, Any]:
    """The state in an event, worked out from what the list shows."""
    state = {
        "price_multiplier": f"{1 - Decimal(product['discount_multiplier']):.4f}",
        "is_orderable": product["is_orderable"],
    }
    denominations = product["denominations"]
    return state if denominations is None else {**state, "denominations": denominations}


@given(st.lists(_changes(), min_size=1, max_size=6))
def test_each_change_is_told_once_and_one_that_changes_nothing_is_not(
    changes: list[tuple[str, dict[str, Any]]],
) -> None:
    """The event has both states as the catalogue shows them, and the moment; twice is once."""
    server_state = ServerState(
        make_settings(clock="2026-03-14T12:00:00Z", public_url="http://mock.example")
    )
    server_state.webhooks.add(Subscription(url="http://127.0.0.1:1/", event="product.update"), None)
    api = ControlApi(server_state)

    def told() -> list[dict[str, Any]]:
        messages = list(server_state.webhooks.messages.values())
        server_state.webhooks.messages.clear()
        return [json.loads(message.payload) for message in messages]

    def shown(code: str) -> dict[str, Any]:
        answer = api(ControlRequest("GET", f"/products/{code}"))
        document: dict[str, Any] = json.loads(answer.body)
        validate(json.loads(server_state.products.product(code, {})), "product")
        return document

    for code, change in changes:
        before = shown(code)
        call = ControlRequest("PATCH", f"/products/{code}", body=json.dumps(change).encode())
        assert api(call).status == 200
        after = shown(code)
        expected = {
            "product_code": code,
            "old_state": _state(before),
            "new_state": _state(after),
            "timestamp": "2026-03-14T12:00:00.000000+00:00",
        }
        events = told()
        assert events == ([] if before == after else [expected])
        for event in events:
            validate(event, "webhook_product_update")
        assert api(call).status == 200
        assert (told(), shown(code)) == ([], after)
