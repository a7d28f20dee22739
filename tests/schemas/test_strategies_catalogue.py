"""What the strategies take for a catalogue, and what they say about arguments that are no good."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from runa_schemas import strategies as s
from support.catalogue import CATALOGUE

Body = dict[str, Any]
FEW = settings(max_examples=settings().max_examples // 3)
MANY = settings(max_examples=2_000)


def product(code: str, currency: str = "USD", **changes: Any) -> dict[str, Any]:
    """A gift card of 10 to 20, with single fields changed."""
    return {
        "code": code,
        "currency": currency,
        "is_orderable": True,
        "payout_type": "gift_card",
        "gift_card": {
            "denominations": {"type": "open", "minimum_value": "10", "maximum_value": "20"}
        },
        **changes,
    }


def codes(order: Body) -> set[str]:
    """Every code and template id that an order names."""
    chosen = [item["products"] for item in order["items"]]
    singles = {products["value"] for products in chosen if products["type"] == "SINGLE"}
    several = (products["values"] for products in chosen if products["type"] == "MULTIPLE")
    ids = {products["template_id"] for products in chosen if products["type"] == "TEMPLATE"}
    return singles.union(*several) | ids


THREE = [product("A-US"), product("B-US"), product("C-GB", "GBP")]
GIVEN: dict[str, Any] = {
    "page": {"catalog": THREE, "pagination": {}},
    "pages": [{"catalog": THREE[:2]}, {"catalog": THREE[2:]}, {"catalog": []}],
    "products": THREE,
    "iterator": iter(THREE),
}


def ordered(code: str, order: Body) -> bool:
    """Whether an order has a product."""
    return code in codes(order)


@pytest.mark.parametrize("form", GIVEN)
def test_forms_of_a_catalogue(form: str) -> None:
    """A page, several pages and bare products are the same catalogue."""
    seen: set[str] = set()
    bodies = s.orders(catalogue=GIVEN[form])

    @FEW
    @given(bodies)
    def look(order: Body) -> None:
        seen.update(codes(order))

    look()
    for code in ("A-US", "B-US", "C-GB"):
        assert code in codes(find(bodies, partial(ordered, code), settings=MANY))
    assert seen <= {"A-US", "B-US", "C-GB", *s.PRODUCT_TEMPLATES.values()}


@FEW
@given(s.orders(catalogue=CATALOGUE, currency="SEK"))
def test_one_currency(order: Body) -> None:
    """Where a currency is given, all is in it."""
    assert order["payment_method"]["currency"] == "SEK"
    assert all(code.endswith("-SE") for code in codes(order))


WANTED = ["1800FL-US", "EXSTRM-US-1M", "BAW-GB", s.PRODUCT_TEMPLATES["GBP"]]


@FEW
@given(s.orders(catalogue=CATALOGUE, products=WANTED))
def test_some_products(order: Body) -> None:
    """Where products are given, nothing else is ordered: products, plans and templates."""
    assert codes(order) <= set(WANTED)


@FEW
@given(s.orders(templates={"PT-OWN": ["FIVEG-US", "AMZ-US"]}, products="PT-OWN"))
def test_own_templates(order: Body) -> None:
    """A template of one's own is ordered from the minimum of its products on."""
    assert codes(order) == {"PT-OWN"}
    assert all(item["face_value"] >= 1 for item in order["items"])


def test_products_by_default() -> None:
    """By default there are the products that the provider names, as the built-in catalogue has."""
    seen: set[str] = set()
    built_in = {entry["code"]: entry for entry in CATALOGUE["catalog"]}

    @settings(max_examples=500, derandomize=True, database=None)
    @given(s.orders())
    def look(order: Body) -> None:
        seen.update(codes(order))

    look()
    assert set(s.PRODUCT_TEMPLATES.values()) <= seen
    named = seen - set(s.PRODUCT_TEMPLATES.values())
    assert len(named) == 19
    assert named <= set(built_in)


def test_limits_of_the_products_by_default() -> None:
    """The default knows the same limits of its products as the built-in catalogue."""
    rules = ["face_value_below_minimum", "face_value_above_maximum", "face_value_not_listed"]
    built_in = {entry["code"]: entry for entry in CATALOGUE["catalog"]}

    @settings(max_examples=300, derandomize=True, database=None)
    @given(s.invalid_order_bodies(rules=rules))
    def look(miss: s.NearMiss) -> None:
        last = miss.valid["items"][-1]
        product = built_in[last["products"]["value"]]
        denominations = product[product["payout_type"]]["denominations"]
        ends = {float(denominations["minimum_value"]), float(denominations["maximum_value"])}
        assert last["face_value"] in ends

    look()


BAD_CATALOGUES: dict[str, tuple[Any, str]] = {
    "a text": ("catalogue.json", r"^catalogue: give a page, .* not str$"),
    "a number": (7, r"^catalogue: give a page, .* not int$"),
    "no object": (["A-US"], r"^catalogue\[0\]: must be an object, not str$"),
    "nothing": ([], r"^the catalogue has nothing that can be ordered$"),
    "no code": ([{}], r"^catalogue\[0\]: code is required$"),
    "a code that is none": (
        [product("A") | {"code": 1}],
        r"^catalogue\[0\]: code must be a text, not 1$",
    ),
    "a second one": (
        {"catalog": [*THREE, product("A-US")]},
        r"^catalogue, page 1, catalog\[3\]: 'A-US' is there twice$",
    ),
    "an unknown payout type without face values": (
        [product("A", payout_type="cash")],
        r"^the catalogue has nothing that can be ordered$",
    ),
    "not orderable or not": (
        [product("A", is_orderable="yes")],
        r"is_orderable must be true or false, not 'yes'$",
    ),
    "no details": ([product("A", gift_card=None)], r"gift_card must be an object, not None$"),
    "no maximum": (
        [product("A", gift_card={"denominations": {"type": "open", "minimum_value": "1"}})],
        r"\(A\): gift_card\.denominations: maximum_value is required$",
    ),
    "no amount": (
        [
            product(
                "A", gift_card={"denominations": {"type": "fixed", "available_list": ["5", "-1"]}}
            )
        ],
        r"available_list: must be an amount such as '10\.00', not '-1'$",
    ),
    "no price": (
        [product("A", payout_type="subscription", subscription={"subscription_plans": [{}]})],
        r"subscription\.subscription_plans\[0\]: price is required$",
    ),
}


@pytest.mark.parametrize("what", BAD_CATALOGUES)
def test_catalogues_that_are_none(what: str) -> None:
    """A catalogue that is no good is refused at once, with product, field and reason."""
    given_catalogue, told = BAD_CATALOGUES[what]
    with pytest.raises(ValueError, match=told):
        s.orders(catalogue=deepcopy(given_catalogue))


Make = Callable[[], st.SearchStrategy[Any]]
BAD_ARGUMENTS: dict[str, tuple[Make, str]] = {
    "no items": (lambda: s.order_bodies(max_items=0), r"^max_items: .* from 1 to 200, not 0$"),
    "201 items": (lambda: s.orders(max_items=201), r"^max_items: .* from 1 to 200, not 201$"),
    "501 items": (lambda: s.estimates(max_items=501), r"^max_items: .* from 1 to 500, not 501$"),
    "half an item": (
        lambda: s.estimate_bodies(max_items=1.5),  # type: ignore[arg-type] # that is the point
        r"^max_items: .* not 1\.5$",
    ),
    "another type": (
        lambda: s.distributions(["SMS"]),
        r"^types: give some of PAYOUT_LINK, EMAIL, RECIPIENT, not 'SMS'$",
    ),
    "no type": (lambda: s.products([]), r"^types: give some of SINGLE, .* at least one$"),
    "another mode": (
        lambda: s.headers(mode="later"),  # type: ignore[arg-type] # that is the point
        r"^mode: give 'async', 'sync' or None, not 'later'$",
    ),
    "another product": (
        lambda: s.orders(products=["1800FL-GB"]),
        r"^products: .* no '1800FL-GB' that can be ordered; did you mean '1800FL-US'\?$",
    ),
    "a product that cannot be ordered": (
        lambda: s.orders(catalogue=[product("A", is_orderable=False)], products=["A"]),
        r"^products: the catalogue has no 'A' that can be ordered",
    ),
    "another currency": (
        lambda: s.orders(currency="JPY"),
        r"^the catalogue has nothing that can be ordered in 'JPY'$",
    ),
    "a template in an estimate": (
        lambda: s.estimates(products=[s.PRODUCT_TEMPLATES["USD"]]),
        r"^products: an estimate takes no templates",
    ),
    "a template of two currencies": (
        lambda: s.orders(templates={"PT-1": ["AMZ-US", "AMZ-GB"]}),
        r"^templates\['PT-1'\]: give codes of one currency$",
    ),
    "a template of nothing": (
        lambda: s.orders(templates={"PT-1": []}),
        r"^templates\['PT-1'\]: give codes of one currency$",
    ),
    "a template of a text": (
        lambda: s.orders(templates={"PT-1": "AMZ-US"}),
        r"^templates\['PT-1'\]: give a list of codes, not a text$",
    ),
    "a template of unknown products": (
        lambda: s.orders(templates={"PT-1": ["AMZ-UK"]}),
        r"^templates\['PT-1'\]: the catalogue has no 'AMZ-UK'",
    ),
    "another rule": (
        lambda: s.invalid_order_bodies(rules=["items_to_many"]),
        r"^rules: 'items_to_many' is none .* did you mean 'items_too_many'\?$",
    ),
    "a rule of headers": (
        lambda: s.invalid_order_bodies(rules=["api_key_missing"]),
        r"^rules: 'api_key_missing' is none that can be used here",
    ),
    "a rule of orders": (
        lambda: s.invalid_estimate_bodies(rules=["description_too_long"]),
        r"^rules: 'description_too_long' is none that can be used here",
    ),
    "no rule": (lambda: s.malformed_json(rules=[]), r"^rules: give at least one, or None for all$"),
    "a rule that needs something": (
        lambda: s.invalid_order_bodies(rules=["face_value_not_the_price"]),
        r"^rules: .* cannot be broken without an orderable subscription plan$",
    ),
    "no balance": (
        lambda: s.invalid_order_bodies(balances={"USD": "much"}),
        r"^balances\['USD'\]: give an amount, not 'much'$",
    ),
}


@pytest.mark.parametrize("what", BAD_ARGUMENTS)
def test_arguments_that_are_no_good(what: str) -> None:
    """An argument that is no good is refused at once, by its name and with the reason."""
    make, told = BAD_ARGUMENTS[what]
    with pytest.raises(ValueError, match=told):
        make()
