"""``runa-mock demo``."""

import signal

import click

from runa_mock_server.base.signals import stopped_by_signals
from runa_mock_server.cli import demo_steps as story


@click.command("demo")
@click.option("--keep", is_flag=True, help="Keep the server running afterwards, until Ctrl-C.")
def command(*, keep: bool) -> None:
    """Show an order that survives a cut connection."""
    with stopped_by_signals():
        raise SystemExit(story.run(signal.pause if keep else None))
