"""The command ``runa-mock``.

Every setting is a flag; an environment variable with the prefix ``RUNA_MOCK_`` stands in for a
flag that is not given, and a configuration file for both. Exit codes: 0 done, 1 it could not be
done, 2 wrong usage.
"""

import gc
from importlib import import_module

import click

from runa_mock_server._version import __version__

_COMMANDS = ("check-client", "config", "conform", "demo", "health", "rules", "serve")


class _Late(click.Group):
    """Imports a command when it is asked for: ``health`` does not wait for what ``serve`` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        collects = gc.isenabled()
        gc.disable()  # what is loaded stays: the collector would walk it again and again
        try:
            module = import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        finally:
            if collects:
                gc.freeze()
                gc.enable()
        command: click.Command = module.command
        return command


@click.group(cls=_Late)
@click.version_option(__version__, prog_name="runa-mock")
def main() -> None:
    """An offline double of the Runa payouts API v2. Unofficial."""
