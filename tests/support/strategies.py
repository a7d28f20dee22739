"""Order bodies: valid ones, valid ones with one thing broken, and any JSON at all."""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st

Json = Any
Place = tuple[str | int, ...]

TEMPLATES = {
    "USD": "PT-01HQ12PV4B8XMBRTK281JM54KK",
    "GBP": "PT-01HPPT8ME05693EG77RCGKMX7N",
    "EUR": "PT-01HQ130AHCKRRB45Z5XV2Y8W9K",
    "CAD": "PT-01HQ12SMX2964BVXG2N69K8HF3",
}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CURRENCIES = (*TEMPLATES, "JPY", "AED", "CLP")
# One below, at and one above each limit on a length or a number of entries.
LENGTHS = (0, 1, 2, 3, 20, 21, 40, 41, 128, 129, 200, 201, 254, 255, 256)
FACE_VALUES = (0, -0.0, -1, 0.01, 0.009999999999999998, 0.010000000000000002, 1e-300, 1e308, 10**30)

REFERENCE = st.text(f"{CROCKFORD.lower()}-_@.", min_size=1, max_size=6)
ADDRESSES = st.builds(
    "{}@{}.{}".format,
    st.text("abc+-_'é😀", min_size=1, max_size=4),
    st.text("abcé9", min_size=1, max_size=4),
    st.sampled_from(["invalid", "test", "com", "x", "example.test"]),
)


def ulids(prefix: str) -> st.SearchStrategy[str]:
    """Ids of one kind."""
    return st.text(CROCKFORD, min_size=26, max_size=26).map(prefix.__add__)


def records(
    required: dict[str, st.SearchStrategy[Json]], optional: dict[str, st.SearchStrategy[Json]]
) -> st.SearchStrategy[dict[str, Json]]:
    """Objects whose optional keys are there, null or absent."""
    return st.fixed_dictionaries(
        required, optional={name: st.none() | values for name, values in optional.items()}
    )


def distributions(address: st.SearchStrategy[str] = ADDRESSES) -> st.SearchStrategy[Json]:
    """`distribution_method` of every type."""
    template = {"template_id": ulids("DT-")}
    return st.one_of(
        records({"type": st.just("PAYOUT_LINK")}, template),
        records({"type": st.just("EMAIL"), "email_address": address}, template),
        records(
            {
                "type": st.just("RECIPIENT"),
                "email_address": address,
                "recipient_reference": REFERENCE,
            },
            template,
        ),
    )


def selections() -> st.SearchStrategy[Json]:
    """`products` of every type, of codes that need not exist."""
    code = st.text(min_size=1, max_size=6)
    rules = st.fixed_dictionaries({"spend_rules_template_id": ulids("PSR-")})
    return st.one_of(
        records({"type": st.just("SINGLE"), "value": code}, {"usage_config": rules}),
        records(
            {
                "type": st.just("MULTIPLE"),
                "values": st.lists(st.text(max_size=6), min_size=2, max_size=4, unique=True),
            },
            {},
        ),
        records({"type": st.just("TEMPLATE"), "template_id": st.text(max_size=6)}, {}),
    )


def described(required: dict[str, st.SearchStrategy[Json]]) -> st.SearchStrategy[dict[str, Json]]:
    """Order bodies, perhaps with the caller's own words about them."""
    metadata = st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=3)
    return records(required, {"description": st.text(max_size=8), "metadata": metadata})


def new_orders() -> st.SearchStrategy[dict[str, Json]]:
    """Bodies that are valid by form; their products need not exist."""
    face_values = st.integers(1, 10**13) | st.floats(0.01, 1e15)
    item = st.fixed_dictionaries(
        {
            "face_value": face_values,
            "distribution_method": distributions(),
            "products": selections(),
        }
    )
    payment = st.fixed_dictionaries(
        {"type": st.just("ACCOUNT_BALANCE"), "currency": st.sampled_from(CURRENCIES)}
    )
    return described({"payment_method": payment, "items": st.lists(item, min_size=1, max_size=3)})


def wild_json() -> st.SearchStrategy[Json]:
    """Any JSON value."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=6)
        | st.sampled_from(FACE_VALUES)
    )
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | wild_objects(inner),
        max_leaves=6,
    )


def wild_objects(values: st.SearchStrategy[Json]) -> st.SearchStrategy[dict[str, Json]]:
    """Objects of any values under any keys, among them those that an order knows."""
    known = st.sampled_from(
        ["payment_method", "items", "type", "face_value", "products", "metadata", "description"]
    )
    return st.dictionaries(known | st.text(max_size=6), values, max_size=5)


def places(node: Json, place: Place = ()) -> Iterator[Place]:
    """The way to every value inside a document, the document itself not included."""
    steps: Iterator[tuple[str | int, Json]] = iter(())
    if isinstance(node, dict):
        steps = iter(node.items())
    elif isinstance(node, list):
        steps = iter(enumerate(node))
    for step, child in steps:
        yield (*place, step)
        yield from places(child, (*place, step))


@st.composite
def mutated(draw: st.DrawFn, bodies: st.SearchStrategy[dict[str, Json]]) -> dict[str, Json]:
    """Bodies with one thing deleted, exchanged, stretched or added, which may leave them valid."""
    body = deepcopy(draw(bodies))
    *parents, step = draw(st.sampled_from(list(places(body))))
    holder: Json = body
    for parent in parents:
        holder = holder[parent]
    if draw(st.integers(0, 4)) == 0:
        del holder[step]
    else:
        holder[step] = draw(_changed(holder[step]))
    return body


def _changed(value: Json) -> st.SearchStrategy[Json]:
    """Other values in the place of one."""
    own: dict[type, Callable[[Json], st.SearchStrategy[Json]]] = {
        str: _changed_text,
        list: lambda old: st.sampled_from(LENGTHS).map(lambda size: (old * size)[:size]),
        dict: _grown,
        int: lambda _: st.sampled_from(FACE_VALUES),
        float: lambda _: st.sampled_from(FACE_VALUES),
    }
    alien = wild_json() | st.just(json.dumps(value)) | st.just([value])
    return own[type(value)](value) | alien if type(value) in own else alien


def _changed_text(old: str) -> st.SearchStrategy[str]:
    words = ["EMAIL", "PAYOUT_LINK", "RECIPIENT", "SINGLE", "MULTIPLE", "TEMPLATE", "GBP"]
    marks = st.sampled_from(["\n", " ", ".", "@", "-", "é", "😀", "\x00", "I", "l"])
    where = st.integers(0, len(old))
    return st.one_of(
        st.builds(lambda at, mark: old[:at] + mark + old[at:], where, marks),
        st.builds(lambda at: old[:at] + old[at + 1 :], where),
        st.sampled_from(LENGTHS).map(lambda size: ((old or "x") * size)[:size]),
        st.sampled_from([old.lower(), *words]),
    )


def _grown(old: dict[str, Json]) -> st.SearchStrategy[dict[str, Json]]:
    """The object with a further key, or with very many."""
    many = st.sampled_from(LENGTHS).map(
        lambda size: old | {f"key-{number}": "value" for number in range(size - len(old))}
    )
    key = st.sampled_from(LENGTHS).map("k".__mul__)
    return many | st.builds(lambda key, value: old | {key: value}, key, wild_json())


@cache
def _offers() -> dict[str, list[dict[str, Json]]]:
    """What the built-in catalogue sells, by currency: code, kind and face values."""
    raw = files("runa_mock_server").joinpath("data/catalogue.json").read_text(encoding="utf-8")
    offers: dict[str, list[dict[str, Json]]] = {currency: [] for currency in TEMPLATES}
    for product in json.loads(raw)["catalog"]:
        kind = product["payout_type"]
        if not product["is_orderable"] or product["currency"] not in offers:
            continue
        if kind == "subscription":
            found = [
                {"code": plan["subscription_plan_code"], "kind": kind, "listed": [plan["price"]]}
                for plan in product[kind]["subscription_plans"]
            ]
        else:
            range_ = product[kind]["denominations"]
            least, most = range_["minimum_value"], range_["maximum_value"]
            listed = range_.get("available_list")
            offer = {"code": product["code"], "kind": kind, "listed": listed}
            found = [offer | {"least": least, "most": most}]
        offers[product["currency"]] += found
    return offers


def _single(offer: dict[str, Json]) -> st.SearchStrategy[dict[str, Json]]:
    """Items of one product, at a face value that it comes in."""
    if offer["listed"]:
        face_values = st.sampled_from(offer["listed"]).map(float)
    else:
        # Three decimals, so that rounding to cents is seen.
        least, most = (int(Decimal(offer[end]) * 1000) for end in ("least", "most"))
        face_values = st.integers(least, most).map(lambda thousandths: thousandths / 1000)
    return st.fixed_dictionaries(
        {
            "face_value": face_values,
            "products": st.just({"type": "SINGLE", "value": offer["code"]}),
            "distribution_method": distributions().filter(
                lambda method: offer["kind"] == "payment" or method["type"] != "RECIPIENT"
            ),
        }
    )


def _choice(currency: str) -> st.SearchStrategy[dict[str, Json]]:
    """Items whose recipient chooses; 1000 is above the minimum of every product."""
    codes = [offer["code"] for offer in _offers()[currency]]
    listed = st.lists(st.sampled_from(codes), min_size=2, max_size=12, unique=True)
    products = st.one_of(
        st.just({"type": "TEMPLATE", "template_id": TEMPLATES[currency]}),
        st.builds(lambda values: {"type": "MULTIPLE", "values": values}, listed),
    )
    return st.fixed_dictionaries(
        {
            "face_value": st.integers(1_000, 10**12),
            "products": products,
            "distribution_method": distributions().filter(
                lambda method: method["type"] != "RECIPIENT"
            ),
        }
    )


def orderable(max_items: int = 5) -> st.SearchStrategy[dict[str, Json]]:
    """Bodies that the built-in catalogue has everything for, in one currency each."""

    def in_currency(currency: str) -> st.SearchStrategy[dict[str, Json]]:
        singles = st.sampled_from(_offers()[currency]).flatmap(_single)
        payment = st.just({"type": "ACCOUNT_BALANCE", "currency": currency})
        items = st.lists(singles | _choice(currency), min_size=1, max_size=max_items)
        return described({"payment_method": payment, "items": items})

    return st.sampled_from(list(TEMPLATES)).flatmap(in_currency)


def shuffled(document: Json, seed: int) -> Json:
    """The same document, the keys of its objects in another order."""
    if isinstance(document, list):
        return [shuffled(entry, seed) for entry in document]
    if isinstance(document, dict):
        keys = list(document)
        random.Random(seed).shuffle(keys)  # noqa: S311 - repeatable, not secret
        return {key: shuffled(document[key], seed) for key in keys}
    return document
