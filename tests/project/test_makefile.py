"""`make` stops before it makes an environment if there is no Python that will do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")

TOO_OLD = 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac'
# New enough, but Debian ships `venv` apart.
WITHOUT_VENV = 'case "$2" in *ensurepip*) exit 1;; *--version*) echo "Python 3.11.2";; esac'
DEAD_SHIM = "echo 'python3.13: command not found' >&2; exit 127"


@pytest.mark.skipif(MAKE is None, reason="needs make")
@pytest.mark.parametrize(
    ("pythons", "missing"),
    [
        ({"python3": TOO_OLD, "python": TOO_OLD}, "3.11"),
        ({"python3.13": DEAD_SHIM, "python3": TOO_OLD}, "3.11"),
        ({}, "3.11"),
        ({"python3": WITHOUT_VENV}, "venv"),
        ({"python3.13": DEAD_SHIM, "python3.12": WITHOUT_VENV}, "venv"),
    ],
)
@pytest.mark.parametrize("target", ["demo", "dev", "test"])
def test_what_is_missing_is_named(
    target: str, pythons: dict[str, str], missing: str, tmp_path: Path
) -> None:
    """Without a Python that will do, each target names what is missing and makes nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / "bin"
    path.mkdir()
    for name, script in pythons.items():
        (path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (path / name).chmod(0o755)

    done = subprocess.run(  # noqa: S603 - make, found on PATH
        [str(MAKE), target],
        cwd=tmp_path,
        env={"PATH": str(path), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert missing in done.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()
