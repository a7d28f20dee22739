"""The products that can be ordered, and the templates that stand for several of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from runa_mock_server.catalogue.built_in_data import built_in_products, playground_templates
from runa_schemas.contract_data import PAYOUT_TYPES, PRODUCTS_PER_TEMPLATE

_NO_TEMPLATES: Mapping[str, Iterable[str]] = MappingProxyType({})


class CatalogueError(ValueError):
    """A catalogue or a template that cannot be used; the message lists every problem."""


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
            if not self.fixed:
                return "in no face value at the moment"
            return "one of " + ", ".join(str(value) for value in sorted(self.fixed))
        return f"from {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a code in an order stands for: a product, or one plan of a subscription product.

    Attributes:
        code: the product code or the plan code.
        currency: the currency of its face value.
        payout_type: ``gift_card``, ``subscription``, ``payment``, or a type that the service has
            added since.
        is_orderable: whether orders for it are taken now.
        denominations: the face values it comes in; a plan has one, its price.
        discount_multiplier: the share of the face value that is let off, e.g. ``"0.0130"``.
    """

    code: str
    currency: str
    payout_type: str
    is_orderable: bool
    denominations: Denominations
    discount_multiplier: str


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
    """An immutable set of products and product-selection templates.

    The playground's own four templates are always there, as far as the products allow: with the
    products they stand for in the built-in catalogue, or else, inferred, with the first ten
    orderable gift cards of their currency.

    Args:
        products: valid documents in the shape of the provider's product list, each code once.
        templates: for each further template id the product or plan codes it stands for. An id of
            the playground's is replaced.
        before: the catalogue that this one replaces. Payouts for the products that it had can
            still be claimed.

    Attributes:
        products: the documents as they were given, by code.
        single: by code the offer that it stands for, as the only one of an item.
        playground: what the playground's templates stood for in the first of the catalogues that
            took each other's place.
        came_in: by code all the face values that it came in since then.

    Raises:
        CatalogueError: for templates that name no code, an unknown one, one twice, or codes of
            several currencies.
    """

    def __init__(
        self,
        products: Iterable[Mapping[str, Any]],
        templates: Mapping[str, Iterable[str]] = _NO_TEMPLATES,
        *,
        before: "Catalogue | None" = None,
    ) -> None:
        self.products = tuple(sorted(products, key=itemgetter("code")))
        self._offers: dict[str, Offer] = {}
        self._products: dict[str, Mapping[str, Any]] = {}
        for product in self.products:
            for offer in _offers(product):
                self._offers[offer.code] = offer
                self._products[offer.code] = product
        self.single: Mapping[str, tuple[Offer]] = {
            code: (offer,) for code, offer in self._offers.items()
        }
        self._removed: Mapping[str, Offer] = {} if before is None else self._keep_removed(before)
        self._given = {template_id: tuple(codes) for template_id, codes in templates.items()}
        self.playground: Mapping[str, Sequence[str]] = (
            _playground_codes(self._offers) if before is None else before.playground
        )
        self.came_in: Mapping[str, frozenset[Denominations]] = (
            {} if before is None else _came_in(self._offers, before)
        )
        known = {**self._removed, **self._offers}
        self._templates = {
            **_playground_selections(self.playground, known),
            **_selections(self._given, known),
        }

    def _keep_removed(self, before: "Catalogue") -> dict[str, Offer]:
        """Take over the offers that only the catalogue before has, for payouts that exist."""
        known = {**before._removed, **before._offers}  # noqa: SLF001 - of the same class
        removed = {
            code: replace(offer, is_orderable=False)
            for code, offer in known.items()
            if code not in self._offers
        }
        for code in removed:
            self._products[code] = before.product_of(code)
        return removed

    def with_product(self, product: Mapping[str, Any]) -> "Catalogue":
        """The same catalogue with another state of one of its products.

        Inferred: a product that cannot be ordered any more is left out of the playground's
        templates until it can be, as they are the provider's to keep. One of the user's own names
        what it names, and an order for it is refused.

        Args:
            product: the document of a product that is in it, with the same code, currency, payout
                type and plan codes.
        """
        code = product["code"]
        products = [product if known["code"] == code else known for known in self.products]
        return Catalogue(products, self._given, before=self)

    def with_added(self, product: Mapping[str, Any]) -> "Catalogue":
        """The same catalogue with an additional product.

        Inferred: the playground's templates stand for the products that they stood for before.

        Args:
            product: the document of a product whose order codes are free in this catalogue.
        """
        return Catalogue([*self.products, product], self._given, before=self)

    def without(self, code: str) -> "Catalogue":
        """The same catalogue without one of its products.

        Inferred: templates of the playground stand for the other products from then on. A template
        of the user's own still names the product, so an order for it is refused.

        Args:
            code: the code of a product that is in it.
        """
        products = [product for product in self.products if product["code"] != code]
        return Catalogue(products, self._given, before=self)

    def claimable(self, code: str, value: Decimal) -> bool:
        """Whether a payout can be claimed as so much of a product: it comes, or came, in that."""
        offer = self.known_offer(code)
        if offer is None:
            return False
        return any(value in each for each in (offer.denominations, *self.came_in.get(code, ())))

    @cached_property
    def gift_cards(self) -> Mapping[str, Sequence[Offer]]:
        """The gift cards that can be ordered, by currency."""
        found: dict[str, list[Offer]] = {}
        for offer in self._offers.values():
            if offer.is_orderable and offer.payout_type == "gift_card":
                found.setdefault(offer.currency, []).append(offer)
        return found

    def offer(self, code: str) -> Offer | None:
        """What ``code`` stands for, or ``None`` if it is unknown or was removed."""
        return self._offers.get(code)

    def known_offer(self, code: str) -> Offer | None:
        """What ``code`` stands for or stood for before it was removed, ``None`` if unknown."""
        return self._offers.get(code) or self._removed.get(code)

    def product_of(self, code: str) -> Mapping[str, Any]:
        """The document of the product that an offer's code stands for or stood for.

        Raises:
            KeyError: if there is no such offer.
        """
        return self._products[code]

    def template(self, template_id: str) -> Selection | None:
        """The offers of a product-selection template, or ``None`` if it is unknown."""
        return self._templates.get(template_id)


@lru_cache(maxsize=1)
def built_in() -> Catalogue:
    """The catalogue that ships with the package; the codes that the provider names are exact."""
    return Catalogue(built_in_products())


def _offers(product: Mapping[str, Any]) -> Iterator[Offer]:
    payout_type = product["payout_type"]
    for code, denominations in _choices(product):
        yield Offer(
            code,
            product["currency"],
            payout_type,
            product["is_orderable"] and denominations is not None,
            denominations or _NO_DENOMINATIONS,
            _with_point(product["discount_multiplier"]),
        )


def _choices(product: Mapping[str, Any]) -> Iterator[tuple[str, Denominations | None]]:
    """Each code by which a product is ordered with its face values, ``None`` for unknown ones."""
    payout_type = product["payout_type"]
    details = product.get(payout_type)
    if payout_type == "subscription":
        for plan in product[payout_type]["subscription_plans"]:
            yield plan["subscription_plan_code"], _fixed([plan["price"]])
    elif payout_type in PAYOUT_TYPES or _has_denominations(details):
        yield product["code"], denominations_of(product[payout_type]["denominations"])
    else:
        yield product["code"], None


def _has_denominations(details: Any) -> bool:
    """Inferred: a product of an unknown type is ordered by its denominations, if it has some."""
    from runa_mock_server.catalogue.product_rules import has_denominations  # noqa: PLC0415 - few servers need it

    return has_denominations(details)


def denominations_of(given: Mapping[str, Any]) -> Denominations:
    """The face values of a product; payments have no type and are open.

    An open product can have a list as well: it suggests values, and any other in the range is
    taken, too (inferred).
    """
    if given.get("type") == "fixed":
        return _fixed(given["available_list"])
    return Denominations(Decimal(given["minimum_value"]), Decimal(given["maximum_value"]))


def _fixed(listed: Iterable[str]) -> Denominations:
    values = frozenset(Decimal(value) for value in listed)
    return Denominations(min(values, default=Decimal(0)), max(values, default=Decimal(0)), values)


_NO_DENOMINATIONS = _fixed(())


def _with_point(multiplier: str) -> str:
    # An order repeats the multiplier, and there it always has decimals.
    return multiplier if "." in multiplier else multiplier + ".0"


def _playground_codes(offers: Mapping[str, Offer]) -> dict[str, Sequence[str]]:
    chosen: dict[str, Sequence[str]] = {}
    for template in playground_templates():
        of_currency = {
            code: offer
            for code, offer in offers.items()
            if offer.is_orderable and offer.currency == template.currency
        }
        codes = [code for code in template.codes if code in of_currency]
        if len(codes) < len(template.codes):
            gift_cards = (o.code for o in of_currency.values() if o.payout_type == "gift_card")
            codes = sorted(gift_cards)[:PRODUCTS_PER_TEMPLATE]
        if codes:
            chosen[template.id] = codes
    return chosen


def _playground_selections(
    codes: Mapping[str, Sequence[str]], offers: Mapping[str, Offer]
) -> dict[str, Selection]:
    selections = {}
    for template_id, named in codes.items():
        orderable = [offers[code] for code in named if offers[code].is_orderable]
        # A template of which nothing is left is refused for its products, not as unknown.
        selections[template_id] = Selection(tuple(orderable or (offers[code] for code in named)))
    return selections


def _came_in(offers: Mapping[str, Offer], before: Catalogue) -> dict[str, frozenset[Denominations]]:
    came_in = dict(before.came_in)
    for code, offer in offers.items():
        earlier = before.known_offer(code)
        if earlier is not None and earlier.denominations != offer.denominations:
            came_in[code] = came_in.get(code, frozenset()) | {earlier.denominations}
    return came_in


def _selections(
    templates: Mapping[str, Iterable[str]], offers: Mapping[str, Offer]
) -> dict[str, Selection]:
    selections = {}
    problems = []
    for template_id, given in templates.items():
        codes = tuple(given)
        problems += [
            f"template {template_id}: {reason}" for reason in _template_problems(codes, offers)
        ]
        selections[template_id] = Selection(tuple(offers[c] for c in codes if c in offers))
    if problems:
        raise CatalogueError("\n".join(problems))
    return selections


def _template_problems(codes: Sequence[str], offers: Mapping[str, Offer]) -> Iterator[str]:
    if not codes:
        yield "it names no code"
    for code, times in Counter(codes).items():
        if code not in offers:
            yield f"there is no product or plan {code!r}"
        if times > 1:
            yield f"it names {code} {times} times"
    currencies = sorted({offers[code].currency for code in codes if code in offers})
    if len(currencies) > 1:
        yield f"its products are of several currencies, {', '.join(currencies)}"
