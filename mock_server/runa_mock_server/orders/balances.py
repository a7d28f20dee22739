"""What an account can spend (provider's pages "Get balance" and "Playground")."""

from collections.abc import Mapping
from decimal import Decimal

from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.money import ZERO, show
from runa_mock_server.base.paging import bad_parameter


class Balances:
    """The balances of one account.

    Args:
        opening: for each currency what is there at the start.
        enforced: whether orders need and reduce a balance; on the playground they never fall.
    """

    def __init__(self, opening: Mapping[str, Decimal], *, enforced: bool) -> None:
        self._amounts = dict(opening)
        self.enforced = enforced

    @property
    def amounts(self) -> Mapping[str, Decimal]:
        """For each currency what is there."""
        return self._amounts

    def set(self, amounts: Mapping[str, Decimal]) -> None:
        """Have exactly these amounts from now on."""
        self._amounts = dict(amounts)

    def credit(self, currency: str, amount: Decimal) -> None:
        """Give back what ``debit`` took."""
        if self.enforced:
            self._amounts[currency] = self._amounts.get(currency, ZERO) + amount

    def debit(self, currency: str, amount: Decimal) -> None:
        """Take ``amount`` from the balance in ``currency``.

        Raises:
            ApiError: ``insufficient_funds`` if there is less; nothing is taken.
        """
        if not self.enforced:
            return
        balance = self._amounts.get(currency, ZERO)
        if amount > balance:
            raise ApiError(
                "insufficient_funds",
                f"The order costs {currency} {show(amount)}, the balance is {show(balance)}.",
            )
        self._amounts[currency] = balance - amount

    def all(self) -> list[dict[str, str]]:
        """Every balance above zero, by currency."""
        return [
            _entry(currency, amount)
            for currency, amount in sorted(self._amounts.items())
            if amount > 0
        ]

    def one(self, currency: str) -> dict[str, str]:
        """The balance in one currency, ``"0.00"`` where there is none.

        Raises:
            ApiError: ``bad_request`` for a currency that is not supported (inferred).
        """
        if currency not in Currency.__members__:
            reason = f"{quoted(currency)} is not supported"
            raise bad_parameter("bad_request", "currency", reason)
        return _entry(currency, self._amounts.get(currency, ZERO))


def _entry(currency: str, amount: Decimal) -> dict[str, str]:
    return {"balance": show(amount), "currency": currency}
