"""Money: decimal, two places, half-up, in every currency (provider's API specification)."""

from decimal import ROUND_HALF_UP, Context, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

# Own context: a caller's decimal settings must not change what an order costs.
HALF_UP = Context(prec=40, rounding=ROUND_HALF_UP)
"""How amounts are rounded."""


def to_cents(amount: Decimal) -> Decimal:
    """``amount`` rounded half-up to two decimals."""
    return amount.quantize(CENT, context=HALF_UP)


def show(amount: Decimal) -> str:
    """``amount`` as the API prints it, e.g. ``"10.00"``."""
    return str(to_cents(amount))


def in_cents(amount: Decimal) -> int:
    """``amount`` in whole cents, rounded half-up."""
    cents = amount.scaleb(2, HALF_UP)
    whole = int(cents)
    return whole if whole == cents else int(to_cents(amount).scaleb(2, HALF_UP))


def from_cents(cents: int) -> Decimal:
    """Whole cents as an amount with two decimals."""
    return Decimal(cents).scaleb(-2, HALF_UP)


def cents_text(cents: int) -> str:
    """Whole cents, none negative, as the API prints them, e.g. ``"10.00"``."""
    units, rest = divmod(cents, 100)
    return f"{units}.{rest:02d}"
