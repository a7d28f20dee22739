"""Settings without their model: for servers that are told a port and little else.

Loading pydantic takes as long as all else that a start does. The published schema is made from the
model in ``settings.py``; it has the defaults, and says all there is to say of numbers, switches and
choices. Those are taken here if they fit. Whatever does not, and all other values, are left to the
model, so that there is one statement of the rules, and one wording of what is wrong.
"""

from collections.abc import Collection, Mapping
from copy import copy
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import orjson

from runa_mock_server.config.flags import SCHEMA_KEY

if TYPE_CHECKING:
    from runa_mock_server.config.settings import Settings

_OF_THE_COMMAND = frozenset({"log_level", "log_format", "event_loop"})
# Texts that are not looked at but for their length, which the schema cannot say.
_ANY_TEXT = frozenset({"host"})
_UNDERSTOOD = {"default", "description", "exclusiveMinimum", "maximum", "minimum", "type"}
_NUMBERS: Mapping[str, Collection[type]] = {"integer": (int,), "number": (int, float)}
_LARGEST = 2**53  # any int up to here is a float, too


class PlainSettings:
    """Reads like the ``Settings`` that the model would make of the same values.

    Args:
        values: all settings, by name.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    def whole(self) -> "Settings":
        """The same as a model."""
        from runa_mock_server.config.settings import Settings  # noqa: PLC0415 - loads pydantic

        return Settings.model_construct(**vars(self))

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """What the model gives."""
        return self.whole().model_dump(**options)


class PlainServeSettings(PlainSettings):
    """Reads like ``ServeSettings``."""

    @property
    def server(self) -> PlainSettings:
        """Without what is about the log."""
        return PlainSettings({n: v for n, v in vars(self).items() if n not in _OF_THE_COMMAND})

    def whole(self) -> "Settings":
        """The same as a model."""
        from runa_mock_server.config.serve_settings import ServeSettings  # noqa: PLC0415 - loads pydantic

        return ServeSettings.model_construct(**vars(self))


def plain_serve_settings(values: Mapping[str, Any]) -> PlainServeSettings | None:
    """The settings of ``runa-mock serve``; ``None`` if the model has to be asked."""
    known = properties()
    if values.get("strict"):  # which decides other settings
        return None
    if not all(name in known and _fits(name, known[name], values[name]) for name in values):
        return None
    made = {name: values.get(name, _default(schema)) for name, schema in known.items()}
    for name, value in values.items():
        if type(value) is int and _given(known[name]).get("type") == "number":
            made[name] = float(value)
    return PlainServeSettings(made)


def published_schema() -> str:
    """The text of the JSON Schema that comes with the package."""
    file = resources.files(__package__).joinpath("data/config.schema.json")
    return file.read_text(encoding="utf-8")


@cache
def properties() -> Mapping[str, Mapping[str, Any]]:
    """What the published schema says of each setting of the command, by name."""
    described: dict[str, Mapping[str, Any]] = orjson.loads(published_schema())["properties"]
    return {name: schema for name, schema in described.items() if name != SCHEMA_KEY}


def _default(schema: Mapping[str, Any]) -> Any:
    default = schema["default"]
    return tuple(default) if isinstance(default, list) else copy(default)


def _given(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a schema says of a value that is not null."""
    match schema.get("anyOf"):
        case [dict(given), {"type": "null"}]:
            return given
    return schema


def _fits(name: str, schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value is certainly one that the model takes as it is."""
    default, given = _default(schema), _given(schema)
    if type(value) is type(default) and value == default:
        return True
    if type(value) is str:
        return value in given.get("enum", ()) or (
            name in _ANY_TEXT and value != "" and value.isascii()
        )
    if not given.keys() <= _UNDERSTOOD:
        return False
    if isinstance(value, bool):
        return given.get("type") == "boolean"
    return (
        type(value) in _NUMBERS.get(given.get("type", ""), ())
        and given.get("minimum", -_LARGEST) <= value <= given.get("maximum", _LARGEST)
        and value > given.get("exclusiveMinimum", -_LARGEST - 1)
    )
