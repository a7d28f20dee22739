"""The command ``runa-mock``.

Every setting is a flag; an environment variable with the prefix ``RUNA_MOCK_`` stands in for a
flag that is not given. Exit codes: 0 done, 1 it could not be done, 2 wrong usage.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Any

import click

from runa_mock_server import logs
from runa_mock_server._version import __version__
from runa_mock_server.catalogue import CatalogueError
from runa_mock_server.settings import Settings, SettingsError, make_settings
from runa_mock_server.web.http_server import HttpServer, PortBusyError
from runa_mock_server.world import World

DEFAULT_PORT = 8484
PREFIX = "RUNA_MOCK"

# What can be given several times reads better in the singular.
_FLAGS = {"api_keys": "api_key", "balances": "balance", "templates": "template"}
_MORE_VARIABLES = {"port": ["PORT"]}  # what hosting platforms set
_TYPES = {"integer": int, "number": float, "string": str}

log = logging.getLogger(__name__)
announcement = logging.getLogger(f"{__name__}.announcement")
announcement.setLevel(logging.INFO)  # whatever the log level: who asked for port 0 needs the URL


@click.group()
@click.version_option(__version__, prog_name="runa-mock")
def main() -> None:
    """An offline double of the Runa payouts API v2. Unofficial."""


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting; help texts and types are the model's."""
    properties = Settings.model_json_schema()["properties"]
    for name in reversed(properties):  # the last decorator's option is listed first
        command = _option(name, properties[name])(command)
    return command


def flag_of(name: str) -> str:
    """The flag that sets a setting."""
    return "--" + _FLAGS.get(name, name).replace("_", "-")


def _variable_of(name: str) -> str:
    return f"{PREFIX}_{flag_of(name)[2:].replace('-', '_').upper()}"


def _given_as(name: str) -> str:
    """How the value of a setting came in: its flag, or its variable."""
    source = click.get_current_context().get_parameter_source(name)
    from_variable = source is click.core.ParameterSource.ENVIRONMENT
    return _variable_of(name) if from_variable else flag_of(name)


def _option(name: str, schema: dict[str, Any]) -> Callable[..., Callable[..., None]]:
    flag = flag_of(name)
    kinds = {schema.get("type"), *(part.get("type") for part in schema.get("anyOf", ()))}
    options: dict[str, Any] = {
        "default": DEFAULT_PORT if name == "port" else schema.get("default"),
        "envvar": [_variable_of(name), *_MORE_VARIABLES.get(name, ())],
        "help": schema["description"],
        "show_default": True,
        "show_envvar": True,
    }
    if "boolean" in kinds:
        return click.option(f"{flag}/--no-{flag[2:]}", name, **options)
    if kinds & {"array", "object"}:
        return click.option(flag, name, multiple=True, **options | {"default": None})
    kind = next(_TYPES[kind] for kind in _TYPES if kind in kinds)
    return click.option(flag, name, type=kind, **options)


def _choice(
    name: str, choices: Sequence[str], default: str, help_: str
) -> Callable[..., Callable[..., None]]:
    """An option of ``serve`` that is no setting of the server."""
    return click.option(
        flag_of(name),
        type=click.Choice(choices),
        default=default,
        envvar=_variable_of(name),
        show_default=True,
        show_envvar=True,
        help=help_,
    )


@main.command()
@_with_settings
@_choice("log_level", logs.LEVELS, "info", "How much to log; a line a request at info.")
@_choice("log_format", logs.FORMATS, "text", "How to log.")
def serve(log_level: str, log_format: str, **given: Any) -> None:
    """Serve until SIGINT or SIGTERM."""
    logs.configure(log_level, log_format)
    values = {name: value for name, value in given.items() if value not in (None, ())}
    try:
        world = World(make_settings(**values))
    except SettingsError as error:
        problems = [f"{_given_as(name)}: {reason}" for name, reason in error.problems]
        raise click.UsageError("\n".join(problems)) from None
    except CatalogueError as error:
        raise click.UsageError(str(error)) from None
    try:
        asyncio.run(_serve(world))
    except PortBusyError as error:
        raise click.ClickException(f"{error}; choose another with --port") from None


async def _serve(world: World) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    world.stop = stopped.set
    server = HttpServer(world)
    url = await server.start()
    gc.freeze()  # what was loaded stays: the collector need not walk it again and again
    announcement.info("runa-mock %s (%s) serves %s/v2", __version__, world.profile.name, url)
    await stopped.wait()
    await server.stop()
    log.info("stopped")


@main.command()
def demo() -> None:
    """Place the guide's first orders on a server of its own, and show what happens."""
    from runa_mock_server import demo as story  # noqa: PLC0415 - the client is not needed to serve

    raise SystemExit(story.run())
