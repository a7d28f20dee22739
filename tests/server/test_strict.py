"""Strict mode: every kindness of the mock is off, unless a setting turns it on explicitly."""

import pytest

from runa_mock_server import MockServer
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.kindnesses import KINDNESSES, Kindness, kindnesses_on


def test_strict_decides_every_kindness() -> None:
    """All kindnesses are on by default, and none with strict."""
    assert kindnesses_on(make_settings()) == list(KINDNESSES)
    assert kindnesses_on(make_settings(strict=True)) == []


@pytest.mark.parametrize("kindness", KINDNESSES, ids=lambda each: each.setting)
def test_an_explicit_setting_beats_strict(kindness: Kindness) -> None:
    """Each kindness can be switched on alone in strict mode, and off alone without."""
    name, kind, strict, _ = kindness
    assert kindnesses_on(make_settings(**{"strict": True, name: kind})) == [kindness]
    others = [each for each in KINDNESSES if each != kindness]
    assert kindnesses_on(make_settings(**{name: strict})) == others


def test_settings_changed_later_beat_strict_too() -> None:
    """A change at run time leaves the other kindnesses off."""
    with MockServer(strict=True) as server:
        server.configure(redemption_api=True)
        assert [each.setting for each in kindnesses_on(server.settings)] == ["redemption_api"]
