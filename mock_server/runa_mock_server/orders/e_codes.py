"""The codes that a claimed payout turns into: repeatable fakes that no shop would take.

Provider's page "Redemption". The same link and product give the same code, so none is stored.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.money import cents_text
from runa_mock_server.orders.order import Part
from runa_schemas.contract_data import BARCODE_FORMATS

NEVER_EXPIRES = "3000-01-01"

_ENDLESS = frozenset({"indefinite", "do-not-show"})
_PIN_DIGITS = 6
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_TRADE_PREFIX = "2"  # numbers for use inside one shop: no product on sale has one


class Shape(NamedTuple):
    """What the code of a product consists of.

    Attributes:
        type: ``code`` or ``url``.
        has_pin: whether a PIN goes with the code.
        barcode_format: how it is drawn, ``None`` where there is no barcode.
    """

    type: Literal["code", "url"] = "code"
    has_pin: bool = False
    barcode_format: str | None = None


DOCUMENTED: Mapping[str, Shape] = {
    "BAW-GB": Shape(),
    "FIVEG-US": Shape(has_pin=True),
    "CDISC-FR": Shape(barcode_format="code-128"),
    "AUCHAN-FR": Shape(has_pin=True, barcode_format="code-128"),
    "ABO-GB": Shape(has_pin=True, barcode_format="QR"),
    "LUSH-CA": Shape("url"),
}
"""The playground's examples, which keep their shapes whatever a catalogue says (recorded)."""


def shape_of(product: Mapping[str, Any]) -> Shape:
    """What the code of a product consists of, from its document in the catalogue."""
    documented = DOCUMENTED.get(product["code"])
    if documented is not None:
        return documented
    details = _details(product)
    if details.get("e_code_usage_type") == "url-only":
        return Shape("url")
    barcode_format = details.get("barcode_format")
    # The catalogue's list of formats is longer than that of the redemption API.
    return Shape(barcode_format=barcode_format if barcode_format in BARCODE_FORMATS else None)


def e_code(
    token: str, part: Part, product: Mapping[str, Any], claimed_at: int, page: str
) -> dict[str, Any]:
    """What the recipient gets for one part of a payout.

    Args:
        token: the secret part of the payout link.
        part: the product and its value.
        product: its document in the catalogue.
        claimed_at: when it was claimed, microseconds since the epoch.
        page: the payout link, which shows the code once it is claimed.
    """
    random = Random(f"{token}/{part.code}")  # noqa: S311 - repeatable on purpose
    shape = shape_of(product)
    url = f"{page}/card/{quote(part.code, safe='')}" if shape.type == "url" else page
    code = _ean_13(random) if shape.barcode_format == "ean-13" else _code(random)
    return {
        "type": shape.type,
        "status": "SUCCESS",
        "amount": cents_text(part.value),
        "code": url if shape.type == "url" else code,
        "pin": _pin(random) if shape.has_pin else None,
        "barcode_format": shape.barcode_format,
        "barcode_string": None if shape.barcode_format is None else code,
        "expiry_date": _expiry(_details(product).get("expiry") or {}, claimed_at),
        "url": url,
        "error_code": None,
        "error_string": None,
    }


def _details(product: Mapping[str, Any]) -> Mapping[str, Any]:
    return product.get(product["payout_type"]) or {}


def _pin(random: Random) -> str:
    return f"{random.randrange(10**_PIN_DIGITS):0{_PIN_DIGITS}d}"


def _code(random: Random) -> str:
    groups = ["".join(random.choices(_ALPHABET, k=4)) for _ in range(3)]
    return "-".join(["MOCK", *groups])


def _ean_13(random: Random) -> str:
    digits = _TRADE_PREFIX + f"{random.randrange(10**11):011d}"
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return digits + str(-weighted % 10)


def _expiry(expiry: Mapping[str, Any], claimed_at: int) -> str:
    months = expiry.get("in_months")
    if not months or expiry.get("type") in _ENDLESS:  # 0 months stand for never
        return NEVER_EXPIRES
    claimed = datetime.fromtimestamp(claimed_at // SECOND, UTC)
    year, month = divmod(claimed.year * 12 + claimed.month - 1 + int(months), 12)
    last_day = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(claimed.day, last_day)).isoformat()
