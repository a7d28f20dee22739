"""Changing a product while the server runs, and the event that tells of it.

The service changes products by itself and tells of it by ``product.update`` (provider's page
"Webhooks"). What a change may hold, and the spelling of ``price_multiplier``, is inferred.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from runa_mock_server.base.clock import timestamp
from runa_mock_server.base.errors import FieldProblem
from runa_mock_server.catalogue.catalogue import denominations_of

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
        if denominations_of(denominations) != denominations_of(_details(product)["denominations"]):
            new[payout_type] = {**_details(product), "denominations": denominations}
    return product if new == product else new


def product_update(old: Mapping[str, Any], new: Mapping[str, Any], moment: int) -> dict[str, Any]:
    """The body of the event ``product.update``.

    Args:
        old: the product before the change.
        new: the product after it.
        moment: when it was changed, microseconds since the epoch.
    """
    return {
        "product_code": new["code"],
        "old_state": _state(old),
        "new_state": _state(new),
        "timestamp": timestamp(moment),
    }


def _state(product: Mapping[str, Any]) -> dict[str, Any]:
    """Inferred: the multiplier is what is left of the price, a subscription has no denominations.

    >>> _state({"discount_multiplier": "0.013", "is_orderable": True, "payout_type": "x", "x": {}})
    {'price_multiplier': '0.9870', 'is_orderable': True, 'denominations': None}
    """
    given = _details(product).get("denominations")
    price = 1 - Decimal(product["discount_multiplier"])
    return {
        "price_multiplier": str(price.quantize(_FOUR_DECIMALS)),
        "is_orderable": product["is_orderable"],
        "denominations": None if given is None else {n: given[n] for n in _FIELDS if n in given},
    }


def _details(product: Mapping[str, Any]) -> Mapping[str, Any]:
    details: Mapping[str, Any] = product[product["payout_type"]]
    return details


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
    shape = _FIELDS if payout_type == "gift_card" else {*_ENDS, *_details(product)["denominations"]}
    problems = [
        FieldProblem(f"denominations.{name}", f"a product of the type {payout_type} has none")
        for name, value in given.items()
        if name not in shape and value is not None
    ]
    wanted = {name: value for name, value in given.items() if name in shape}
    changed = {**product, payout_type: {**_details(product), "denominations": wanted}}
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
    if wanted.get("type") != "fixed":
        if listed is not None:
            yield FieldProblem("denominations.available_list", "is for the type fixed")
        return
    found = denominations_of(wanted)
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
