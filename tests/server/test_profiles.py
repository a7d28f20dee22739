"""The two environments, where they differ, one test for each difference."""

from collections.abc import Iterator
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from runa_schemas import ERRORS
from support.answers import order_ids, refusal
from support.api import KEY, Api, body, item
from support.money import CURRENCIES, PRODUCTION_KEY, MoneyApi, multiple, paid_in, single


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """A clock that stands still until a test moves it."""
    return ManualClock()


@pytest.fixture(scope="module")
def production(clock: ManualClock) -> Iterator[MoneyApi]:
    """A caller in production, with funds."""
    with MockServer(clock=clock, profile="production", balances={"USD": 10**6}) as server:
        caller = MoneyApi(server.url, PRODUCTION_KEY)
        yield caller
        caller.close()


@pytest.fixture(scope="module")
def playground() -> Iterator[MoneyApi]:
    """A caller on the playground."""
    with MockServer() as server:
        caller = MoneyApi(server.url, KEY)
        yield caller
        caller.close()


KEYS = {
    "production": ("wg-a.b", "WG-a.b", "Wg-a.b", "wg"),
    "playground": ("XX-a.b", "xx-a.b", "xX-a.b", "XX"),
}


@pytest.mark.parametrize("profile", KEYS)
def test_each_environment_has_keys_of_its_own(
    production: Api, playground: Api, profile: str
) -> None:
    """A key is taken where it belongs, in any case of its prefix, and refused elsewhere."""
    here, elsewhere = (production, playground)[:: 1 if profile == "production" else -1]
    for key in KEYS[profile]:
        headers = {"X-Api-Key": key}
        assert here.get("/v2/ping", headers=headers).status_code == 200
        assert refusal(elsewhere.get("/v2/ping", headers=headers)) == (403, "forbidden")


@pytest.mark.parametrize("key", [b"w", b"gw-a.b", b"live-1", b"\xffwg", b"wg\xff"])
def test_other_keys_belong_nowhere(production: Api, key: bytes) -> None:
    """403 for what has another prefix or is not ASCII."""
    refused = production.get("/v2/ping", headers={"X-Api-Key": key})
    assert refusal(refused) == (403, "forbidden")


def test_production_needs_a_key(production: Api) -> None:
    """401 without one."""
    assert refusal(production.get("/v2/ping", headers={"X-Api-Key": None})) == (
        401,
        "unauthorized",
    )


def test_a_list_of_keys_counts_alone() -> None:
    """Exact keys from the settings replace the prefix."""
    with MockServer(profile="production", api_keys=("mine",)) as server:
        caller = Api(server.url, "mine")
        assert caller.get("/v2/ping").status_code == 200
        refused = caller.get("/v2/ping", headers={"X-Api-Key": PRODUCTION_KEY})
        assert refused.status_code == 403
        caller.close()


def test_discounts_are_for_production(production: MoneyApi, playground: MoneyApi) -> None:
    """The catalogue's discount is taken off there, on the playground nothing is."""
    order = paid_in("USD", single("1800FL-US", "10.01"))
    found = []
    for caller in (production, playground):
        document = caller.finished(order)
        (bought,) = document["items"]
        found.append(
            (
                *(bought["face_value"], bought["price"], bought["discount_multiplier"]),
                *(document["total_price"], document["total_discount"]),
            )
        )
    assert found == [
        ("10.01", "9.88", "0.0130", "9.88", "0.13"),
        ("10.01", "10.01", "0.0", "10.01", "0.00"),
    ]


def test_a_choice_has_no_discount(production: MoneyApi) -> None:
    """What the recipient will choose is not known, so that nothing is let off (inferred)."""
    order = production.finished(paid_in("USD", multiple(100, "1800FL-US", "AMZ-US")))
    assert (order["total_price"], order["total_discount"]) == ("100.00", "0.00")


def test_funds_count_in_production(production: MoneyApi, playground: MoneyApi) -> None:
    """Without a balance an order is refused there and accepted on the playground."""
    order = paid_in("SEK", single("EXCAFE-SE", 50))
    assert refusal(production.order(order)) == (400, "insufficient_funds")
    assert playground.order(order).status_code == 202


@pytest.mark.parametrize("trigger", [*ERRORS, "order_failed", "nonsense", ""])
def test_production_knows_no_triggers(
    production: MoneyApi, clock: ManualClock, trigger: str
) -> None:
    """``X-Trigger-Error`` has no effect there, whatever it says."""
    accepted = production.order(X_Trigger_Error=trigger)
    assert accepted.status_code == 202
    clock.advance(1)
    assert production.read(accepted.json()["id"])["status"] == "COMPLETED"


def test_without_idempotency_key(production: Api, playground: Api) -> None:
    """The header that is missing is named in the words of the environment."""
    details = [caller.order(key="").json()["details"] for caller in (production, playground)]
    location = ["header", "x-idempotency-key"]
    assert details == [
        [{"type": "value_error.missing", "message": "field required", "location": location}],
        [{"type": "missing", "message": "Field required", "location": location}],
    ]


AT_LEAST = "ensure this value has at least {} {}"
AT_MOST = "ensure this value has at most {} {}"
FACE_VALUE = ("items", "0", "face_value")
PRODUCTS = ("items", "0", "products")
DISTRIBUTION = ("items", "0", "distribution_method")
EMAIL = {"type": "EMAIL", "email_address": "a@b.test"}
RECIPIENT = {**EMAIL, "type": "RECIPIENT", "recipient_reference": "me"}
VARIANTS = "'SINGLE', 'MULTIPLE', 'TEMPLATE'"
NO_DISCRIMINATOR = "Discriminator 'type' is missing in value"


def bought(**products: Any) -> dict[str, Any]:
    """A body whose item is for certain products."""
    return body(items=[item(products=products)])


def sent_to(**distribution: Any) -> dict[str, Any]:
    """A body whose item is distributed in a certain way."""
    return body(items=[item(distribution_method=distribution)])


def paid(**payment: Any) -> dict[str, Any]:
    """A body with single facts of the payment method changed."""
    return body(payment_method={"type": "ACCOUNT_BALANCE", "currency": "USD", **payment})


def without(name: str) -> dict[str, Any]:
    """A body without one of its fields."""
    return {key: value for key, value in body().items() if key != name}


Violation = tuple[dict[str, Any], str, str, tuple[str, ...]]
VIOLATIONS: dict[str, Violation] = {
    "missing field": (without("items"), "value_error.missing", "field required", ("items",)),
    "missing in an item": (
        body(items=[{k: v for k, v in item().items() if k != "face_value"}]),
        "value_error.missing",
        "field required",
        FACE_VALUE,
    ),
    "missing in a variant": (
        sent_to(type="EMAIL"),
        "value_error.missing",
        "field required",
        (*DISTRIBUTION, "email_address"),
    ),
    "unknown currency": (
        paid(currency="XXX"),
        "type_error.enum",
        "value is not a valid enumeration member; permitted: "
        + ", ".join(f"'{currency}'" for currency in CURRENCIES),
        ("payment_method", "currency"),
    ),
    "unknown payment type": (
        paid(type="CARD"),
        "value_error.const",
        "unexpected value; permitted: 'ACCOUNT_BALANCE'",
        ("payment_method", "type"),
    ),
    "text for a number": (
        body(items=[item(face_value="10")]),
        "type_error.float",
        "value is not a valid float",
        FACE_VALUE,
    ),
    "too small": (
        body(items=[item(face_value=0)]),
        "value_error.number.not_ge",
        "ensure this value is greater than or equal to 0.01",
        FACE_VALUE,
    ),
    "number for a text": (
        body(description=5),
        "type_error.str",
        "str type expected",
        ("description",),
    ),
    "text too short": (
        bought(type="SINGLE", value=""),
        "value_error.any_str.min_length",
        AT_LEAST.format(1, "characters"),
        (*PRODUCTS, "value"),
    ),
    "text too long": (
        body(description="d" * 129),
        "value_error.any_str.max_length",
        AT_MOST.format(128, "characters"),
        ("description",),
    ),
    "pattern": (
        sent_to(**{**RECIPIENT, "recipient_reference": "a b"}),
        "value_error.str.regex",
        'string does not match regex "^[A-Za-z0-9_@.-]{1,255}$"',
        (*DISTRIBUTION, "recipient_reference"),
    ),
    "no list": (
        body(items={}),
        "type_error.list",
        "value is not a valid list",
        ("items",),
    ),
    "list too short": (
        body(items=[]),
        "value_error.list.min_items",
        AT_LEAST.format(1, "items"),
        ("items",),
    ),
    "list too long": (
        body(items=[item()] * 201),
        "value_error.list.max_items",
        AT_MOST.format(200, "items"),
        ("items",),
    ),
    "list with an entry twice": (
        bought(type="MULTIPLE", values=["A", "A"]),
        "value_error.list.unique_items",
        "the product codes must be unique",
        (*PRODUCTS, "values"),
    ),
    "no object": (
        body(payment_method=[]),
        "type_error.dict",
        "value is not a valid dict",
        ("payment_method",),
    ),
    "no mapping": (
        body(metadata=[]),
        "type_error.dict",
        "value is not a valid dict",
        ("metadata",),
    ),
    "no discriminator": (
        bought(value="1800FL-US"),
        "value_error.discriminated_union.missing_discriminator",
        NO_DISCRIMINATOR,
        PRODUCTS,
    ),
    "wrong discriminator": (
        bought(type="SOME", value="1800FL-US"),
        "value_error.discriminated_union.invalid_discriminator",
        f"No match for discriminator 'type' and value 'SOME' (allowed values: {VARIANTS})",
        PRODUCTS,
    ),
    "address": (
        sent_to(**{**EMAIL, "email_address": "nobody"}),
        "value_error.email",
        "value is not a valid email address",
        (*DISTRIBUTION, "email_address"),
    ),
    "metadata value": (
        body(metadata={"k": 5}),
        "type_error.str",
        "str type expected",
        ("metadata", "k"),
    ),
    "metadata value under the name of a variant": (
        body(metadata={"EMAIL": 5}),
        "type_error.str",
        "str type expected",
        ("metadata", "EMAIL"),
    ),
    "metadata key": (
        body(metadata={"k" * 41: "v"}),
        "value_error.any_str.max_length",
        AT_MOST.format(40, "characters"),
        ("metadata", "__key__"),
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_production_words_details_as_pydantic_1(
    production: Api, playground: Api, name: str
) -> None:
    """Types, sentences and places are the old ones; the playground's begin with the body."""
    document, type_, message, location = VIOLATIONS[name]
    response = production.order(document)
    assert refusal(response) == (422, "validation_error")
    assert response.json()["details"] == [
        {"type": type_, "message": message, "location": list(location)}
    ]
    (other,) = playground.order(document).json()["details"]
    assert other["location"][0] == "body"
    assert other["type"] != type_ or type_ == "value_error"


def test_several_details_come_in_the_same_order(production: Api, playground: Api) -> None:
    """Both environments find the same violations."""
    wrong = body(
        payment_method={}, items=[item(face_value=0), item(products={})], description="d" * 129
    )
    old = production.order(wrong).json()["details"]
    new = playground.order(wrong).json()["details"]
    assert len(old) == len(new) == 5
    assert [["body", *detail["location"]] for detail in old] == [
        detail["location"] for detail in new
    ]


def test_a_refused_body_is_no_order(production: Api) -> None:
    """Nothing of the above was ever stored."""
    before = order_ids(production)
    assert production.order(body(items=[])).status_code == 422
    assert order_ids(production) == before
