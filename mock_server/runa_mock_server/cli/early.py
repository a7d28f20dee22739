"""Listening where ``serve`` is told to, before the settings that define its options are loaded."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from runa_mock_server.base.listening import PortBusyError, bind
from runa_mock_server.cli.setting_option import SettingOption
from runa_mock_server.config.document import ConfigError, parse
from runa_mock_server.config.flags import CONFIG, DEFAULT_HOST, DEFAULT_PORT, HOST, PORT

_PORTS = range(65_536)


class Early(NamedTuple):
    """Sockets that listen before the settings are loaded, and what they were bound to."""

    hosts: tuple[str, ...]
    port: int
    sockets: list[socket.socket]


_COMMAND = click.Command(
    "serve",
    params=[
        SettingOption([HOST.flag, "host"], names=HOST, multiple=True),
        SettingOption([PORT.flag, "port"], names=PORT, type=int),
        SettingOption([CONFIG.flag, "config"], names=CONFIG, type=click.Path(path_type=Path)),
    ],
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)


def listen_early(arguments: Sequence[str]) -> Early | None:
    """Listen where the arguments, the variables or the configuration file say.

    Nothing is reported here: what is wrong is found, and told, when the settings are checked.

    Returns:
        ``None`` if the address cannot be told or listened on.
    """
    given = _COMMAND.make_context("serve", list(arguments), resilient_parsing=True).params
    file: dict[str, Any] = {}
    if given["config"] is not None:
        try:  # what is no regular file, such as a pipe, can be read only once
            file = parse(given["config"]) if given["config"].is_file() else {}
        except ConfigError:
            return None
    hosts = given["host"] or file.get("host", DEFAULT_HOST)
    hosts = (hosts,) if isinstance(hosts, str) else hosts
    port = file.get("port", DEFAULT_PORT) if given["port"] is None else given["port"]
    if not _are_hosts(hosts) or type(port) is not int or port not in _PORTS:
        return None
    try:
        return Early(tuple(hosts), port, bind(hosts, port))
    except PortBusyError:
        return None


def _are_hosts(given: Any) -> bool:
    return isinstance(given, list | tuple) and all(isinstance(host, str) for host in given)
