"""Embedded FX: an order whose products are in another currency than the payment.

Provider's page "Embedded FX". The playground's rates are fixed and arbitrary; only GBPUSD 1.2 is
the provider's own, the rest are ours (inferred).
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from runa_mock_server.base.currencies import FROM_USD_ONLY
from runa_mock_server.base.money import in_cents, to_cents

FEE = Decimal("0.019")
"""The fee of an exchange, as a share of the price in the payment currency."""

_SIX_DIGITS = Context(prec=6, rounding=ROUND_HALF_UP)
_EXACT = Context(prec=40, rounding=ROUND_HALF_UP)

# What one unit is worth in USD. Invented, but for GBP.
_IN_USD = {
    "AED": "0.27",
    "ARS": "0.001",
    "AUD": "0.65",
    "BRL": "0.18",
    "CAD": "0.72",
    "CHF": "1.1",
    "CLP": "0.001",
    "CNY": "0.14",
    "COP": "0.00025",
    "CZK": "0.044",
    "DKK": "0.145",
    "EUR": "1.08",
    "GBP": "1.2",
    "HUF": "0.0028",
    "ILS": "0.27",
    "INR": "0.012",
    "JPY": "0.0068",
    "KRW": "0.00074",
    "MXN": "0.055",
    "MYR": "0.22",
    "NOK": "0.094",
    "NZD": "0.6",
    "PEN": "0.26",
    "PLN": "0.25",
    "RON": "0.22",
    "SAR": "0.266",
    "SEK": "0.095",
    "SGD": "0.75",
    "USD": "1",
    "ZAR": "0.055",
}
# Which currency of a pair is quoted first, by the custom of the market; then by alphabet.
_QUOTED_FIRST = ("EUR", "GBP", "AUD", "NZD", "USD")


class Exchanged(NamedTuple):
    """A currency exchange as an order keeps it.

    Attributes:
        rate: as it is printed.
        rate_symbol: the two currencies, e.g. ``GBPUSD``.
        fee: in cents of the payment currency.
    """

    rate: str
    rate_symbol: str
    fee: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a payment for products of another currency costs.

    Attributes:
        rate: how many units of the second currency one unit of the first is worth.
        rate_symbol: the first and the second currency, e.g. ``GBPUSD``.
        price: the price of the products in the payment currency, without the fee.
        fee: what the exchange costs, in the payment currency.
    """

    rate: Decimal
    rate_symbol: str
    price: Decimal
    fee: Decimal

    @property
    def total(self) -> Decimal:
        """What is paid, in the payment currency."""
        return self.price + self.fee

    def exchanged(self) -> Exchanged:
        """It as an order keeps it."""
        rate = f"{self.rate.normalize():f}"
        return Exchanged(rate, self.rate_symbol, in_cents(self.fee))


def can_exchange(payment: str, product: str) -> bool:
    """Whether products of one currency can be paid in another at all.

    A loaded catalogue may have products in a currency that the service takes no payments in;
    there is no rate for those (inferred).
    """
    return product in _IN_USD and (product not in FROM_USD_ONLY or payment == "USD")


def exchange(amount: Decimal, product: str, payment: str) -> Exchange:
    """The cost of ``amount`` in the ``product`` currency, paid in ``payment``.

    >>> exchange(Decimal(10), "USD", "GBP").total
    Decimal('8.49')
    """
    first, second = sorted((product, payment), key=_rank)
    rate = _SIX_DIGITS.divide(Decimal(_IN_USD[first]), Decimal(_IN_USD[second]))
    convert = _EXACT.divide if first == payment else _EXACT.multiply
    price = to_cents(convert(amount, rate))
    return Exchange(rate, first + second, price, to_cents(price * FEE))


def _rank(currency: str) -> tuple[int, str]:
    known = currency in _QUOTED_FIRST
    return (_QUOTED_FIRST.index(currency) if known else len(_QUOTED_FIRST), currency)
