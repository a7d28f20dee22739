"""`runa-mock check-client`: programs of their own, once per scenario."""

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from runa_mock_server.testing import SCENARIOS
from support.command import run
from support.process import Process
from support.waiting import until

PROGRAMS = Path(__file__).parent / "programs"
# Without site-packages, and so without coverage's start-up, an interpreter starts fast.
BARE = (sys.executable, "-I", "-S")
NAIVE = (*BARE, str(PROGRAMS / "naive.py"))
QUICK = ("--rate-limit-wait", "0.1", "--slow", "0", "--long-processing", "0.3")
PING = """
import os
from urllib.request import Request, urlopen

urlopen(Request(os.environ["RUNA_BASE_URL"] + "/ping", headers={{"X-Api-Key": f"{key}"}}))
"""

# Two processes that can be seen to live by what they hold open.
FORKED = """
import os, sys, time

{ends}
pipe = os.open(sys.argv[1], os.O_WRONLY)
os.write(pipe, b"+")
time.sleep(60)
os.write(pipe, b"late")
"""


@pytest.fixture
def quick(tmp_path: Path) -> tuple[str, ...]:
    """Options with which nothing takes long."""
    config = tmp_path / "mock.toml"
    config.write_text("processing_delay = 0.1\napi_keys = ['XX-only.this']\n", encoding="utf-8")
    return ("check-client", "--config", str(config), *QUICK)


def test_a_naive_client_is_caught_on_each_count(quick: tuple[str, ...], tmp_path: Path) -> None:
    """New key on a retry, no pause after 429, 422 again, hammering: each is in each report."""
    selected = ("reset-after-commit", "rate-limited", "invalid")
    options = [part for name in selected for part in ("--select", name)]
    file = tmp_path / "report.json"
    done = run(*quick, *options, "--format", "json", "--output", str(file), *NAIVE)
    assert done.exit_code == 1, done.output
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["counts"] == {"passed": 0, "failed": 4, "skipped": 0}
    found = {
        result["name"]: {check["name"] for check in result["checks"] if check["reason"]}
        for result in report["results"]
    }
    assert found == {
        "clean": {"pinned_version", "polled_politely"},
        "reset-after-commit": {"ordered_once", "kept_key"},
        "rate-limited": {"kept_key", "waited_after_429"},
        "invalid": {"final_is_final"},
    }
    assert "FAIL  rate-limited (" in done.output
    assert "4 scenarios: 0 passed, 4 failed, 0 skipped" in done.output
    # The program wrote its key when it gave up; here it stands no more.
    assert "refused with the key [API key]" in done.output + report["results"][-1]["output"]
    assert "XX-invalid." not in done.output + file.read_text(encoding="utf-8")


def test_a_careful_client_passes(quick: tuple[str, ...]) -> None:
    """A program on the project's client comes through; the JUnit report has a case a check."""
    command = (sys.executable, str(PROGRAMS / "careful.py"))
    done = run(*quick, "--select", "cut-*", "--format", "junit", *command)
    assert done.exit_code == 0, done.output
    assert "ok    cut-body (" in done.stderr
    suite = ET.fromstring(done.stdout)[0]  # noqa: S314 - our own report
    cases = {(case.get("classname"), case.get("name")) for case in suite.iter("testcase")}
    wanted = {(name, check) for name in ("clean", "cut-body") for check in SCENARIOS[name].checks}
    assert cases == wanted
    assert (suite.get("tests"), suite.get("failures")) == (str(len(wanted)), "0")


def test_a_program_that_does_nothing_is_run_once(quick: tuple[str, ...]) -> None:
    """Where the program never calls, that is said once, and nothing else is tried."""
    done = run(*quick, *BARE, "-c", "print('hello')")
    assert done.exit_code == 1
    assert "called: expected: the program calls the server of RUNA_BASE_URL" in done.output
    assert "| hello" in done.output
    assert f"1 failed, {len(SCENARIOS) - 1} skipped" in done.output


@pytest.mark.parametrize(
    ("program", "check", "told"),
    [
        ("import signal; signal.pause()", "ended", "was still running after 0."),
        (PING.format(key="XX-only.this"), "called", "but 1 with another"),
        (PING.format(key="{os.environ['RUNA_API_KEY']}"), "ordered", "no order was placed"),
        ("raise SystemExit(7)", "recovered", "the exit status is 7"),
    ],
)
def test_a_program_that_fails_when_all_is_well(program: str, check: str, told: str) -> None:
    """Hanging, another key, no order, a bad exit status: each has its own words."""
    options = ("--timeout", "0.8", "--format", "json")
    done = run("check-client", *options, *BARE, "-c", program)
    assert done.exit_code == 1
    clean, *others = json.loads(done.stdout)["results"]
    reasons = {found["name"]: found["reason"] for found in clean["checks"]}
    assert told in reasons[check]
    assert {result["status"] for result in others} == {"skipped"}


def test_the_list_names_every_scenario_and_check() -> None:
    """`--list` needs no command."""
    done = run("check-client", "--list")
    assert done.exit_code == 0
    words = set(done.stdout.split())
    assert {*SCENARIOS, *(check for s in SCENARIOS.values() for check in s.checks)} <= words


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing argument 'COMMAND...'"),
        (("/no/such/program",), "cannot run '/no/such/program': No such file or directory"),
        (("",), "cannot run ''"),
        (("--select", "rest-*", "true"), "no scenario is like 'rest-*'; --list shows them"),
        (("--timeout", "nan", "true"), "must be seconds, 0.1 to 86400"),
        (("--slow", "601", "true"), "must be seconds, 0 to 600"),
        (("--orders", "0", "true"), "0 is not in the range x>=1"),
        (("--config", "/no/such.toml", "true"), "/no/such.toml"),
        (("--output", "/no/such/file", "true"), "--output: /no/such/file: No such file"),
    ],
)
def test_wrong_usage_is_told_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    """Whatever cannot be meant ends with 2 and a reason."""
    done = run("check-client", *arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.output


class Pipe:
    """A named pipe whose other ends are held by the processes under test."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self._opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.data = b""

    def has(self, count: int) -> bool:
        """Whether so many bytes have come."""
        with suppress(BlockingIOError):  # nothing has come yet
            self.data += os.read(self._opened, 100)
        return len(self.data) >= count

    def rest(self) -> bytes:
        """What comes until every process that holds it has ended."""
        os.set_blocking(self._opened, True)
        rest = os.read(self._opened, 100)
        os.close(self._opened)
        return rest


@pytest.mark.parametrize(
    ("number", "existing"),
    [(signal.SIGTERM, None), (signal.SIGHUP, "a report of yesterday"), (signal.SIGINT, None)],
)
def test_a_signal_ends_the_program_with_its_children_and_leaves_no_report(
    tmp_path: Path, number: signal.Signals, existing: str | None
) -> None:
    """An empty report could be taken for one; a report that was there before stays."""
    pipe, report = Pipe(tmp_path / "pipe"), tmp_path / "report.json"
    if existing is not None:
        report.write_text(existing, encoding="utf-8")
    options = ("--output", str(report), "--format", "json")
    program = (*BARE, "-c", FORKED.format(ends="os.fork()"), pipe.path)
    with Process("check-client", *options, *program) as process:
        until(lambda: pipe.has(2))
        process.send(number)
        done = process.finish()
    assert (done.code, done.out) == (128 + number, "")
    assert pipe.rest() == b""
    assert "Traceback" not in done.err
    assert (report.read_text(encoding="utf-8") if report.exists() else None) == existing


def test_children_that_outlive_the_program_are_killed(
    quick: tuple[str, ...], tmp_path: Path
) -> None:
    """They would call the server in the next scenario."""
    pipe = Pipe(tmp_path / "pipe")
    ends = "if os.fork():\n    open(sys.argv[1]).read(1)\n    sys.exit()"
    program = (*BARE, "-c", FORKED.format(ends=ends), pipe.path)
    assert run(*quick, *program).exit_code == 1
    assert pipe.rest() == b""


def test_a_command_that_cannot_be_run_leaves_no_report(tmp_path: Path) -> None:
    """Nor an empty one."""
    report = tmp_path / "report.json"
    assert run("check-client", "--output", str(report), str(tmp_path / "none")).exit_code == 2
    assert not report.exists()
