"""What is installed: the packages with their data and types, a plugin, a command."""

import json
from importlib.metadata import Distribution, distribution
from pathlib import PurePosixPath

import pytest

import runa_client
import runa_conformance
import runa_mock_server
import runa_schemas

PACKAGES = {"runa_client", "runa_conformance", "runa_mock_server", "runa_schemas"}


@pytest.fixture
def wheel() -> Distribution:
    """The distribution as it was installed from a wheel."""
    installed = distribution("runa-mock")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        pytest.skip("an editable installation has no files of its own; tox installs the wheel")
    return installed


def paths(wheel: Distribution) -> set[PurePosixPath]:
    """The installed files."""
    assert wheel.files is not None
    return {PurePosixPath(file.as_posix()) for file in wheel.files}


def test_top_level_holds_our_packages_alone(wheel: Distribution) -> None:
    """Nothing is installed beside the packages, the plugin, the metadata and the command."""
    metadata = f"runa_mock-{runa_mock_server.__version__}.dist-info"
    top = {path.parts[0] for path in paths(wheel) if "bin" not in path.parts}
    top -= {"Scripts", "__pycache__"}
    assert top - {".."} == PACKAGES | {"runa_pytest.py", metadata}
    assert not [path for path in paths(wheel) if path.stem.startswith(("test_", "conftest"))]


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_packages_are_typed(wheel: Distribution, package: str) -> None:
    """Each package carries its marker for type checkers."""
    assert PurePosixPath(package, "py.typed") in paths(wheel)


def test_data_is_there(wheel: Distribution) -> None:
    """Schemas, rules, OpenAPI document and the server's data come with the packages."""
    schemas = {f"runa_schemas/json/{name}.json" for name in runa_schemas.names()}
    assert len(schemas) > 20
    data = {
        "runa_schemas/rules.toml",
        "runa_mock_server/catalogue/data/catalogue.json",
        "runa_mock_server/mail/templates/payout.html",
        "runa_mock_server/web/dashboard/static/index.html",
        "runa_mock_server/web/dashboard/static/views/orders.js",
        "runa_mock_server/web/pages/templates/active.html",
        "runa_mock_server/web/pages/templates/split.js",
        "runa_mock_server/web/pages/templates/style.css",
        "runa_schemas/errors.json",
        "runa_schemas/openapi/document.json",
    }
    assert schemas | data <= {str(path) for path in paths(wheel)}


def test_entry_points_and_licence(wheel: Distribution) -> None:
    """The wheel has command, plugin and licence; its version is the packages'."""
    (command,) = wheel.entry_points.select(group="console_scripts")
    assert (command.name, command.value) == ("runa-mock", "runa_mock_server.__main__:main")
    (plugin,) = wheel.entry_points.select(group="pytest11")
    assert (plugin.name, plugin.value) == ("runa_pytest", "runa_pytest")
    assert any(path.name == "LICENSE" for path in paths(wheel))
    assert wheel.version == runa_mock_server.__version__


def test_packages_are_the_installed_ones(wheel: Distribution) -> None:
    """The tests import the installed packages and not those of the checkout."""
    for package in (runa_client, runa_conformance, runa_mock_server, runa_schemas):
        installed = wheel.locate_file(f"{package.__name__}/__init__.py")
        assert str(package.__file__) == str(installed)
