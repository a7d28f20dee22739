"""The codes that payouts turn into, made in process."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.catalogue.catalogue import built_in
from runa_mock_server.orders.e_codes import e_code
from runa_mock_server.orders.order import Part
from runa_schemas import validate

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def made(details: dict[str, Any], *, of: str = "link", at: datetime = NOON) -> dict[str, Any]:
    """The e-code of a gift card with certain details."""
    product = {"code": "C", "payout_type": "gift_card", "gift_card": details}
    moment = (at - EPOCH) // timedelta(microseconds=1)
    code = e_code(of, Part("C", 500), product, moment, "https://mock.example/payout/t")
    validate(code, "e_code")
    return code


@given(token=st.uuids().map(str))
def test_ean_13_has_its_check_digit(token: str) -> None:
    """Thirteen digits, the weighted sum of which ends in 0, and for use inside a shop only."""
    code = made({"barcode_format": "ean-13"}, of=token)
    digits = code["barcode_string"]
    assert code["code"] == digits
    assert re.fullmatch("2[0-9]{12}", digits)
    weighted = sum(int(digit) * weight for digit, weight in zip(digits, [1, 3] * 7, strict=False))
    assert weighted % 10 == 0


@given(token=st.uuids().map(str))
def test_a_pin_has_six_digits(token: str) -> None:
    """A PIN is six digits, whatever the first is."""
    product = {"code": "FIVEG-US", "payout_type": "gift_card", "gift_card": {}}
    pin = e_code(token, Part("FIVEG-US", 500), product, 0, "https://mock.example/payout/t")["pin"]
    assert re.fullmatch("[0-9]{6}", pin)


def test_some_pins_begin_with_0() -> None:
    """A client that takes a PIN for a number loses digits."""
    product = {"code": "FIVEG-US", "payout_type": "gift_card", "gift_card": {}}
    part, page = Part("FIVEG-US", 500), "https://mock.example/payout/t"
    pins = [e_code(str(token), part, product, 0, page)["pin"] for token in range(200)]
    assert any(pin.startswith("0") for pin in pins)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("BAW-GB", {"barcode_format": "QR", "e_code_usage_type": "url-only"}),
        ("CDISC-FR", {"barcode_format": "other"}),
        ("LUSH-CA", {"barcode_format": "ean-13", "e_code_usage_type": "url-recommended"}),
    ],
)
def test_documented_products_keep_their_shapes(code: str, details: dict[str, Any]) -> None:
    """A loaded catalogue does not change what the six documented products turn into."""
    built_in_product = built_in().product_of(code)
    other = {"code": code, "payout_type": "gift_card", "gift_card": details}
    part, page = Part(code, 500), "https://mock.example/payout/t"
    expected, found = (e_code("t", part, each, 0, page) for each in (built_in_product, other))
    assert found | {"expiry_date": ""} == expected | {"expiry_date": ""}


@pytest.mark.parametrize("format_", ["ITF", "DATA_MATRIX", "other", None])
def test_formats_that_the_redemption_does_not_know(format_: str | None) -> None:
    """The catalogue has formats more than the redemption; they come without a barcode."""
    code = made({"barcode_format": format_})
    assert code["barcode_format"] is code["barcode_string"] is None


@given(at=st.datetimes(datetime(1971, 1, 1), datetime(2900, 1, 1)), months=st.integers(1, 1200))  # noqa: DTZ001 - made aware below
def test_expiry_is_that_many_months_later(at: datetime, months: int) -> None:
    """The same day of a later month, or the last day of a month that is shorter."""
    expiry = made({"expiry": {"in_months": months}}, at=at.replace(tzinfo=UTC))["expiry_date"]
    year, month, day = map(int, expiry.split("-"))
    assert year * 12 + month == at.year * 12 + at.month + months
    if day != at.day:
        assert day < at.day
        next_day = datetime(year, month, day, tzinfo=UTC) + timedelta(days=1)
        assert next_day.day == 1


@pytest.mark.parametrize(
    "expiry",
    [
        None,
        {},
        {"in_months": None, "type": "indefinite"},
        {"in_months": 0, "type": "from-issue-date"},
    ],
)
def test_what_does_not_expire(expiry: dict[str, Any] | None) -> None:
    """Without a number of months, or with none, a code is good for ever."""
    assert made({"expiry": expiry})["expiry_date"] == "3000-01-01"
