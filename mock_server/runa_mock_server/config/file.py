"""Configuration files: the settings of ``runa-mock serve``, in TOML or JSON.

Every key is the name of a setting; a value is what ``MockServer`` takes for it. A key ``$schema``
is for editors and means nothing here. ``data/config.schema.json`` is the JSON Schema of such files.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from runa_mock_server.base import strict_json
from runa_mock_server.base.errors import SettingsError
from runa_mock_server.base.text_file import UnreadableFileError, read_text
from runa_mock_server.config.flags import SCHEMA_KEY
from runa_mock_server.config.plain_settings import plain_serve_settings

if TYPE_CHECKING:
    from runa_mock_server.config.serve_settings import ServeSettings
    from runa_mock_server.config.settings import Settings

_PATHS = ("catalogue",)  # settings that name a file


class ConfigError(ValueError):
    """A configuration file that cannot be used; the message lists every problem, one a line."""


def load_settings(path: str | Path | None, **values: Any) -> "Settings":
    """The settings of a server inside Python: what a file says, unless a value says otherwise.

    What the file says about the log is for ``runa-mock serve``, and ignored here.

    Args:
        path: the configuration file, or ``None`` for none.
        **values: single settings, which beat those of the file.

    Raises:
        ConfigError: if the file cannot be used.
        SettingsError: for a value that does not fit.
    """
    from runa_mock_server.config.settings import Settings, make_settings  # noqa: PLC0415 - loads pydantic

    file = {} if path is None else read(path)
    own = {name: value for name, value in file.items() if name in Settings.model_fields}
    return make_settings(**own | values)


def settings_to_serve(values: Mapping[str, Any]) -> "ServeSettings":
    """The settings of ``runa-mock serve`` from loose values, the defaults for all others.

    Raises:
        SettingsError: naming each setting that is unknown or does not fit, and why.
    """
    plain = plain_serve_settings(values)
    if plain is not None:
        return cast("ServeSettings", plain)
    from runa_mock_server.config.serve_settings import ServeSettings  # noqa: PLC0415 - loads pydantic
    from runa_mock_server.config.settings import checked  # noqa: PLC0415 - as above

    return checked(ServeSettings, values)


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
        settings_to_serve(document)
    except SettingsError as error:
        problems += [f"{name}: {reason}" for name, reason in error.problems]
    if problems:
        raise _refused(path, problems)
    for name in _PATHS:
        if document.get(name) is not None:
            document[name] = str(path.parent / document[name])
    return document


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
