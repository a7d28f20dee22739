"""Canonical JSON compares numbers by value, however they are written."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runa_mock_server.base.strict_json import canonical, parse

NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A number and another one: the same with more zeros, as an exponent, or shifted, or any."""
    number = draw(NUMBERS)
    exact = Decimal(number)
    zeros = "0" * draw(st.integers(1, 18))
    plain = f"{exact:f}"
    others = [
        f"{plain}{zeros}" if "." in plain else f"{plain}.{zeros}",
        f"{exact.scaleb(1):f}e-1",
        f"{exact.scaleb(-3):f}E+3",
        plain,
        f"{exact.scaleb(1):f}",
        str(exact.copy_negate()),
        draw(NUMBERS),
    ]
    return number, draw(st.sampled_from(others))


@given(pairs())
@example(("0", "-0.0"))
@example(("0.0", "-0"))
@example(("9007199254740993", "9007199254740993.0"))
@example(("12345678901234567890", "12345678901234567890.00"))
@example(("999999999999.90", "999999999999.9"))
@example(("0.000001", "0.0000010"))
@example(("1e-7", "0.0000001"))
@example(("10.37", "10.370000000000000001"))
def test_numbers_are_equal_by_value(pair: tuple[str, str]) -> None:
    """Two numbers have the same canonical bytes exactly if they have the same value."""
    one, other = pair
    documents = [parse(f'{{"a": [{number}]}}'.encode()) for number in pair]
    same = canonical(documents[0]) == canonical(documents[1])
    assert same == (Decimal(one) == Decimal(other))


@given(NUMBERS)
def test_canonical_bytes_are_json(number: str) -> None:
    """What canonical JSON says of a number is a number of the same value."""
    assert Decimal(canonical(parse(number.encode())).decode()) == Decimal(number)


@pytest.mark.parametrize("other", [True, "1", "1.0", [1], {"a": 1}, None, 1.5, "1.5"])
@pytest.mark.parametrize("number", ["1", "1.0", "1.50"])
def test_only_numbers_equal_numbers(number: str, other: Any) -> None:
    """A text, a boolean or an array is not the number that it looks like."""
    equal = isinstance(other, float) and Decimal(number) == Decimal(other)
    written = parse(number.encode())
    beside = Decimal(str(other)) if isinstance(other, float) else other
    assert (canonical(written) == canonical(beside)) == equal
