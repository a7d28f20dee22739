"""What rules about bodies are broken with: a builder of valid bodies, and changes to one place."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from hypothesis import strategies as st

from runa_schemas.contract_data import MAX_ESTIMATE_ITEMS, MAX_ORDER_ITEMS
from runa_schemas.strategies import _parts
from runa_schemas.strategies._json import Json, Object, Place, copied
from runa_schemas.strategies._kinds import TO_ANYBODY, Kind
from runa_schemas.strategies._near_miss import Operation, Rule
from runa_schemas.strategies._orderable import OrderableProducts
from runa_schemas.strategies._orders import ESTIMATED_TYPES
from runa_schemas.strategies._texts import redemption_template_ids

ITEM: Place = ("items", -1)
"""The way to the item that is broken, the last."""

_UNIONS = frozenset({"distribution_method", "products"})
_NEIGHBOURS = st.sampled_from((0, 0, 0, 1, 2))
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Broken(NamedTuple):
    """A valid body, the same with a rule broken, and what the answer says about it."""

    valid: Json
    body: Json
    location: tuple[str, ...] | None = None
    headers: Mapping[str, str] = _NO_HEADERS


class RuleContext(NamedTuple):
    """What there is to break rules with.

    Attributes:
        operation: What the bodies are for, ``order`` or ``estimate``.
        orderable: What can be ordered.
        balances: What there is to pay with, in whole units, by currency.
    """

    operation: Operation
    orderable: OrderableProducts
    balances: Mapping[str, int]


@dataclass(frozen=True)
class BodyRule:
    """How a rule about bodies is broken.

    Attributes:
        rule: The rule.
        ways: The ways to break it, which ``breaks`` takes; none where something is missing for it.
        breaks: Draws a valid body and breaks it in one of the ways.
        limit: Whether ``valid`` lies at a limit.
    """

    rule: Rule
    ways: Callable[[RuleContext], Iterable[Any]]
    breaks: Callable[["BodyBuilder", Any], Broken]
    limit: bool = False


class BodyBuilder:
    """Builds a valid body and its parts.

    Args:
        draw: Draws.
        context: What can be ordered, and what the body is for.

    Attributes:
        most_items: How many items a body can have.
    """

    def __init__(self, draw: st.DrawFn, context: RuleContext) -> None:
        self.draw = draw
        self.orderable = context.orderable
        self.is_order = context.operation == "order"
        self.most_items = MAX_ORDER_ITEMS if self.is_order else MAX_ESTIMATE_ITEMS
        self.types = _parts.PRODUCTS_TYPES if self.is_order else ESTIMATED_TYPES

    def body(
        self,
        *types: str,
        distributions: Collection[str] = (),
        currency: str | None = None,
        neighbours: bool = True,
    ) -> Object:
        """Draw a valid body.

        Args:
            types: Which types of products its last item can have; any by default.
            distributions: Which types of distribution its last item can have; any by default, and
                ``RECIPIENT`` only where there are payments or nothing else will do.
            currency: The currency of the products; any by default.
            neighbours: Whether there may be items in front of the last.
        """
        wanted = tuple(distributions)
        payments = None
        if "RECIPIENT" in wanted:
            payments = bool(self.orderable.find(payments=True))
            others = tuple(type_ for type_ in wanted if type_ != "RECIPIENT")
            wanted = wanted if payments else others or wanted
        kind = self.orderable.choose(self.draw, currency, types or self.types, payments=payments)
        item = self.item(kind)
        if wanted:
            item["distribution_method"] = self.draw(_distributions(wanted))
        return self.around(item, kind.currency, neighbours=neighbours)

    def around(self, item: Object, currency: str, *, neighbours: bool = True) -> Object:
        """A body of which this item is the last."""
        number = self.draw(_NEIGHBOURS) if neighbours else 0
        others = [
            self.item(self.orderable.choose(self.draw, currency, self.types)) for _ in range(number)
        ]
        return {"payment_method": _parts.payment_in(currency), "items": [*others, item]}

    def item_for(self, products: Object, face_value: float) -> Object:
        """Draw an item for these products, which goes to anybody."""
        item = {"face_value": face_value, "products": products}
        return {**item, "distribution_method": TO_ANYBODY.of(self.draw)} if self.is_order else item

    def item(self, kind: Kind) -> Object:
        """Draw an item."""
        return kind.item(self.draw) if self.is_order else kind.parts(self.draw)


@cache
def _distributions(types: tuple[str, ...]) -> st.SearchStrategy[Object]:
    return _parts.distributions_of(types, redemption_template_ids()).strategy


def put(body: Object, place: Place, value: Json) -> Object:
    """A copy of a body with another value at a place."""
    holder, copy = _holder(body, place)
    holder[place[-1]] = copied(value)
    return copy


def drop(body: Object, place: Place) -> Object:
    """A copy of a body without what lies at a place."""
    holder, copy = _holder(body, place)
    del holder[place[-1]]
    return copy


def _holder(body: Object, place: Place) -> tuple[Any, Object]:
    copy: Object = copied(body)
    holder: Any = copy
    for step in place[:-1]:
        holder = holder[step]
    return holder, copy


def location(body: Object, place: Place) -> tuple[str, ...]:
    """A place as the details of the playground give it.

    They are pydantic's: behind the name of a union they name the variant, and a fault of the
    ``type`` that chooses the variant is one of the union.
    """
    steps = ["body"]
    node: Any = body
    for index, step in enumerate(place):
        if isinstance(node, list):
            number = range(len(node))[int(step)]
            steps.append(str(number))
            node = node[number]
        else:
            steps.append(str(step))
            node = node.get(step)
        if step in _UNIONS and index + 1 < len(place):
            if place[index + 1] == "type":
                break
            steps.append(node["type"])
    return tuple(steps)


def broken_at(valid: Object, place: Place, value: Json) -> Broken:
    """A body broken by another value at one place, where the fault is found."""
    return Broken(valid, put(valid, place, value), location(valid, place))


def broken_beyond(body: Object, place: Place, most: Json, beyond: Json) -> Broken:
    """A body broken by a value beyond a limit; the valid one has the value at the limit."""
    return broken_at(put(body, place, most), place, beyond)


def always(*ways: Any) -> Callable[[RuleContext], Iterable[Any]]:
    """Ways to break a rule that do not depend on what there is."""
    return lambda _: ways
