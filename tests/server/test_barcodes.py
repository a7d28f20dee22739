"""Barcodes: a scanner reads what was drawn, and what cannot be drawn is not."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runa_mock_server.web.pages.barcodes import draw
from support.scanner import scan_svg

PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
# Without $ / + %: many scanners take one and a letter for a sign that the format lacks. Texts of
# the length of our codes: short ones are also pharmacies' numbers, which scanners unfold.
OF_CODE_39 = string.ascii_uppercase + string.digits + "-. "
FORMATS = ("QR", "pdf417", "code-128", "code-39", "ean-13")


@given(
    drawn=st.one_of(
        st.tuples(st.just("QR"), st.text(PRINTABLE, min_size=1, max_size=40)),
        st.tuples(st.just("pdf417"), st.text(PRINTABLE, min_size=1, max_size=40)),
        st.tuples(st.just("code-128"), st.text(PRINTABLE, min_size=1, max_size=30)),
        st.tuples(st.just("code-39"), st.text(OF_CODE_39, min_size=10, max_size=20)),
    )
)
def test_what_is_drawn_can_be_scanned(drawn: tuple[str, str]) -> None:
    """Four formats hold any text that they have signs for."""
    assume(drawn[0] != "code-128" or not drawn[1].startswith("99"))  # see below
    svg = draw(*drawn)
    assert svg is not None
    assert scan_svg(svg)[1] == drawn[1]


@given(digits=st.text(string.digits, min_size=12, max_size=12))
def test_article_numbers(digits: str) -> None:
    """Of ten numbers with the same twelve digits the one with the right check digit is drawn."""
    drawn = [draw("ean-13", digits + last) for last in string.digits]
    (svg,) = filter(None, drawn)
    assert scan_svg(svg) == ("EAN-13", digits + str(drawn.index(svg)))


@given(barcode_format=st.sampled_from(FORMATS), text=st.text(max_size=60))
def test_no_text_breaks_the_drawing(barcode_format: str, text: str) -> None:
    """Whatever a barcode is asked to hold, it is drawn as safe markup, or not at all."""
    svg = draw(barcode_format, text)
    assert svg is None or svg.count("<") == svg.count(">") == 4


@pytest.mark.parametrize(
    ("barcode_format", "text"),
    [
        ("ITF", "12345678"),
        ("qr", "text"),
        ("", "text"),
        ("code-128", "naïve €"),
        ("code-128", "9900"),
        ("code-39", "lower case"),
        ("ean-13", "letters"),
        ("ean-13", "212345678901"),
        ("QR", "x" * 3_000),
        ("pdf417", "x" * 3_000),
        *((known, "") for known in FORMATS),
    ],
)
def test_what_cannot_be_drawn(barcode_format: str, text: str) -> None:
    """Unknown formats, and texts that a format has no signs or no room for, have no picture."""
    assert draw(barcode_format, text) is None
