"""How the help of ``serve`` lists its many options: the common ones by group, all on request."""

import copy
from collections.abc import Sequence
from typing import Any

import click

COMMON: tuple[tuple[str, Sequence[str]], ...] = (
    ("Server", ("config", "host", "port", "public_url", "store", "workers", "ready_file")),
    ("Environment", ("profile", "strict", "api_keys", "balances", "rate_limit", "catalogue")),
    ("Orders and time", ("processing", "trigger_error", "clock", "seed")),
    ("Webhooks and emails", ("webhooks", "smtp")),
    ("Control API and log", ("control", "control_token", "log_level", "log_format")),
)
"""The options that ``--help`` shows; ``--help-all`` shows every one."""

METAVARS = {
    "api_keys": "KEY",
    "balances": "CURRENCY=AMOUNT",
    "catalogue": "FILE",
    "clock": "TIME",
    "control_hosts": "HOST",
    "control_token": "TOKEN",
    "host": "ADDRESS",
    "processing": "RULE",
    "public_url": "URL",
    "ready_file": "FILE",
    "redemption_error": "CODE",
    "smtp": "HOST:PORT",
    "smtp_from": "ADDRESS",
    "store": "URL",
    "templates": "ID=CODE,CODE",
    "trigger_error": "TYPE",
    "webhooks": "URL=EVENT",
}
"""What stands for the value of an option whose value is text."""

HELP_ALL = "--help-all"


class GroupedCommand(click.Command):
    """A command whose ``--help`` has the common options only, in groups."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.append(
            click.Option(
                [HELP_ALL],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_all,
                help="Show every option with its variable.",
            )
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups; every option where all were asked for."""
        options = {option.name: option for option in self.get_params(ctx)}
        if ctx.meta.get(HELP_ALL):
            super().format_options(ctx, formatter)
            return
        common = [name for _, names in COMMON for name in names]
        rest = ["help_all", "help"]
        for title, names in (*COMMON, ("Help", rest)):
            records = [
                record
                for name in names
                if name in options and (record := _brief(options[name], ctx)) is not None
            ]
            with formatter.section(title):
                formatter.write_dl(records)
        more = len(options) - len(rest) - sum(name in options for name in common)
        formatter.write_paragraph()
        formatter.write_text(
            f"{more} more options: {HELP_ALL}. Each option is also an environment variable, "
            "such as RUNA_MOCK_PORT, and a key of the configuration file."
        )


def _brief(option: click.Parameter, ctx: click.Context) -> tuple[str, str] | None:
    """The lines of an option without its variable."""
    shown = copy.copy(option)
    if isinstance(shown, click.Option):
        shown.show_envvar = False
    return shown.get_help_record(ctx)


def _show_all(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    if wanted and not ctx.resilient_parsing:
        ctx.meta[HELP_ALL] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()
