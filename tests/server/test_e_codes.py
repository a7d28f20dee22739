"""The codes that payouts turn into, made in process."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.orders.e_codes import e_code
from runa_mock_server.orders.order import Part
from runa_schemas import validate

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def made(details: dict[str, Any], *, of: str = "link", at: datetime = NOON) -> dict[str, Any]:
    """The e-code of a gift card with certain details."""
    product = {"code": "C", "payout_type": "gift_card", "gift_card": details}
    moment = (at - EPOCH) // timedelta(microseconds=1)
    code = e_code(of, Part("C", 500), product, moment, "https://mock.example/card")
    validate(code, "e_code")
    return code


@given(token=st.uuids().map(str))
def test_ean_13_has_its_check_digit(token: str) -> None:
    """Thirteen digits, the weighted sum of which ends in 0, and for use inside a shop only."""
    digits = made({"barcode_format": "ean-13"}, of=token)["barcode_string"]
    assert re.fullmatch("2[0-9]{12}", digits)
    weighted = sum(int(digit) * weight for digit, weight in zip(digits, [1, 3] * 7, strict=False))
    assert weighted % 10 == 0


@pytest.mark.parametrize("format_", ["ITF", "DATA_MATRIX", "other", None])
def test_formats_that_the_redemption_does_not_know(format_: str | None) -> None:
    """The catalogue has formats more than the redemption; they come without a barcode."""
    code = made({"barcode_format": format_})
    assert code["barcode_format"] is code["barcode_string"] is None


@given(at=st.datetimes(datetime(1971, 1, 1), datetime(2900, 1, 1)), months=st.integers(0, 1200))  # noqa: DTZ001 - made aware below
def test_expiry_is_that_many_months_later(at: datetime, months: int) -> None:
    """The same day of a later month, or the last day of a month that is shorter."""
    expiry = made({"expiry": {"in_months": months}}, at=at.replace(tzinfo=UTC))["expiry_date"]
    year, month, day = map(int, expiry.split("-"))
    assert year * 12 + month == at.year * 12 + at.month + months
    if day != at.day:
        assert day < at.day
        next_day = datetime(year, month, day, tzinfo=UTC) + timedelta(days=1)
        assert next_day.day == 1


@pytest.mark.parametrize("expiry", [None, {}, {"in_months": None, "type": "indefinite"}])
def test_what_does_not_expire(expiry: dict[str, Any] | None) -> None:
    """Without a number of months a code is good for ever."""
    assert made({"expiry": expiry})["expiry_date"] == "3000-01-01"
