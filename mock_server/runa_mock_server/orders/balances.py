"""What ``GET /balance`` shows (provider's pages "Get balance" and "Playground").

On the playground balances never fall; in production orders need and reduce them (``placing``).
"""

from collections.abc import Mapping

from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.money import cents_text
from runa_mock_server.base.paging import bad_parameter


def all_balances(cents: Mapping[str, int]) -> list[dict[str, str]]:
    """Every balance above zero, by currency."""
    return [_entry(currency, amount) for currency, amount in sorted(cents.items()) if amount > 0]


def one_balance(cents: Mapping[str, int], currency: str) -> dict[str, str]:
    """The balance in one currency, ``"0.00"`` where there is none.

    Raises:
        ApiError: ``bad_request`` for a currency that is not supported (inferred).
    """
    if currency not in Currency.__members__:
        reason = f"{quoted(currency)} is not supported"
        raise bad_parameter("bad_request", "currency", reason, "balance-unsupported")
    return _entry(currency, cents.get(currency, 0))


def _entry(currency: str, amount: int) -> dict[str, str]:
    return {"balance": cents_text(amount), "currency": currency}
