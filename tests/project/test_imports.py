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
from runa_mock_server.config.settings import make_settings
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.http_server import HttpServer


async def ping():
    server = HttpServer(ServerState(make_settings(port=0)))
    url = await server.start()
    for path in ("/_mock/health", "/v2/ping"):
        request = urllib.request.Request(url + path, headers={"X-Api-Key": "XX-me.secret"})
        print((await asyncio.to_thread(urllib.request.urlopen, request)).status)
    await server.stop()


asyncio.run(ping())
unwanted = {
    "aiosmtplib", "barcode", "hypothesis", "jinja2", "jsonschema", "markdown_it",
    "requests", "segno", "tomllib", "runa_mock_server.control.api",
    "runa_mock_server.web.dashboard.files",
}
print(*sorted(unwanted & {*sys.modules} - before))
"""

# The command as it is run, with a look at what is loaded when the system is told to listen.
SERVE = """
import os, signal, sys
from runa_mock_server.cli import main

before = {*sys.modules}


def watch(event, arguments):
    if event == "socket.bind":
        print("bound with", *sorted({"aiohttp", "pydantic"} & {*sys.modules} - before))
    if event == "import" and arguments[0] == "pydantic":
        print("pydantic")
        os.kill(os.getpid(), signal.SIGTERM)


sys.addaudithook(watch)
main()
"""

LIGHT = """
import sys

before = {*sys.modules}
from runa_mock_server.cli import main

try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sorted({"aiohttp", "pydantic", "requests"} & {*sys.modules} - before))
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
    """A server that is asked for its health has loaded no page, no mail library, no control API."""
    assert run(PING) == ["200", "200", ""]


def test_serve_listens_before_it_loads_pydantic_and_can_be_stopped_then() -> None:
    """The socket is bound first; a SIGTERM while the settings are loaded ends it with exit 0."""
    assert run(SERVE, "serve", "--port", "0") == ["bound with", "pydantic"]


def test_the_list_of_commands_loads_none_of_them() -> None:
    """`runa-mock --help`, which is run to look something up, waits for no large library."""
    assert run(LIGHT, "--help")[-1] == ""
