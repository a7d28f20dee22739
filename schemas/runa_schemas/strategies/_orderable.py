"""All that can be ordered from a catalogue."""

from collections.abc import Collection, Hashable

from hypothesis import strategies as st

from runa_schemas.contract_data import MIN_FACE_VALUE
from runa_schemas.strategies._catalogue import Catalogue, unknown
from runa_schemas.strategies._kinds import Kind, kinds
from runa_schemas.strategies._texts import CURRENCIES


class OrderableProducts:
    """All that can be ordered.

    Args:
        catalogue: What there is.
        currency: The only currency to order in; by default all.
        products: The only codes and template ids to order; by default all.

    Attributes:
        catalogue: The catalogue.
        offers: What of it can be ordered and paid.
        templates: The templates that can be ordered.
        one_cent_offers: What comes in the least face value that there is.
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
        self.one_cent_offers = [
            offer
            for offer in self.offers
            if offer.least <= MIN_FACE_VALUE <= offer.most
            and (offer.listed is None or MIN_FACE_VALUE in offer.listed)
        ]
        self.kinds = list(kinds(self.offers, self.templates))
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
