"""The client alone: its wheel, what it brings along, and that it is not mixed with the whole."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_PACKAGES = 6
PIP = ("-m", "pip", "--disable-pip-version-check")
# Neither this checkout nor what measures coverage belongs into the new environment.
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTHON"))}


def called(*command: str | Path, fails: bool = False) -> str:
    """Run a program, and give what it printed."""
    done = subprocess.run(  # noqa: S603 - interpreters, with literal arguments
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=CLEAN,
        timeout=300,
    )
    assert bool(done.returncode) is fails, done.stdout
    return done.stdout


def project(path: str) -> dict[str, object]:
    """The project table of a pyproject.toml."""
    table: dict[str, object] = tomllib.loads((ROOT / path).read_text("utf-8"))["project"]
    return table


@pytest.mark.once
def test_the_client_works_alone_in_an_empty_environment(tmp_path: Path) -> None:
    """The wheel holds the client alone, brings at most five packages, and passes its tests."""
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin") / "python"
    source = tmp_path / "client"
    shutil.copytree(ROOT / "client", source, ignore=shutil.ignore_patterns("__pycache__"))
    called(python, *PIP, "--quiet", "wheel", "--no-deps", "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
    metadata = next(name for name in top if name.endswith(".dist-info"))
    assert top == {"runa_client", metadata}
    called(python, *PIP, "--quiet", "install", wheel)
    listed = json.loads(called(python, *PIP, "list", "--format", "json"))
    brought = {entry["name"] for entry in listed} - {"pip", "setuptools"}
    assert "runa-mock-client" in brought
    assert len(brought) <= MOST_PACKAGES
    called(python, Path(__file__).with_name("client_alone.py"))
    version = called(python, "-c", "import runa_client; print(runa_client.__version__)").strip()
    assert metadata == f"runa_mock_client-{version}.dist-info"


def test_no_distribution_needs_one_that_is_not_published() -> None:
    """Neither of the two requires the other."""
    for path in ("pyproject.toml", "client/pyproject.toml"):
        required = json.dumps(
            [project(path)["dependencies"], project(path)["optional-dependencies"]]
        )
        assert "runa" not in required


def test_both_distributions_need_the_same_of_the_client() -> None:
    """What the client requires, and the extra, are requirements of the whole, too."""
    alone = project("client/pyproject.toml")
    extras = alone["optional-dependencies"]
    assert isinstance(extras, dict)
    assert isinstance(alone["dependencies"], list)
    assert {*alone["dependencies"], *extras["aiohttp"]} <= {
        *project("pyproject.toml")["dependencies"]
    }  # type: ignore[misc] # a list of strings
    assert (ROOT / "client/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize(
    ("distributions", "refused"),
    [
        ({"runa_mock": "0.2.0"}, False),
        ({"runa_mock_client": "0.2.0", "requests": "2.32.0"}, False),
        ({"runa_mock": "0.2.0", "runa_mock_client": "0.2.0"}, False),
        ({"runa_mock": "0.2.0", "runa_mock_client": "0.1.0"}, True),
    ],
)
def test_different_versions_side_by_side_are_refused(
    tmp_path: Path, distributions: dict[str, str], refused: bool
) -> None:
    """The import says in one line which two are installed, and what to do."""
    shutil.copytree(ROOT / "client/runa_client", tmp_path / "runa_client")
    for name, version in distributions.items():
        information = tmp_path / f"{name}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        assert PathDistribution(information).version == version
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runa_client"
    said = called(sys.executable, "-c", code, fails=refused)
    if refused:
        last = said.splitlines()[-1]
        assert re.search(r"ImportError: runa-mock 0\.2\.0 and runa-mock-client 0\.1\.0", last)
        assert "ninstall" in last
    else:
        assert said == ""
