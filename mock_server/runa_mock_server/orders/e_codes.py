"""The codes that a claimed payout turns into: repeatable fakes that no shop would take.

Provider's page "Redemption". The same link and product give the same code, so none is stored.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.money import cents_text
from runa_mock_server.orders.order import Part
from runa_schemas.contract_data import BARCODE_FORMATS

NEVER_EXPIRES = "3000-01-01"

# No field of the catalogue says so: the provider's examples show these three with a PIN.
_WITH_PIN = frozenset({"ABO-GB", "AUCHAN-FR", "FIVEG-US"})
# The formats that the redemption API knows; the catalogue's list has more.
_ENDLESS = frozenset({"indefinite", "do-not-show"})
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_TRADE_PREFIX = "2"  # numbers for use inside one shop: no product on sale has one


def e_code(
    token: str, part: Part, product: Mapping[str, Any], claimed_at: int, link: str
) -> dict[str, Any]:
    """What the recipient gets for one part of a payout.

    Args:
        token: the secret part of the payout link.
        part: the product and its value.
        product: its document in the catalogue.
        claimed_at: when it was claimed, microseconds since the epoch.
        link: where a product that is a link leads.
    """
    random = Random(f"{token}/{part.code}")  # noqa: S311 - repeatable on purpose
    details = product[product["payout_type"]]
    common: dict[str, Any] = {
        "type": "code",
        "status": "SUCCESS",
        "amount": cents_text(part.value),
        "code": _code(random),
        "pin": None,
        "barcode_format": None,
        "barcode_string": None,
        "expiry_date": _expiry(details.get("expiry") or {}, claimed_at),
        "url": None,
        "error_code": None,
        "error_string": None,
    }
    if details.get("e_code_usage_type") == "url-only":
        return common | {"type": "url", "code": link, "url": link}
    if product["code"] in _WITH_PIN:
        common["pin"] = f"{random.randrange(10_000):04d}"
    barcode_format = details.get("barcode_format")
    if barcode_format in BARCODE_FORMATS:
        common["barcode_format"] = barcode_format
        common["barcode_string"] = (
            _ean_13(random) if barcode_format == "ean-13" else common["code"].replace("-", "")
        )
    return common


def _code(random: Random) -> str:
    groups = ["".join(random.choices(_ALPHABET, k=4)) for _ in range(3)]
    return "-".join(["MOCK", *groups])


def _ean_13(random: Random) -> str:
    digits = _TRADE_PREFIX + f"{random.randrange(10**11):011d}"
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return digits + str(-weighted % 10)


def _expiry(expiry: Mapping[str, Any], claimed_at: int) -> str:
    months = expiry.get("in_months")
    if months is None or expiry.get("type") in _ENDLESS:
        return NEVER_EXPIRES
    claimed = datetime.fromtimestamp(claimed_at // SECOND, UTC)
    year, month = divmod(claimed.year * 12 + claimed.month - 1 + int(months), 12)
    last_day = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(claimed.day, last_day)).isoformat()
