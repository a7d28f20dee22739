"""The option ``--output`` of commands that write a report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runa_mock_server.cli.errors import RefusedError


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
