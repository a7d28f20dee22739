"""The rules about products, currencies and templates, and how to break them.

Provider's pages "Create order" and "Embedded FX".
"""

from collections.abc import Callable, Container, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from runa_schemas.contract_data import FROM_USD_ONLY, MAX_DISTINCT_TEMPLATES
from runa_schemas.strategies._bodies import stretched
from runa_schemas.strategies._body_builder import (
    ITEM,
    BodyBuilder,
    BodyRule,
    Broken,
    RuleContext,
    always,
    put,
)
from runa_schemas.strategies._catalogue import Offer, Template
from runa_schemas.strategies._fields import METHOD, PRODUCTS
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._kinds import Kind, as_number, ceiling
from runa_schemas.strategies._near_miss import ORDER, Rule
from runa_schemas.strategies._parts import payment_in
from runa_schemas.strategies._texts import CURRENCIES

_REFUSED = "product_validation_error"
_SYNC = {"X-Execution-Mode": "sync"}
_TO_ANYBODY = ("PAYOUT_LINK", "EMAIL")
_EMAIL = {"type": "EMAIL", "email_address": "a@example.test"}
_RECIPIENT = {**_EMAIL, "type": "RECIPIENT", "recipient_reference": "r"}
_TEMPLATE_IDS = [f"DT-{'0' * 25}{letter}" for letter in "0123456789A"]
_NO_TEMPLATE_IDS = (
    *("", "DT-", "DT-1", "DT-" + "0" * 25, "DT-" + "0" * 27, "DT-" + "0" * 25 + "U"),
    *("dt-" + "0" * 26, "DT-" + "a" * 26, "PT-" + "0" * 26, _TEMPLATE_IDS[0] + "\n"),
)

Misspelling = Callable[[str], str]
_MISSPELLINGS: tuple[Misspelling, ...] = (
    "{}-X".format,
    str.lower,
    "{} ".format,
    " {}".format,
    lambda text: text[:-1],
    lambda _: "NO-SUCH",
)


class _Pair(NamedTuple):
    """Two currencies, and how one comes in the way of the other."""

    own: str
    other: str
    type: str = "SINGLE"


def _misspellings(context: RuleContext, *types: str) -> Sequence[Misspelling]:
    return _MISSPELLINGS if context.orderable.find(types=types) else ()


def _unknown_product(builder: BodyBuilder, misspell: Misspelling) -> Broken:
    valid = builder.body("SINGLE", "MULTIPLE")
    products = valid["items"][-1]["products"]
    known = builder.orderable.catalogue.offers
    if products["type"] == "SINGLE":
        wrong = _other_than(known, misspell(products["value"]))
        return Broken(valid, put(valid, (*PRODUCTS, "value"), wrong))
    codes = products["values"]
    wrong = _other_than(known, misspell(codes[-1]))
    return Broken(valid, put(valid, (*PRODUCTS, "values"), [*codes[:-1], wrong]))


def _unknown_template(builder: BodyBuilder, misspell: Misspelling) -> Broken:
    valid = builder.body("TEMPLATE")
    id_ = valid["items"][-1]["products"]["template_id"]
    wrong = _other_than(builder.orderable.catalogue.templates, misspell(id_))
    return Broken(valid, put(valid, (*PRODUCTS, "template_id"), wrong))


def _other_than(known: Container[str], text: str) -> str:
    while not text or text in known:
        text += "X"
    return text


def _unknown_redemption_template(builder: BodyBuilder, wrong: str) -> Broken:
    valid = builder.body()
    return Broken(valid, put(valid, (*METHOD, "template_id"), wrong))


def _unorderable(context: RuleContext) -> Iterator[tuple[Offer, str]]:
    """What cannot be ordered, and the types of products that it can stand among."""
    for offer in context.orderable.catalogue.offers.values():
        for type_ in ("SINGLE", "MULTIPLE"):
            if not offer.is_orderable and context.orderable.find(offer.currency, (type_,)):
                yield offer, type_


def _unorderable_product(builder: BodyBuilder, way: tuple[Offer, str]) -> Broken:
    offer, type_ = way
    valid = builder.body(type_, distributions=_TO_ANYBODY, currency=offer.currency)
    if type_ == "MULTIPLE":
        return Broken(valid, _listing(valid, offer.code))
    item = valid["items"][-1] | {
        "products": {"type": "SINGLE", "value": offer.code},
        "face_value": as_number(offer.least) or 1,
    }
    return Broken(valid, put(valid, ITEM, item))


def _listing(body: Object, code: str) -> Object:
    """The body with one code more among those of its last item."""
    codes = body["items"][-1]["products"]["values"]
    return put(body, (*PRODUCTS, "values"), [*codes, code])


def _currencies(context: RuleContext) -> list[str]:
    return list(dict.fromkeys(offer.currency for offer in context.orderable.offers))


def _strangers(context: RuleContext) -> Iterator[_Pair]:
    known = _currencies(context)
    for own, other in (*pairwise(known), *pairwise(reversed(known))):
        for type_ in ("SINGLE", "MULTIPLE"):
            if context.orderable.find(own, (type_,)) and context.orderable.find(other, ("SINGLE",)):
                yield _Pair(own, other, type_)


def _mixed_currencies(builder: BodyBuilder, way: _Pair) -> Broken:
    valid = builder.body(way.type, distributions=_TO_ANYBODY, currency=way.own)
    stranger = builder.item(builder.orderable.choose(builder.draw, way.other, ("SINGLE",)))
    if way.type == "MULTIPLE":
        return Broken(valid, _listing(valid, stranger["products"]["value"]))
    return Broken(valid, put(valid, ("items",), [*valid["items"], stranger]))


def _recipient_of_no_payment(builder: BodyBuilder, kind: Kind) -> Broken:
    item = builder.item(kind) | {"distribution_method": _EMAIL}
    valid = builder.around(item, kind.currency)
    return Broken(valid, put(valid, METHOD, _RECIPIENT))


def _several_at_once(builder: BodyBuilder, more: int) -> Broken:
    valid = builder.body(neighbours=False)
    items = stretched(valid["items"], 1 + more)
    return Broken(valid, put(valid, ("items",), items), headers=_SYNC)


def _payers(context: RuleContext) -> Iterator[_Pair]:
    """Currencies of products, each with others that could pay."""
    for own in _currencies(context):
        for other in dict.fromkeys((*CURRENCIES[:5], "GBP", "EUR", CURRENCIES[-1])):
            if other != own:
                yield _Pair(own, other)


def _payers_without_dollars(context: RuleContext) -> Iterator[_Pair]:
    return (pair for pair in _payers(context) if pair.own in FROM_USD_ONLY and pair.other != "USD")


def _paid_otherwise(builder: BodyBuilder, way: _Pair) -> Broken:
    valid = builder.body(currency=way.own)
    if not builder.is_order:  # an estimate of one item may exchange currencies
        valid = put(valid, ("items",), stretched(valid["items"], len(valid["items"]) + 1))
    return Broken(valid, put(valid, ("payment_method",), payment_in(way.other)))


def _exchanged_in_vain(builder: BodyBuilder, way: _Pair) -> Broken:
    valid = builder.body(currency=way.own, neighbours=False)
    broken = put(valid, ("payment_method",), payment_in(way.other))
    return Broken(valid, broken, headers=_SYNC if builder.is_order else {})


def _many_redemption_templates(builder: BodyBuilder, _: None) -> Broken:
    body = builder.body(neighbours=False)
    items = [
        put(body, (*METHOD, "template_id"), id_)["items"][0]
        for id_ in _TEMPLATE_IDS[: MAX_DISTINCT_TEMPLATES + 1]
    ]
    valid = put(body, ("items",), [*items[:-1], items[0]])
    return Broken(valid, put(body, ("items",), items))


def _elevens(context: RuleContext) -> Iterator[list[Template]]:
    """Eleven templates of one currency."""
    for currency in _currencies(context):
        here = [t for t in context.orderable.templates if t.currency == currency]
        if len(here) > MAX_DISTINCT_TEMPLATES:
            yield here[: MAX_DISTINCT_TEMPLATES + 1]


def _many_product_templates(builder: BodyBuilder, templates: Sequence[Template]) -> Broken:
    items = [
        builder.item_for({"type": "TEMPLATE", "template_id": t.id}, ceiling(t.enough))
        for t in templates
    ]
    body: Object = {"payment_method": payment_in(templates[0].currency)}
    valid = put(body, ("items",), [*items[:-1], items[0]])
    return Broken(valid, put(body, ("items",), items))


BUSINESS_RULES: tuple[BodyRule, ...] = (
    BodyRule(
        Rule(
            "product_unknown",
            "The catalogue has every product and plan by its code.",
            _REFUSED,
        ),
        lambda context: _misspellings(context, "SINGLE", "MULTIPLE"),
        _unknown_product,
    ),
    BodyRule(
        Rule(
            "product_not_orderable",
            "Every product can be ordered at the moment.",
            _REFUSED,
            needs="a product with is_orderable false, and one of its currency that can be ordered",
        ),
        _unorderable,
        _unorderable_product,
    ),
    BodyRule(
        Rule(
            "product_template_unknown",
            "There is every product-selection template.",
            _REFUSED,
            needs="a template of orderable products",
            operations=ORDER,
        ),
        lambda context: _misspellings(context, "TEMPLATE"),
        _unknown_template,
    ),
    BodyRule(
        Rule(
            "redemption_template_unknown",
            "There is every redemption template; any well-formed id is one.",
            _REFUSED,
            source="inferred",
            operations=ORDER,
        ),
        always(*_NO_TEMPLATE_IDS),
        _unknown_redemption_template,
    ),
    BodyRule(
        Rule(
            "product_templates_too_many",
            "An order has at most 10 product-selection templates.",
            _REFUSED,
            source="inferred",
            needs="eleven templates of one currency",
            operations=ORDER,
        ),
        _elevens,
        _many_product_templates,
        limit=True,
    ),
    BodyRule(
        Rule(
            "redemption_templates_too_many",
            "An order has at most 10 redemption templates.",
            _REFUSED,
            source="inferred",
            operations=ORDER,
        ),
        always(None),
        _many_redemption_templates,
        limit=True,
    ),
    BodyRule(
        Rule(
            "currencies_mixed",
            "All products are of one currency.",
            _REFUSED,
            source="inferred",
            needs="orderable products of two currencies",
        ),
        _strangers,
        _mixed_currencies,
    ),
    BodyRule(
        Rule(
            "recipient_of_no_payment",
            "RECIPIENT is for payment products.",
            _REFUSED,
            source="inferred",
            needs="an orderable product that is no payment",
            operations=ORDER,
        ),
        lambda context: context.orderable.find(payments=False),
        _recipient_of_no_payment,
    ),
    BodyRule(
        Rule(
            "several_items_at_once",
            "A synchronous order has one item.",
            "invalid_execution_mode",
            source="inferred",
            operations=ORDER,
        ),
        always(1, 2, 199),
        _several_at_once,
    ),
    BodyRule(
        Rule(
            "currency_mismatch",
            "Only a synchronous order of one item is paid in another currency than its products'.",
            "currency_mismatch",
        ),
        _payers,
        _paid_otherwise,
    ),
    BodyRule(
        Rule(
            "currency_not_from_usd",
            "Products of some currencies are paid in that currency or in USD alone.",
            "currency_mismatch",
            needs="an orderable product in one of " + " ".join(sorted(FROM_USD_ONLY)),
        ),
        _payers_without_dollars,
        _exchanged_in_vain,
    ),
)
"""Every business rule about products, currencies and templates, of orders and of estimates."""
