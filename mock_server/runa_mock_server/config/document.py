"""Configuration files as documents: TOML or JSON, read but not checked."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from runa_mock_server.base import strict_json
from runa_mock_server.base.text_file import UnreadableFileError, read_text


class ConfigError(ValueError):
    """A configuration file that cannot be used; the message lists every problem, one a line."""


def parse(path: Path) -> dict[str, Any]:
    """What a file says, by the names of settings.

    Args:
        path: a file with the suffix ``.toml`` or ``.json``.

    Raises:
        ConfigError: if it cannot be read, or is no object.
    """
    parser = _PARSERS.get(path.suffix.lower())
    if parser is None:
        raise refused(path, [f"must end in {' or '.join(_PARSERS)}"])
    try:
        document = parser(read_text(path))
    except (UnreadableFileError, _SyntaxError) as error:
        raise refused(path, [str(error)]) from None
    if not isinstance(document, dict):
        raise refused(path, ["must be an object of settings"])
    return document


def refused(path: Path, problems: Iterable[str]) -> ConfigError:
    """The error for a file with these problems."""
    return ConfigError("\n".join(f"{path}: {problem}" for problem in problems))


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
