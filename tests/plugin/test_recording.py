"""``--runa-coverage`` and ``--runa-traffic``: what the tests of a session have met."""

import json
from pathlib import Path
from typing import Any

import pytest

from runa_mock_server import MockServer
from support.inner_runs import HEAD, WITH_PLUGIN, Run

THREE_WAYS = """
from runa_mock_server import MockServer
from runa_client import RunaClient

def test_ping(runa_api):
    runa_api.ping()

def test_order(runa_session_api):
    buy(runa_session_api)

def test_own_server():
    with MockServer() as server, RunaClient(server.base_url, "XX-me.secret") as client:
        client.balances()

@pytest.mark.runa_no_traffic
def test_deliberate(runa_api):
    runa_api.ping()

def test_failing(runa_api):
    runa_api.ping()
    assert not "reached"
"""


def met(file: Path) -> dict[str, str]:
    """The rules that a JSON report says were met, each with the first test."""
    document = json.loads(file.read_text(encoding="utf-8"))
    rules = document["areas"][0]["entries"]
    return {entry["id"]: entry["first"]["test"] for entry in rules if entry["times"]}


def records(folder: Path) -> list[dict[str, Any]]:
    """What was recorded in a folder."""
    return [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def test_the_terminal_shows_what_was_met_and_what_never(run: Run) -> None:
    """The sums of the areas, and the names of all that is missing."""
    result = run("def test_it(runa_api): runa_api.ping()", "--runa-coverage")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*runa contract coverage*", "rules *1 of *", "total *", "*never met, rules:"]
    )
    never = result.stdout.str().partition("never met")[2]
    assert "key-required" in never
    assert "ping" not in never.split()


def test_every_server_of_the_process_counts_with_the_test_that_called_it(
    run: Run, pytester: pytest.Pytester
) -> None:
    """Fixtures, the session's server and servers that a test starts itself."""
    run(THREE_WAYS, "--runa-coverage=json:out/found.json")
    assert met(pytester.path / "out/found.json") == {
        "ping": "test_it.py::test_ping",
        "order-accepted": "test_it.py::test_order",
        "balance-list": "test_it.py::test_own_server",
    }


def test_the_html_report_is_one_page(run: Run, pytester: pytest.Pytester) -> None:
    """It names rules, tests and areas, and loads nothing."""
    run(THREE_WAYS, "--runa-coverage=html")
    page = (pytester.path / "runa-coverage.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "test_it.py::test_order" in page
    assert not [
        name for name in ("<script", "<link", "src=", "http://", "https://") if name in page
    ]


@pytest.mark.parametrize(("limit", "status"), [("0.1", 0), ("99.5", 1)])
def test_a_session_fails_under_the_limit(run: Run, limit: str, status: int) -> None:
    """The limit is a percentage of all that can be met, and implies the coverage."""
    result = run("def test_it(runa_api): runa_api.ping()", "--runa-coverage-fail-under", limit)
    assert result.ret == status
    assert ("is under --runa-coverage-fail-under" in result.stdout.str()) == bool(status)


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--runa-coverage=xml", "must be html"),
        ("--runa-coverage=text:file", "must be html"),
        ("--runa-coverage-fail-under=101", "must be 0 to 100"),
        ("--runa-traffic=test_it.py", "--runa-traffic: test_it.py"),
    ],
)
def test_a_wrong_option_is_a_usage_error(run: Run, option: str, named: str) -> None:
    """One line names the option and what it can be."""
    result = run("def test_it(): pass", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert named in result.stderr.str()


def test_the_traffic_names_tests_and_outcomes(run: Run, pytester: pytest.Pytester) -> None:
    """Each request has its test; tests marked as deliberate are left out."""
    folder = pytester.mkdir("recorded")
    folder.joinpath("traffic-gw7.jsonl").write_text("of an earlier session", encoding="utf-8")
    run(THREE_WAYS, "--runa-traffic=recorded")
    found = records(folder)
    assert (found[0]["format"], found[0]["source"]) == ("runa-mock-traffic", "pytest")
    requests = [(each["path"], each["test"]) for each in found if each["kind"] == "request"]
    assert requests == [
        ("/v2/ping", "test_it.py::test_ping"),
        ("/v2/order", "test_it.py::test_order"),
        ("/v2/balance", "test_it.py::test_own_server"),
        ("/v2/ping", "test_it.py::test_failing"),
    ]
    outcomes = {each["test"]: each["outcome"] for each in found if each["kind"] == "test"}
    assert outcomes == {
        "test_it.py::test_ping": "passed",
        "test_it.py::test_order": "passed",
        "test_it.py::test_own_server": "passed",
        "test_it.py::test_failing": "failed",
    }
    assert "XX-me.secret" not in str(found)


@pytest.mark.once
def test_workers_are_merged(pytester: pytest.Pytester) -> None:
    """Under pytest-xdist the controller shows what all workers have met."""
    pytester.makepyfile(test_it=HEAD + THREE_WAYS)
    options = ("--runa-coverage=json", "--runa-traffic=recorded", "--runa-coverage-fail-under=90")
    result = pytester.runpytest_subprocess(*WITH_PLUGIN, "-p", "xdist", "-n", "2", *options)
    result.assert_outcomes(passed=4, failed=1)
    assert result.stdout.str().count("runa contract coverage") == 1
    assert set(met(pytester.path / "runa-coverage.json")) == {
        "ping",
        "order-accepted",
        "balance-list",
    }
    requests = [each for each in records(pytester.path / "recorded") if each["kind"] == "request"]
    assert len(requests) == 4


def test_a_server_in_another_process_is_read(run: Run, pytester: pytest.Pytester) -> None:
    """With ``--runa-url`` the accounts of the tests are asked."""
    with MockServer() as server:
        source = "def test_it(runa_api): buy(runa_api)"
        options = ("--runa-coverage=json", "--runa-traffic=recorded")
        run(source, "--runa-url", server.url, *options).assert_outcomes(passed=1)
    assert met(pytester.path / "runa-coverage.json") == {"order-accepted": "test_it.py::test_it"}
    requests = [each for each in records(pytester.path / "recorded") if each["kind"] == "request"]
    assert [each["test"] for each in requests] == ["test_it.py::test_it"]
