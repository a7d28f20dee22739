"""The container files name what the code has; no test builds them, for that takes a registry."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.command import run

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of the compose file."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    services: dict[str, Any] = document["services"]
    return services


def test_what_is_copied_is_there_and_not_ignored() -> None:
    """Each source of a COPY exists, and .dockerignore lets it through."""
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {"pyproject.toml", "mock_server"} <= sources
    assert sources <= let_through
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_is_not_root_and_asks_for_its_health() -> None:
    """A user of its own, a health check by the command itself, and labels with the version."""
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
    command = r'^HEALTHCHECK .*CMD \["runa-mock", "health", (.+)\]$'
    (check,) = re.findall(command, DOCKERFILE, re.MULTILINE)
    assert run("health", "--url", "http://127.0.0.1:1", *re.findall(r'"([^"]+)"', check)).exit_code
    assert "org.opencontainers.image.version" in DOCKERFILE


def test_the_commands_of_the_services_are_known(services: dict[str, Any]) -> None:
    """Each flag that a service gives to `serve` is one that `serve` has."""
    known = run("serve", "--help-all", COLUMNS="200").output
    mocks = [service for service in services.values() if service["image"] == "runa-mock"]
    assert len(mocks) > 1
    for service in mocks:
        flags = [word for word in service.get("command", ()) if word.startswith("--")]
        assert all(flag in known for flag in flags), flags
