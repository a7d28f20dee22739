"""Adding, changing and removing products while the server runs, and the event ``product.update``.

The service sends the event when a product changes, and when it is added to or removed from the
catalogue (provider's page "Webhooks"). Which fields can change is inferred.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from runa_mock_server.base.clock import timestamp
from runa_mock_server.base.errors import FieldProblem, quoted
from runa_mock_server.catalogue.catalogue import Catalogue, denominations_of
from runa_mock_server.catalogue.content import details
from runa_schemas.contract_data import PAYOUT_TYPES

_FOUR_DECIMALS = Decimal("0.0001")
_ENDS = ("minimum_value", "maximum_value")
_FIELDS = ("type", *_ENDS, "available_list")


class ProductChange(NamedTuple):
    """How a product is to be from now on; ``None`` leaves a field as it is.

    Attributes:
        is_orderable: whether orders for it are taken.
        discount_multiplier: the share of the face value that is let off, e.g. ``"0.0130"``.
        denominations: the face values it comes in, in the shape that the product has. What
            follows from the rest may be missing.
    """

    is_orderable: bool | None = None
    discount_multiplier: str | None = None
    denominations: Mapping[str, Any] | None = None


class ProductChangeError(ValueError):
    """A change that cannot be made.

    Attributes:
        problems: for each field that is wrong the reason.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def changed_product(product: Mapping[str, Any], change: ProductChange) -> Mapping[str, Any]:
    """A product after a change; the product itself if that makes no difference.

    Args:
        product: a valid document in the shape of the provider's product list.
        change: what is to be different. ``state`` stays as it is (inferred): the catalogue has
            products that are ``LIVE`` and cannot be ordered.

    Raises:
        ProductChangeError: if the denominations are none that the product can have.
    """
    new = dict(product)
    if change.is_orderable is not None:
        new["is_orderable"] = change.is_orderable
    if change.discount_multiplier is not None:
        discount = Decimal(change.discount_multiplier)
        if discount != Decimal(product["discount_multiplier"]):
            new["discount_multiplier"] = str(discount.quantize(_FOUR_DECIMALS))
    if change.denominations is not None:
        payout_type = product["payout_type"]
        denominations = _denominations(product, change.denominations)
        if _amounts(denominations) != _amounts(details(product)["denominations"]):
            new[payout_type] = {**details(product), "denominations": denominations}
    return product if new == product else new


def with_added(catalogue: Catalogue, product: Mapping[str, Any]) -> Catalogue:
    """The catalogue with an additional product.

    Args:
        catalogue: the catalogue now.
        product: a document in the shape of the provider's product list.

    Raises:
        ProductChangeError: naming each field that cannot be used: what a catalogue file could not
            have, a code that is taken, or, for a code that a removed product had, another currency
            (inferred: payouts of the removed product are in its currency).
    """
    from runa_mock_server.catalogue.product_rules import order_codes, problems_of  # noqa: PLC0415 - few servers need it

    problems = list(problems_of(product))
    if not problems:
        if any(known["code"] == product["code"] for known in catalogue.products):
            reason = f"there is a product {quoted(product['code'])} already"
            raise ProductChangeError([FieldProblem("code", reason)])
        seen: set[str] = set()
        for field, code in order_codes(product):
            former = catalogue.known_offer(code)
            if code in seen or catalogue.offer(code) is not None:
                problems.append(FieldProblem(field, f"there is a {quoted(code)} already"))
            elif former is not None and former.currency != product["currency"]:
                reason = f"{quoted(code)} was in {former.currency} before it was removed"
                problems.append(FieldProblem("currency", reason))
            seen.add(code)
    if problems:
        raise ProductChangeError(problems)
    return catalogue.with_added(product)


def product_update(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, moment: int
) -> dict[str, Any]:
    """The body of the event ``product.update``.

    Inferred: before a product is added, and after it is removed, its state is that of the product,
    but it cannot be ordered. The provider documents both states as objects.

    Args:
        old: the product before the change, ``None`` if it is added.
        new: the product after it, ``None`` if it is removed; one of both is a product.
        moment: when it was changed, microseconds since the epoch.
    """
    product = new if new is not None else old
    assert product is not None  # noqa: S101 - documented above, for mypy
    absent = {**product, "is_orderable": False}
    return {
        "product_code": product["code"],
        "old_state": _state(absent if old is None else old),
        "new_state": _state(absent if new is None else new),
        "timestamp": timestamp(moment),
    }


def _state(product: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a product in an event.

    The sources contradict each other about the multiplier: the provider's changelog counts down
    from 1 (a price of 0.9, then 0.8, which is followed), its specification repeats the discount.

    >>> _state({"discount_multiplier": "0.013", "is_orderable": True, "payout_type": "x"})
    {'price_multiplier': '0.9870', 'is_orderable': True}
    """
    given = details(product).get("denominations")
    price = 1 - Decimal(product["discount_multiplier"])
    state = {
        "price_multiplier": str(price.quantize(_FOUR_DECIMALS)),
        "is_orderable": product["is_orderable"],
    }
    if isinstance(given, Mapping):  # a subscription has none (page "Webhooks")
        state["denominations"] = {name: given[name] for name in _FIELDS if name in given}
    return state


def _amounts(denominations: Mapping[str, Any]) -> tuple[object, frozenset[Decimal]]:
    """What two denominations have in common that differ only in how numbers are written."""
    listed = frozenset(map(Decimal, denominations.get("available_list") or ()))
    return denominations_of(denominations), listed


def _denominations(product: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The denominations that are asked for, whole.

    Raises:
        ProductChangeError: naming each field that does not fit the product.
    """
    from runa_mock_server.catalogue.product_rules import problems_of  # noqa: PLC0415 - few servers need it

    payout_type = product["payout_type"]
    if payout_type == "subscription":
        reason = f"a product of the type {payout_type} has none; its plans have prices"
        raise ProductChangeError([FieldProblem("denominations", reason)])
    if payout_type not in PAYOUT_TYPES:
        reason = f"cannot be changed for the unknown payout type {quoted(payout_type)}"
        raise ProductChangeError([FieldProblem("denominations", reason)])
    shape = _FIELDS if payout_type == "gift_card" else {*_ENDS, *details(product)["denominations"]}
    problems = [
        FieldProblem(f"denominations.{name}", f"a product of the type {payout_type} has none")
        for name, value in given.items()
        if name not in shape and value is not None
    ]
    wanted = {name: value for name, value in given.items() if name in shape}
    changed = {**product, payout_type: {**details(product), "denominations": wanted}}
    problems += [
        FieldProblem(problem.field.removeprefix(f"{payout_type}."), problem.reason)
        for problem in problems_of(changed)
    ]
    if not problems:
        problems += _contradictions(wanted)
    if problems:
        raise ProductChangeError(problems)
    return _completed(wanted) if payout_type == "gift_card" else wanted


def _contradictions(wanted: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """What a catalogue file may say of face values, but nobody can mean by a change."""
    listed = wanted.get("available_list")
    found = denominations_of(wanted)
    if wanted.get("type") != "fixed":
        for value in listed or ():
            if Decimal(value) not in found:
                reason = f"{value} is not {found}"
                yield FieldProblem("denominations.available_list", reason)
        return
    ends = (
        ("minimum_value", "smallest", found.minimum),
        ("maximum_value", "largest", found.maximum),
    )
    for name, which, end in ends:
        if listed and wanted.get(name) is not None and Decimal(wanted[name]) != end:
            reason = f"is not the {which} of available_list, {end}"
            yield FieldProblem(f"denominations.{name}", reason)


def _completed(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The denominations of a gift card with all their fields, as the provider writes them."""
    listed = wanted.get("available_list")
    return {
        "type": wanted["type"],
        "minimum_value": wanted.get("minimum_value")
        or min(listed or (), key=Decimal, default=None),
        "maximum_value": wanted.get("maximum_value")
        or max(listed or (), key=Decimal, default=None),
        "available_list": listed,
    }
