"""The types of the Python controls: all of them exported, keywords as the models have them."""

import builtins
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel, TypeAdapter

import runa_mock_server
from runa_mock_server import MockServer, Settings
from runa_mock_server.config.settings import RUN_TIME
from runa_mock_server.control.models import RequestQuery
from runa_mock_server.control.product_models import ProductBody
from runa_mock_server.control.webhook_models import MessagesQuery, WebhookFaultBody
from runa_mock_server.control_client import keywords
from runa_mock_server.server_state.fault_spec import FaultSpec

PACKAGE = runa_mock_server.__name__
SPECIAL = {"__enter__", "__getitem__", "__iter__"}


def exported() -> dict[str, object]:
    """The public names and what they stand for."""
    package = import_module(PACKAGE)
    return {name: getattr(package, name) for name in package.__all__}


def is_public(name: str) -> bool:
    """Whether users call this."""
    return not name.startswith("_") or name in SPECIAL


def is_ours(thing: object) -> bool:
    """Whether something is defined in this package."""
    return (getattr(thing, "__module__", None) or "").startswith(PACKAGE)


def functions(owner: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class that are our own."""
    for name, member in inspect.getmembers(owner):
        function = member
        if isinstance(member, property):
            function = member.fget
        elif isinstance(member, cached_property):
            function = member.func
        if is_public(name) and is_ours(function) and inspect.isroutine(function):
            yield f"{owner.__name__}.{name}", function


def types_in(hint: object) -> Iterator[type]:
    """The classes of this package in an annotation."""
    if isinstance(hint, type) and is_ours(hint):
        yield hint
    for argument in get_args(hint):
        yield from types_in(argument)


def returned(owner: type) -> Iterator[tuple[str, type]]:
    """What the methods, properties and annotated attributes of a class give."""
    for name, function in functions(owner):
        hints = get_type_hints(function, localns={"requests": None})
        yield from ((name, found) for found in types_in(hints.get("return")))
    for name, hint in get_type_hints(owner).items():
        if is_public(name):
            yield from ((f"{owner.__name__}.{name}", found) for found in types_in(hint))


def test_every_type_that_a_public_method_returns_is_exported() -> None:
    """Also the types of the attributes of such a type, and so on."""
    public = exported()
    parts = vars(MockServer()).items()
    found = {(f"MockServer.{name}", type(part)) for name, part in parts if is_public(name)}
    waiting = [*(value for value in public.values() if isinstance(value, type))]
    waiting += [kind for _, kind in found]
    walked: set[type] = set()
    while waiting:
        owner = waiting.pop()
        if is_ours(owner) and owner not in walked:
            walked.add(owner)
            given = set(returned(owner))
            waiting += [kind for _, kind in given]
            found |= given
    missing = {
        f"{name} gives {kind.__name__}"
        for name, kind in found
        if is_ours(kind) and public.get(kind.__name__) is not kind
    }
    assert missing == set()
    assert {runa_mock_server.KeyEffects, runa_mock_server.OrdersControl} <= walked


def test_every_error_that_a_public_method_raises_is_exported() -> None:
    """What a docstring lists under `Raises` is exported, or is Python's own."""
    names = set()
    for value in exported().values():
        documented = [value]
        if isinstance(value, type):
            documented += [function for _, function in functions(value)]
        for each in documented:
            _, _, raises = (inspect.getdoc(each) or "").partition("Raises:\n")
            names |= set(re.findall(r"^    (\w+):", raises, re.MULTILINE))
    assert {"ConfigError", "PortBusyError", "RuntimeError"} <= names
    assert {name for name in names if not hasattr(builtins, name)} <= set(exported())


MIRRORS: dict[str, tuple[type, type[BaseModel], set[str]]] = {
    "SettingsChanges": (
        keywords.SettingsChanges,
        Settings,
        set(Settings.model_fields) - RUN_TIME,
    ),
    "ServerSettings": (keywords.ServerSettings, Settings, {"clock", "catalogue"}),
    "FaultFields": (keywords.FaultFields, FaultSpec, {"kind", "place"}),
    "WebhookFaultFields": (keywords.WebhookFaultFields, WebhookFaultBody, {"kind"}),
    "RequestFilters": (keywords.RequestFilters, RequestQuery, set()),
    "MessageFilters": (keywords.MessageFilters, MessagesQuery, set()),
    "ProductChanges": (keywords.ProductChanges, ProductBody, set()),
}


def shapes(schema: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """The JSON types that a schema allows, and its choices."""
    if "$ref" in schema:
        return shapes(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return set().union(*(shapes(each, definitions) for each in schema[several]))
    if "enum" in schema:
        return {repr(choice) for choice in schema["enum"]}
    inner = set()
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            inner |= {f"{part} {shape}" for shape in shapes(schema[part], definitions)}
    kind = schema["type"]
    return {kind, *inner}


@pytest.mark.parametrize("name", MIRRORS)
def test_the_keywords_are_those_of_the_model(name: str) -> None:
    """The same names, and for each name the same JSON types and choices."""
    typed, model, excluded = MIRRORS[name]
    hints = get_type_hints(typed)
    as_model = model.model_json_schema()
    assert set(hints) == set(model.model_fields) - excluded
    for field, hint in hints.items():
        as_typed = TypeAdapter(hint).json_schema()
        ours = shapes(as_typed, as_typed.get("$defs", {}))
        models = shapes(as_model["properties"][field], as_model.get("$defs", {}))
        assert ours == models, field
