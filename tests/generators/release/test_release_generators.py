"""Generators that `make release-check` runs: slower to install than what CI runs."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from generators.conftest import Run, installed

HERE = Path(__file__).parent
DOCUMENTS = ["api", "control"]


@pytest.fixture(scope="module")
def binaries() -> Path:
    """The programs of the npm packages."""
    return installed(HERE) / ".bin"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_redocly_has_no_objection(
    name: str, binaries: Path, documents: dict[str, Path], run: Run
) -> None:
    """The recommended rules find nothing, neither an error nor a warning."""
    config = HERE / "redocly.yaml"
    said = run(
        binaries / "redocly", "lint", "--format", "json", "--config", config, documents[name]
    )
    found = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_hey_api_makes_a_function_of_every_operation(
    name: str, binaries: Path, documents: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """The client compiles in strict mode, and nothing was said of what was left out."""
    (tmp_path / "node_modules").symlink_to(binaries.parent)
    said = run(
        *(binaries / "openapi-ts", "-i", documents[name], "-o", tmp_path / "client"), cwd=tmp_path
    )
    assert "warn" not in said.lower()
    functions = (tmp_path / "client/sdk.gen.ts").read_text("utf-8").count("export const ")
    paths = json.loads(documents[name].read_text())["paths"]
    assert functions == sum(len(operations) for operations in paths.values())
    options = ("--strict", "--noEmit", "--skipLibCheck", "--module", "preserve", "--target")
    run(binaries / "tsc", *options, "es2022", tmp_path / "client/index.ts", cwd=tmp_path)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_openapi_python_client_loses_nothing(
    name: str, documents: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Every operation has its function, without a warning."""
    target = tmp_path / "client"
    said = run(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
        *("--path", documents[name], "--output-path", target),
        cwd=tmp_path,
    )
    assert "warning" not in said.lower()
    assert "unable" not in said.lower()
    paths = json.loads(documents[name].read_text())["paths"]
    functions = [file for file in target.glob("api/*/*.py") if file.name != "__init__.py"]
    assert len(functions) == sum(len(operations) for operations in paths.values())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_openapi_generator_takes_the_document(
    name: str, documents: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Where Java and the generator's jar are: `OPENAPI_GENERATOR_JAR` says where it lies."""
    jar = os.environ.get("OPENAPI_GENERATOR_JAR")
    java = shutil.which("java")
    if not jar or not java:
        pytest.skip("needs Java, and OPENAPI_GENERATOR_JAR with the path of the generator's jar")
    run(java, "-jar", jar, "generate", "-g", "java", "-i", documents[name], "-o", tmp_path)
