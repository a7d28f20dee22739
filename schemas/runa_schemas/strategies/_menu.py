"""What an item can be for, by a catalogue: products and a face value that fit together."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from runa_schemas.strategies import _parts
from runa_schemas.strategies._catalogue import Catalogue, Offer, Template, unknown
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._mix import Mix, mix
from runa_schemas.strategies._texts import CURRENCIES, redemption_template_ids

LARGEST_CHOICE = 10**12
"""The largest face value of a link with a choice of products (inferred)."""

_CENT = Decimal("0.01")
_NICE = tuple(map(Decimal, ("10", "20", "25.5", "50", "9.99", "100", "1000")))
_MOST_CODES = 12
_SPEND_RULES = {"spend_rules_template_id": "PSR-0123456789ABCDEFGHJKMNPQRS"}
_USAGES: tuple[Object, ...] = (
    {"usage_config": None},
    {"usage_config": _SPEND_RULES},
    {"values": "unknown"},
)

_KNOWN_TEMPLATES = redemption_template_ids()
TO_ANYBODY = _parts.distributions_of(("PAYOUT_LINK", "EMAIL"), _KNOWN_TEMPLATES)
_OF_A_PAYMENT = _parts.distributions_of(_parts.DISTRIBUTION_TYPES, _KNOWN_TEMPLATES)


class Kind(NamedTuple):
    """One kind of item: its products, and the face values that they come in.

    Attributes:
        currency: The currency of its products.
        type: ``SINGLE``, ``TEMPLATE`` or ``MULTIPLE``.
        is_payment: Whether all its products are payments, which alone go to known recipients.
        parts: ``face_value`` and ``products`` of items.
    """

    currency: str
    type: str
    is_payment: bool
    parts: Mix[Object]

    def item(self, draw: st.DrawFn) -> Object:
        """Draw a whole item of an order."""
        distributions = _OF_A_PAYMENT if self.is_payment else TO_ANYBODY
        return {**self.parts.of(draw), "distribution_method": distributions.of(draw)}


class Menu:
    """All that can be ordered.

    Args:
        catalogue: What there is.
        currency: The only currency to order in; by default all.
        products: The only codes and template ids to order; by default all.

    Attributes:
        catalogue: The catalogue.
        offers: What of it can be ordered and paid.
        templates: The templates that can be ordered.
        kinds: What an item can be for, the simplest first in each currency.

    Raises:
        ValueError: if nothing can be ordered, or not what is asked for.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        currency: str | None = None,
        products: Collection[str] | None = None,
    ) -> None:
        self.catalogue = catalogue
        wanted = _wanted(catalogue, products)
        self.offers = [
            offer
            for offer in catalogue.offers.values()
            if offer.is_orderable
            and offer.currency in CURRENCIES
            and currency in {None, offer.currency}
            and offer.code in wanted
        ]
        self.templates = [
            template
            for template in catalogue.templates.values()
            if template.id in wanted and currency in {None, template.currency}
        ]
        self.kinds = list(_kinds(self.offers, self.templates))
        if not self.kinds:
            where = "" if currency is None else f" in {currency!r}"
            raise ValueError(f"the catalogue has nothing that can be ordered{where}")
        self._choices: dict[Hashable, st.SearchStrategy[Kind]] = {}

    def __repr__(self) -> str:
        return f"<{len(self.kinds)} kinds of items>"

    def find(
        self,
        currency: str | None = None,
        types: Collection[str] = (),
        *,
        payments: bool | None = None,
    ) -> list[Kind]:
        """The kinds of a currency, of these types, for payments or not; of all by default."""
        return [
            kind
            for kind in self.kinds
            if currency in {None, kind.currency}
            and (not types or kind.type in types)
            and payments in {None, kind.is_payment}
        ]

    def choose(
        self,
        draw: st.DrawFn,
        currency: str | None = None,
        types: Collection[str] = (),
        *,
        payments: bool | None = None,
    ) -> Kind:
        """Draw one of the kinds that ``find`` finds."""
        key = (currency, tuple(types), payments)
        if key not in self._choices:
            self._choices[key] = st.sampled_from(self.find(currency, types, payments=payments))
        return draw(self._choices[key])


def _wanted(catalogue: Catalogue, products: Collection[str] | None) -> Collection[str]:
    known = {code: offer.is_orderable for code, offer in catalogue.offers.items()}
    known |= dict.fromkeys(catalogue.templates, True)
    if products is None:
        return known
    given = [products] if isinstance(products, str) else list(products)
    for code in given:
        if not known.get(code):
            raise unknown("products", code, known)
    return given


def _kinds(offers: Sequence[Offer], templates: Sequence[Template]) -> Iterator[Kind]:
    """Everything that an item can be for; choices as often as to be a third of it."""
    for currency in dict.fromkeys(
        [*(o.currency for o in offers), *(t.currency for t in templates)]
    ):
        here = [offer for offer in offers if offer.currency == currency]
        singles = [kind for offer in here for kind in _single(offer)]
        choices = [
            *(kind for t in templates if t.currency == currency for kind in _template(t)),
            *_multiple(currency, here),
        ]
        yield from singles
        yield from choices * max(1, len(singles) // 4)


def as_number(amount: Decimal) -> float | None:
    """An amount as the JSON number that ``json.dumps`` writes; None if no number is exact."""
    if amount == amount.to_integral_value():
        return int(amount)
    nearest = float(amount)
    return nearest if Decimal(repr(nearest)) == amount else None


def _numbers(amounts: Iterable[Decimal]) -> list[float]:
    """Amounts as numbers, each once, those that have none left out."""
    numbers = map(as_number, dict.fromkeys(amounts))
    return [number for number in numbers if number is not None]


def ceiling(amount: Decimal) -> int:
    """The smallest whole number that is not less."""
    return int(amount.to_integral_value(ROUND_CEILING))


def _single(offer: Offer) -> Iterator[Kind]:
    """One product, at the face values that it comes in, its limits among them."""
    least = max(offer.least, _CENT)
    if offer.listed is not None:
        amounts: Iterable[Decimal] = offer.listed
    else:
        ends = (least, offer.most, least + _CENT, offer.most - _CENT)
        amounts = (a for a in (*_NICE, *ends) if least <= a <= offer.most)
    values = _numbers(amount for amount in amounts if amount >= _CENT)
    if values:
        products = {"type": "SINGLE", "value": offer.code}
        plain = [{"face_value": value, "products": products} for value in values]
        odd = [{"face_value": values[-1], "products": products | usage} for usage in _USAGES]
        lowest, highest = (
            ceiling(least * 1000),
            int(min(offer.most, Decimal(LARGEST_CHOICE)) * 1000),
        )
        others = st.sampled_from(values)
        if offer.listed is None and lowest <= highest:
            # To a tenth of a cent, so that rounding is seen.
            others = st.integers(lowest, highest).map(_thousandths)
        free = others.map(lambda value: {"face_value": value, "products": dict(products)})
        is_payment = offer.payout_type == "payment"
        yield Kind(offer.currency, "SINGLE", is_payment, mix(plain, odd, free))


def _thousandths(number: int) -> float:
    return number / 1000 if number % 1000 else number // 1000


def _template(template: Template) -> Iterator[Kind]:
    if template.enough <= LARGEST_CHOICE:
        products: Object = {"type": "TEMPLATE", "template_id": template.id}
        values = _whole_values(template.enough)
        plain = [{"face_value": value, "products": products} for value in values]
        odd = [{"face_value": values[-1], "products": products | {"values": "unknown"}}]
        free = st.integers(ceiling(template.enough), LARGEST_CHOICE).map(
            lambda value: {"face_value": value, "products": dict(products)}
        )
        yield Kind(template.currency, "TEMPLATE", is_payment=False, parts=mix(plain, odd, free))


def _whole_values(enough: Decimal) -> list[int]:
    lowest = max(1, ceiling(enough))
    nice = [int(amount) for amount in _NICE if amount >= lowest and amount % 1 == 0]
    return list(dict.fromkeys([*nice[:2], lowest, LARGEST_CHOICE]))


def _multiple(currency: str, offers: Sequence[Offer]) -> Iterator[Kind]:
    """Several products to choose from; gift cards and the like, and payments alone."""
    for is_payment in (False, True):
        chosen = [
            offer
            for offer in offers
            if (offer.payout_type == "payment") == is_payment and offer.least <= LARGEST_CHOICE
        ]
        if len(chosen) > 1:
            plain, *odd = (
                {"face_value": value, "products": _listed(some)}
                for some in (chosen[:2], chosen[-2:], chosen[:_MOST_CODES])
                for value in _whole_values(min(offer.least for offer in some))
            )
            yield Kind(currency, "MULTIPLE", is_payment, mix([plain], odd, _choices(chosen)))


def _listed(offers: Iterable[Offer]) -> Object:
    return {"type": "MULTIPLE", "values": [offer.code for offer in offers]}


@st.composite
def _choices(draw: st.DrawFn, offers: Sequence[Offer]) -> Object:
    chosen = draw(
        st.lists(
            st.sampled_from(offers), min_size=2, max_size=_MOST_CODES, unique_by=lambda o: o.code
        )
    )
    enough = max(1, ceiling(min(offer.least for offer in chosen)))
    return {"face_value": draw(st.integers(enough, LARGEST_CHOICE)), "products": _listed(chosen)}
