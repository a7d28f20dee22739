"""The strategies by themselves: they are valid, explore, and shrink to plain bodies."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from runa_schemas import ERRORS, UnknownSchemaError, names, validate
from runa_schemas import strategies as s

Body = dict[str, Any]

PLAIN_ITEM = {
    "face_value": 10,
    "products": {"type": "SINGLE", "value": "1800FL-US"},
    "distribution_method": {"type": "PAYOUT_LINK"},
}
PLAIN = {
    "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
    "items": [PLAIN_ITEM],
}
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "currency": s.currencies(),
    "distribution_method": s.distributions(),
    "email_address": s.email_addresses(),
    "metadata": s.metadata(),
    "new_estimate": s.estimate_bodies(max_items=500),
    "new_estimate_item": s.estimate_items(),
    "new_item": s.items(),
    "new_order": s.order_bodies(max_items=200),
    "payment_method": s.payment_methods(),
    "product_selection": s.products(),
    "email_distribution": s.distributions(["EMAIL"]),
    "recipient_distribution": s.distributions(["RECIPIENT"]),
    "template_products": s.products(["TEMPLATE"]),
}
FEW = settings(max_examples=settings().max_examples // 3)
THOROUGH = settings(max_examples=5_000, database=None, deadline=None)


def item(order: Body) -> Body:
    """The first item of a body."""
    first: Body = order["items"][0]
    return first


def address(order: Body) -> str:
    """The address that the first item is mailed to, if it is."""
    method = item(order)["distribution_method"]
    return str(method["email_address"]) if method["type"] != "PAYOUT_LINK" else ""


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_valid(name: str) -> None:
    """Whatever is drawn for a part of a request is valid by its schema."""

    @FEW
    @given(PARTS[name])
    def judge(value: Any) -> None:
        validate(value, name)
        assert json.loads(json.dumps(value)) == value

    judge()


@pytest.mark.parametrize("name", names())
def test_from_schema(name: str) -> None:
    """Whatever is drawn for a schema is valid by it."""

    @settings(max_examples=max(1, settings().max_examples // 6))
    @given(s.from_schema(name))
    def judge(value: Any) -> None:
        validate(value, name)

    judge()


def test_from_schema_of_no_schema() -> None:
    """A name that no schema has is refused at once, with the nearest one."""
    with pytest.raises(UnknownSchemaError, match="did you mean 'order'"):
        s.from_schema("ordr")


@given(st.data())
def test_texts(data: st.DataObject) -> None:
    """References, ids and keys are made of the characters that they can have."""
    assert 1 <= len(data.draw(s.recipient_references())) <= 255
    for strategy, prefix in (
        (s.redemption_template_ids(), "DT-"),
        (s.product_template_ids(), "PT-"),
        (s.spend_rules_template_ids(), "PSR-"),
    ):
        found = data.draw(strategy)
        assert found.startswith(prefix)
        assert len(found) == len(prefix) + 26
    for key in (data.draw(s.idempotency_keys()), data.draw(s.api_keys())):
        assert key.isascii()
        assert key.isprintable()
        assert key.strip() == key != ""
    assert data.draw(s.api_keys())[:2].upper() == "XX"
    assert data.draw(s.product_codes())
    assert len(data.draw(s.descriptions())) <= 128
    assert data.draw(s.face_values()) >= 0.01


EXPLORED: dict[str, Callable[[Body], Any]] = {
    "one cent": lambda order: item(order)["face_value"] == 0.01,
    "more than a double can count": lambda order: item(order)["face_value"] > 2**53,
    "a fraction of a cent": lambda order: item(order)["face_value"] * 100 % 1,
    "128 characters": lambda order: len(order.get("description") or "") == 128,
    "20 pairs": lambda order: len(order.get("metadata") or ()) == 20,
    "a key of 40": lambda order: any(len(key) == 40 for key in order.get("metadata") or ()),
    "no pairs": lambda order: order.get("metadata") == {},
    "null": lambda order: order.get("description", "") is None,
    "null inside": lambda order: None in item(order)["distribution_method"].values(),
    "an unknown field": lambda order: "note" in order,
    "an unknown field inside": lambda order: "note" in order["payment_method"],
    "a field of another type": lambda order: (
        "email_address" in item(order)["distribution_method"] and not address(order)
    ),
    "NUL": lambda order: "\\u0000" in json.dumps(order),
    "astral": lambda order: "\\ud83d" in json.dumps(order),
    ".invalid": lambda order: address(order).endswith(".invalid"),
    "254 characters": lambda order: len(address(order)) == 254,
    "an address beyond ASCII": lambda order: not address(order).isascii(),
    "spend rules": lambda order: (item(order)["products"].get("usage_config") or {}).get(
        "spend_rules_template_id"
    ),
}


@pytest.mark.once
def test_bodies_explore() -> None:
    """What the contract allows is drawn, whatever it is, within a thousand bodies."""
    missing = dict(EXPLORED)

    @settings(max_examples=1_000, derandomize=True, database=None)
    @given(s.order_bodies())
    def look(order: Body) -> None:
        for what, is_there in list(missing.items()):
            if is_there(order):
                del missing[what]

    look()
    assert not missing


@pytest.mark.once
def test_bodies_have_as_many_items_as_wanted() -> None:
    """Most bodies have few items, some have as many as there may be, and none has more."""
    sizes = set()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(s.estimates(max_items=7))
    def look(estimate: Body) -> None:
        sizes.add(len(estimate["items"]))

    look()
    assert sizes == {1, 2, 3, 4, 5, 7}


@given(s.orders(max_items=1))
def test_bodies_have_one_item_where_one_is_wanted(order: Body) -> None:
    """One item is what a synchronous order has."""
    assert len(order["items"]) == 1


SHRUNK: dict[str, tuple[st.SearchStrategy[Body], Callable[[Body], Any], Body]] = {
    "anything": (s.order_bodies(), lambda _: True, PLAIN),
    "anything orderable": (s.orders(), lambda _: True, PLAIN),
    "two items": (
        s.orders(),
        lambda order: len(order["items"]) > 1,
        {**PLAIN, "items": [PLAIN_ITEM] * 2},
    ),
    "to a recipient": (
        s.order_bodies(),
        lambda order: item(order)["distribution_method"]["type"] == "RECIPIENT",
        {
            **PLAIN,
            "items": [
                PLAIN_ITEM
                | {
                    "distribution_method": {
                        "type": "RECIPIENT",
                        "recipient_reference": "r",
                        "email_address": "a@example.test",
                    }
                }
            ],
        },
    ),
    "described": (
        s.order_bodies(),
        lambda order: order.get("description"),
        {**PLAIN, "description": "0"},
    ),
    "described at length": (
        s.orders(),
        lambda order: len(order.get("description") or "") > 50,
        {**PLAIN, "description": "0" * 51},
    ),
    "with a long value": (
        s.orders(),
        lambda order: any(len(value) > 99 for value in (order.get("metadata") or {}).values()),
        {**PLAIN, "metadata": {"": "0" * 100}},
    ),
}


@pytest.mark.once
@pytest.mark.parametrize("what", SHRUNK)
def test_bodies_shrink_to_what_a_person_would_write(what: str) -> None:
    """The smallest body of a kind has nothing in it that does not belong to the matter."""
    strategy, wanted, expected = SHRUNK[what]
    assert find(strategy, wanted, settings=THOROUGH) == expected


def test_near_misses_shrink() -> None:
    """The smallest near miss is a plain body of the product that the limit fits, and the fault."""
    item = PLAIN_ITEM | {"face_value": 0.01, "products": {"type": "SINGLE", "value": "ADAS-GB"}}
    plain = {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "GBP"},
        "items": [item],
    }
    misses = s.invalid_order_bodies(rules=["face_value_too_small"])
    found = find(misses, lambda _: True, settings=THOROUGH)
    assert found.valid == plain
    assert found.body == {**plain, "items": [item | {"face_value": 0.009}]}
    assert found.location == ("body", "items", "0", "face_value")


@settings(max_examples=3)
@given(s.invalid_order_bodies(rules=["items_too_many"]))
def test_near_misses_are_told_briefly(miss: s.NearMiss) -> None:
    """A failing example of 201 items fits on a screen, and its fields hold them all the same."""
    assert len(miss.body["items"]) == 201
    assert len(miss.valid["items"]) == 200
    assert "... 198 more" in repr(miss)
    assert len(pretty(miss)) < 5_000


@given(document=s.json_values(), data=st.data())
def test_spellings_mean_the_same(document: Any, data: st.DataObject) -> None:
    """Another spelling of a document is read as the same document."""
    assert json.loads(data.draw(s.spellings(document))) == document


@given(document=s.json_objects())
def test_places_lead_to_every_value(document: Body) -> None:
    """Each place leads to a value, and no two are the same."""
    ways = list(s.places(document))
    assert len(set(ways)) == len(ways)
    for way in ways:
        value: Any = document
        for step in way:
            value = value[step]


@given(s.mutations(st.just(PLAIN)))
def test_mutations_leave_the_original_alone(changed: Body) -> None:
    """What is changed is a copy."""
    assert PLAIN["items"] == [PLAIN_ITEM]
    assert set(PLAIN) == {"payment_method", "items"}
    assert changed is not PLAIN


def test_rules_are_those_of_the_catalogue_of_errors() -> None:
    """Each rule knows its error, and says in a sentence what it demands."""
    for name, rule in s.RULES.items():
        assert rule.name == name
        assert rule.status == ERRORS[rule.error].status
        assert rule.demand.endswith(".")
        assert set(rule.operations) <= {"order", "estimate"} != set()
    assert {rule.part for rule in s.RULES.values()} == {"body", "headers", "json"}


BLOCKED = """
import sys
sys.modules["hypothesis"] = None
import runa_schemas
try:
    import runa_schemas.strategies
except ImportError as error:
    print(error)
"""


def test_hypothesis_is_asked_for_by_its_extra() -> None:
    """Without hypothesis the package works, and the strategies say how to install it."""
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True
    )
    told = "runa_schemas.strategies needs hypothesis; install runa-mock[hypothesis]"
    assert done.stdout.strip() == told


def test_importing_the_contract_does_not_import_hypothesis() -> None:
    """Who only wants the schemas does not wait for hypothesis."""
    code = "import sys, runa_schemas; runa_schemas.openapi(); print('hypothesis' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
