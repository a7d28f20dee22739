"""`runa-mock check-webhooks`: options, reports and errors."""

import json
import socket
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from runa_mock_server.testing.webhook_scenarios.checks import CHECKS
from support.command import run
from webhook_scenarios.handlers import SECRET, Book, Headers, handling

COMMAND = ("check-webhooks", "--settle", "0", "--secret", SECRET)


def test_the_text_report_says_what_is_wrong_and_what_to_do() -> None:
    """Exit status 1, a line for each check, the reason and the advice below a problem."""
    with handling(Book("no-timestamp-check")) as url:
        done = run(*COMMAND, "--url", url)
    assert done.exit_code == 1, done.output
    assert "ok    accepts_valid\n" in done.output
    assert "FAIL  checks_timestamp\n" in done.output
    assert "a signature that is 10 minutes old: status 204 instead of a refusal" in done.output
    assert "more than five minutes" in done.output
    assert "needs --old-secret" in done.output
    assert SECRET not in done.output


def test_json_and_junit_have_every_check(tmp_path: Path) -> None:
    """The same outcome in both; the deliveries are in the JSON."""
    file = tmp_path / "report.xml"
    with handling(Book("crashes-on-failed")) as url:
        done = run(*COMMAND, "--url", url, "--format", "json")
        again = run(*COMMAND, "--url", url, "--format", "junit", "--output", str(file))
    assert (done.exit_code, again.exit_code) == (1, 1)
    report = json.loads(done.stdout)
    checks = {check["name"]: check for check in report["checks"]}
    assert checks.keys() == CHECKS.keys()
    assert [name for name, check in checks.items() if check["status"] == "failed"] == [
        "accepts_failed_order"
    ]
    assert checks["accepts_failed_order"]["deliveries"][0]["status"] == 500
    suite = ET.parse(file).getroot()[0]  # noqa: S314 - our own report
    assert {case.get("name") for case in suite.iter("testcase")} == CHECKS.keys()
    assert suite.get("failures") == "1"


def test_the_observed_value_is_what_a_command_prints(tmp_path: Path) -> None:
    """A file of the handler shows what a duplicate did."""
    file = tmp_path / "count"

    class Filed(Book):
        def handle(self, headers: Headers, body: bytes) -> int:
            status = super().handle(headers, body)
            file.write_text(str(self.count), encoding="utf-8")
            return status

    file.write_text("0", encoding="utf-8")
    observe = f"cat {file}"
    with handling(Filed("no-deduplication")) as url:
        done = run(*COMMAND, "--url", url, "--observe", observe, "--format", "json")
    report = json.loads(done.stdout)
    failed = [check for check in report["checks"] if check["status"] == "failed"]
    assert [check["name"] for check in failed] == ["ignores_duplicates"]
    duplicate = failed[0]["deliveries"][-1]
    assert int(duplicate["observed_after"]) == int(duplicate["observed_before"]) + 1


def test_a_handler_that_does_not_know_the_secret_is_told_so() -> None:
    """Without --secret nothing valid can be sent, and the report says that."""
    with handling(Book()) as url:
        done = run("check-webhooks", "--url", url)
    assert done.exit_code == 1
    assert "--secret was not given" in done.output


def test_the_secret_can_come_from_the_environment() -> None:
    """As the program under check-client gets it."""
    with handling(Book()) as url:
        done = run("check-webhooks", "--url", url, RUNA_WEBHOOK_SECRET=SECRET)
    assert done.exit_code == 0, done.output


def test_a_check_can_be_deselected() -> None:
    """It is not in the report."""
    with handling(Book("refuses-older")) as url:
        done = run(*COMMAND, "--url", url, "--skip", "accepts_reordered")
    assert done.exit_code == 0, done.output
    assert "accepts_reordered" not in done.output


def test_the_list_names_every_check() -> None:
    """`--list` needs no URL."""
    done = run("check-webhooks", "--list")
    assert done.exit_code == 0
    assert CHECKS.keys() <= set(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--url", "ftp://x/"), "URL scheme should be 'http' or 'https'"),
        (("--url", "http://x/", "--secret", "geheim"), "must be whsec_ and the base64"),
        (("--url", "http://x/", "--old-secret", "whsec_"), "must be whsec_ and the base64"),
        (("--url", "http://no-such-host.invalid/"), "cannot be reached: DNS lookup"),
        (("--url", "http://x/", "--observe", "false"), "'false' ended with status 1"),
        (("--url", "http://x/", "--observe", "/no/such"), "cannot run '/no/such'"),
        (("--url", "http://x/", "--observe", "'"), "No closing quotation"),
        (("--url", "http://x/", "--observe", " "), "the command is empty"),
        (("--url", "http://x/", "--timeout", "nan"), "must be seconds, 0.1 to 600"),
        (("--url", "http://x/", "--output", "/no/such/file"), "--output: /no/such/file"),
        ((), "Missing option '--url'"),
    ],
)
def test_wrong_usage_is_told_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    """Whatever cannot be meant ends with 2 and a reason."""
    done = run("check-webhooks", *arguments)
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert "Traceback" not in done.output


def test_a_port_on_which_nothing_listens_is_told() -> None:
    """The handler has to run already."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    done = run("check-webhooks", "--url", f"http://127.0.0.1:{port}/")
    assert done.exit_code == 2
    assert "cannot be reached: connection refused" in done.stderr


def test_an_observe_command_that_hangs_is_ended() -> None:
    """Its timeout is told."""
    hangs = f"{sys.executable} -I -S -c 'import signal; signal.pause()'"
    options = ("--observe", hangs, "--observe-timeout", "0.2")
    done = run("check-webhooks", "--url", "http://127.0.0.1:1/", *options)
    assert done.exit_code == 2
    assert "has not ended after 0.2 s" in done.stderr


@pytest.mark.parametrize("option", ["--output", "--traffic"])
def test_a_file_that_cannot_be_written_is_named_by_its_option(tmp_path: Path, option: str) -> None:
    """Before anything is sent: one line with the option and the path, exit 2."""
    file = str(tmp_path / "none" / "file")
    done = run(*COMMAND, "--url", "http://127.0.0.1:9/", option, file)
    assert done.exit_code == 2
    assert f"{option}: {file}" in done.output
    assert "Traceback" not in done.output
