"""The server's own catalogue, and picking from it what a check wants to order."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from runa_client import Product, parse_product
from runa_conformance._failures import MismatchError, SkippedError
from runa_schemas.contract_data import Currency

TEN = Decimal(10)
CENT = Decimal("0.01")

# Named by the provider's guides; taken where they are there, so that runs are alike.
_FAVOURITES = ("1800FL-US", "AMZ-US", "FIVEG-US", "BAW-GB", "ABO-GB")


_PAYABLE = frozenset(map(str, Currency))


@dataclass(frozen=True, slots=True)
class Card:
    """A gift card with any value between two ends.

    Attributes:
        code: the product code.
        currency: the currency of its value.
        minimum: the smallest value.
        maximum: the largest value.
    """

    code: str
    currency: str
    minimum: Decimal
    maximum: Decimal

    @property
    def is_usual(self) -> bool:
        """Whether it comes in ten and a little more, which most checks order."""
        return self.minimum <= TEN < TEN + 1 <= self.maximum


class CatalogueSample:
    """What can be ordered.

    Args:
        documents: the products as the server lists them.

    Raises:
        MismatchError: one cannot be read.
    """

    def __init__(self, documents: Sequence[object]) -> None:
        try:
            self.products = tuple(parse_product(document) for document in documents)
        except ValueError as error:
            raise MismatchError(f"the list of products cannot be read: {error}") from None

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """The orderable gift cards of open value, the well-known ones first."""
        found = [
            Card(product.code, product.currency, given.minimum, given.maximum)
            for product in self.products
            if product.is_orderable
            and product.payout_type == "gift_card"
            and product.currency in _PAYABLE
            and (given := product.denominations) is not None
            and given.type == "open"
            and given.minimum is not None
            and given.maximum is not None
        ]
        rank = {code: index for index, code in enumerate(_FAVOURITES)}
        return tuple(sorted(found, key=lambda card: rank.get(card.code, len(rank))))

    @cached_property
    def home(self) -> str:
        """The currency to order in: USD, or the one with most cards."""
        usual = [card.currency for card in self.cards if card.is_usual]
        if not usual:
            raise SkippedError("the catalogue has no orderable gift card of open value around 10")
        return "USD" if "USD" in usual else Counter(usual).most_common(1)[0][0]

    @property
    def card(self) -> Card:
        """A gift card of the home currency, see ``card_in``."""
        return self.card_in(self.home)

    def card_in(self, currency: str) -> Card:
        """A gift card of a currency that comes in ten and a little more.

        Raises:
            SkippedError: there is none.
        """
        return self._usual(currency, 1)[0]

    @property
    def pair(self) -> tuple[Card, Card]:
        """Two gift cards of the home currency that come in ten and a little more."""
        first, second = self._usual(self.home, 2)
        return first, second

    def _usual(self, currency: str, count: int) -> list[Card]:
        found = [card for card in self.cards if card.currency == currency and card.is_usual]
        if len(found) < count:
            raise SkippedError(f"the catalogue has too few orderable gift cards of {currency} 10")
        return found[:count]

    def find_payable(self, wanted: Callable[[Product], bool], what: str) -> Product:
        """The first product that will do, of a currency that can pay for an order.

        The service can list products of other currencies, too.

        Raises:
            SkippedError: there is none.
        """
        return self.find(lambda product: product.currency in _PAYABLE and wanted(product), what)

    def find(self, wanted: Callable[[Product], bool], what: str) -> Product:
        """The first product that will do, one of the home currency before others.

        Raises:
            SkippedError: there is none.
        """
        at_home = sorted(self.products, key=lambda product: product.currency != self.home)
        found = next(filter(wanted, at_home), None)
        if found is None:
            raise SkippedError(f"the catalogue has no {what}")
        return found

    def get(self, code: str) -> Product:
        """The product with a code.

        Raises:
            SkippedError: there is none, or it cannot be ordered.
        """
        return self.find(
            lambda product: product.code == code and product.is_orderable is True,
            f"orderable {code}",
        )
