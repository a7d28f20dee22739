"""Products that are added and removed while the server runs."""

import json
from contextlib import closing
from copy import deepcopy
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ControlRefusedError, MockServer
from runa_mock_server.catalogue.catalogue import built_in
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.webhook_subscription import Subscription
from runa_mock_server.control.api import ControlApi
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.server_state.server_state import ServerState
from runa_schemas import validate
from support.answers import product_refusal
from support.api import KEY, TIMEOUT, Api, body, item
from support.money import MoneyApi, multiple, paid_in, redeemed, single

CODE = "1800FL-US"
TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"
DOCUMENTS: dict[str, dict[str, Any]] = {p["code"]: dict(p) for p in built_in().products}


def product(original: str = CODE, /, **changes: Any) -> dict[str, Any]:
    """A copy of a built-in product with single fields changed."""
    return deepcopy(DOCUMENTS[original]) | changes


def new_card(**denominations: Any) -> dict[str, Any]:
    """A gift card that no catalogue has, of USD 10 to 100 unless something else is said."""
    card = product(code="NEW-US")
    card["gift_card"]["denominations"] |= denominations
    return card


def order_of(code: str, face_value: float = 10) -> dict[str, Any]:
    """An order of one product."""
    products = {"type": "SINGLE", "value": code}
    return body(items=[item(face_value=face_value, products=products)])


def test_an_added_product_is_listed_and_ordered(server: MockServer, bank: MoneyApi) -> None:
    """Every account sees it at once, also one that had orders before; it can be redeemed."""
    assert bank.order().status_code == 202
    assert "NEW-US" in product_refusal(bank.order(order_of("NEW-US")))
    detail = server.products.add(new_card())
    assert detail.product == new_card()
    assert server.products.get("NEW-US") == detail
    assert bank.get("/v2/product/NEW-US").json()["name"] == new_card()["name"]
    assert "NEW-US" in [p["code"] for p in bank.get("/v2/product").json()["catalog"]]
    placed = bank.finished(paid_in("USD", single("NEW-US", 20)))
    assert redeemed(placed["items"][0]["payout"]["url"])["status"] == "SUCCESS"
    choice = bank.finished(paid_in("USD", multiple(20, "NEW-US", "AMZ-US")))
    url = choice["items"][0]["payout"]["url"]
    assert requests.post(url, data={"NEW-US": "20"}, timeout=TIMEOUT).status_code == 200
    assert redeemed(url)["status"] == "SUCCESS"


def test_a_removed_product_is_gone_for_orders_and_stays_for_payouts(
    server: MockServer, bank: MoneyApi
) -> None:
    """Lists, filters and orders know it no more; what was ordered is read, opened and claimed."""
    alone = bank.finished(paid_in("USD", single(CODE, 60)))
    choice = bank.finished(paid_in("USD", multiple(60, CODE, "AMZ-US")))
    claimed = bank.finished(paid_in("USD", single(CODE, 60)))
    code = redeemed(claimed["items"][0]["payout"]["url"])
    before = [bank.get(f"/v2/order/{order['id']}").content for order in (alone, choice, claimed)]

    removed = server.products.remove(CODE)
    assert removed.product == product()
    with pytest.raises(ControlRefusedError):
        server.products.get(CODE)
    assert bank.get(f"/v2/product/{CODE}").status_code == 404
    assert CODE not in [p["code"] for p in bank.get("/v2/product").json()["catalog"]]
    assert "there is no product" in product_refusal(bank.order(order_of(CODE)))
    assert "there is no product" in product_refusal(bank.estimate(paid_in("USD", single(CODE, 10))))

    after = [bank.get(f"/v2/order/{order['id']}").content for order in (alone, choice, claimed)]
    assert before == after
    assert redeemed(claimed["items"][0]["payout"]["url"]) == code
    assert redeemed(alone["items"][0]["payout"]["url"])["status"] == "SUCCESS"
    url = choice["items"][0]["payout"]["url"]
    assert CODE in requests.get(url, timeout=TIMEOUT).text
    assert requests.post(url, data={CODE: "60"}, timeout=TIMEOUT).status_code == 200
    assert redeemed(url)["status"] == "SUCCESS"


def test_a_state_with_orders_of_a_removed_product_goes_back(server: MockServer, api: Api) -> None:
    """What was exported before the product was removed can be imported after it."""
    assert api.order(order_of(CODE), mode="sync").status_code == 200
    state = server.account(KEY).export_state()
    server.products.remove(CODE)
    server.account(KEY).import_state(state)
    assert len(api.get("/v2/order").json()["items"]) == 1


def test_templates_go_without_a_removed_product() -> None:
    """The playground's has the others; one of the user's own names it, and cannot be ordered."""
    with (
        MockServer(templates={"PT-OWN": [CODE, "AMZ-US"]}) as server,
        closing(Api(server.url)) as api,
    ):
        server.products.remove(CODE)
        for template_id, taken in ((TEMPLATE, True), ("PT-OWN", False)):
            products = {"type": "TEMPLATE", "template_id": template_id}
            answer = api.order(body(items=[item(face_value=20, products=products)]), mode="sync")
            if taken:
                values = answer.json()["items"][0]["products"]["values"]
                assert (len(values), CODE in values) == (9, False)
            else:
                assert f"'{CODE}' cannot be ordered now" in product_refusal(answer)


def test_a_product_can_come_back_otherwise(server: MockServer, api: Api) -> None:
    """A code that is free again is that of the product which is added, with its values."""
    server.products.remove(CODE)
    changed = product()
    changed["gift_card"]["denominations"] |= {"minimum_value": "200", "maximum_value": "300"}
    server.products.add(changed)
    assert api.order(order_of(CODE, 250)).status_code == 202
    assert "from 200 to 300" in product_refusal(api.order(order_of(CODE, 20)))
    products = {"type": "TEMPLATE", "template_id": TEMPLATE}
    placed = api.order(body(items=[item(face_value=20, products=products)]), mode="sync")
    assert CODE in placed.json()["items"][0]["products"]["values"]


def test_a_reset_goes_back_to_the_first_catalogue(server: MockServer, api: Api) -> None:
    """What was added is gone, what was removed is there."""
    server.products.add(new_card())
    server.products.remove(CODE)
    server.reset()
    assert [p.code for p in server.products] == [p["code"] for p in built_in().products]
    assert api.order(order_of(CODE)).status_code == 202


def test_fields_that_the_mock_does_not_know_are_served(server: MockServer, api: Api) -> None:
    """A product is added as it is: unknown fields, an unknown payout type, its order of keys."""
    rest = {name: value for name, value in new_card().items() if name != "gift_card"}
    odd = {
        "zeta": None,
        **rest,
        "code": "ODD",
        "payout_type": "voucher",
        "voucher": {"denominations": {"minimum_value": "1.0", "maximum_value": "2"}},
    }
    server.products.add(odd)
    assert list(api.get("/v2/product/ODD").json().items()) == list(odd.items())
    assert api.order(order_of("ODD", 1.5)).status_code == 202


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "name"),
    "there already": (product(), "code"),
    "a plan's code": (product(code="EXSTRM-US-1M"), "code"),
    "plans that are there": (product("EXSTRM-US", code="NEW"), "subscription_plan_code"),
    "no details": ({n: v for n, v in new_card().items() if n != "gift_card"}, "gift_card"),
    "no values": (product(code="NEW", gift_card={}), "gift_card.denominations"),
    "number for a text": (new_card(minimum_value=5), "denominations.minimum_value"),
    "ends crossed": (new_card(minimum_value="500"), "denominations"),
    "discount above one": (product(code="NEW", discount_multiplier="1.1"), "discount_multiplier"),
    "integer too large": (product(code="NEW", big=2**70), "product"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused_and_named(server: MockServer, name: str) -> None:
    """The field stands in the details; the catalogue is as it was."""
    document, field = REFUSED[name]
    before = list(server.products)
    with pytest.raises(ControlRefusedError) as raised:
        server.products.add(document)
    locations = [".".join(detail["location"]) for detail in raised.value.details]
    assert all(location.startswith("body.product") for location in locations)
    assert any(location.endswith(field) or f"{field}." in location for location in locations)
    assert list(server.products) == before


def test_a_code_keeps_its_currency(server: MockServer) -> None:
    """Payouts of a removed product are in its currency, so its code cannot have another."""
    server.products.remove(CODE)
    with pytest.raises(ControlRefusedError) as raised:
        server.products.add(product(currency="EUR"))
    assert "USD" in str(raised.value)
    server.products.add(product())


@pytest.mark.parametrize("sent", ["[]", '{"product": []}', "{}", '{"product": {"x": NaN}}'])
def test_what_is_no_product_is_product_refusal(server: MockServer, sent: str) -> None:
    """Over HTTP another shape, and numbers that JSON does not have, are 422 or 400."""
    answer = requests.post(f"{server.url}/_mock/products", data=sent, timeout=TIMEOUT)
    assert answer.status_code in {400, 422}
    assert answer.json()["details"]


def test_an_unknown_product_cannot_be_removed(server: MockServer) -> None:
    """404, and the second time too."""
    server.products.remove(CODE)
    for code in (CODE, "NONE-XX"):
        with pytest.raises(ControlRefusedError) as raised:
            server.products.remove(code)
        assert raised.value.status == 404


def state(product: dict[str, Any], *, is_orderable: bool) -> dict[str, Any]:
    """The state of a product in an event."""
    multiplier = {"0.0130": "0.9870", "0.1500": "0.8500", "0.0000": "1.0000"}
    shown = {
        "price_multiplier": multiplier[product["discount_multiplier"]],
        "is_orderable": is_orderable,
    }
    denominations = product[product["payout_type"]].get("denominations")
    return shown if denominations is None else {**shown, "denominations": denominations}


@given(
    steps=st.lists(
        st.tuples(st.sampled_from([CODE, "EXSTRM-US", "EXBANK-DE"]), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_each_addition_and_removal_is_sent_once(steps: list[tuple[str, bool]]) -> None:
    """The absent side cannot be ordered; a refused call sends nothing; the catalogue follows."""
    server_state = ServerState(
        make_settings(clock="2026-03-14T12:00:00Z", public_url="http://mock.example")
    )
    server_state.webhooks.add(Subscription(url="http://127.0.0.1:1/", event="product.update"), None)
    api = ControlApi(server_state)
    there = {CODE: True, "EXSTRM-US": True, "EXBANK-DE": True}
    expected = []
    for code, adds in steps:
        document = DOCUMENTS[code]
        method, path, sent = (
            ("POST", "/products", json.dumps({"product": document}).encode())
            if adds
            else ("DELETE", f"/products/{code}", b"")
        )
        answer = api(ControlRequest(method, path, body=sent))
        if there[code] is adds:
            assert answer.status == (422 if adds else 404)
            continue
        assert answer.status == (201 if adds else 200)
        there[code] = adds
        expected.append(
            {
                "product_code": code,
                "old_state": state(document, is_orderable=not adds),
                "new_state": state(document, is_orderable=adds),
                "timestamp": "2026-03-14T12:00:00.000000+00:00",
            }
        )
    events = [json.loads(message.payload) for message in server_state.webhooks.messages.values()]
    assert events == expected
    for event in events:
        validate(event, "webhook_product_update")
    listed = {product["code"] for product in server_state.catalogue.products}
    assert {code for code, is_there in there.items() if is_there} == listed & set(there)
