"""``runa-mock demo``."""

import click

from runa_mock_server.cli import demo_steps as story


@click.command("demo")
def command() -> None:
    """Place the guide's first orders on a server of its own, and show what happens."""
    raise SystemExit(story.run())
