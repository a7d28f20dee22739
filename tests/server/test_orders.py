"""The order document, part by part."""

import re
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.answers import order_ids
from support.api import KEY, Api, body, item

ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CREATED = "2026-03-14T12:00:00.250000+00:00"
COMPLETED = "2026-03-14T12:00:01.250000+00:00"
REDEMPTION_TEMPLATE = "DT-01HPSF51G0ZWHJ3JTNWRH0WDYK"
TEMPLATES = {
    "USD": "PT-01HQ12PV4B8XMBRTK281JM54KK",
    "GBP": "PT-01HPPT8ME05693EG77RCGKMX7N",
    "EUR": "PT-01HQ130AHCKRRB45Z5XV2Y8W9K",
    "CAD": "PT-01HQ12SMX2964BVXG2N69K8HF3",
}


def _placed(api: Api, clock: ManualClock, document: Any = None) -> dict[str, Any]:
    """An async order, once it has ended."""
    accepted = api.order(document)
    assert accepted.status_code == 202, accepted.text
    clock.advance(1)
    return api.read(accepted.json()["id"])


def test_the_full_document_is_complete(api: Api, clock: ManualClock) -> None:
    """Every key in its place, every value of its kind, as in recorded traffic."""
    order = _placed(api, clock, body(description="thanks", metadata={"team": "a"}))
    order_id = order["id"]
    entry = order["items"][0]
    item_id, url = entry["id"], entry["payout"]["url"]
    assert re.fullmatch(f"O-{ULID}", order_id)
    assert re.fullmatch(f"E-{ULID}", item_id)
    assert re.fullmatch(rf"{re.escape(api.url)}/.+/{UUID}", url)
    assert order == {
        "id": order_id,
        "status": "COMPLETED",
        "created_at": CREATED,
        "completed_at": COMPLETED,
        "description": "thanks",
        "payment_method": {"type": "ACCOUNT_BALANCE"},
        "currency": "USD",
        "total_discount": "0.00",
        "total_price": "10.00",
        "items": [
            {
                "id": item_id,
                "distribution_method": {"type": "PAYOUT_LINK"},
                "products": {"type": "SINGLE", "value": "1800FL-US"},
                "face_value": "10.00",
                "price": "10.00",
                "discount_multiplier": "0.0",
                "redemption_url": url,
                "payout": {
                    "status": "ACTIVE",
                    "status_updated_at": COMPLETED,
                    "url": url,
                    "expiry_date": None,
                },
                "currency": "USD",
            }
        ],
        "transaction_detail": {"USD": {"value": "10.00", "fx": None}},
        "metadata": {"team": "a"},
    }


def test_the_top_level_keys_stand_in_recorded_order(api: Api) -> None:
    """The order of keys is that of recorded traffic."""
    order = api.order(mode="sync").json()
    assert list(order) == [
        "id",
        "status",
        "created_at",
        "completed_at",
        "description",
        "payment_method",
        "currency",
        "total_discount",
        "total_price",
        "items",
        "transaction_detail",
        "metadata",
    ]


def test_the_accepted_order_has_exactly_two_keys(api: Api) -> None:
    """An async order is answered with id and status, nothing else."""
    answer = api.order().json()
    assert list(answer) == ["id", "status"]
    assert answer["status"] == "PROCESSING"


def test_the_basic_form_is_the_full_one_without_the_end(api: Api, clock: ManualClock) -> None:
    """The list shows nine keys with the values of the full document."""
    order = _placed(api, clock, body(description='a","items":[', metadata={"items": "x"}))
    basic = api.get("/v2/order").json()["items"][0]
    assert set(basic) == set(order) - {"items", "transaction_detail", "metadata"}
    assert basic == {key: order[key] for key in basic}


def test_sync_and_async_make_the_same_document(api: Api, clock: ManualClock) -> None:
    """Only ids and links differ."""
    masked = [
        re.sub(f"{ULID}|{UUID}", "*", str(order))
        for order in (api.order(mode="sync").json(), _placed(api, clock))
    ]
    assert masked[0] == masked[1]


@pytest.mark.parametrize(
    ("face_value", "shown"),
    [
        ("10", "10.00"),
        ("10.5", "10.50"),
        ("10.004999999999999999", "10.00"),
        ("10.005", "10.01"),
        ("10.015", "10.02"),
        ("10.995", "11.00"),
        ("99.999", "100.00"),
        ("100", "100.00"),
    ],
)
def test_money_is_rounded_half_up(api: Api, face_value: str, shown: str) -> None:
    """Two decimals, decimal arithmetic: what binary floating point rounds down goes up."""
    raw = (
        '{"payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"}, "items": '
        '[{"distribution_method": {"type": "PAYOUT_LINK"}, "products": {"type": "SINGLE",'
        f' "value": "1800FL-US"}}, "face_value": {face_value}}}]}}'
    )
    order = api.order(raw=raw.encode(), mode="sync").json()
    entry = order["items"][0]
    shown_values = (entry["face_value"], entry["price"], order["total_price"])
    assert shown_values == (shown, shown, shown)
    assert order["transaction_detail"]["USD"]["value"] == shown


def test_the_total_is_the_sum_of_the_prices(api: Api, clock: ManualClock) -> None:
    """Sums are exact: ten times 10.10 and some cents."""
    items = [item(face_value=10.1) for _ in range(10)] + [item(face_value=10.07)]
    order = _placed(api, clock, body(items=items))
    assert order["total_price"] == "111.07"
    assert [entry["price"] for entry in order["items"]] == ["10.10"] * 10 + ["10.07"]


def test_the_items_stand_in_the_order_sent(api: Api, clock: ManualClock) -> None:
    """Each item becomes one payout link, at its place, with an id and a link of its own."""
    order = _placed(api, clock, body(items=[item(face_value=n) for n in range(10, 60)]))
    entries = order["items"]
    assert [entry["face_value"] for entry in entries] == [f"{n}.00" for n in range(10, 60)]
    assert len({entry["id"] for entry in entries}) == 50
    assert len({entry["payout"]["url"] for entry in entries}) == 50


@pytest.mark.parametrize("currency", TEMPLATES)
def test_a_template_tells_the_ten_products_it_stands_for(
    api: Api, clock: ManualClock, currency: str
) -> None:
    """TEMPLATE products gain the codes, in the currency of the template."""
    products = {"type": "TEMPLATE", "template_id": TEMPLATES[currency]}
    document = body(
        payment_method={"type": "ACCOUNT_BALANCE", "currency": currency},
        items=[item(face_value=50, products=products)],
    )
    order = _placed(api, clock, document)
    shown = order["items"][0]["products"]
    values = shown.pop("values")
    assert shown == products
    assert len(set(values)) == len(values) == 10
    assert order["currency"] == order["items"][0]["currency"] == currency
    assert list(order["transaction_detail"]) == [currency]


@pytest.mark.parametrize("legacy", [True, False])
def test_legacy_fields_can_be_left_out(clock: ManualClock, *, legacy: bool) -> None:
    """Without them an item has seven keys, as in the newest documentation."""
    with MockServer(clock=clock, legacy_item_fields=legacy) as server:
        api = Api(server.url)
        entry = api.order(mode="sync").json()["items"][0]
        api.close()
    assert ("redemption_url" in entry, "discount_multiplier" in entry) == (legacy, legacy)
    assert len(entry) == (9 if legacy else 7)


DISTRIBUTIONS: list[dict[str, Any]] = [
    {"type": "PAYOUT_LINK"},
    {"type": "PAYOUT_LINK", "template_id": REDEMPTION_TEMPLATE},
    {"type": "EMAIL", "email_address": "a@example.invalid"},
    {"type": "EMAIL", "email_address": "a@example.test", "template_id": REDEMPTION_TEMPLATE},
    {
        "type": "RECIPIENT",
        "recipient_reference": "r_1@x-Y.z",
        "email_address": "a.b+c@example.com",
        "template_id": REDEMPTION_TEMPLATE,
    },
]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_distribution_method_is_echoed(
    api: Api, clock: ManualClock, distribution: dict[str, Any]
) -> None:
    """What was sent comes back; unknown fields and nulls do not."""
    products = {"type": "SINGLE", "value": "EXBANK-US"}  # a payment product, which suits all
    noise = {"unknown": {"a": 1}, "template_id": None}
    sent = item(distribution_method=noise | distribution, products=products)
    order = _placed(api, clock, body(items=[sent]))
    assert order["items"][0]["distribution_method"] == distribution


@pytest.mark.parametrize(
    "products",
    [
        {"type": "SINGLE", "value": "1800FL-US"},
        {
            "type": "SINGLE",
            "value": "VISASL-3M-USD",
            "usage_config": {"spend_rules_template_id": "PSR-01HQ12PV4B8XMBRTK281JM54KK"},
        },
        {"type": "MULTIPLE", "values": ["AMZ-US", "1800FL-US", "FIVEG-US"]},
    ],
)
def test_the_products_are_echoed(api: Api, clock: ManualClock, products: dict[str, Any]) -> None:
    """What was sent comes back in the order sent; unknown fields and nulls do not."""
    noise = {"unknown": 1, "usage_config": None}
    order = _placed(api, clock, body(items=[item(products=noise | products)]))
    assert order["items"][0]["products"] == products


def test_unknown_fields_are_ignored_everywhere(api: Api, clock: ManualClock) -> None:
    """Extra fields are no error, and leave no trace."""
    payment = {"type": "ACCOUNT_BALANCE", "currency": "USD", "extra": 1}
    order = _placed(api, clock, body(payment_method=payment, items=[item(extra=[])], extra={}))
    assert "extra" not in str(order)


@pytest.mark.parametrize(
    ("code", "config", "expected"),
    [
        ("VISASL-3M-USD", {}, {"usage_config": {}}),
        ("VISASL-3M-USD", {"spend_rules_template_id": None}, {"usage_config": {}}),
        ("AMZ-US", {"spend_rules_template_id": "PSR-01HQ12PV4B8XMBRTK281JM54KK"}, {}),
        ("AMZ-US", {}, {}),
    ],
)
def test_only_prepaid_visa_has_spend_rules(
    api: Api, clock: ManualClock, code: str, config: dict[str, Any], expected: dict[str, Any]
) -> None:
    """``usage_config`` comes back for prepaid Visa, for other products it is ignored."""
    products = {"type": "SINGLE", "value": code}
    sent = body(items=[item(products={**products, "usage_config": config})])
    order = _placed(api, clock, sent)
    assert order["items"][0]["products"] == {**products, **expected}
    estimate = api.call("POST", "/v2/order/estimate", json=sent).json()
    assert estimate["items"][0]["products"] == {**products, **expected}


@pytest.mark.parametrize("metadata", [None, {}, {"": ""}, {"b": "2", "a": "1"}])
def test_metadata_is_echoed(api: Api, metadata: dict[str, str] | None) -> None:
    """Null stays null and an object stays that object."""
    order = api.order(body(metadata=metadata), mode="sync").json()
    assert order["metadata"] == metadata


@pytest.mark.parametrize("description", [None, "", "d" * 128])
def test_the_description_is_echoed(api: Api, description: str | None) -> None:
    """Null, empty and the longest."""
    order = api.order(body(description=description), mode="sync").json()
    assert order["description"] == description


def test_payout_links_can_point_elsewhere(clock: ManualClock) -> None:
    """With ``public_url`` set, links begin with it, whatever Host the request named."""
    with MockServer(clock=clock, public_url="https://runa.example/mock/") as server:
        api = Api(server.url)
        url = api.order(mode="sync", Host="other:80").json()["items"][0]["payout"]["url"]
        api.close()
    assert re.fullmatch(rf"https://runa\.example/mock/\w+/{UUID}", url)


def _link_for(api: Api, host: str, order_id: str) -> str:
    order = api.get(f"/v2/order/{order_id}", headers={"Host": host}).json()
    url = order["items"][0]["payout"]["url"]
    assert isinstance(url, str)
    return url


def test_payout_links_lead_to_where_the_client_reached_the_server(
    api: Api, clock: ManualClock
) -> None:
    """Each read shows the Host that it named; a synchronous order too, and so do its replays."""
    order = _placed(api, clock)
    for host in ("mock:8080", "127.0.0.1:9", "[::1]:80", "mock.internal"):
        assert _link_for(api, host, order["id"]).startswith(f"http://{host}/payout/")
    first = api.order(mode="sync", key="k", Host="mock:1").content
    assert b"http://mock:1/payout/" in first
    assert api.order(mode="sync", key="k", Host="other:2").content == first


@pytest.mark.parametrize(
    "host", ["", "a b", "mock/evil", "user@mock", 'x"><script>', "[mock]", "a:b"]
)
def test_a_host_that_is_none_is_in_no_link(api: Api, clock: ManualClock, host: str) -> None:
    """What is no name or address with a port never becomes part of a link."""
    order = _placed(api, clock)
    answer = api.get(f"/v2/order/{order['id']}", headers={"Host": host})
    assert answer.status_code == 400 or answer.json() == order


def test_the_api_key_is_in_no_answer(api: Api, clock: ManualClock) -> None:
    """Neither documents nor links tell the caller's key."""
    order = _placed(api, clock)
    assert KEY not in str(order)
    assert KEY not in api.get("/v2/order").text


def test_reading_changes_nothing(api: Api, clock: ManualClock) -> None:
    """An order that has ended reads the same for ever."""
    order = _placed(api, clock)
    clock.advance(10**8)
    assert api.read(order["id"]) == order
    assert order_ids(api) == [order["id"]]
