"""``runa-mock rules``: the rules of the contract and the evidence for each."""

from pathlib import Path

import click

from runa_conformance import TargetError, read_recording, rules_as_json, rules_as_text
from runa_mock_server.cli.errors import RefusedError


@click.command("rules")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="The form of the table.",
)
@click.option(
    "--recording",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Tell for each rule whether it held when that was recorded.",
)
def command(form: str, recording: Path | None) -> None:
    """List the rules of the contract and the evidence for each.

    A rule is recorded in traffic of the provider's playground, documented by the provider, or
    inferred where both are silent or disagree.
    """
    try:
        seen = None if recording is None else read_recording(recording)
    except TargetError as error:
        raise RefusedError(str(error)) from None
    table = rules_as_text if form == "text" else rules_as_json
    click.echo(table(seen), nl=False)
