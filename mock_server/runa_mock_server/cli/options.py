"""A flag for every setting, and what applies in the end: flag over variable over file."""

import os
from collections.abc import Callable, Mapping
from functools import reduce, wraps
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import click
from click.core import ParameterSource

from runa_mock_server.base.errors import SettingsError
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.cli.option_groups import METAVARS
from runa_mock_server.cli.setting_option import SettingOption
from runa_mock_server.config.document import ConfigError
from runa_mock_server.config.file import read
from runa_mock_server.config.flags import CONFIG, PREFIX, unknown_variables
from runa_mock_server.config.nearest import nearest, suggestion
from runa_mock_server.config.serve_settings import NAMES, ServeSettings
from runa_mock_server.config.settings import checked

_VARIABLES = [variable for names in (*NAMES.values(), CONFIG) for variable in names.variables]


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

    settings: ServeSettings
    sources: Mapping[str, Source]


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--config`` and a flag for every setting.

    It is called with the ``Effective`` settings first, and then with its own options.
    """

    @wraps(command)
    def resolved(config: Path | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in NAMES}
        command(_effective(config, flags), **given)

    config = click.option(
        CONFIG.flag,
        "config",
        cls=SettingOption,
        names=CONFIG,
        type=click.Path(path_type=Path),
        show_envvar=True,
        metavar="FILE",
        help="Configuration file, TOML or JSON; flags and variables override it.",
    )
    options = [config, *map(_option, NAMES)]
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
    _refuse_unknown_variables()
    values = read_config(config)
    sources = dict.fromkeys(NAMES, Source("default"))
    sources |= dict.fromkeys(values, Source("file", _printable(str(config))))
    for name, value in flags.items():
        source = _source(name, value)
        if source is not None:
            values[name], sources[name] = value, source
    try:
        return Effective(checked(ServeSettings, values), sources)
    except SettingsError as error:
        problems = [f"{sources[name].name}: {reason}" for name, reason in error.problems]
        raise click.UsageError("\n".join(problems)) from None


def _refuse_unknown_variables() -> None:
    known = {
        variable.removeprefix(PREFIX): variable
        for variable in _VARIABLES
        if variable.startswith(PREFIX)
    }
    problems = []
    for variable in sorted(unknown_variables(_VARIABLES, os.environ)):
        near = nearest(variable.removeprefix(PREFIX), known)
        reason = suggestion(None if near is None else known[near])
        problems.append(f"{_printable(variable)}: there is no such variable{reason}")
    if problems:
        raise click.UsageError("\n".join(problems))


def _source(name: str, value: Any) -> Source | None:
    """The flag or the variable that a setting came in by, if it did."""
    flag = NAMES[name].flag
    match click.get_current_context().get_parameter_source(name):
        case ParameterSource.COMMANDLINE:
            return Source("flag", flag if value is not False else _switch_off(flag))
        case ParameterSource.ENVIRONMENT:
            return Source("variable", NAMES[name].variable_in(os.environ) or "")
    return None


def _switch_off(flag: str) -> str:
    return f"--no-{flag[2:]}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _option(name: str) -> Callable[..., Callable[..., None]]:
    """The option of a setting; its model says what is a switch, and what can be repeated."""
    field, names = ServeSettings.model_fields[name], NAMES[name]
    kinds = _kinds(field.annotation)
    options: dict[str, Any] = {
        "cls": SettingOption,
        "names": names,
        "default": field.default,
        "help": field.description,
        "show_default": True,
        "show_envvar": True,
    }
    if name in METAVARS:
        options["metavar"] = METAVARS[name]
    if bool in kinds:
        return click.option(f"{names.flag}/{_switch_off(names.flag)}", name, **options)
    if kinds & {dict, tuple}:
        shown = (field.default,) if isinstance(field.default, str) else tuple(field.default)
        options |= {"default": shown or None, "help": f"{field.description} Can be repeated."}
        return click.option(names.flag, name, multiple=True, type=str, **options)
    if Literal in kinds:
        options["metavar"] = f"[{'|'.join(get_args(field.annotation))}]"
    kind = next((kind for kind in (int, float) if kind in kinds), str)
    return click.option(names.flag, name, type=kind, **options)


def _kinds(annotation: Any) -> set[Any]:
    """The classes of values that a type allows, without what is said of their values."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return set().union(*map(_kinds, get_args(annotation)))
    return {origin or annotation}
