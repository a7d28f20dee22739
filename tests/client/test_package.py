"""The package as a whole: its names, its imports, its version."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, get_args, get_origin, get_type_hints, is_typeddict

import pytest

import runa_client
from runa_client import AsyncRunaClient, RunaClient

if TYPE_CHECKING:
    from client.conftest import ScriptedServer

# Coverage measures child processes too, and imports modules of its own to do so.
_UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
_LOADED = "import json, sys, runa_client; print(json.dumps(sorted(sys.modules)))"


def test_all_is_sorted_and_true() -> None:
    """`__all__` is sorted, without doubles, and each name is there."""
    assert runa_client.__all__ == sorted(set(runa_client.__all__))
    assert all(hasattr(runa_client, name) for name in runa_client.__all__)
    assert "RunaClient" in runa_client.__all__


def test_unknown_names_are_errors() -> None:
    """A name that the package lacks is an AttributeError, as everywhere."""
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        runa_client.Nothing  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def _types_in(annotation: object) -> set[type]:
    """Find the package's own classes in an annotation, whatever they are nested in."""
    arguments = {kind for part in get_args(annotation) for kind in _types_in(part)}
    outer = get_origin(annotation) or annotation
    return {*arguments, outer} if _is_own(outer) else arguments


def _is_own(thing: object) -> TypeGuard[type]:
    return inspect.isclass(thing) and thing.__module__.startswith("runa_client")


def _annotations(thing: object) -> list[object]:
    """List what a public function, or a public class with all that it shows, is annotated with."""
    if inspect.isfunction(thing):
        return list(get_type_hints(thing).values())
    if not inspect.isclass(thing):
        return [thing]
    shown = [
        member.fget if isinstance(member, property) else member
        for name, member in inspect.getmembers(thing)
        if not name.startswith("_") or name == "__init__"
    ]
    methods = [m for m in shown if inspect.isfunction(m) and m.__module__.startswith("runa_client")]
    has_fields = is_typeddict(thing) or issubclass(thing, runa_client.Record)
    fields = list(get_type_hints(thing).values()) if has_fields else []
    return fields + [hint for method in methods for hint in get_type_hints(method).values()]


def test_every_type_that_a_public_name_mentions_is_public() -> None:
    """Parameters, results, fields and bases of public names are themselves public."""
    public = {name: getattr(runa_client, name) for name in runa_client.__all__}
    mentioned = {
        kind
        for thing in public.values()
        for hint in _annotations(thing)
        for kind in _types_in(hint)
    }
    bases = {
        base
        for thing in public.values()
        if inspect.isclass(thing)
        for base in inspect.getmro(thing)
        if _is_own(base)
    }

    hidden = {kind.__qualname__ for kind in mentioned | bases if kind not in public.values()}
    assert {runa_client.Order, runa_client.Page} <= mentioned | bases
    assert hidden == set()


def test_importing_the_client_loads_little() -> None:
    """Neither the server, nor the schemas, nor aiohttp come with the synchronous client."""
    run = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", _LOADED],
        check=True,
        capture_output=True,
        text=True,
        env=_UNMEASURED,
    )

    loaded = set(json.loads(run.stdout))

    heavy = {"aiohttp", "asyncio", "dataclasses", "jsonschema", "pydantic"}
    assert not loaded & {*heavy, "runa_schemas", "runa_mock_server"}
    assert {"requests", "runa_client"} <= loaded


def test_both_clients_have_the_same_methods() -> None:
    """What one client can do the other can, by the same names and arguments."""

    def methods(client: type) -> dict[str, list[tuple[str, object]]]:
        return {
            name: [(p.name, p.default) for p in inspect.signature(method).parameters.values()]
            for name, method in vars(client).items()
            if not name.startswith("_")
        }

    sync = methods(RunaClient)
    assert sync == methods(AsyncRunaClient)
    assert sync.keys() == {
        "balance",
        "balances",
        "categories",
        "close",
        "countries",
        "create_order",
        "estimate_order",
        "get_order",
        "get_product",
        "iter_orders",
        "iter_products",
        "list_orders",
        "list_products",
        "ping",
        "redeem",
        "wait_for_order",
    }


def test_the_version_is_the_distributions(client: RunaClient, server: ScriptedServer) -> None:
    """The version that the client states is the one that the distribution is built with."""
    server.answer(200, {"message": "pong"})
    client.ping()

    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    source = root / project["tool"]["hatch"]["version"]["path"]
    stated = re.search(r'ersion.*= *"(.+)"', source.read_text(encoding="utf-8"), re.IGNORECASE)
    assert stated is not None
    assert server.received[0].headers["user-agent"] == f"runa-mock-client/{stated[1]}"
