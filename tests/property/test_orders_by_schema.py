"""Whatever can be ordered becomes an order that fits the contract, once."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_schemas import validate
from runa_schemas.strategies import PRODUCT_TEMPLATES, orders, spellings
from support.api import Api, body, item
from support.catalogue import CATALOGUE

# What an answer repeats of a part that was sent, by the type of the part.
ECHOED = {
    "PAYOUT_LINK": {"type", "template_id"},
    "EMAIL": {"type", "template_id", "email_address"},
    "RECIPIENT": {"type", "template_id", "email_address", "recipient_reference"},
    "SINGLE": {"type", "value", "usage_config"},
    "MULTIPLE": {"type", "values"},
    "TEMPLATE": {"type", "template_id"},
}

ORDERS = orders(catalogue=CATALOGUE)


def respelt(order: dict[str, Any]) -> st.SearchStrategy[tuple[dict[str, Any], bytes]]:
    """An order and the same in another spelling."""
    return st.tuples(st.just(order), spellings(order))


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    return ManualClock()


@pytest.fixture(scope="module")
def api(clock: ManualClock) -> Iterator[Api]:
    """A caller of a server that all examples share."""
    with MockServer(clock=clock) as server:
        caller = Api(server.url)
        yield caller
        caller.close()


def cents(number: float) -> Decimal:
    """A face value as it is printed: two decimals, half-up."""
    return Decimal(repr(number)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def echo(part: dict[str, Any]) -> dict[str, Any]:
    """A part of a body as an answer repeats it: without nulls and what nobody knows."""
    known = ECHOED[part["type"]]
    if not str(part.get("value")).startswith("VISASL-"):  # only prepaid Visa has spend rules
        known = known - {"usage_config"}
    return {key: value for key, value in part.items() if value is not None and key in known}


def assert_is_order_of(document: dict[str, Any], sent: dict[str, Any]) -> None:
    """The full document says what was ordered, at its price, item by item."""
    validate(document, "order")
    currency = sent["payment_method"]["currency"]
    assert document["status"] == "COMPLETED"
    assert document["currency"] == currency
    assert document["description"] == sent.get("description")
    assert document["metadata"] == sent.get("metadata")
    prices = [cents(entry["face_value"]) for entry in sent["items"]]
    total = str(sum(prices, Decimal(0)))
    assert document["total_price"] == total
    assert document["transaction_detail"] == {currency: {"value": total, "fx": None}}
    assert document["total_discount"] == "0.00"
    assert [entry["price"] for entry in document["items"]] == [str(price) for price in prices]
    for entry, wanted in zip(document["items"], sent["items"], strict=True):
        assert entry["face_value"] == entry["price"]
        assert entry["distribution_method"] == echo(wanted["distribution_method"])
        assert entry["currency"] == currency
        assert entry["payout"]["status"] == "ACTIVE"
        products = dict(entry["products"])
        if products["type"] == "TEMPLATE":
            assert products["template_id"] == PRODUCT_TEMPLATES[currency]
            assert len(set(products.pop("values"))) == 10
        assert products == echo(wanted["products"])


def assert_is_json_behind_its_basic_form(raw: bytes, basic: dict[str, Any]) -> None:
    """The full document reads as a JSON writer would write it, the basic form first."""
    assert raw == orjson.dumps(orjson.loads(raw))
    assert raw.startswith(orjson.dumps(basic).removesuffix(b"}"))


def assert_all_different(document: dict[str, Any]) -> None:
    """Each item has an id and a link of its own."""
    items = document["items"]
    assert len({entry["id"] for entry in items}) == len(items)
    assert len({entry["payout"]["url"] for entry in items}) == len(items)


@settings(max_examples=settings().max_examples // 2)
@given(case=ORDERS.flatmap(respelt))
@example(case=(body(items=[item(face_value=10.005)] * 2), None))
@example(case=(body(description='100 %, "%s" \u20ac', metadata={"%d": "%%"}), None))
def test_async_orders(
    api: Api, clock: ManualClock, case: tuple[dict[str, Any], bytes | None]
) -> None:
    """An orderable body is accepted, completes after a second, and its replay changes nothing."""
    order, spelling = case
    accepted = api.order(order)
    key = accepted.request.headers["X-Idempotency-Key"]
    assert accepted.status_code == 202, accepted.text
    order_id = accepted.json()["id"]
    assert api.read(order_id)["status"] == "PROCESSING"

    clock.advance(1)
    document = api.read(order_id)
    assert document["id"] == order_id
    assert_is_order_of(document, order)
    assert_all_different(document)

    replay = api.order(order, raw=spelling, key=str(key))
    assert (replay.status_code, replay.content) == (202, accepted.content)
    assert api.read(order_id) == document
    newest = api.get("/v2/order?limit=1").json()["items"]
    basic = {key: document[key] for key in newest[0]}
    assert newest == [basic]
    assert_is_json_behind_its_basic_form(api.get(f"/v2/order/{order_id}").content, basic)


@settings(max_examples=settings().max_examples // 2)
@given(order=orders(catalogue=CATALOGUE, max_items=1))
def test_sync_orders(api: Api, order: dict[str, Any]) -> None:
    """A sync order answers with the whole order, which reads the same from then on."""
    done = api.order(order, mode="sync", key=None)
    assert done.status_code == 200, done.text
    assert_is_order_of(done.json(), order)
    assert api.get(f"/v2/order/{done.json()['id']}").content == done.content

    key = str(done.request.headers["X-Idempotency-Key"])
    replay = api.order(order, mode="sync", key=key)
    assert (replay.status_code, replay.content) == (200, done.content)
