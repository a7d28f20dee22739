"""The demonstration shows what it should, and fails when the server does not do what it should."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from runa_mock_server import MockServer
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.cli import demo_steps as demo
from runa_mock_server.control_client.faults import FaultsControl
from runa_mock_server.store.memory import AccountState

COLOUR = "\x1b["
Patch = Callable[[pytest.MonkeyPatch], object]


def test_demo_as_a_program() -> None:
    """Piped, it tells the whole story without colours, warns of nothing and exits with 0."""
    environment = {name: value for name, value in os.environ.items() if "COLOR" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "runa_mock_server", "demo"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert COLOUR not in done.stdout
    story = done.stdout
    # In this order, whatever else is told between.
    steps = (
        "PROCESSING",
        "COMPLETED",
        "USD 10.00",
        "USD 20.00",
        "no answer",
        "same idempotency key",
        "COMPLETED",
        "exactly_once",
        "1 order, 2 attempts",
        "/_mock/",
        "Every step did what it should.",
    )
    position = 0
    for step in steps:
        position = story.find(step, position)
        assert position >= 0, f"{step!r} is missing or too early in:\n{story}"
        position += len(step)
    links = re.findall(r"http://127\.0\.0\.1:\d+/\S+[0-9a-f-]{36}", story)
    assert len(set(links)) == len(links) == 2
    ids = re.findall(r"O-[0-9A-HJKMNP-TV-Z]{26}", story)
    assert len(set(ids)) == len(ids) == 2


def _serving(**options: Any) -> Patch:
    """A demonstration on another server than the usual one."""
    return lambda patch: patch.setattr(
        demo, "MockServer", lambda **_: MockServer(**{"processing_delay": 0, **options})
    )


def _forgetting_keys(patch: pytest.MonkeyPatch) -> None:
    _serving()(patch)
    patch.setattr(AccountState, "kept_answer", lambda _state, _key: None)


def _without_faults(patch: pytest.MonkeyPatch) -> None:
    _serving()(patch)
    patch.setattr(FaultsControl, "arm", lambda *_: None)


SABOTAGE: dict[str, tuple[Patch, str]] = {
    "nothing to sell": (_serving(catalogue=Catalogue([], {})), "400 product_validation_error"),
    "key refused": (_serving(api_keys=("XX-another",)), "403 forbidden"),
    "keys forgotten": (_forgetting_keys, "not exactly once"),
    "no faults": (_without_faults, "expected the connection to be cut"),
}


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_demo_fails_with_the_server(
    sabotage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a server that does wrong it returns 1, says what was expected and claims no success."""
    patch, complaint = SABOTAGE[sabotage]
    patch(monkeypatch)
    assert demo.run() == 1
    shown = capsys.readouterr()
    assert "failed: " in shown.err
    assert complaint in shown.err
    assert "Every step" not in shown.out


def test_demo_succeeds_at_once_on_a_quick_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the failures above are measured by: without sabotage it returns 0."""
    _serving()(monkeypatch)
    assert demo.run() == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "Every step did what it should." in shown.out
