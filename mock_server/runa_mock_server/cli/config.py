"""``runa-mock config``: the settings that would apply, and where each came from."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import tomli_w

from runa_mock_server.cli.options import Effective, Source, takes_settings
from runa_mock_server.config.schema import schema
from runa_mock_server.config.serve_settings import ServeSettings
from runa_mock_server.store.urls import shown

_HIDDEN = "***"


class _Row(NamedTuple):
    name: str
    value: Any  # of types that JSON has
    source: Source
    hidden: bool


def _text(rows: Iterable[_Row]) -> str:
    cells = [
        (row.name, json.dumps(_shown(row), ensure_ascii=False), str(row.source)) for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _json(rows: Iterable[_Row]) -> str:
    shown = {row.name: {"value": _shown(row), "source": str(row.source)} for row in rows}
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _toml(rows: Iterable[_Row]) -> str:
    """A configuration file; what it cannot hold, or should not, is told in comments."""
    tables_last = sorted(rows, key=lambda row: not row.hidden and _is_table(row.value))
    return "\n".join(_toml_entry(row) for row in tables_last).rstrip()


def _is_table(value: Any) -> bool:
    """Whether TOML writes it below a head of its own, to which belongs all that follows."""
    if isinstance(value, list):
        return any(_is_table(each) for each in value)
    return isinstance(value, Mapping)


def _toml_entry(row: _Row) -> str:
    if row.hidden:
        return f"# {row.source}\n# {row.name}: hidden; --show-secrets shows it\n"
    if row.value is None:  # TOML has no null
        return f"# {row.source}\n# {row.name}: none\n"
    return f"# {row.source}\n{tomli_w.dumps({row.name: row.value})}"


def _shown(row: _Row) -> Any:
    return _HIDDEN if row.hidden else row.value


_WRITERS: Mapping[str, Callable[[Iterable[_Row]], str]] = {
    "text": _text,
    "toml": _toml,
    "json": _json,
}


def _print_schema(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    if wanted:
        click.echo(json.dumps(schema(), indent=2))
        context.exit()


@click.command("config")
@takes_settings
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(_WRITERS)),
    default="text",
    show_default=True,
    help="Output format; toml is a configuration file.",
)
@click.option("--show-secrets", is_flag=True, help="Print API keys, tokens and secrets.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of configuration files and exit.",
)
def command(effective: Effective, form: str, *, show_secrets: bool) -> None:
    """Print the effective settings and the source of each."""
    click.echo(_WRITERS[form](_rows(effective, show_secrets=show_secrets)))


def _rows(effective: Effective, *, show_secrets: bool) -> list[_Row]:
    values = effective.settings.model_dump(mode="json")
    if not show_secrets:
        values["store"] = shown(values["store"])
    if values["catalogue"] is not None:  # what is printed may be read from another directory
        values["catalogue"] = str(Path(values["catalogue"]).absolute())
    secrets = set() if show_secrets else _secrets()
    if not show_secrets and any("secret" in webhook for webhook in values["webhooks"]):
        secrets.add("webhooks")
    return [
        _Row(name, value, effective.sources[name], bool(value) and name in secrets)
        for name, value in values.items()
    ]


def _secrets() -> set[str]:
    return {
        name
        for name, field in ServeSettings.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("writeOnly")
    }
