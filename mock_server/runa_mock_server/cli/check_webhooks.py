"""``runa-mock check-webhooks``: is a webhook handler, in any language, right?"""

from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from runa_mock_server.base.signals import aborted_by_signals
from runa_mock_server.cli.errors import RefusedError
from runa_mock_server.cli.report_file import check_writable, refused, report_options, write_report
from runa_mock_server.contract.webhook_events import secret_bytes
from runa_mock_server.contract.webhook_subscription import Url
from runa_mock_server.testing.webhook_scenarios.checks import CHECKS, Finding
from runa_mock_server.testing.webhook_scenarios.observing import ObserveError, reader_of
from runa_mock_server.testing.webhook_scenarios.report import (
    FORMATS,
    checks_text,
    finding_text,
    summary_text,
)
from runa_mock_server.testing.webhook_scenarios.run import (
    TIMEOUT,
    Handler,
    UnreachableError,
    check_webhooks,
)
from runa_mock_server.testing.webhook_scenarios.traffic import write_traffic

_LONGEST = 600
_URL = TypeAdapter(Url)


def _url(_: click.Context, __: click.Parameter, given: str) -> str:
    try:
        return str(_URL.validate_python(given))
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise click.BadParameter(f"{given!r}: {reason}") from None


def _secret(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is not None:
        try:
            secret_bytes(given)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return given


def _seconds(_: click.Context, option: click.Parameter, given: float) -> float:
    lowest = 0 if option.name == "settle" else 0.1
    if not lowest <= given <= _LONGEST:  # click's own range would take a NaN
        raise click.BadParameter(f"must be seconds, {lowest:g} to {_LONGEST}")
    return given


def _print_list(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    if wanted:
        click.echo(checks_text(), nl=False)
        context.exit()


@click.command("check-webhooks")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_list,
    help="List the checks.",
)
@click.option("--url", required=True, callback=_url, help="URL of the running handler.")
@click.option(
    "--secret",
    envvar="RUNA_WEBHOOK_SECRET",
    metavar="whsec_…",
    callback=_secret,
    help="Secret that the handler verifies with [env: RUNA_WEBHOOK_SECRET].",
)
@click.option(
    "--old-secret",
    metavar="whsec_…",
    callback=_secret,
    help="Secret before the last rotation, which must be refused.",
)
@click.option(
    "--headers",
    type=click.Choice(("svix", "standard", "both")),
    default="svix",
    show_default=True,
    help="Header names: svix-*, webhook-* of Standard Webhooks, or both.",
)
@click.option(
    "--observe",
    "observed",
    metavar="COMMAND",
    help="Prints a count or state that only new events change.",
)
@click.option(
    "--observe-timeout",
    type=float,
    default=30.0,
    show_default=True,
    callback=_seconds,
    help="Seconds that COMMAND may take.",
)
@click.option(
    "--order-id",
    "order_ids",
    multiple=True,
    metavar="ID",
    help="Order that the handler knows; can be repeated.",
)
@click.option(
    "--timeout",
    type=float,
    default=TIMEOUT,
    show_default=True,
    callback=_seconds,
    help="Seconds within which the handler has to answer.",
)
@click.option(
    "--settle",
    type=float,
    default=0.5,
    show_default=True,
    callback=_seconds,
    help="Seconds that the handler may take to act after its answer.",
)
@click.option(
    "--skip",
    "skipped",
    multiple=True,
    type=click.Choice(tuple(CHECKS)),
    metavar="CHECK",
    help="Leave out this check; can be repeated.",
)
@report_options(FORMATS)
@click.option(
    "--traffic",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the deliveries there, for runa-mock report.",
)
def command(form: str, output: Path | None, traffic: Path | None, **options: Any) -> None:
    """Check a webhook handler with all kinds of deliveries.

    The handler runs already, with a secret of its own. It has to accept what the service sends
    and to refuse what it does not. Exit 0 if it does, 1 if not.
    """
    aside = form != "text" and output is None
    observed, observe_timeout = options.pop("observed"), options.pop("observe_timeout")

    def tell(finding: Finding) -> None:
        click.echo(finding_text(finding), err=aside)

    if output is not None:
        check_writable(output)
    if traffic is not None:
        check_writable(traffic, "--traffic")
    try:
        observe = None if observed is None else reader_of(observed, observe_timeout)
        with aborted_by_signals():
            report = check_webhooks(Handler(observe=observe, **options), tell)
    except ObserveError as error:
        raise RefusedError(f"--observe: {error}") from None
    except UnreachableError as error:
        raise RefusedError(f"--url: {options['url']} cannot be reached: {error}") from None
    click.echo(summary_text(report), err=aside)
    if traffic is not None:
        with refused(traffic, "--traffic"):
            write_traffic(traffic, report)
    if output is not None:
        write_report(output, FORMATS[form](report))
    elif aside:
        click.echo(FORMATS[form](report), nl=False)
    raise SystemExit(1 if report.count("failed") else 0)
