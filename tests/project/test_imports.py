"""The packages from the outside: every module imports alone, and imports no more than it says."""

import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import pytest

PACKAGES = ("runa_client", "runa_conformance", "runa_mock_server", "runa_schemas")
# What users import. Of all the others import-linter says that none imports in a circle.
ENTRANCES = (
    *PACKAGES,
    "runa_mock_server.cli",
    "runa_mock_server.testing",
    "runa_mock_server.base.clock",
    "runa_mock_server.control.models",
    "runa_mock_server.server_state.effects",
    "runa_mock_server.server_state.fault_spec",
    "runa_mock_server.control_client.remote",
    "runa_mock_server.server",
    "runa_mock_server.config.settings",
    "runa_mock_server.web.http_server",
    "runa_schemas.stateful",
    "runa_schemas.strategies",
)

# One interpreter for all: before each import it forgets what is ours and keeps the libraries,
# whose loading is what makes a fresh interpreter a module so slow. A module's package comes before
# it in any case, so what the package has loaded stays, and a module among that has been tried.
EACH_ALONE = """
import sys
from importlib import import_module

packages, modules = sys.argv[1].split(","), sys.argv[2].split(",")


def ours():
    return {name for name in sys.modules if name.partition(".")[0] in packages}


def forget(names):
    for name in names:
        del sys.modules[name]
        package, _, child = name.rpartition(".")
        if package in sys.modules:
            vars(sys.modules[package]).pop(child, None)


def attempt(module):
    try:
        import_module(module)
    except ImportError as error:
        print(f"{module}: {error}")


for package in packages:
    forget(ours())
    attempt(package)
    with_package = ours()
    for module in modules:
        if module.partition(".")[0] == package:
            forget(ours() - with_package)
            attempt(module)
print(f"imported {len(modules)}")
"""

ORDER = """
import sys, urllib.request
from runa_mock_server import MockServer

body = b'''{"payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"}, "items": [{
    "face_value": 10, "distribution_method": {"type": "PAYOUT_LINK"},
    "products": {"type": "SINGLE", "value": "1800FL-US"}}]}'''
headers = {"X-Api-Key": "XX-me.secret", "X-Idempotency-Key": "1"}
with MockServer() as server:
    order = urllib.request.Request(server.base_url + "/order", body, headers)
    with urllib.request.urlopen(order) as answer:
        print(answer.status)
unwanted = {"aiosmtplib", "hypothesis", "jinja2", "jsonschema", "pytest", "requests", "runa_client"}
print(*sorted(unwanted & {*sys.modules}))
"""

PING = """
import asyncio, sys, urllib.request

before = {*sys.modules}  # a tool that watches the run may have loaded more
from runa_mock_server.cli import serve
from runa_mock_server.config.file import settings_to_serve
from runa_mock_server.web.http_server import HttpServer
from runa_mock_server.server_state.server_state import World


async def ping():
    server = HttpServer(World(settings_to_serve({"port": 0, "log_level": "warning"}).server))
    url = await server.start()
    for path in ("/_mock/health", "/v2/ping"):
        request = urllib.request.Request(url + path, headers={"X-Api-Key": "XX-me.secret"})
        print((await asyncio.to_thread(urllib.request.urlopen, request)).status)
    await server.stop()


asyncio.run(ping())
unwanted = {
    "aiosmtplib", "barcode", "hypothesis", "jinja2", "jsonschema", "markdown_it",
    "pydantic", "pydantic_core", "requests", "segno", "tomllib",
    "runa_mock_server.web.dashboard.files",
}
print(*sorted(unwanted & {*sys.modules} - before))
"""

AHEAD = """
import asyncio, sys
from runa_mock_server.cli.ahead import load_ahead

before = {*sys.modules}
asyncio.run(load_ahead())
loaded = {*sys.modules}
from runa_mock_server.contract import request_models as bodies

print("pydantic" in before, bodies.NewOrder in bodies.VALIDATORS)
document = {"payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"}, "items": [{
    "face_value": 10, "distribution_method": {"type": "PAYOUT_LINK"},
    "products": {"type": "SINGLE", "value": "1800FL-US"}}]}
bodies.validate_body(bodies.NewOrder, document)
import runa_mock_server.control.api
print(*{*sys.modules} - loaded)
"""


def run(code: str, *arguments: str) -> list[str]:
    """The lines that a program prints in a fresh interpreter."""
    done = subprocess.run(  # noqa: S603 - this interpreter, a literal program
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def modules() -> list[str]:
    """Every module of the packages; `__main__` is a program, no module to import."""
    found = [
        module.name
        for package in map(import_module, PACKAGES)
        for module in walk_packages(package.__path__, package.__name__ + ".")
    ]
    return [*PACKAGES, *(name for name in found if not name.endswith(".__main__"))]


def by_kind(name: str) -> tuple[int, str]:
    """The order of names in `__all__`: constants, classes, the rest, each sorted."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_every_entrance_imports_alone() -> None:
    """No module that users import needs that another was imported before it."""
    assert set(ENTRANCES) <= set(modules())
    assert run(EACH_ALONE, ",".join(PACKAGES), ",".join(ENTRANCES)) == [
        f"imported {len(ENTRANCES)}"
    ]


@pytest.mark.parametrize("package", [*PACKAGES, "runa_schemas.strategies"])
def test_all_is_sorted_and_complete(package: str) -> None:
    """`__all__` is sorted, has no name twice, and names what the package offers, no more."""
    module = import_module(package)
    exported = module.__all__
    assert exported == sorted(set(exported), key=by_kind)
    for name in exported:
        assert getattr(module, name).__class__ is not ModuleType
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public - {"TYPE_CHECKING"} <= set(exported)


def test_serving_needs_neither_validator_nor_client() -> None:
    """A server that takes an order has loaded no schema validator, client, page or mail library."""
    assert run(ORDER) == ["202", ""]


def test_a_start_loads_no_more_than_it_needs() -> None:
    """A server told plain settings loads no model until it is asked for more than its health."""
    assert run(PING) == ["200", "200", ""]


def test_what_first_calls_need_is_loaded_ahead() -> None:
    """The first order finds its model built, and loads nothing any more; nor does control."""
    assert run(AHEAD) == ["False True", ""]
