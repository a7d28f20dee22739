"""The cards that a payout can be paid to: the provider's two test cards (page "Push to card").

The provider names one number that succeeds and one that fails. That any other number is refused,
and that a card needs a month of expiry that has not passed, is inferred.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from runa_mock_server.base.clock import SECOND
from runa_mock_server.orders.payouts import ClaimError

ACCEPTED = "4111111111111111"
REFUSED = "4111111111111112"
"""The test cards."""

NUMBER, EXPIRY = "card_number", "card_expiry"
"""The fields of a card in a form."""

_LAST = 4
_EXPIRY = re.compile(r"(0?[1-9]|1[0-2]) ?/ ?(?:20)?([0-9]{2})", re.ASCII)
_SEPARATORS = re.compile("[ -]")


class Card(NamedTuple):
    """A test card.

    Attributes:
        last_four: the end of its number.
        is_accepted: whether money can be sent to it.
    """

    last_four: str
    is_accepted: bool


SAVED = Card(ACCEPTED[-_LAST:], is_accepted=True)
"""The card that a returning recipient used before."""


def read_card(number: str, expiry: str, now: int) -> Card:
    """The test card that was typed.

    Args:
        number: its digits, with or without blanks or hyphens.
        expiry: month and year, ``MM/YY`` or ``MM/YYYY``.
        now: microseconds since the epoch.

    Raises:
        ClaimError: naming each field that is wrong.
    """
    digits = _SEPARATORS.sub("", number)
    wrong = {}
    if digits not in {ACCEPTED, REFUSED}:
        wrong[NUMBER] = f"Enter a test card: {spaced(ACCEPTED)} or {spaced(REFUSED)}."
    problem = _expiry_problem(expiry.strip(), now)
    if problem is not None:
        wrong[EXPIRY] = problem
    if wrong:
        raise ClaimError("This card cannot be used.", wrong)
    return Card(digits[-_LAST:], digits == ACCEPTED)


def spaced(digits: str) -> str:
    """The number of a card in groups of four, as it stands on it."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def _expiry_problem(expiry: str, now: int) -> str | None:
    found = _EXPIRY.fullmatch(expiry)
    if found is None:
        return "Enter month and year of the expiry as MM/YY."
    month, year = int(found[1]), 2000 + int(found[2])
    today = datetime.fromtimestamp(now // SECOND, UTC)
    if (year, month) < (today.year, today.month):
        return f"The card expired at the end of {month:02d}/{year}."
    return None
