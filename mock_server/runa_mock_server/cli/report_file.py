"""The options ``--format`` and ``--output`` of commands that write a report."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from runa_mock_server.cli.errors import RefusedError


def report_options(
    forms: Collection[str],
    default: str = "text",
    written: str = "Write the report there; progress still goes to standard output.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command ``--format``, as ``form``, and ``--output``.

    Args:
        forms: the names of the forms.
        default: the form without the option.
        written: the help of ``--output``.
    """
    form = click.option(
        "--format",
        "form",
        type=click.Choice(tuple(forms)),
        default=default,
        show_default=True,
        help="The form of the report.",
    )
    output = click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help=written,
    )
    return lambda command: form(output(command))


def check_writable(file: Path, option: str = "--output") -> None:
    """See whether a file can be written; it is left as it was, or absent.

    Raises:
        RefusedError: if it cannot be written; the message names the option.
    """
    with refused(file, option):
        existed = file.exists()
        file.open("a").close()
        if not existed:
            file.resolve().unlink()


def write_report(file: Path, text: str) -> None:
    """Write a report.

    Raises:
        RefusedError: if it cannot be written.
    """
    with refused(file):
        file.write_text(text, encoding="utf-8")


@contextmanager
def refused(file: Path | None, option: str = "--output") -> Iterator[None]:
    """Refuse a file that cannot be used, by the name of its option."""
    try:
        yield
    except OSError as error:
        raise RefusedError(f"{option}: {file}: {error.strerror}") from None
