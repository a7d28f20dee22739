"""The style of pages: colours that can be read, nothing loaded, motion for those who like it."""

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.catalogue.catalogue import built_in
from runa_mock_server.catalogue.content import picture

STYLE = (
    files("runa_mock_server.web.pages").joinpath("templates/style.css").read_text(encoding="utf-8")
)
SCHEMES = ("light", "dark")
TEXT = 4.5  # WCAG 2.2, 1.4.3
EDGES = 3.0  # 1.4.11
READ_ON = {
    "page": ("ink", "muted", "accent"),
    "surface": ("ink", "muted", "accent", "on-bad"),
    "accent": ("on-accent",),
    "hero": ("on-hero",),
    "hero-end": ("on-hero",),
    "over": ("on-hero",),
    "note": ("on-note",),
    "bad": ("on-bad",),
    "good": ("on-good",),
}
"""What is written on which colour; links and the focus ring have the accent."""


def colours(scheme: str) -> dict[str, str]:
    """The custom properties of a scheme."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light if scheme == "light" else dark))


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_stand_out(scheme: str) -> None:
    """Each text has the contrast that WCAG asks for, and so have the edges of fields."""
    found = colours(scheme)
    for ground, inks in READ_ON.items():
        for ink in inks:
            assert contrast(found[ground], found[ink]) >= TEXT, (ground, ink)
    assert contrast(found["surface"], found["edge"]) >= EDGES


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white is 21, and the standard's grey is just enough."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") > TEXT > contrast("#777777", "#ffffff")


def test_both_schemes_have_the_same_colours() -> None:
    """The dark scheme replaces every colour, and no colour is written on one that is not tested."""
    assert colours("light").keys() == colours("dark").keys()
    tested = {*READ_ON, *(ink for inks in READ_ON.values() for ink in inks)}
    assert colours("light").keys() - tested == {"line", "edge"}
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used == colours("light").keys()


@given(colour=st.integers(0, 0xFFFFFF).map("#{:06x}".format))
def test_pictures_can_be_read_in_any_colour(colour: str) -> None:
    """What is written on a product's colour stands out from it, whichever the brand chose."""
    product = dict(built_in().product_of("AMZ-US"))
    product["gift_card"] = {**product["gift_card"], "assets": {"primary_color": colour}}
    ink, ground = re.findall(r'fill="(#[0-9a-f]{6})"', picture(product, "card"))
    assert ground == colour
    assert contrast(ink, ground) >= TEXT - 0.1  # the server works out luminance nearly


def test_the_style_is_on_its_own() -> None:
    """It loads nothing, shows the focus, and moves nothing for those who ask for that."""
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert ":focus-visible" in STYLE
    assert "prefers-reduced-motion: reduce" in STYLE
