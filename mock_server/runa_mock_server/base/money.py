"""Money: decimal, two places, half-up, in every currency (provider's API specification)."""

from decimal import ROUND_HALF_UP, Context, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

# Own context: a caller's decimal settings must not change what an order costs.
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_UP)


def to_cents(amount: Decimal) -> Decimal:
    """``amount`` rounded half-up to two decimals."""
    return amount.quantize(CENT, context=_CONTEXT)


def show(amount: Decimal) -> str:
    """``amount`` as the API prints it, e.g. ``"10.00"``."""
    return str(to_cents(amount))
