"""The types that the public interface of the contract names are exported."""

import sys
from types import ModuleType

import pytest

from support.exports import unexported

PACKAGES = [
    "runa_schemas",
    "runa_schemas.contract_data",
    "runa_schemas.strategies",
    "runa_schemas.stateful",
]


def test_every_type_that_public_callables_name_is_exported() -> None:
    """Parameters, results, fields and documented errors have types that users can import."""
    assert unexported(PACKAGES) == set()


class _Hidden:
    """A type that its module does not export."""


class HiddenError(Exception):
    """An error that its module does not export."""


class Shown:
    """A type that names others in each way that the walk knows."""

    field: list[_Hidden]

    def method(self, *, hidden: _Hidden | None) -> None:
        """Take a type."""

    @property
    def attribute(self) -> dict[str, _Hidden]:
        """A type."""
        return {}


def raising() -> None:
    """Do nothing.

    Raises:
        HiddenError: Never.
        ValueError: Never.
    """


def test_the_walk_finds_types_that_are_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Types are found in fields, parameters, results and the errors of a docstring."""
    module = ModuleType("runa_schemas.example")
    for part in (_Hidden, HiddenError, Shown, raising):
        monkeypatch.setattr(part, "__module__", module.__name__)
        setattr(module, part.__name__, part)
    vars(module)["__all__"] = ["Shown", "raising"]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert unexported([module.__name__]) == {
        "runa_schemas.example.Shown names runa_schemas.example._Hidden",
        "runa_schemas.example.Shown.method names runa_schemas.example._Hidden",
        "runa_schemas.example.Shown.attribute names runa_schemas.example._Hidden",
        "runa_schemas.example.raising raises HiddenError",
    }
