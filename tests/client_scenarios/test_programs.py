"""Programs with one habit each, in several languages: each defect flips its own check."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.command import run

PROGRAMS = Path(__file__).parent / "programs"
# Correct programs end early; only one that hangs meets the deadline.
QUICK = (
    *("--rate-limit-wait", "0.4", "--slow", "0.2", "--long-processing", "2.5"),
    *("--silence", "3.5", "--hang", "15", "--timeout", "25", "--jobs", "8"),
)
DOUBLE = {"kept_key", "ordered_once"}  # the cause and what it costs

DEFECTS: dict[str, set[str]] = {
    "new-key": DOUBLE,
    "new-key-on-timeout": DOUBLE,
    "new-key-on-cut": DOUBLE,
    "new-key-on-503": DOUBLE,
    "changed-body": {"kept_body"},
    "constant-key": {"fresh_key"},
    "retries-refusals": {"final_is_final"},
    "retries-403": {"final_is_final"},
    "no-wait-429": {"waited_after_429"},
    "no-retry": {"recovered"},
    "no-retry-5xx": {"recovered"},
    "crashes-on-lost-poll": {"recovered"},
    "no-version": {"pinned_version"},
    "hammers": {"polled_politely"},
    "never-reads": {"read_the_end"},
    "reads-once": {"read_the_end"},
    "ignores-failed": {"noticed_failure"},
    "ignores-refusals": {"noticed_failure"},
    "waits-for-completed": {"ended"},
    "no-timeout": {"timed_out"},
    "strict-fields": {"tolerated"},
    "strict-values": {"tolerated"},
    "key-order": {"tolerated"},
    "legacy-fields": {"tolerated"},
    "first-page": {"read_all_pages"},
    "reads-message-of-429": {"ignored_texts"},
    "reads-message-of-400": {"ignored_texts"},
    "other-api-key": {"called"},
    "orders-again-on-lost-poll": {"ordered_once"},
    "orders-again-when-slow": {"ordered_once"},
}
CORRECT = (
    *("careful", "polls-400", "polls-500", "sync", "same-twice", "orders-anew", "suite"),
    *("lists", "threads"),
)
IN_EACH_LANGUAGE = {
    "careful": set[str](),
    "new-key": DOUBLE,
    "changed-body": {"kept_body"},
    "no-retry": {"recovered"},
    "never-reads": {"read_the_end"},
    "ignores-failed": {"noticed_failure"},
    "no-timeout": {"timed_out"},
}
# Every program of the other languages has some of the habits; one run shows many scenarios.
LANGUAGES = {
    "node": {**IN_EACH_LANGUAGE, "no-wait-429": {"waited_after_429"}},
    "curl": {**IN_EACH_LANGUAGE, "retries-refusals": {"final_is_final"}},
    "java": {"careful": set[str](), "new-key": DOUBLE, "no-timeout": {"timed_out"}},
}

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings with which an order ends soon, but not at once."""
    file = tmp_path_factory.mktemp("config") / "mock.toml"
    file.write_text("processing_delay = 0.5\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def java_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled Java program."""
    folder = tmp_path_factory.mktemp("java")
    compiler = _needed("javac")
    subprocess.run([compiler, "-d", str(folder), str(PROGRAMS / "Client.java")], check=True)  # noqa: S603 - our own program
    return folder


def _needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}")
    return found


def _command(language: str, habit: str, request: pytest.FixtureRequest) -> list[str]:
    if language == "node":
        return [_needed("node"), str(PROGRAMS / "client.mjs"), habit]
    if language == "java":
        classes = request.getfixturevalue("java_classes")
        return [_needed("java"), "-cp", str(classes), "Client", habit]
    _needed("curl")
    return ["/bin/sh", str(PROGRAMS / "client.sh"), habit]


def _python(habit: str) -> list[str]:
    # Without site-packages an interpreter starts fast.
    return [sys.executable, "-I", "-S", str(PROGRAMS / "client.py"), habit]


def _failed(config: Path, *command: str, options: tuple[str, ...] = ()) -> tuple[set[str], Any]:
    """The checks that failed in any scenario, and the whole report."""
    done = run(
        *("check-client", "--config", str(config), "--format", "json"),
        *(*QUICK, *options, "--", *command),
        WAIT_429="0.5",
    )
    assert done.exit_code in {0, 1}, done.output
    report = json.loads(done.stdout)
    failed = {
        check["name"]
        for result in report["results"]
        for check in result["checks"]
        if check["status"] == "failed"
    }
    assert done.exit_code == bool(failed)
    return failed, report


def _may_fail_too(habit: str) -> set[str]:
    """A retry with another body that comes late is also taken for another order with the key."""
    return {"fresh_key"} if habit == "changed-body" else set()


@pytest.mark.parametrize("habit", CORRECT)
def test_a_correct_program_passes_every_check(config: Path, habit: str) -> None:
    """Fixed polls, purchases on purpose, tests of idempotency: none of them is a finding."""
    failed, report = _failed(config, *_python(habit))
    assert failed == set(), report


@pytest.mark.parametrize("habit", DEFECTS)
def test_a_defect_flips_its_own_check(config: Path, habit: str) -> None:
    """No other check fails because of it."""
    failed, report = _failed(config, *_python(habit))
    assert failed - _may_fail_too(habit) == DEFECTS[habit], report


@pytest.mark.parametrize(
    ("language", "habit"),
    [(language, habit) for language, habits in LANGUAGES.items() for habit in habits],
)
def test_programs_of_other_languages_are_judged_alike(
    config: Path, language: str, habit: str, request: pytest.FixtureRequest
) -> None:
    """What a check finds depends on the requests alone."""
    command = _command(language, habit, request)
    failed, report = _failed(config, *command)
    assert failed - _may_fail_too(habit) == LANGUAGES[language][habit], report


def test_a_check_can_be_deselected(config: Path) -> None:
    """It neither fails nor is it listed; the others are judged as before."""
    failed, report = _failed(
        config, *_python("no-version"), options=("--skip", "pinned_version", "--select", "clean")
    )
    assert failed == set()
    assert "pinned_version" not in json.dumps(report["results"])


def test_a_threshold_can_be_moved(config: Path) -> None:
    """A poll of 400 ms is too fast for who asks for a second."""
    options = ("--poll-pause", "1", "--select", "long-processing")
    failed, _ = _failed(config, *_python("polls-400"), options=options)
    assert failed == {"polled_politely"}


def test_what_was_not_exercised_is_reported_with_the_reason(config: Path) -> None:
    """A program that never reads a list proves nothing about pages."""
    _needed("curl")
    program = ("/bin/sh", str(PROGRAMS / "client.sh"))
    _, report = _failed(config, *program, options=("--select", "small-pages"))
    assert "never read a list" in report["not_exercised"]["read_all_pages"]
    (small,) = [result for result in report["results"] if result["name"] == "small-pages"]
    status = {check["name"]: check["status"] for check in small["checks"]}
    assert status["read_all_pages"] == "not_exercised"
    assert status["ordered_once"] == "passed"


def test_a_receiver_of_webhooks_need_not_poll(config: Path) -> None:
    """The end of an order is known from a delivered webhook, even if it comes twice."""
    url = "http://127.0.0.1:{port}/"
    program = (sys.executable, "-I", "-S", str(PROGRAMS / "receiver.py"))
    options = ("--webhook", url, "--select", "webhook", "--select", "failing-order")
    failed, report = _failed(config, *program, options=options)
    assert failed == set(), report
    assert {result["status"] for result in report["results"]} == {"passed"}
