"""Configuration files: the settings of ``runa-mock serve``, in TOML or JSON.

Every key is the name of a setting; a value is what ``MockServer`` takes for it. A key ``$schema``
is for editors and means nothing here. ``data/config.schema.json`` is the JSON Schema of such files.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from runa_mock_server import logs, strict_json
from runa_mock_server.flags import DEFAULT_PORT
from runa_mock_server.settings import Port, Settings, SettingsError, checked, make_settings
from runa_mock_server.text_file import UnreadableFileError, read_text

SCHEMA_KEY = "$schema"
_PATHS = ("catalogue",)  # settings that name a file


class ConfigError(ValueError):
    """A configuration file that cannot be used; the message lists every problem, one a line."""


class ServeSettings(Settings):
    """What ``runa-mock serve`` can be told: everything about its server, and about its log."""

    port: Port = DEFAULT_PORT
    log_level: logs.Level = Field(
        default="info", description="How much to log; a line a request at info."
    )
    log_format: logs.Format = Field(default="text", description="How to log.")
    event_loop: Literal["asyncio", "uvloop"] = Field(
        default="asyncio",
        description="What drives the server; uvloop takes less CPU, and has to be installed: "
        "runa-mock[uvloop].",
    )

    @property
    def server(self) -> Settings:
        """Without what is about the log."""
        # They have been checked, and a start that checks them twice builds two validators.
        return Settings.model_construct(
            **{name: getattr(self, name) for name in Settings.model_fields}
        )


def load_settings(path: str | Path | None, **values: Any) -> Settings:
    """The settings of a server inside Python: what a file says, unless a value says otherwise.

    What the file says about the log is for ``runa-mock serve``, and ignored here.

    Args:
        path: the configuration file, or ``None`` for none.
        **values: single settings, which beat those of the file.

    Raises:
        ConfigError: if the file cannot be used.
        SettingsError: for a value that does not fit.
    """
    file = {} if path is None else read(path)
    own = {name: value for name, value in file.items() if name in Settings.model_fields}
    return make_settings(**own | values)


def read(path: str | Path) -> dict[str, Any]:
    """The settings in a file, checked; those it does not name are missing.

    Args:
        path: a file with the suffix ``.toml`` or ``.json``. Paths in it are relative to its place.

    Raises:
        ConfigError: listing every problem of the file with file name, key and reason.
    """
    path = Path(path)
    document = _parsed(path)
    problems = []
    if not isinstance(document.pop(SCHEMA_KEY, ""), str):
        problems.append(f"{SCHEMA_KEY}: must be a string")
    try:
        checked(ServeSettings, document)
    except SettingsError as error:
        problems += [f"{name}: {reason}" for name, reason in error.problems]
    if problems:
        raise _refused(path, problems)
    for name in _PATHS:
        if document.get(name) is not None:
            document[name] = str(path.parent / document[name])
    return document


def schema() -> JsonSchemaValue:
    """The JSON Schema (draft 2020-12) of a configuration file, made from the settings."""
    made = ServeSettings.model_json_schema(schema_generator=_Untitled)
    properties = {SCHEMA_KEY: {"type": "string", "description": "For editors."}}
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **made,
        "title": "Configuration file of runa-mock",
        "description": "What `runa-mock serve --config FILE` reads, as TOML or JSON.",
        "properties": properties | made["properties"],
    }


def published_schema() -> str:
    """The text of the JSON Schema that comes with the package."""
    file = resources.files("runa_mock_server").joinpath("data/config.schema.json")
    return file.read_text(encoding="utf-8")


class _Untitled(GenerateJsonSchema):
    """Without titles, which would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def _parsed(path: Path) -> dict[str, Any]:
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise _refused(path, [f"must end in {' or '.join(_PARSERS)}"])
    try:
        document = parse(read_text(path))
    except (UnreadableFileError, _SyntaxError) as error:
        raise _refused(path, [str(error)]) from None
    if not isinstance(document, dict):
        raise _refused(path, ["must be an object of settings"])
    return document


class _SyntaxError(Exception):
    """The text is not what its file's suffix says; the message says where."""


def _toml(text: str) -> Any:
    import tomllib  # noqa: PLC0415 - most servers read no file

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _SyntaxError("is not TOML: nested too deeply") from None
    except ValueError as error:  # also of integers that are too long
        lines = text.split("\n")
        end = f"at line {len(lines)}, column {len(lines[-1]) + 1}"
        reason = str(error).replace("at end of document", end)
        raise _SyntaxError(f"is not TOML: {reason}") from None


def _json(text: str) -> Any:
    try:
        return strict_json.parse(text.encode(), exact=False)
    except strict_json.MalformedJsonError as error:
        raise _SyntaxError(f"is not JSON: {error}") from None


_PARSERS: Mapping[str, Callable[[str], Any]] = {".toml": _toml, ".json": _json}


def _refused(path: Path, problems: Iterable[str]) -> ConfigError:
    return ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
