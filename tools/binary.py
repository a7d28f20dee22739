"""Build `dist/runa-mock`, one executable that needs no Python, and try it.

It runs on machines with the same processor and a C library at least as new as the one here.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PACKAGES = ("runa_mock_server", "runa_schemas", "runa_conformance", "runa_client")
ENTRY = "from runa_mock_server.__main__ import main\n\nmain()\n"
LIMIT = 120


def build() -> Path:
    """Build the executable, with every module and data file of the packages."""
    with TemporaryDirectory() as folder:
        entry = Path(folder) / "runa_mock_entry.py"
        entry.write_text(ENTRY, encoding="utf-8")
        collected = [
            option
            for package in PACKAGES
            for option in ("--collect-data", package, "--collect-submodules", package)
        ]
        subprocess.run(  # noqa: S603 - our own arguments
            [
                *(sys.executable, "-m", "PyInstaller"),
                *("--noconfirm", "--clean", "--onefile", "--log-level", "ERROR"),
                *("--name", "runa-mock", "--distpath", str(DIST)),
                *("--workpath", folder, "--specpath", folder),
                *collected,
                *("--exclude-module", "hypothesis", "--exclude-module", "pytest"),
                str(entry),
            ],
            check=True,
        )
    return DIST / "runa-mock"


def check(executable: Path) -> None:
    """Try it without Python: its version, the demo, and a server that is asked for its health."""
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}

    def run(*arguments: str) -> None:
        command = [str(executable), *arguments]
        subprocess.run(command, check=True, env=environment, timeout=LIMIT)  # noqa: S603 - as above

    run("--version")
    run("demo")
    with TemporaryDirectory() as folder:
        ready = Path(folder) / "ready"
        command = [str(executable), "serve", "--port", "0", "--ready-file", str(ready)]
        with subprocess.Popen(command, env=environment) as served:  # noqa: S603 - as above
            try:
                while served.poll() is None and not ready.exists():
                    time.sleep(0.1)
                url = ready.read_text(encoding="utf-8").strip().removesuffix("/v2")
                run("health", "--url", url)
                run("trigger", "order", "--url", url)
            finally:
                served.terminate()
        if served.returncode:
            sys.exit(f"serve ended with {served.returncode}")


if __name__ == "__main__":
    made = build()
    check(made)
    sys.stdout.write(f"{made}: {made.stat().st_size / 1024 / 1024:.0f} MiB\n")
