"""The command ``runa-mock``.

Every setting is a flag; an environment variable with the prefix ``RUNA_MOCK_`` stands in for a
flag that is not given, and a configuration file for both. Exit codes: 0 done, 1 it could not be
done, 2 wrong usage; 128 plus the number of a signal that ended ``check-client`` or
``check-webhooks``.
"""

import os
from importlib import import_module

import click

from runa_mock_server._version import __version__
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.cli.loading import loading

_COMMANDS = {
    "check-client": "Run a client against a misbehaving mock server.",
    "check-webhooks": "Check a webhook handler with all kinds of deliveries.",
    "config": "Print the effective settings and the source of each.",
    "conform": "Check that a server keeps the contract.",
    "demo": "Show an order that survives a cut connection.",
    "health": "Ask a server whether it is up: exit 0 if it is, 1 if not.",
    "report": "Judge recorded traffic by the provider's rules for production.",
    "rules": "List the rules of the contract and the evidence for each.",
    "serve": "Serve until SIGINT, SIGTERM or SIGHUP.",
    "store": "Look at a store, check it, compact it or copy it.",
    "trigger": "Make something happen on a running mock server.",
}


_POSIX_ONLY = frozenset({"check-client", "serve"})


class _Late(click.Group):
    """Imports a command when it is run: ``health`` does not wait for what ``serve`` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        if os.name == "nt" and cmd_name in _POSIX_ONLY:
            raise RefusedError(
                f"runa-mock {cmd_name} does not run on Windows: its signals and process groups "
                "are those of POSIX. Run it in WSL or in a container."
            )
        with loading():
            module = import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Late)
@click.version_option(__version__, prog_name="runa-mock")
@click.pass_context
def main(context: click.Context) -> None:
    """An offline double of the Runa payouts API v2. Unofficial."""
    if os.environ.get("NO_COLOR"):
        context.color = False
