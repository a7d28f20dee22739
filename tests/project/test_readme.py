"""The generated parts of the documents, and the data they are made from."""

import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from runa_mock_server.web.routes import ROUTES

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
# Pictures, texts and the contract itself: part of the mock, not of the service.
OWN = ("/content/", "/openapi.json", "/payout/{token}/card/")


def test_generated_parts_are_up_to_date() -> None:
    """`make readme` would change nothing."""
    script = ROOT / "tools" / "readme.py"
    run = subprocess.run([sys.executable, script, "--check"], check=False)  # noqa: S603 - our own
    assert run.returncode == 0, "run `make readme`"


def test_every_operation_is_told_and_exists() -> None:
    """The operations that the documents list are those that the server has."""
    text = files("runa_mock_server").joinpath("contract/behaviour.toml").read_text(encoding="utf-8")
    told = {row["name"].strip("`") for row in tomllib.loads(text)["operation"]}
    served = {
        f"{route.method} {re.sub('^/v2', '', route.path)}"
        for route in ROUTES
        if not route.path.startswith(OWN)
    }
    assert told == served
