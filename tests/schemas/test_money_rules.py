"""Estimates, balances and redemptions: what passes, and what a wrong build is caught by."""

from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.base.errors import ApiError
from runa_mock_server.contract.request_models import NewEstimate, validate_body
from runa_schemas import iter_errors, load
from support.variants import required_keys

CLOSED = (
    "balance",
    "e_code",
    "estimate",
    "estimate_item",
    "redemption_error",
    "redemption_success",
)
OPEN = ("estimate_product_selection", "new_estimate", "new_estimate_item")
REDEEMED, REDEEMED_URL, REFUSED = load("redemption")["examples"]
CODE, URL = load("e_code")["examples"]
ESTIMATE = load("estimate")["examples"][0]
EXCHANGED = load("transaction_detail")["examples"][1]


def issues(instance: object, name: str) -> list[tuple[str, str]]:
    """Give the place and the keyword of each issue."""
    return [(issue.path, issue.keyword) for issue in iter_errors(instance, name)]


def item(**changes: Any) -> dict[str, Any]:
    """Give an item to be priced, with single fields changed."""
    return {"face_value": 10, "products": {"type": "SINGLE", "value": "A"}, **changes}


def asked(*items: Any, **changes: Any) -> dict[str, Any]:
    """Give a new estimate, with single fields changed."""
    payment = {"type": "ACCOUNT_BALANCE", "currency": "USD"}
    return {"payment_method": payment, "items": list(items), **changes}


def of_fx(**changes: Any) -> dict[str, Any]:
    """Give a transaction detail with single facts of its exchange changed."""
    detail = EXCHANGED["USD"]
    return {"USD": detail | {"fx": detail["fx"] | changes}}


@pytest.mark.parametrize("name", CLOSED)
def test_answers_refuse_an_unknown_key(name: str) -> None:
    """An answer with a key that the contract does not know is refused at that key."""
    for example in load(name)["examples"]:
        assert ("$.surprise", "additionalProperties") in issues(example | {"surprise": 1}, name)


@pytest.mark.parametrize("name", OPEN)
def test_requests_ignore_an_unknown_key(name: str) -> None:
    """A request with a further field passes."""
    assert issues(load(name)["examples"][0] | {"surprise": [None]}, name) == []


@pytest.mark.parametrize("name", [*CLOSED, *OPEN])
def test_each_required_key_is_missed(name: str) -> None:
    """Leaving out a required key is an issue at that key."""
    for key in required_keys(name):
        example = {k: v for k, v in load(name)["examples"][0].items() if k != key}
        assert (f"$.{key}", "required") in issues(example, name)


BODIES: list[tuple[Any, list[tuple[str, str]]]] = [
    (asked(item()), []),
    (asked(*[item()] * 500), []),
    (asked(), [("$.items", "minItems")]),
    (asked(*[item()] * 501), [("$.items", "maxItems")]),
    (asked(item(), items=None), [("$.items", "type")]),
    (asked(item(products={"type": "MULTIPLE", "values": ["A", "B"]})), []),
    (
        asked(item(products={"type": "MULTIPLE", "values": ["A"]})),
        [("$.items[0].products.values", "minItems")],
    ),
    (
        asked(item(products={"type": "MULTIPLE", "values": ["A", "A"]})),
        [("$.items[0].products.values", "uniqueItems")],
    ),
    (
        asked(item(), item(products={"type": "TEMPLATE", "template_id": "PT-1"})),
        [("$.items[1].products.type", "enum")],
    ),
    (
        asked(item(products={"type": "SINGLE"})),
        [("$.items[0].products.value", "required")],
    ),
    (
        asked(item(products={"type": "SINGLE", "value": ""})),
        [("$.items[0].products.value", "minLength")],
    ),
    (asked(item(products={})), [("$.items[0].products.type", "required")]),
    (asked(item(products=None)), [("$.items[0].products", "type")]),
    (asked(item(face_value="10")), [("$.items[0].face_value", "type")]),
    (asked(item(face_value=True)), [("$.items[0].face_value", "type")]),
    (asked(item(face_value=None)), [("$.items[0].face_value", "type")]),
    (asked(item(face_value=Decimal("0.01"))), []),
    (asked(item(face_value=Decimal("0.009"))), [("$.items[0].face_value", "minimum")]),
    (asked(item(distribution_method=7), metadata=7, description=7), []),
    (
        asked(item(), payment_method={}),
        [
            ("$.payment_method.type", "required"),
            ("$.payment_method.currency", "required"),
        ],
    ),
    (
        asked(item(), payment_method={"type": "ACCOUNT_BALANCE", "currency": "usd"}),
        [("$.payment_method.currency", "enum")],
    ),
]


@pytest.mark.parametrize(("document", "expected"), BODIES)
def test_new_estimate(document: Any, expected: list[tuple[str, str]]) -> None:
    """The schema finds each violation at its place, and the server agrees whether there is one."""
    assert issues(document, "new_estimate") == expected
    verdict = nullcontext() if not expected else pytest.raises(ApiError, match="not valid")
    with verdict:
        validate_body(NewEstimate, document)


@pytest.mark.parametrize("name", ["total_price", "total_discount"])
@pytest.mark.parametrize(
    ("value", "keyword"), [("9.2", "pattern"), (None, "type"), (-1, "minimum")]
)
def test_totals_of_an_estimate_are_amounts(name: str, value: object, keyword: str) -> None:
    """An amount of an estimate is a number or, as one guide shows, money as an order has it."""
    assert issues(ESTIMATE | {name: value}, "estimate") == [(f"$.{name}", keyword)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"price": "9.2"}, ("$.items[0].price", "pattern")),
        ({"face_value": None}, ("$.items[0].face_value", "type")),
        ({"discount_multiplier": 0.08}, ("$.items[0].discount_multiplier", "type")),
        ({"discount_multiplier": "0"}, ("$.items[0].discount_multiplier", "pattern")),
        ({"currency": "usd"}, ("$.items[0].currency", "enum")),
        ({"products": {"type": "TEMPLATE"}}, ("$.items[0].products.type", "enum")),
        ({"id": "E-1"}, ("$.items[0].id", "additionalProperties")),
    ],
)
def test_items_of_an_estimate(change: dict[str, Any], expected: tuple[str, str]) -> None:
    """A wrong fact of an item is the one issue, at its place."""
    wrong = ESTIMATE | {"items": [ESTIMATE["items"][0] | change]}
    assert issues(wrong, "estimate") == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"converted": "8.33"}, [("$.USD.fx.converted", "additionalProperties")]),
        ({"rate": 1.2}, [("$.USD.fx.rate", "type")]),
        ({"rate": "-1.2"}, [("$.USD.fx.rate", "pattern")]),
        ({"rate": "1e1"}, [("$.USD.fx.rate", "pattern")]),
        ({"rate_symbol": "GBP/USD"}, [("$.USD.fx.rate_symbol", "pattern")]),
        ({"fee": "0.16"}, [("$.USD.fx.fee", "type")]),
        ({"fee": {"value": "0.158", "currency": "GBP"}}, [("$.USD.fx.fee.value", "pattern")]),
        ({"fee": {"value": "0.16", "currency": "XXX"}}, [("$.USD.fx.fee.currency", "enum")]),
        ({"fee": {"value": "0.16"}}, [("$.USD.fx.fee.currency", "required")]),
    ],
)
def test_exchange(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """An exchange has its three documented keys, each checked, and no other."""
    assert issues(of_fx(**changes), "transaction_detail") == expected


def test_exchange_needs_its_rate() -> None:
    """All three keys of an exchange are required."""
    assert issues({"USD": {"value": "1.00", "fx": {}}}, "transaction_detail") == [
        ("$.USD.fx.rate", "required"),
        ("$.USD.fx.rate_symbol", "required"),
        ("$.USD.fx.fee", "required"),
    ]


@given(st.decimals(0, 10**9, places=2))
def test_balance(amount: Decimal) -> None:
    """A balance is a string of two decimals; in the list it is never nothing."""
    one = {"balance": str(amount), "currency": "GBP"}
    assert issues(one, "balance") == []
    in_list = [] if amount else [("$[0].balance", "not")]
    assert issues([one], "balance_list") == in_list


@pytest.mark.parametrize("balance", [10, "10.0", "10.000", "-1.00", None, "1e3"])
def test_balance_is_money(balance: object) -> None:
    """Numbers, other numbers of decimals and debts are refused."""
    assert [path for path, _ in issues({"balance": balance, "currency": "USD"}, "balance")] == [
        "$.balance"
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (REDEEMED | {"status": "DONE"}, ("$.status", "enum")),
        (REDEEMED | {"error_code": "RE004"}, ("$.error_code", "type")),
        (REDEEMED | {"order_id": None}, ("$.order_id", "type")),
        (REDEEMED | {"order_id": "O-01J6Y3JRYWCTNDRHP35302NZ30"}, ("$.order_id", "pattern")),
        (REDEEMED | {"e_codes": [CODE]}, ("$.e_codes", "minItems")),
        (REDEEMED | {"e_codes": [CODE, {}]}, ("$.e_codes[1].type", "required")),
        (REFUSED | {"error_code": "RE014"}, ("$.error_code", "enum")),
        (REFUSED | {"error_code": None}, ("$.error_code", "enum")),
        (REFUSED | {"error_string": ""}, ("$.error_string", "minLength")),
        (REFUSED | {"order_id": "1"}, ("$.order_id", "anyOf")),
        (REFUSED | {"e_code": CODE}, ("$.e_code", "additionalProperties")),
        (REFUSED | {"status": "SUCCESS"}, ("$.e_code", "required")),
    ],
)
def test_redemption(document: dict[str, Any], expected: tuple[str, str]) -> None:
    """Success and refusal have each their own keys, and none of the other's."""
    assert expected in issues(document, "redemption")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (CODE, []),
        (URL, []),
        (CODE | {"pin": None}, []),
        (CODE | {"barcode_format": None, "barcode_string": None}, []),
        (CODE | {"barcode_format": None}, [("$.barcode_string", "type")]),
        (CODE | {"barcode_string": None}, [("$.barcode_string", "type")]),
        (CODE | {"barcode_format": "ITF"}, [("$.barcode_format", "enum")]),
        (
            CODE | {"barcode_format": "ean-13", "barcode_string": "400638133393"},
            [("$.barcode_string", "pattern")],
        ),
        (CODE | {"barcode_format": "ean-13", "barcode_string": "4006381333931"}, []),
        (CODE | {"url": URL["url"]}, []),
        (CODE | {"url": None}, [("$.url", "type")]),
        (URL | {"pin": "1234"}, [("$.pin", "type")]),
        (
            URL | {"barcode_format": "QR", "barcode_string": "x"},
            [
                ("$.barcode_format", "type"),
                ("$.barcode_string", "type"),
            ],
        ),
        (CODE | {"amount": 5}, [("$.amount", "type")]),
        (CODE | {"code": ""}, [("$.code", "minLength")]),
        (CODE | {"expiry_date": "30.04.2028"}, [("$.expiry_date", "pattern")]),
        (CODE | {"expiry_date": None}, [("$.expiry_date", "type")]),
    ],
)
def test_e_code(code: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """Both have a URL, an address has no PIN, and a barcode comes with its format."""
    assert issues(code, "e_code") == expected


def test_an_address_has_a_url() -> None:
    """``type: "url"`` without one is refused."""
    assert ("$.url", "type") in issues(URL | {"url": None}, "e_code")
