"""``runa-mock report``: the go-live report, from recorded traffic."""

from pathlib import Path

import click

from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.cli.report_file import report_options, write_report
from runa_mock_server.testing.go_live.reading import TrafficError, read
from runa_mock_server.testing.go_live.rendering import FORMATS
from runa_mock_server.testing.go_live.report import FailOn, evaluate

_FAILED = 1


@click.command("report")
@click.argument("traffic", nargs=-1, required=True, metavar="TRAFFIC...")
@report_options(
    FORMATS, "markdown", "Write the report there, and only the verdict to standard output."
)
@click.option(
    "--fail-on",
    type=click.Choice(("violated", "unproven")),
    help="Exit with 1 if a rule is violated; with `unproven` also if one is not exercised.",
)
@click.option(
    "--token",
    envvar="RUNA_MOCK_CONTROL_TOKEN",
    metavar="TOKEN",
    help="The --control-token of servers whose traffic is fetched.",
)
def command(
    traffic: tuple[str, ...],
    form: str,
    output: Path | None,
    fail_on: FailOn | None,
    token: str | None,
) -> None:
    """Judge recorded traffic by the provider's rules for production.

    TRAFFIC is a file written by `pytest --runa-traffic`, `serve --traffic` or `check-client
    --traffic`, a folder of such files, or the URL of a running mock server. Each rule is proven,
    violated, not exercised, or not checkable here, with the requests that show it.
    """
    try:
        report = evaluate(read(traffic, token))
    except TrafficError as error:
        raise RefusedError(str(error)) from None
    text = FORMATS[form](report)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_report(output, text)
        click.echo(f"{report.verdict} {report.summary}")
    if report.fails(fail_on):
        raise SystemExit(_FAILED)
