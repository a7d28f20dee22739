"""Text files that users name."""

from pathlib import Path


class UnreadableFileError(Exception):
    """A file that cannot be read as text; the message gives the reason, without the name."""


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, without the byte order mark that some editors write.

    Raises:
        UnreadableFileError: if it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode().removeprefix("\ufeff")
    except OSError as error:
        raise UnreadableFileError(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"is not UTF-8: byte {error.start} cannot be read") from None
    except ValueError as error:  # a name that no file can have
        raise UnreadableFileError(f"cannot be read: {error}") from None
