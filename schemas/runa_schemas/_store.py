"""The files of this package: which schemas there are, and their text."""

import difflib
import json
from functools import cache
from importlib.resources import files
from typing import Any

_PACKAGE = files(__package__)
_SUFFIX = ".json"


class UnknownSchemaError(LookupError):
    """No schema has this name; the message offers the nearest one that exists.

    Attributes:
        name: The name that was asked for.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.name, names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "names() lists the known ones."
        return f"there is no schema named {self.name!r}; {hint}"


@cache
def names() -> tuple[str, ...]:
    """Give the names of all schemas, sorted; each is a file name in ``json`` without its ending."""
    found = (entry.name for entry in (_PACKAGE / "json").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


@cache
def read_text(*path: str) -> str:
    """Give the text of a file of this package, read once.

    Args:
        path: The folders, then the file, below the package.
    """
    return _PACKAGE.joinpath(*path).read_text(encoding="utf-8")


def schema_text(name: str) -> str:
    """Give a schema as JSON text.

    Args:
        name: One of ``names()``.

    Raises:
        UnknownSchemaError: No schema has this name.
    """
    if name not in names():
        raise UnknownSchemaError(name)
    return read_text("json", f"{name}{_SUFFIX}")


def load(name: str) -> dict[str, Any]:
    """Give a schema as a fresh value, which the caller may change.

    Args:
        name: One of ``names()``, such as ``"new_order"``.

    Returns:
        The parsed JSON Schema, draft 2020-12. Its ``$ref``s are relative to its ``$id`` and name
        other schemas of this package.

    Raises:
        UnknownSchemaError: No schema has this name.
    """
    schema: dict[str, Any] = json.loads(schema_text(name))
    return schema
