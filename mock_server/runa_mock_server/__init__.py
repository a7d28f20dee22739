"""An offline double of the Runa payouts API v2: a stateful server for development and tests.

Unofficial. ``MockServer`` runs it inside a Python process, the command ``runa-mock serve`` as a
process of its own.

The public names are listed once, in ``__init__.pyi``: type checkers read that file, and a name is
imported from the module that it names there when it is first used. Loading all of them takes half
a second, and ``runa-mock health``, which runs every few seconds, needs none.
"""

import functools
import importlib

from runa_mock_server._version import __version__ as __version__


@functools.cache
def _homes() -> dict[str, str]:
    """The module that each public name is imported from."""
    import ast  # noqa: PLC0415 - only for who uses a public name
    from importlib.resources import files  # noqa: PLC0415 - as above

    stub = ast.parse(files(__name__).joinpath("__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


def __getattr__(name: str) -> object:
    if name == "__all__":
        return sorted(_homes())
    # Python itself looks for dunder names that no module has, such as ``__path__`` of a module.
    if name.startswith("_") or name not in _homes():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_homes()[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes()})
