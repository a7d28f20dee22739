"""Which types of ours the public interface of a package names, and which of them it exports."""

import builtins
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

OURS = ("runa_schemas", "runa_client", "runa_conformance", "runa_mock_server", "runa_pytest")
_RAISES = re.compile(r"^ *Raises:\n((?:[ ]+.*\n|\n)+)", re.MULTILINE)
_RAISED = re.compile(r"^ *([A-Za-z_][\w.]*):", re.MULTILINE)


def unexported(packages: Iterable[str], others: Iterable[str] = ()) -> set[str]:
    """The types of ours that public callables name and no public module exports.

    Args:
        packages: The modules whose ``__all__`` is walked: functions, classes with their fields and
            public methods, what they take, return, and say that they raise.
        others: Further modules whose ``__all__`` counts as exported.

    Returns:
        A line for each type that is missing, with a callable that names it.
    """
    modules = [importlib.import_module(name) for name in packages]
    known = [*modules, *(importlib.import_module(name) for name in others)]
    exported = {id(getattr(module, name)) for module in known for name in module.__all__}
    names = {name for module in known for name in module.__all__}
    missing = set()
    for module in modules:
        for place, part in _public_parts(module):
            for found in _types_in(_hints(part)):
                if _is_ours(found) and id(found) not in exported:
                    missing.add(f"{place} names {found.__module__}.{found.__qualname__}")
            for raised in _raised(part):
                if raised not in names and not hasattr(builtins, raised) and "." not in raised:
                    missing.add(f"{place} raises {raised}")
    return missing


def _public_parts(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What ``__all__`` names, and the public methods of classes, each with its place."""
    for name in module.__all__:
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        yield f"{module.__name__}.{name}", value
        if not inspect.isclass(value):
            continue
        for owner in filter(_is_ours, value.__mro__):
            for attribute, member in vars(owner).items():
                function = _function(member)
                is_public = not attribute.startswith("_") or attribute in {"__init__", "__call__"}
                if function is not None and is_public:
                    yield f"{module.__name__}.{name}.{attribute}", function


def _function(member: object) -> Callable[..., object] | None:
    if isinstance(member, property):
        return member.fget
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    wrapped = getattr(member, "func", member)  # a cached property
    return wrapped if inspect.isfunction(wrapped) else None


def _hints(part: Any) -> list[Any]:
    """The annotations of a function, or of the fields that a class of ours declares."""
    owners = filter(_is_ours, part.__mro__) if inspect.isclass(part) else [part]
    found = []
    for owner in owners:
        # get_type_hints would also evaluate the annotations of other libraries' base classes.
        declared = SimpleNamespace(__annotations__=inspect.get_annotations(owner))
        hints = typing.get_type_hints(declared, vars(sys.modules[owner.__module__]))
        found += [hint for name, hint in hints.items() if not name.startswith("_")]
    return found


def _types_in(hints: Iterable[Any]) -> Iterator[type]:
    """The classes in annotations, inside of generic types and callables too."""
    for hint in hints:
        outer = typing.get_origin(hint) or hint
        if inspect.isclass(outer):
            yield outer
        yield from _types_in(hint if isinstance(hint, list) else typing.get_args(hint))


def _is_ours(found: type) -> bool:
    return found.__module__.partition(".")[0] in OURS


def _raised(part: Any) -> list[str]:
    text = inspect.getdoc(part) or ""
    section = _RAISES.search(text + "\n")
    return _RAISED.findall(section[1]) if section else []
