"""Which order bodies pass validation: each rule from both sides of its boundary."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runa_schemas import iter_errors, load

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@."
MISSING = object()
# One letter outside the first 65,536 code points: two UTF-16 units, one code point.
WIDE = "\U0001f381"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def order(**changes: object) -> dict[str, Any]:
    """Make a valid body with some of its keys changed or left out."""
    body = load("new_order")["examples"][0] | changes
    return {key: value for key, value in body.items() if value is not MISSING}


def order_with(**changes: object) -> dict[str, Any]:
    """Make a valid body of one item with some of the item's keys changed."""
    return order(items=[load("new_item")["examples"][0] | changes])


def paths(body: object) -> list[str]:
    """Give the places where a body is refused."""
    return [issue.path for issue in iter_errors(body, "new_order")]


def keywords(instance: object, name: str) -> set[str]:
    """Give the keywords that a value does not meet."""
    return {issue.keyword for issue in iter_errors(instance, name)}


@given(json_values.filter(lambda value: not isinstance(value, dict)))
def test_body_must_be_an_object(body: object) -> None:
    """Anything but an object is refused at the root."""
    assert paths(body) == ["$"]


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=3))
def test_unknown_fields_are_ignored_at_every_level(extra: dict[str, Any]) -> None:
    """Unknown fields, whatever their values, change nothing anywhere in the body."""
    body = order()
    body["payment_method"] = extra | body["payment_method"]
    body["items"] = [
        extra
        | item
        | {
            "distribution_method": {
                key: value
                for key, value in extra.items()
                if key not in {"template_id", "email_address", "recipient_reference"}
            }
            | item["distribution_method"],
            "products": {
                key: value
                for key, value in extra.items()
                if key not in {"usage_config", "value", "values", "template_id"}
            }
            | item["products"],
        }
        for item in body["items"]
    ]
    unreserved = {
        key: value for key, value in extra.items() if key not in load("new_order")["properties"]
    }
    assert paths(unreserved | body) == []


@pytest.mark.parametrize(
    ("distribution", "products"),
    [
        ({"type": "PAYOUT_LINK", "email_address": 5, "recipient_reference": []}, None),
        ({"type": "EMAIL", "email_address": "a@b.test", "recipient_reference": ""}, None),
        (None, {"type": "SINGLE", "value": "X", "values": 1, "template_id": 2}),
        (None, {"type": "MULTIPLE", "values": ["a", "b"], "value": 1, "usage_config": 2}),
        (None, {"type": "TEMPLATE", "template_id": "PT", "value": 1, "values": "x"}),
    ],
)
def test_fields_of_another_type_are_ignored(distribution: object, products: object) -> None:
    """A field that belongs to another `type` is an unknown field, however wrong its value."""
    changes = {"distribution_method": distribution, "products": products}
    body = order_with(**{key: value for key, value in changes.items() if value})
    assert paths(body) == []


@pytest.mark.parametrize("key", ["description", "metadata"])
def test_null_equals_absence(key: str) -> None:
    """An optional field may be null or left out."""
    assert paths(order(**{key: None})) == paths(order(**{key: MISSING})) == []


@pytest.mark.parametrize("key", ["payment_method", "items"])
def test_required_fields_are_not_null(key: str) -> None:
    """Null does not stand for a required field."""
    assert paths(order(**{key: None})) == [f"$.{key}"]


@given(st.sampled_from([0, 1, 2, 199, 200, 201, 300]))
def test_item_count(count: int) -> None:
    """An order has 1 to 200 items."""
    item = load("new_item")["examples"][0]
    assert paths(order(items=[item] * count)) == ([] if 1 <= count <= 200 else ["$.items"])


@given(st.sampled_from(["a", "é", WIDE]), st.sampled_from([0, 127, 128, 129, 257]))
def test_description_length_counts_code_points(letter: str, length: int) -> None:
    """A description has at most 128 code points."""
    expected = [] if length <= 128 else ["$.description"]
    assert paths(order(description=letter * length)) == expected


@given(
    st.sampled_from([0, 1, 19, 20, 21]),
    st.sampled_from([3, 39, 40, 41]),
    st.sampled_from([0, 199, 200, 201]),
    st.sampled_from(["v", WIDE]),
)
def test_metadata_limits(pairs: int, key_length: int, value_length: int, letter: str) -> None:
    """Metadata has at most 20 pairs, keys of at most 40 and values of at most 200 code points."""
    metadata = {f"{n:03}".ljust(key_length, letter): letter * value_length for n in range(pairs)}
    expected = set()
    if pairs > 20:
        expected.add("maxProperties")
    if pairs and key_length > 40:
        expected.add("maxLength")
    if pairs and value_length > 200:
        expected.add("maxLength")
    assert keywords(metadata, "metadata") == expected


@given(json_values.filter(lambda value: not isinstance(value, str)))
def test_metadata_values_are_strings(value: object) -> None:
    """Nothing is turned into a string: any other metadata value is refused at its key."""
    assert paths(order(metadata={"key": value})) == ["$.metadata.key"]


@example(Decimal("0.01"))
@example(Decimal("0.0099"))
@given(st.decimals(Decimal("-0.05"), Decimal("0.05"), places=4))
def test_face_value_minimum_as_decimal(value: Decimal) -> None:
    """A face value is at least one hundredth, compared exactly."""
    expected = [] if value >= Decimal("0.01") else ["$.items[0].face_value"]
    assert paths(order_with(face_value=value)) == expected


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_face_value_has_no_maximum(value: float) -> None:
    """Any JSON number from 0.01 upwards is a face value."""
    expected = [] if value >= 0.01 else ["$.items[0].face_value"]
    assert paths(order_with(face_value=value)) == expected


@pytest.mark.parametrize(
    "value", [True, "10", "10.00", None, [10], {}, float("nan"), float("inf"), Decimal("NaN")]
)
def test_face_value_is_a_number(value: object) -> None:
    """Strings, booleans and what JSON cannot write are no numbers."""
    found = [
        (issue.path, issue.keyword)
        for issue in iter_errors(order_with(face_value=value), "new_order")
    ]
    assert found == [("$.items[0].face_value", "type")]


@pytest.mark.parametrize("code", load("currency")["enum"])
def test_known_currencies_pay(code: str) -> None:
    """Every listed currency pays, in capitals only."""
    method = {"type": "ACCOUNT_BALANCE", "currency": code}
    assert paths(order(payment_method=method)) == []
    assert paths(order(payment_method=method | {"currency": code.lower()})) == [
        "$.payment_method.currency"
    ]


def test_currencies_are_those_of_the_service() -> None:
    """The service knows 31 currencies."""
    known = (
        "AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HUF ILS INR JPY KRW MXN MYR NOK NZD "
        "PEN PLN RON SAR SEK SGD USD ZAR"
    )
    assert load("currency")["enum"] == known.split()


@pytest.mark.parametrize("key", ["distribution_method", "products"])
@given(json_values)
def test_unknown_type_is_reported_at_the_type(key: str, kind: object) -> None:
    """An unknown `type` is the one issue, at the type itself."""
    assert paths(order_with(**{key: {"type": kind}})) == [f"$.items[0].{key}.type"]


@pytest.mark.parametrize("kind", ["EMAIL", "PAYOUT_LINK", "RECIPIENT"])
@given(json_values)
def test_redemption_template_is_any_string(kind: str, template: object) -> None:
    """The redemption template is null or any string, for each way of distribution."""
    method = {
        "type": kind,
        "email_address": "someone@example.test",
        "recipient_reference": "r",
        "template_id": template,
    }
    fits = template is None or isinstance(template, str)
    expected = [] if fits else ["$.items[0].distribution_method.template_id"]
    assert paths(order_with(distribution_method=method)) == expected


@given(st.text(REFERENCE, min_size=1, max_size=255))
def test_recipient_reference_alphabet(reference: str) -> None:
    """A reference is made of the allowed characters, and nothing may follow it."""
    method = {"type": "RECIPIENT", "recipient_reference": reference, "email_address": "a@b.test"}
    assert keywords(method, "distribution_method") == set()
    for wrong in (reference + "\n", reference + " ", "/" + reference, reference + "é"):
        assert keywords(method | {"recipient_reference": wrong}, "distribution_method") == {
            "pattern"
        }


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (255, True), (256, False)])
def test_recipient_reference_length(length: int, fits: bool) -> None:
    """A reference has 1 to 255 characters."""
    method = {"type": "RECIPIENT", "recipient_reference": "r" * length, "email_address": "a@b.test"}
    assert (keywords(method, "distribution_method") == set()) is fits


@pytest.mark.parametrize(
    "address",
    [
        "a@b.test",
        "someone@example.invalid",
        "first.last+tag@mail.example.test",
        "o'neil@example.test",
        "ünï@bücher.test",
        "用户@例子.测试",
        WIDE + "@example.test",
        "a@1-2.3",
        "!#$%&'*+/=?^_`{|}~-@x.y",
        "a" * 241 + "@example.test",
    ],
)
def test_email_addresses_that_pass(address: str) -> None:
    """Dot-separated atoms before the at sign, at least two labels behind it."""
    assert keywords(address, "email_address") == set()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        "@b.test",
        "a@",
        "a@@b.test",
        "a@b@c.test",
        ".a@b.test",
        "a.@b.test",
        "a..b@c.test",
        "a@.test",
        "a@b.",
        "a@b..test",
        "a@-b.test",
        "a@b-.test",
        "a@b_c.test",
        "a@[127.0.0.1]",
        '"a b"@c.test',
        "a b@c.test",
        "a@b.test\n",
        "a@b.test ",
        "a\u007f@b.test",
        "a\u0000@b.test",
        "Name <a@b.test>",
        "a,b@c.test",
        "a@" + WIDE + ".test",
        "a" * 242 + "@example.test",
    ],
)
def test_email_addresses_that_are_refused(address: str) -> None:
    """Quoted parts, blanks, single labels, stray dots or hyphens and great length are refused."""
    assert len(keywords(address, "email_address")) == 1


@given(json_values.filter(lambda value: not isinstance(value, str)))
def test_email_address_is_reported_at_its_own_path(address: object) -> None:
    """A wrong address is the one issue, at the address."""
    body = order_with(distribution_method={"type": "EMAIL", "email_address": address})
    assert paths(body) == ["$.items[0].distribution_method.email_address"]


@given(json_values)
def test_single_value(value: object) -> None:
    """A single product is a string of at least one character."""
    expected = [] if isinstance(value, str) and value else ["$.items[0].products.value"]
    assert paths(order_with(products={"type": "SINGLE", "value": value})) == expected


@given(st.lists(st.text("ab", max_size=2), max_size=5))
def test_multiple_values(values: list[str]) -> None:
    """A choice lists at least two products, each once."""
    fits = len(values) >= 2 and len(set(values)) == len(values)
    found = {
        issue.path
        for issue in iter_errors({"type": "MULTIPLE", "values": values}, "product_selection")
    }
    assert found == (set() if fits else {"$.values"})


def test_multiple_values_are_strings() -> None:
    """A listed product that is no string is reported at its own place."""
    body = order_with(products={"type": "MULTIPLE", "values": ["A", 1, None]})
    assert paths(body) == ["$.items[0].products.values[1]", "$.items[0].products.values[2]"]


@given(json_values)
def test_product_template_is_a_required_string(template: object) -> None:
    """The product template is any string, and null does not stand for it."""
    expected = [] if isinstance(template, str) else ["$.items[0].products.template_id"]
    assert paths(order_with(products={"type": "TEMPLATE", "template_id": template})) == expected


@given(
    st.text(CROCKFORD, min_size=25, max_size=27),
    st.sampled_from(["", "\n", "I", "L", "O", "U", "a"]),
)
def test_spend_rules_template(ulid: str, ending: str) -> None:
    """A spend rules template is PSR- and 26 characters of Crockford's base 32."""
    products = {
        "type": "SINGLE",
        "value": "VISASL-3M-USD",
        "usage_config": {"spend_rules_template_id": f"PSR-{ulid}{ending}"},
    }
    fits = len(ulid) == 26 and not ending
    expected = [] if fits else ["$.items[0].products.usage_config.spend_rules_template_id"]
    assert paths(order_with(products=products)) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, []),
        ({}, []),
        ({"spend_rules_template_id": None}, []),
        ({"spend_rules_template_id": 1}, ["$.usage_config.spend_rules_template_id"]),
        ("PSR", ["$.usage_config"]),
    ],
)
def test_usage_config(config: object, expected: list[str]) -> None:
    """The usage is null or an object, which may name a spend rules template."""
    products = {"type": "SINGLE", "value": "X", "usage_config": config}
    assert [issue.path for issue in iter_errors(products, "product_selection")] == expected
