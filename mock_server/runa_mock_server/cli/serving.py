"""The command behind ``runa-mock serve``, whose options are the settings.

Importing this loads the settings' model, and pydantic with it.
"""

from pathlib import Path

import click

from runa_mock_server.cli.early import Early
from runa_mock_server.cli.loading import loading
from runa_mock_server.cli.option_groups import GroupedCommand
from runa_mock_server.cli.options import Effective, takes_settings


@click.command("serve", cls=GroupedCommand)
@takes_settings
@click.option(
    "--traffic",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Record the requests there, redacted, for `runa-mock report`.",
)
def command(effective: Effective, traffic: Path | None) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP."""
    with loading():
        from runa_mock_server.cli.running import run  # noqa: PLC0415 - loads the server; --help needs none
    run(effective.settings, click.get_current_context().find_object(Early), traffic)
