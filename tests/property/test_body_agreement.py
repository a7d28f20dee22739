"""Two statements of one contract: the server's validation and the JSON Schema agree."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from pydantic_core import PydanticKnownError

from runa_mock_server import MockServer
from runa_mock_server.base import strict_json
from runa_mock_server.base.errors import ApiError, ErrorDetail
from runa_mock_server.contract.request_models import NewOrder, validate_body
from runa_schemas import iter_errors
from runa_schemas.strategies import json_objects, mutations, order_bodies, orders, places
from support.api import Api, body, item
from support.catalogue import CATALOGUE

Location = tuple[str, ...]

# Pydantic names the chosen variant of a union, and marks a key that is itself wrong.
UNION_TAGS = {"EMAIL", "PAYOUT_LINK", "RECIPIENT", "SINGLE", "MULTIPLE", "TEMPLATE"}
UNIONS = {"distribution_method", "products"}
KEY_MARK = "[key]"

VALID = order_bodies(max_items=3)
BODIES = VALID | mutations(VALID) | mutations(mutations(VALID))
WILD = json_objects()
EMPTY: dict[str, Any] = {}


def server_refusals(raw: bytes) -> set[Location]:
    """Where the server's validation finds a body at fault; nowhere if it accepts it."""
    document = strict_json.parse(raw)
    try:
        validate_body(NewOrder, document)
    except ApiError as error:
        refusal = error
    else:
        return set()
    assert refusal.type == "validation_error"
    assert refusal.details
    return {plain(detail.location) for detail in refusal.details}


def plain(location: Location) -> Location:
    """A location of the server without pydantic's additions."""
    head, *steps = location
    assert head == "body"
    if steps[-1] == KEY_MARK:
        steps.pop()
    if len(steps) > 3 and steps[2] in UNIONS and steps[3] in UNION_TAGS:
        del steps[3]
    return tuple(steps)


def schema_refusals(raw: bytes) -> set[Location]:
    """Where the schema finds a body at fault; a wrong `type` is a fault of the union, as above."""
    found = iter_errors(json.loads(raw, parse_float=Decimal), "new_order")
    return {
        issue.location[:3]
        if len(issue.location) == 4 and issue.location[2] in UNIONS and issue.location[3] == "type"
        else issue.location
        for issue in found
    }


def on_one_way(location: Location, others: set[Location]) -> bool:
    """Whether another location is the same, around or inside this one."""
    return any(
        location[: len(other)] == other or other[: len(location)] == location for other in others
    )


def agreed_refusals(raw: bytes) -> set[Location]:
    """Where the server finds a body at fault, once it is sure that the schema agrees."""
    server, schema = server_refusals(raw), schema_refusals(raw)
    assert bool(server) == bool(schema), (server, schema)
    # Of an array the server reports its length or its entries, the schema both; so a place that
    # only one of them names must lie around or inside one that the other names.
    assert all(on_one_way(location, schema) for location in server), (server, schema)
    assert all(on_one_way(location, server) for location in schema), (server, schema)
    assert {location[0] for location in server} == {location[0] for location in schema}
    return server


@given(VALID)
def test_valid_bodies_pass_both(order: dict[str, Any]) -> None:
    """A body made to the contract is refused by neither."""
    raw = json.dumps(order).encode()
    assert server_refusals(raw) == schema_refusals(raw) == set()


@settings(max_examples=4 * settings().max_examples)
@given(BODIES)
@example(body(items=[]))
@example(body(description=None, metadata=None))
def test_mutated_bodies_get_one_verdict(order: dict[str, Any]) -> None:
    """Whatever is changed in a valid body, both accept it or both refuse the same fields."""
    agreed_refusals(json.dumps(order).encode())


@settings(max_examples=2 * settings().max_examples)
@given(WILD)
@example(EMPTY)
def test_wild_bodies_get_one_verdict(document: dict[str, Any]) -> None:
    """Both judge any JSON object alike."""
    agreed_refusals(json.dumps(document).encode())


FULL = body(
    items=[
        item(distribution_method=method, products=chosen)
        for method, chosen in zip(
            (
                {"type": "PAYOUT_LINK", "template_id": "DT-1"},
                {"type": "EMAIL", "email_address": "a@b.test", "template_id": None},
                {"type": "RECIPIENT", "email_address": "a@b.test", "recipient_reference": "r"},
            ),
            (
                {
                    "type": "SINGLE",
                    "value": "V",
                    "usage_config": {"spend_rules_template_id": "PSR-" + "0" * 26},
                },
                {"type": "MULTIPLE", "values": ["A", "B"]},
                {"type": "TEMPLATE", "template_id": "PT-1"},
            ),
            strict=True,
        )
    ],
    description="d",
    metadata={"k": "v"},
)
DELETED = object()
KINDS: tuple[Any, ...] = (None, True, 0, 0.5, "", "x", [], ["x"], {}, {"type": "x"})


def test_every_place_with_every_kind_of_value() -> None:
    """Each value of a full body, deleted or exchanged for one of each kind, gets one verdict."""
    refused = 0
    for place in places(FULL):
        *parents, step = place
        for kind in (*KINDS, DELETED):
            changed = deepcopy(FULL)
            holder: Any = changed
            for parent in parents:
                holder = holder[parent]
            if kind is DELETED:
                del holder[step]
            else:
                holder[step] = kind
            refused += bool(agreed_refusals(json.dumps(changed).encode()))
    assert refused > 200


def recipient(**changes: str) -> dict[str, Any]:
    """A body for a known recipient, with single fields changed."""
    method = {"type": "RECIPIENT", "recipient_reference": "r", "email_address": "a@b.test"}
    return body(items=[item(distribution_method=method | changes)])


def products(**fields: Any) -> dict[str, Any]:
    """A body with this `products`."""
    return body(items=[item(products=fields)])


def ruled(template_id: str) -> dict[str, Any]:
    """A body with spend rules."""
    config = {"spend_rules_template_id": template_id}
    return products(type="SINGLE", value="V", usage_config=config)


# For each limit: the largest or smallest size that passes, and a body of a size.
MOST: dict[str, tuple[int, Callable[[int, str], Any]]] = {
    "description": (128, lambda size, mark: body(description=mark * size)),
    "metadata key": (40, lambda size, mark: body(metadata={mark * size: "v"})),
    "metadata value": (200, lambda size, mark: body(metadata={"k": mark * size})),
    "pairs": (20, lambda size, mark: body(metadata={f"{mark}{n}": "v" for n in range(size)})),
    "items": (200, lambda size, _: body(items=[item()] * size)),
    "reference": (255, lambda size, _: recipient(recipient_reference="r" * size)),
    "address": (254, lambda size, mark: recipient(email_address=mark * (size - 7) + "@b.test")),
    "spend rules, most": (26, lambda size, _: ruled("PSR-" + "0" * size)),
}
LEAST: dict[str, tuple[int, Callable[[int, str], Any]]] = {
    "no items": (1, lambda size, _: body(items=[item()] * size)),
    "no reference": (1, lambda size, _: recipient(recipient_reference="r" * size)),
    "no address": (1, lambda size, mark: recipient(email_address=mark * size + "@b.test")),
    "labels": (2, lambda size, mark: recipient(email_address="a@" + ".".join(["x" + mark] * size))),
    "no code": (1, lambda size, mark: products(type="SINGLE", value=mark * size)),
    "choice": (2, lambda size, mark: products(type="MULTIPLE", values=[mark, "V"][:size])),
    "spend rules, least": (26, lambda size, _: ruled("PSR-" + "0" * size)),
}


@pytest.mark.parametrize("mark", ["x", "é", "\uffff"])
@pytest.mark.parametrize("name", [*MOST, *LEAST])
def test_limits_are_the_same(name: str, mark: str) -> None:
    """On both sides of each limit, in characters of any width, both come to one verdict."""
    limit, make = MOST.get(name) or LEAST[name]
    beyond = limit + 1 if name in MOST else limit - 1
    for size, passes in ((limit, True), (beyond, False)):
        assert (not agreed_refusals(json.dumps(make(size, mark)).encode())) == passes


@pytest.mark.parametrize("size", [128, 129])
def test_lengths_count_code_points(size: int) -> None:
    """A character beyond 16 bits is one character to both."""
    refused = agreed_refusals(json.dumps(body(description="😀" * size)).encode())
    assert bool(refused) == (size > 128)


SPELLINGS: dict[str, Callable[[str], Any]] = {
    "reference": lambda mark: recipient(recipient_reference=f"a{mark}b"),
    "end of reference": lambda mark: recipient(recipient_reference=f"a{mark}"),
    "atom": lambda mark: recipient(email_address=f"a{mark}b@c.test"),
    "start of atom": lambda mark: recipient(email_address=f"{mark}b@c.test"),
    "end of atom": lambda mark: recipient(email_address=f"a{mark}@c.test"),
    "host": lambda mark: recipient(email_address=f"a@c{mark}d.test"),
    "start of host": lambda mark: recipient(email_address=f"a@{mark}d.test"),
    "end of host": lambda mark: recipient(email_address=f"a@c.test{mark}"),
    "spend rules": lambda mark: ruled(f"PSR-{'0' * 25}{mark}"),
    "end of spend rules": lambda mark: ruled(f"PSR-{'0' * 26}{mark}"),
    "code": lambda mark: products(type="SINGLE", value=mark),
    "equal codes": lambda mark: products(type="MULTIPLE", values=["A", mark]),
    "type": lambda mark: products(type=f"SINGLE{mark}", value="V"),
    "currency": lambda mark: body(payment_method={"type": "ACCOUNT_BALANCE", "currency": mark}),
}
CHARACTERS = ("", *map(chr, range(0x90)), "é", "\u2028", "\ufeff", "\uffff", "\U00010000", "😀")


@pytest.mark.parametrize("place", SPELLINGS)
def test_spelling_is_judged_alike(place: str) -> None:
    """Whatever character stands in a text, both come to one verdict."""
    for mark in CHARACTERS:
        agreed_refusals(json.dumps(SPELLINGS[place](mark)).encode())


@pytest.mark.parametrize(
    ("number", "passes"),
    [
        ("0.01", True),
        ("0.010", True),
        ("1e-2", True),
        ("0.009999999999999999999999999999", False),
        ("0.010000000000000000000000000001", True),
        ("1e-99999", False),
        ("1e99999", True),
        ("1E+2", True),
        ("-0", False),
        ("9" * 4300, True),
    ],
)
def test_numbers_are_compared_exactly(number: str, passes: bool) -> None:
    """The least face value is one cent to the last digit, however a number is written."""
    raw = json.dumps(body()).replace('"face_value": 10', f'"face_value": {number}').encode()
    assert number.encode() in raw
    assert (not server_refusals(raw), not schema_refusals(raw)) == (passes, passes)


ITEM = ("items", "0")
METHOD, PRODUCTS = (*ITEM, "distribution_method"), (*ITEM, "products")
# A wrong body, the detail's type and location on the playground, and its type in production.
Detail = tuple[dict[str, Any], str, Location, str]
DETAILS: dict[str, Detail] = {
    "no payment method": (
        body(payment_method=[]),
        *("model_type", ("payment_method",), "type_error.dict"),
    ),
    "another way to pay": (
        body(payment_method={"type": "CARD", "currency": "USD"}),
        *("literal_error", ("payment_method", "type"), "value_error.const"),
    ),
    "no item": (body(items=[0]), "model_type", ITEM, "type_error.dict"),
    "no distribution": (
        body(items=[item(distribution_method="x")]),
        *("model_attributes_type", METHOD, "type_error.dict"),
    ),
    "no type of products": (
        body(items=[item(products={})]),
        *("union_tag_not_found", PRODUCTS),
        "value_error.discriminated_union.missing_discriminator",
    ),
    "other products": (
        body(items=[item(products={"type": []})]),
        *("union_tag_invalid", PRODUCTS),
        "value_error.discriminated_union.invalid_discriminator",
    ),
    "no address": (
        recipient(email_address="nobody"),
        *("value_error", (*METHOD, "RECIPIENT", "email_address"), "value_error.email"),
    ),
    "long address": (
        recipient(email_address="a" * 248 + "@b.test"),
        *("value_error", (*METHOD, "RECIPIENT", "email_address"), "value_error.email"),
    ),
    "address of another kind": (
        body(items=[item(distribution_method={"type": "EMAIL", "email_address": 1})]),
        *("string_type", (*METHOD, "EMAIL", "email_address"), "type_error.str"),
    ),
    "spelling of a reference": (
        recipient(recipient_reference="a b"),
        *("string_pattern_mismatch", (*METHOD, "RECIPIENT", "recipient_reference")),
        "value_error.str.regex",
    ),
    "equal codes": (
        products(type="MULTIPLE", values=["A", "B", "A"]),
        *("value_error", (*PRODUCTS, "MULTIPLE", "values"), "value_error.list.unique_items"),
    ),
    "no usage": (
        products(type="SINGLE", value="V", usage_config=1),
        *("model_type", (*PRODUCTS, "SINGLE", "usage_config"), "type_error.dict"),
    ),
    "no metadata": (body(metadata=[]), "dict_type", ("metadata",), "type_error.dict"),
    "long key": (
        body(metadata={"k" * 41: "v"}),
        *("string_too_long", ("metadata", "k" * 41, KEY_MARK), "value_error.any_str.max_length"),
    ),
}
NAMED = {
    "no payment method": "PaymentMethod",
    "no item": "NewItem",
    "no usage": "UsageConfig",
}


def details(document: dict[str, Any], *, as_pydantic_1: bool) -> list[ErrorDetail]:
    """What is wrong with an order."""
    with pytest.raises(ApiError) as refused:
        validate_body(NewOrder, document, as_pydantic_1=as_pydantic_1)
    return list(refused.value.details or ())


@pytest.mark.parametrize("name", DETAILS)
def test_details_are_those_of_pydantic_models(name: str) -> None:
    """Each environment gives a wrong field its type and place, an object its model's name."""
    document, type_, location, old_type = DETAILS[name]
    [detail] = details(document, as_pydantic_1=False)
    assert (detail.type, detail.location) == (type_, ("body", *location))
    if name in NAMED:
        words = PydanticKnownError("model_type", {"class_name": NAMED[name]}).message()
        assert detail.message == words
    [old] = details(document, as_pydantic_1=True)
    marked = ("metadata", "__key__") if KEY_MARK in location else location
    assert old.type == old_type
    assert old.location == tuple(step for step in marked if step not in UNION_TAGS)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """A caller of a server that all examples share."""
    with MockServer() as server, closing(Api(server.url)) as caller:
        yield caller


@given(order=orders(catalogue=CATALOGUE, max_items=2) | BODIES | WILD)
def test_verdict_over_http(api: Api, order: dict[str, Any]) -> None:
    """Over HTTP a body is answered with 422 exactly when the schema refuses it."""
    raw = json.dumps(order).encode()
    refused = schema_refusals(raw)
    response = api.order(raw=raw)
    assert (response.status_code == 422) == bool(refused), response.text
    if refused:
        found = {plain(tuple(detail["location"])) for detail in response.json()["details"]}
        assert found == server_refusals(raw)
    else:
        assert response.status_code in {202, 400}
