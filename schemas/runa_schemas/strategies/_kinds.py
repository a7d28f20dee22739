"""What an item can be for: products of a catalogue, and the face values that they come in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, Decimal
from functools import partial

from hypothesis import strategies as st

from runa_schemas.contract_data import MAX_CHOICE_FACE_VALUE, MIN_FACE_VALUE
from runa_schemas.strategies import _parts
from runa_schemas.strategies._catalogue import Offer, Template
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._texts import redemption_template_ids
from runa_schemas.strategies._weighted import Weighted, weighted

_NICE = tuple(map(Decimal, ("10", "20", "25.5", "50", "9.99", "100", "1000")))
_MOST_CODES = 12
_SPEND_RULES = {"spend_rules_template_id": "PSR-0123456789ABCDEFGHJKMNPQRS"}
_USAGES: tuple[Object, ...] = (
    {"usage_config": None},
    {"usage_config": {}},
    {"usage_config": _SPEND_RULES},
    {"values": "unknown"},
)

_KNOWN_TEMPLATES = redemption_template_ids()
TO_ANYBODY = _parts.distributions_of(("PAYOUT_LINK", "EMAIL"), _KNOWN_TEMPLATES)
_OF_A_PAYMENT = _parts.distributions_of(_parts.DISTRIBUTION_TYPES, _KNOWN_TEMPLATES)


class Kind:
    """One kind of item.

    Args:
        currency: The currency of its products.
        type_: ``SINGLE``, ``TEMPLATE`` or ``MULTIPLE``.
        is_payment: Whether all its products are payments, which alone go to known recipients.
        make: Makes its face values and products; a catalogue has many kinds, a test draws few.
    """

    def __init__(
        self, currency: str, type_: str, make: Callable[[], Weighted[Object]], *, is_payment: bool
    ) -> None:
        self.currency = currency
        self.type = type_
        self.is_payment = is_payment
        self._make = make
        self._parts: Weighted[Object] | None = None

    def __repr__(self) -> str:
        return f"<{self.type} in {self.currency}>"

    def parts(self, draw: st.DrawFn) -> Object:
        """Draw ``face_value`` and ``products``."""
        if self._parts is None:
            self._parts = self._make()
        return self._parts.of(draw)

    def item(self, draw: st.DrawFn) -> Object:
        """Draw a whole item of an order."""
        distributions = _OF_A_PAYMENT if self.is_payment else TO_ANYBODY
        return {**self.parts(draw), "distribution_method": distributions.of(draw)}


def kinds(offers: Sequence[Offer], templates: Sequence[Template]) -> Iterator[Kind]:
    """Everything that an item can be for, currency by currency, the simplest first.

    Where the recipient chooses is there several times, so as to be drawn in a third of the cases,
    and payments, which alone go to known recipients, in a fifth.
    """
    for currency in dict.fromkeys(
        [*(o.currency for o in offers), *(t.currency for t in templates)]
    ):
        here = [offer for offer in offers if offer.currency == currency]
        singles = [kind for offer in here for kind in _singles(offer)]
        choices = [
            *(kind for t in templates if t.currency == currency for kind in _templates(t)),
            *_multiples(currency, here),
        ]
        payments = [kind for kind in singles if kind.is_payment]
        yield from singles
        yield from choices * max(1, len(singles) // 4)
        if payments:
            yield from payments * (len(singles) // (3 * len(payments)))


def as_number(amount: Decimal) -> float | None:
    """An amount as the JSON number that ``json.dumps`` writes; None if no number is exact."""
    if amount == amount.to_integral_value():
        return int(amount)
    nearest = float(amount)
    return nearest if Decimal(repr(nearest)) == amount else None


def ceiling(amount: Decimal) -> int:
    """The smallest whole number that is not less than an amount, and 1 at least."""
    return max(1, int(amount.to_integral_value(ROUND_CEILING)))


def _priced(value: float, products: Object) -> Object:
    return {"face_value": value, "products": products}


def _singles(offer: Offer) -> Iterator[Kind]:
    least = max(offer.least, MIN_FACE_VALUE)
    ends = (least, offer.most, least + MIN_FACE_VALUE, offer.most - MIN_FACE_VALUE)
    amounts = (*_NICE, *ends) if offer.listed is None else offer.listed
    numbers = (as_number(a) for a in dict.fromkeys(amounts) if least <= a <= offer.most)
    if values := [number for number in numbers if number is not None]:
        make = partial(_single, offer, values)
        is_payment = offer.payout_type == "payment"
        yield Kind(offer.currency, "SINGLE", make, is_payment=is_payment)


def _single(offer: Offer, values: Sequence[float]) -> Weighted[Object]:
    """One product, at the face values that it comes in, its limits among them."""
    products = {"type": "SINGLE", "value": offer.code}
    others = st.sampled_from(values)
    lowest = int(max(offer.least, MIN_FACE_VALUE) * 1000) + 1
    highest = int(min(offer.most, Decimal(MAX_CHOICE_FACE_VALUE)) * 1000)
    if offer.listed is None and lowest <= highest:
        # To a tenth of a cent, so that rounding is seen.
        others = st.integers(lowest, highest).map(lambda n: n / 1000 if n % 1000 else n // 1000)
    return weighted(
        [_priced(value, products) for value in values],
        [_priced(values[-1], products | usage) for usage in _USAGES],
        others.map(lambda value: _priced(value, dict(products))),
    )


def _templates(template: Template) -> Iterator[Kind]:
    if template.enough <= MAX_CHOICE_FACE_VALUE:
        yield Kind(template.currency, "TEMPLATE", partial(_template, template), is_payment=False)


def _template(template: Template) -> Weighted[Object]:
    products: Object = {"type": "TEMPLATE", "template_id": template.id}
    values = _whole_values(template.enough)
    return weighted(
        [_priced(value, products) for value in values],
        [_priced(values[-1], products | {"values": "unknown"})],
        st.integers(ceiling(template.enough), MAX_CHOICE_FACE_VALUE).map(
            lambda value: _priced(value, dict(products))
        ),
    )


def _whole_values(enough: Decimal) -> list[int]:
    lowest = ceiling(enough)
    nice = [int(amount) for amount in _NICE if amount >= lowest and amount % 1 == 0]
    return list(dict.fromkeys([*nice[:2], lowest, MAX_CHOICE_FACE_VALUE]))


def _multiples(currency: str, offers: Sequence[Offer]) -> Iterator[Kind]:
    """Several products to choose from: payments alone, and everything else."""
    for is_payment in (False, True):
        chosen = [
            offer
            for offer in offers
            if (offer.payout_type == "payment") == is_payment
            and offer.least <= MAX_CHOICE_FACE_VALUE
        ]
        if len(chosen) > 1:
            yield Kind(currency, "MULTIPLE", partial(_multiple, chosen), is_payment=is_payment)


def _multiple(offers: Sequence[Offer]) -> Weighted[Object]:
    plain, *odd = (
        _priced(value, _listed(some))
        for some in (offers[:2], offers[-2:], offers[:_MOST_CODES])
        for value in _whole_values(min(offer.least for offer in some))
    )
    return weighted([plain], odd, _choices(offers))


def _listed(offers: Iterable[Offer]) -> Object:
    return {"type": "MULTIPLE", "values": [offer.code for offer in offers]}


@st.composite
def _choices(draw: st.DrawFn, offers: Sequence[Offer]) -> Object:
    codes = st.sampled_from(offers)
    chosen = draw(
        st.lists(codes, min_size=2, max_size=_MOST_CODES, unique_by=lambda offer: offer.code)
    )
    enough = ceiling(min(offer.least for offer in chosen))
    return _priced(draw(st.integers(enough, MAX_CHOICE_FACE_VALUE)), _listed(chosen))
