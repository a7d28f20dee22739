"""Settings that are taken without their model are those that the model would have made."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import SettingsError
from runa_mock_server.config.file import settings_to_serve
from runa_mock_server.config.plain_settings import plain_serve_settings, properties
from runa_mock_server.config.serve_settings import ServeSettings
from runa_mock_server.config.settings import Settings, checked

# Near each bound of a number, and every choice.
EDGES: list[Any] = sorted(
    {
        bound + step
        for schema in properties().values()
        for part in (schema, *schema.get("anyOf", ()))
        for key, bound in part.items()
        if key in ("minimum", "maximum", "exclusiveMinimum")
        for step in (-1, 0, 1)
    }
)
CHOICES = [choice for schema in properties().values() for choice in schema.get("enum", ())]
NUMBERS = st.sampled_from(EDGES) | st.integers() | st.floats() | st.sampled_from(EDGES).map(float)
TEXTS = st.sampled_from(CHOICES) | st.sampled_from(["\udcff", "é"]) | st.text(max_size=5)
DEFAULTS = st.sampled_from([schema["default"] for schema in properties().values()])
VALUES = NUMBERS | TEXTS | st.booleans() | st.none() | st.lists(TEXTS, max_size=2) | DEFAULTS
NAMES = [*properties(), "speed"]


def shown(settings: Settings) -> str:
    """All values with their types: 1, 1.0 and true are three things."""
    return repr(vars(settings))


@given(VALUES)
def test_the_command_has_the_settings_of_the_model(value: Any) -> None:
    """Whatever a setting is told, it and all others are as the model has them."""
    for values in ({name: value} for name in NAMES):
        try:
            wanted = checked(ServeSettings, values)
        except SettingsError:
            wanted = None
        if wanted is None:
            assert plain_serve_settings(values) is None
            continue
        made = settings_to_serve(values)
        assert shown(made) == shown(wanted)
        assert shown(made.server) == shown(wanted.server)


def test_numbers_switches_and_choices_need_no_model() -> None:
    """What a start is told most often is settled without it; a text that has rules is not."""
    told: dict[str, Any] = {"host": "localhost", "port": 0, "seed": 7, "processing_delay": 0}
    made = plain_serve_settings(told)
    assert made is not None
    assert made.model_dump() == ServeSettings(**told).model_dump()
    assert plain_serve_settings({"clock": "manual"}) is None
