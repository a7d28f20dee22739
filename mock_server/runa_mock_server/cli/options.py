"""A flag for every setting, and what applies in the end: flag over variable over file."""

import os
from collections.abc import Callable, Mapping
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from runa_mock_server.base.errors import SettingsError
from runa_mock_server.config.file import ConfigError, read, settings_to_serve
from runa_mock_server.config.flags import flag_of, variables_of
from runa_mock_server.config.plain_settings import properties

if TYPE_CHECKING:
    from runa_mock_server.config.serve_settings import ServeSettings

_TYPES = {"integer": int, "number": float, "string": str}
_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar=variables_of("config"),
    show_envvar=True,
    metavar="FILE",
    help="File with settings, TOML or JSON; flags and variables beat it.",
)


class RefusedError(click.ClickException):
    """A file that the user named cannot be used: wrong usage, but not of the flags."""

    exit_code = 2


class Source(NamedTuple):
    """Where a value came from.

    Attributes:
        kind: ``flag``, ``variable``, ``file`` or ``default``.
        name: of the flag, the variable or the file; empty for a default.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


class Effective(NamedTuple):
    """The settings that apply, and for each by its name where it came from."""

    settings: "ServeSettings"
    sources: Mapping[str, Source]


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--config`` and a flag for every setting.

    It is called with the ``Effective`` settings first, and then with its own options.
    """

    @wraps(command)
    def resolved(config: Path | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in properties()}
        command(_effective(config, flags), **given)

    options = [_CONFIG, *(_option(name, schema) for name, schema in properties().items())]
    return reduce(lambda made, option: option(made), reversed(options), resolved)


def read_config(path: Path | None) -> dict[str, Any]:
    """The settings in the file that ``--config`` names; none without one.

    Raises:
        RefusedError: if the file cannot be used.
    """
    try:
        return {} if path is None else read(path)
    except ConfigError as error:
        raise RefusedError(str(error)) from None


def _effective(config: Path | None, flags: Mapping[str, Any]) -> Effective:
    values = read_config(config)
    sources = dict.fromkeys(properties(), Source("default"))
    sources |= dict.fromkeys(values, Source("file", _printable(str(config))))
    for name, value in flags.items():
        source = _source(name, value)
        if source is not None:
            values[name], sources[name] = value, source
    try:
        return Effective(settings_to_serve(values), sources)
    except SettingsError as error:
        problems = [f"{sources[name].name}: {reason}" for name, reason in error.problems]
        raise click.UsageError("\n".join(problems)) from None


def _source(name: str, value: Any) -> Source | None:
    """The flag or the variable that a setting came in by, if it did."""
    match click.get_current_context().get_parameter_source(name):
        case ParameterSource.COMMANDLINE:
            return Source(
                "flag", flag_of(name) if value is not False else _switch_off(flag_of(name))
            )
        case ParameterSource.ENVIRONMENT:
            return Source("variable", next(v for v in variables_of(name) if os.environ.get(v)))
    return None


def _switch_off(flag: str) -> str:
    return f"--no-{flag[2:]}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _option(name: str, schema: Mapping[str, Any]) -> Callable[..., Callable[..., None]]:
    flag = flag_of(name)
    kinds = {schema.get("type"), *(part.get("type") for part in schema.get("anyOf", ()))}
    options: dict[str, Any] = {
        "default": schema.get("default"),
        "envvar": variables_of(name),
        "help": schema["description"],
        "show_default": True,
        "show_envvar": True,
    }
    if "enum" in schema:
        options["metavar"] = f"[{'|'.join(schema['enum'])}]"
    if "boolean" in kinds:
        return click.option(f"{flag}/{_switch_off(flag)}", name, **options)
    if kinds & {"array", "object"}:
        return click.option(flag, name, multiple=True, **options | {"default": None})
    kind = next(_TYPES[kind] for kind in _TYPES if kind in kinds)
    return click.option(flag, name, type=kind, **options)
