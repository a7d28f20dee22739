"""What a wrong build of a response would be caught by."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_schemas import iter_errors, load
from support.recorded import RECORDED_ORDER

WITH_METADATA: dict[str, Any] = {**RECORDED_ORDER, "metadata": None}


def issues(instance: object, name: str) -> list[tuple[str, str]]:
    """Give the place and the keyword of each issue."""
    return [(issue.path, issue.keyword) for issue in iter_errors(instance, name)]


def page(items: list[Any], after: object, before: object = None) -> dict[str, Any]:
    """Make a page of orders."""
    pagination = {"cursors": {"after": after, "before": before}, "page": {"limit": 100}}
    return {"items": items, "pagination": pagination}


def item_change(**changes: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Make a function that changes the item of an order."""
    return lambda order: order | {"items": [order["items"][0] | changes]}


def test_recorded_order_fits() -> None:
    """The recorded order of the playground is an order."""
    assert issues(WITH_METADATA, "order") == []


def test_item_fields_of_older_documentation_may_be_left_out() -> None:
    """An item without `redemption_url` and `discount_multiplier` is an item."""
    dropped = {"redemption_url", "discount_multiplier"}
    item = {key: value for key, value in WITH_METADATA["items"][0].items() if key not in dropped}
    assert issues(WITH_METADATA | {"items": [item]}, "order") == []


def test_order_paid_in_another_currency_fits() -> None:
    """An order with an exchange names the paying currency and explains the amount."""
    fee = {"value": "0.16", "currency": "GBP"}
    fx = {"rate": "1.2", "rate_symbol": "GBPUSD", "fee": fee}
    detail: dict[str, Any] = {"USD": {"value": "10.00", "fx": fx}}
    order = WITH_METADATA | {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "GBP"},
        "currency": "GBP",
        "total_price": "8.49",
        "transaction_detail": detail,
    }
    assert issues(order, "order") == []
    detail["USD"]["fx"] = fx | {"rate": 1.2}
    assert issues(order, "order") == [("$.transaction_detail.USD.fx.rate", "type")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda o: o | {"status": "PROCESSING"}, ("$.status", "enum")),
        (lambda o: o | {"total_price": 10}, ("$.total_price", "type")),
        (lambda o: o | {"description": "d" * 129}, ("$.description", "maxLength")),
        (lambda o: o | {"items": []}, ("$.items", "minItems")),
        (lambda o: o | {"transaction_detail": {}}, ("$.transaction_detail", "minProperties")),
        (
            lambda o: o | {"transaction_detail": {"XXX": {"value": "1.00", "fx": None}}},
            ("$.transaction_detail.XXX", "enum"),
        ),
        (item_change(id="O-01J6Y3JRYWRKYDTEHDDM9P2KV0"), ("$.items[0].id", "pattern")),
        (item_change(face_value=10.0), ("$.items[0].face_value", "type")),
        (item_change(discount_multiplier="0"), ("$.items[0].discount_multiplier", "pattern")),
        (item_change(redemption_url="/redeem/1"), ("$.items[0].redemption_url", "pattern")),
        (
            item_change(products={"type": "TEMPLATE", "template_id": "PT-1"}),
            ("$.items[0].products.values", "required"),
        ),
    ],
)
def test_wrong_order_is_caught(
    change: Callable[[dict[str, Any]], dict[str, Any]], expected: tuple[str, str]
) -> None:
    """A single difference from the recorded order is the single issue, at its place."""
    assert issues(change(WITH_METADATA), "order") == [expected]


@pytest.mark.parametrize("name", ["accepted_order", "incomplete_order"])
@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "processing", None])
def test_unfinished_orders_are_processing(name: str, status: object) -> None:
    """An order that has not ended is PROCESSING and nothing else."""
    example = load(name)["examples"][0] | {"status": status}
    assert issues(example, name) == [("$.status", "const")]


@given(st.decimals(0, 10**12, places=2))
def test_money_has_two_decimals(value: object) -> None:
    """Money is digits, a point and two digits, and nothing around them."""
    text = f"{value:.2f}"
    assert issues(text, "money") == []
    for wrong in (
        text[:-1],
        f"{text}0",
        f"-{text}",
        f" {text}",
        f"{text}\n",
        text.replace(".", ","),
    ):
        assert issues(wrong, "money") == [("$", "pattern")]


@given(st.datetimes())
def test_timestamps_are_utc_with_microseconds(moment: datetime) -> None:
    """A timestamp has six digits of a second and the offset +00:00."""
    text = moment.isoformat(timespec="microseconds") + "+00:00"
    assert issues(text, "timestamp") == []
    for wrong in (text.replace("+00:00", "Z"), text.replace("+00:00", "+01:00"), text + "\n"):
        assert ("$", "pattern") in issues(wrong, "timestamp")
    whole_seconds = moment.isoformat(timespec="seconds") + "+00:00"
    assert issues(whole_seconds, "timestamp") == [("$", "pattern")]


@pytest.mark.parametrize(
    "wrong", ["2024-02-30T00:00:00.000000+00:00", "2024-13-01T00:00:00.000000+00:00"]
)
def test_timestamps_are_days_of_the_calendar(wrong: str) -> None:
    """Format checking is on: a day that does not exist is no timestamp."""
    assert issues(wrong, "timestamp") == [("$", "format")]


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("http://127.0.0.1:8080/redeem/1", True),
        ("https://host.test?x=1", True),
        ("https://host.test", True),
        ("ftp://host.test/", False),
        ("http:///path", False),
        ("//host.test/", False),
        ("https://host.test/a b", False),
        ("https://host.test/\n", False),
    ],
)
def test_urls_are_absolute(url: str, fits: bool) -> None:
    """A URL has a scheme and a host, and no blanks."""
    assert (issues(url, "url") == []) is fits


@pytest.mark.parametrize(("name", "prefix"), [("order_id", "O-"), ("item_id", "E-")])
@given(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=25, max_size=25))
def test_ids_are_ulids(name: str, prefix: str, tail: str) -> None:
    """An id is its prefix and a ULID, whose first character is at most 7."""
    assert issues(f"{prefix}0{tail}", name) == issues(f"{prefix}7{tail}", name) == []
    for wrong in (f"{prefix}8{tail}", f"{prefix}{tail}", f"X-0{tail}", f"{prefix}0{tail[:-1]}I"):
        assert issues(wrong, name) == [("$", "pattern")]


def test_page_shows_ended_and_unfinished_orders() -> None:
    """A page holds basic orders and incomplete orders, and refuses a full order."""
    basic = load("order_basic")["examples"][0]
    incomplete = load("incomplete_order")["examples"][0]
    assert issues(page([basic, incomplete], "c"), "order_page") == []
    found = issues(page([basic, WITH_METADATA], "c"), "order_page")
    extra = {"items", "transaction_detail", "metadata"}
    assert set(found) == {(f"$.items[1].{key}", "additionalProperties") for key in extra}


def test_page_with_results_can_be_continued() -> None:
    """`after` is given exactly where a page has results, and an empty page has no cursor."""
    basic = load("order_basic")["examples"][0]
    assert issues(page([basic], None), "order_page") == [("$.pagination.cursors.after", "type")]
    assert issues(page([basic], "c", "d"), "order_page") == []
    assert issues(page([], "c", "d"), "order_page") == [
        ("$.pagination.cursors.after", "type"),
        ("$.pagination.cursors.before", "type"),
    ]


@pytest.mark.parametrize(
    ("limit", "fits"), [(0, False), (1, True), (500, True), (501, False), (1.5, False)]
)
def test_page_limit(limit: float, fits: bool) -> None:
    """A page holds from 1 to 500 entries."""
    pagination = {"cursors": {"after": "c", "before": None}, "page": {"limit": limit}}
    assert (issues(pagination, "pagination") == []) is fits


def test_error_without_details_is_no_validation_error() -> None:
    """The plain form of an error cannot carry the type that comes with details."""
    plain = {"type": "validation_error", "message": "m", "help": None}
    assert issues(plain, "error") == [("$.type", "enum")]
    assert issues(plain, "validation_error") == [("$.details", "required")]


def test_validation_error_locations_are_strings() -> None:
    """The places in a list are strings, too."""
    detail = {"type": "missing", "message": "m", "location": ["body", "items", 0]}
    error = {"type": "validation_error", "message": "m", "help": None, "details": [detail]}
    assert issues(error, "validation_error") == [("$.details[0].location[2]", "type")]


def test_rate_limit_error_has_its_own_form() -> None:
    """The body of a 429 is one key with fixed words."""
    assert issues({"error": "rate exceeded"}, "rate_limit_error") == []
    assert issues({"error": "slow down"}, "rate_limit_error") == [("$.error", "const")]


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_cursors_are_not_empty(cursor: str) -> None:
    """A cursor is null or at least one character."""
    pagination = {"cursors": {"after": "c", "before": "b"} | {cursor: ""}, "page": {"limit": 1}}
    assert issues(pagination, "pagination") == [(f"$.cursors.{cursor}", "minLength")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["A"], []),
        ([], [("$.values", "minItems")]),
        (["A", "A"], [("$.values", "uniqueItems")]),
        ([""], [("$.values[0]", "minLength")]),
    ],
)
def test_template_shows_its_products(values: list[str], expected: list[tuple[str, str]]) -> None:
    """An ordered template shows at least one product code, each once."""
    products = {"type": "TEMPLATE", "template_id": "PT-1", "values": values}
    assert issues(products, "order_products") == expected


@pytest.mark.parametrize("name", ["order", "order_basic"])
def test_longest_description_comes_back(name: str) -> None:
    """A description of 128 characters is given back whole."""
    order = load(name)["examples"][0] | {"description": "d" * 128}
    assert issues(order, name) == []
