"""``runa-mock demo``."""

import click

from runa_mock_server.cli import demo_steps as story


@click.command("demo")
def command() -> None:
    """Place the first orders of the provider's guide on a mock server."""
    raise SystemExit(story.run())
