"""`make` says in one plain line what is missing before it makes an environment."""

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
    ("pythons", "wanted"),
    [
        (
            {"python3": TOO_OLD, "python": TOO_OLD},
            "runa-mock needs Python 3.11 or newer; found: Python 3.9.2.",
        ),
        (
            {"python3.13": DEAD_SHIM, "python3": TOO_OLD},
            "runa-mock needs Python 3.11 or newer; found: Python 3.9.2.",
        ),
        ({}, "runa-mock needs Python 3.11 or newer; found: none."),
        ({"python3": WITHOUT_VENV}, "Python's venv module is missing"),
        ({"python3.13": DEAD_SHIM, "python3.12": WITHOUT_VENV}, "Python's venv module is missing"),
    ],
)
@pytest.mark.parametrize("target", ["demo", "test"])
def test_what_is_missing_is_said(
    target: str, pythons: dict[str, str], wanted: str, tmp_path: Path
) -> None:
    """Without a Python that will do, both commands stop, name the lack and leave nothing behind."""
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
    assert wanted in done.stderr.splitlines()[0]
    assert "apt-get install" in done.stderr
    assert not (tmp_path / ".venv").exists()
