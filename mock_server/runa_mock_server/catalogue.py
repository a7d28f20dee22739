"""The products that can be ordered, and the templates that stand for several of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Denominations:
    """The face values that a product comes in.

    Attributes:
        minimum: the smallest.
        maximum: the largest.
        fixed: the only ones there are, or ``None`` where any value between the ends will do.
    """

    minimum: Decimal
    maximum: Decimal
    fixed: frozenset[Decimal] | None = None

    def __contains__(self, value: Decimal) -> bool:
        if self.fixed is not None:
            return value in self.fixed
        return self.minimum <= value <= self.maximum

    def __str__(self) -> str:
        if self.fixed is not None:
            return "one of " + ", ".join(str(value) for value in sorted(self.fixed))
        return f"from {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a code in an order stands for: a product, or one plan of a subscription product.

    Attributes:
        code: the product code or the plan code.
        currency: the currency of its face value.
        payout_type: ``gift_card``, ``subscription`` or ``payment``.
        is_orderable: whether orders for it are taken now.
        denominations: the face values it comes in; a plan has one, its price.
    """

    code: str
    currency: str
    payout_type: str
    is_orderable: bool
    denominations: Denominations


@dataclass(frozen=True, slots=True)
class Selection:
    """The offers behind one item of an order; one for SINGLE, several otherwise."""

    offers: tuple[Offer, ...]

    @property
    def codes(self) -> list[str]:
        """The codes, in the order in which they were named."""
        return [offer.code for offer in self.offers]

    @property
    def minimum(self) -> Decimal:
        """The smallest face value that any of the offers takes."""
        return min(offer.denominations.minimum for offer in self.offers)


class Catalogue:
    """An immutable set of offers and product-selection templates.

    Args:
        products: documents in the shape of the provider's product list.
        templates: for each template id the codes it stands for.
    """

    def __init__(
        self, products: Iterable[Mapping[str, Any]], templates: Mapping[str, Iterable[str]]
    ) -> None:
        self._offers = {offer.code: offer for product in products for offer in _offers(product)}
        self._templates = {
            template_id: Selection(tuple(self._offers[code] for code in codes))
            for template_id, codes in templates.items()
        }

    def offer(self, code: str) -> Offer | None:
        """What ``code`` stands for, or ``None`` if it is unknown."""
        return self._offers.get(code)

    def template(self, template_id: str) -> Selection | None:
        """The offers of a product-selection template, or ``None`` if it is unknown."""
        return self._templates.get(template_id)


@lru_cache(maxsize=1)
def built_in() -> Catalogue:
    """The catalogue that ships with the package; the codes that the provider names are exact."""
    raw = resources.files("runa_mock_server").joinpath("data/catalogue.json").read_bytes()
    document = orjson.loads(raw)
    return Catalogue(document["catalog"], document["templates"])


def _offers(product: Mapping[str, Any]) -> Iterable[Offer]:
    payout_type = product["payout_type"]
    details = product[payout_type]
    if payout_type == "subscription":
        choices = {
            plan["subscription_plan_code"]: _denominations([plan["price"]])
            for plan in details["subscription_plans"]
        }
    else:
        given = details["denominations"]
        listed = given.get("available_list")
        choices = {
            product["code"]: Denominations(
                Decimal(given["minimum_value"]), Decimal(given["maximum_value"])
            )
            if listed is None
            else _denominations(listed)
        }
    for code, denominations in choices.items():
        yield Offer(code, product["currency"], payout_type, product["is_orderable"], denominations)


def _denominations(listed: Iterable[str]) -> Denominations:
    values = frozenset(Decimal(value) for value in listed)
    return Denominations(min(values), max(values), values)
