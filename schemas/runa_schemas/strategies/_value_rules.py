"""The rules about face values, and how to break them (page "Create order")."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from runa_schemas.contract_data import MAX_CHOICE_FACE_VALUE
from runa_schemas.strategies._body_builder import (
    ITEM,
    BodyBuilder,
    BodyRule,
    Broken,
    RuleContext,
    put,
)
from runa_schemas.strategies._catalogue import Offer
from runa_schemas.strategies._json import Object, copied
from runa_schemas.strategies._kinds import as_number, ceiling
from runa_schemas.strategies._near_miss import ORDER, Rule

_REFUSED = "product_validation_error"
_CENT = Decimal("0.01")
_PARTS_OF_A_UNIT = tuple(map(Decimal, ("0.5", "0.01", "0.999")))


class _Values(NamedTuple):
    """What an item is for, a face value that it comes in, and one that it does not."""

    currency: str
    products: Object
    good: float
    bad: float


def _single(offer: Offer) -> Object:
    return {"type": "SINGLE", "value": offer.code}


def _choices(context: RuleContext) -> Iterator[tuple[str, Object, Decimal, Decimal | None]]:
    """Templates and pairs of products: currency, products, enough for them, and their minimum."""
    for template in context.orderable.templates if context.operation == "order" else ():
        choice: Object = {"type": "TEMPLATE", "template_id": template.id}
        yield template.currency, choice, template.enough, template.least
    for one, other in pairwise(sorted(context.orderable.offers, key=lambda offer: offer.currency)):
        if one.currency == other.currency:
            choice = {"type": "MULTIPLE", "values": [one.code, other.code]}
            least = min(one.least, other.least)
            yield one.currency, choice, least, least


def _values(
    currency: str, products: Object, good: Decimal, bad: Iterable[Decimal]
) -> Iterator[_Values]:
    """The pairs of values that JSON numbers can say exactly."""
    numbers = as_number(good), *map(as_number, (value for value in bad if value >= _CENT))
    for number in numbers[1:]:
        if numbers[0] is not None and number is not None:
            yield _Values(currency, products, numbers[0], number)


def _below_minimum(context: RuleContext) -> Iterator[_Values]:
    for offer in context.orderable.offers:
        if offer.listed is None:
            below = (offer.least - _CENT, offer.least - _CENT / 10)
            yield from _values(offer.currency, _single(offer), offer.least, below)


def _above_maximum(context: RuleContext) -> Iterator[_Values]:
    for offer in context.orderable.offers:
        if offer.listed is None:
            above = (offer.most + _CENT, offer.most + _CENT / 10)
            yield from _values(offer.currency, _single(offer), offer.most, above)


def _off_the_list(context: RuleContext, *, plans: bool) -> Iterator[_Values]:
    for offer in context.orderable.offers:
        if offer.listed is not None and (offer.payout_type == "subscription") == plans:
            for value in (offer.least, offer.most):
                near = {value - 1, value - _CENT, value + _CENT, value + 1} - set(offer.listed)
                yield from _values(offer.currency, _single(offer), value, sorted(near))


def _broken_units(context: RuleContext) -> Iterator[_Values]:
    for currency, products, enough, _ in _choices(context):
        whole = Decimal(ceiling(enough))
        yield from _values(currency, products, whole, (whole + part for part in _PARTS_OF_A_UNIT))


def _below_every_minimum(context: RuleContext) -> Iterator[_Values]:
    for currency, products, enough, least in _choices(context):
        if least is not None and ceiling(least) > 1:
            good, bad = Decimal(ceiling(enough)), Decimal(ceiling(least) - 1)
            yield from _values(currency, products, good, (bad,))


def _above_ceiling(context: RuleContext) -> Iterator[_Values]:
    largest = Decimal(MAX_CHOICE_FACE_VALUE)
    for currency, products, enough, _ in _choices(context):
        if enough <= largest:
            yield from _values(currency, products, largest, (largest + 1,))


def _too_dear(context: RuleContext) -> Iterator[_Values]:
    for currency, products, enough, _ in _choices(context):
        balance = min(context.balances.get(currency, 0), MAX_CHOICE_FACE_VALUE - 1)
        if balance >= max(Decimal(1), enough):
            yield from _values(currency, products, Decimal(balance), (Decimal(balance + 1),))


def _at_value(builder: BodyBuilder, way: _Values, *, neighbours: bool = True) -> Broken:
    item = builder.item_for(copied(way.products), way.good)
    valid = builder.around(item, way.currency, neighbours=neighbours)
    return Broken(valid, put(valid, (*ITEM, "face_value"), way.bad))


VALUE_RULES: tuple[BodyRule, ...] = (
    BodyRule(
        Rule(
            "face_value_below_minimum",
            "A single open product is not worth less than its minimum.",
            _REFUSED,
            needs="an orderable product of open denominations from 0.02 on",
        ),
        _below_minimum,
        _at_value,
        limit=True,
    ),
    BodyRule(
        Rule(
            "face_value_above_maximum",
            "A single open product is not worth more than its maximum.",
            _REFUSED,
            needs="an orderable product of open denominations",
        ),
        _above_maximum,
        _at_value,
        limit=True,
    ),
    BodyRule(
        Rule(
            "face_value_not_listed",
            "A single product of fixed denominations has one of the listed values.",
            _REFUSED,
            needs="an orderable product of fixed denominations",
        ),
        partial(_off_the_list, plans=False),
        _at_value,
    ),
    BodyRule(
        Rule(
            "face_value_not_the_price",
            "A subscription plan has its price for face value.",
            _REFUSED,
            source="inferred",
            needs="an orderable subscription plan",
        ),
        partial(_off_the_list, plans=True),
        _at_value,
    ),
    BodyRule(
        Rule(
            "choice_not_whole",
            "Where the recipient chooses a product, the face value is a whole number.",
            _REFUSED,
            needs="a template, or two orderable products of one currency",
        ),
        _broken_units,
        _at_value,
    ),
    BodyRule(
        Rule(
            "choice_below_minimum",
            "Where the recipient chooses, one of the products comes in the face value or in less.",
            _REFUSED,
            needs="a template of known products, or two orderable products, from 2.00 on",
        ),
        _below_every_minimum,
        _at_value,
        limit=True,
    ),
    BodyRule(
        Rule(
            "choice_above_ceiling",
            "Where the recipient chooses, the face value is at most 10^12.",
            _REFUSED,
            source="inferred",
            needs="a template, or two orderable products of one currency",
        ),
        _above_ceiling,
        _at_value,
        limit=True,
    ),
    BodyRule(
        Rule(
            "insufficient_funds",
            "The balance pays for the order, in production.",
            "insufficient_funds",
            needs="balances, and a template or two orderable products in a currency of theirs",
            operations=ORDER,
        ),
        _too_dear,
        partial(_at_value, neighbours=False),
        limit=True,
    ),
)
"""Every business rule about face values, of orders and of estimates."""
