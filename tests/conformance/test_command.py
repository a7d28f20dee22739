"""The commands ``runa-mock conform`` and ``runa-mock rules``."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from runa_conformance import CHECKS, RULES
from runa_mock_server import MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from runa_mock_server.cli import main

KEY = "XX-conformance.own-secret"
FEW = Catalogue([p for p in built_in().products if p["currency"] == "CAD"][:9])
ENVIRONMENT = {"RUNA_BASE_URL": None, "RUNA_API_KEY": None, "RUNA_OTHER_API_KEY": None}
FAILING = "redemption.codes*"  # needs products that these few are not: skipped
CHOSEN = ("--select", "access.ping*", "--select", "paths.a_wrong*", "--select", "balances")


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """A server with a few products and a short wait."""
    with MockServer(processing_delay=0.01, catalogue=FEW) as server:
        yield server


def invoke(*arguments: str | Path, **environment: str) -> Result:
    """Run ``runa-mock`` with arguments."""
    result = CliRunner().invoke(
        main, [str(argument) for argument in arguments], env={**ENVIRONMENT, **environment}
    )
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def conform(server: MockServer, *arguments: str | Path) -> Result:
    """Run ``runa-mock conform`` on a server, whose key the output never has."""
    result = invoke("conform", "--base-url", server.base_url, *arguments, RUNA_API_KEY=KEY)
    assert KEY not in result.output
    return result


def test_text_has_a_line_for_each_check(mock: MockServer) -> None:
    """Passed ones are a line; a skipped one has its reason; the last line counts."""
    result = conform(mock, *CHOSEN, "--verbose")
    assert (result.exit_code, result.stderr) == (0, "")
    *lines, last = result.stdout.splitlines()
    assert "ok    access.ping_answers_pong" in lines
    assert any(line.startswith("skip  balances.orders_cost_nothing") for line in lines)
    assert " 0 failed" in last
    assert mock.base_url in last


def test_json_is_the_whole_report(mock: MockServer) -> None:
    """Standard output is one document with every result, its rule and its evidence."""
    document = json.loads(conform(mock, *CHOSEN, "--format", "json").stdout)
    assert document["base_url"] == mock.base_url
    assert document["counts"]["failed"] == 0
    assert sum(document["counts"].values()) == len(document["results"])
    first = document["results"][0]
    assert (first["name"], first["status"]) == ("access.ping_answers_pong", "passed")
    assert (first["rule"], first["evidence"]) == ("ping", "documented")
    assert first["reason"] is None


def test_junit_is_for_ci_servers(mock: MockServer, tmp_path: Path) -> None:
    """A case for each check with its group, written to a file while progress is told."""
    output = tmp_path / "report.xml"
    result = conform(mock, *CHOSEN, "--format", "junit", "--output", output)
    assert "access       1 passed" in result.stdout
    (suite,) = ET.parse(output).getroot()  # noqa: S314 - written a moment ago
    cases = list(suite)
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert datetime.fromisoformat(suite.get("timestamp", "")).tzinfo is not None
    assert suite.get("tests") == str(len(cases))
    assert (cases[0].get("classname"), cases[0].get("name")) == ("access", "ping_answers_pong")
    assert sum(case.find("skipped") is not None for case in cases) == int(suite.get("skipped", 0))


def test_a_failed_check_is_told_in_each_form(mock: MockServer) -> None:
    """Exit 1, with reason, rule and evidence."""
    failing = ("--profile", "production", "--select", "bodies.details_are_those_of_pydantic_1")
    text = conform(mock, *failing)
    assert text.exit_code == 1
    assert "FAIL  bodies.details_are_those_of_pydantic_1" in text.stdout
    assert "rule: details-pydantic-1 (documented)" in text.stdout
    document = json.loads(conform(mock, *failing, "--format", "json").stdout)
    assert document["counts"]["failed"] == 1
    assert "location" in document["results"][0]["reason"]
    junit = conform(mock, *failing, "--format", "junit")
    assert junit.exit_code == 1
    failures = list(ET.fromstring(junit.stdout).iter("failure"))  # noqa: S314 - our own
    assert len(failures) == 1
    assert "location" in str(failures[0].get("message"))


def test_orders_are_placed_only_if_allowed(mock: MockServer) -> None:
    """With the flag, and never without it."""
    selected = ("--select", "orders.ids*", "--select", "access.ping*")
    assert " 0 orders," in conform(mock, *selected).stdout
    allowed = conform(mock, *selected, "--allow-orders")
    assert allowed.exit_code == 0
    assert " 4 orders," in allowed.stdout


def test_server_and_keys_come_from_the_environment_too(mock: MockServer) -> None:
    """RUNA_BASE_URL, RUNA_API_KEY and RUNA_OTHER_API_KEY stand in for flags."""
    result = invoke(
        "conform",
        "--select",
        "precedence.another*",
        RUNA_BASE_URL=mock.base_url,
        RUNA_API_KEY=KEY,
        RUNA_OTHER_API_KEY="XX-conformance.other-secret",
    )
    assert result.exit_code == 0
    assert "precedence   1 passed" in result.stdout


def test_list_asks_no_server() -> None:
    """Names, needs and sentences of the selected checks, and of what is always watched."""
    everything = invoke("conform", "--list").stdout.splitlines()
    assert len(everything) == len(CHECKS) + 4
    some = invoke("conform", "--list", "--select", "fx*", "--select", "exchange.the*").exit_code
    assert some == 2
    (line, *watched) = invoke("conform", "--list", "--select", "exchange.the*").stdout.splitlines()
    assert line.split()[:4] == [
        "exchange.the_worked_example_comes_out",
        "orders,",
        "playground",
        "only",
    ]
    assert all(" always " in other for other in watched)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--base-url", "http://127.0.0.1:1/v2"), "RUNA_API_KEY"),
        (("--api-key", KEY), "RUNA_BASE_URL"),
        (("--base-url", "http://127.0.0.1:1/v2", "--api-key", KEY), "cannot be reached"),
        (("--base-url", "nowhere", "--api-key", KEY), "base URL"),
        (("--select", "nothing", "--list"), "nothing"),
        (("--format", "xml"), "--format"),
        (("--evidence", "rumour"), "--evidence"),
        (("--timeout", "0"), "--timeout"),
        (("--against", "no-such-directory"), "recording.json"),
        (("--against", ".", "--select", "syntax"), "--select"),
        (("--against", ".", "--record", "there"), "--record"),
        (("--output", "no-such-directory/report"), "--output"),
        (("--colour",), "--colour"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...], named: str) -> None:
    """The error names what is wrong, on standard error, without the key or a traceback."""
    result = invoke("conform", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert named in result.stderr
    assert KEY not in result.stderr


def test_what_was_recorded_is_replayed_on_a_mock(mock: MockServer, tmp_path: Path) -> None:
    """Without a base URL the mock is started, with the recorded catalogue and balances."""
    directory = tmp_path / "recording"
    selected = ("--select", "orders.an_*", "--select", "catalogue", "--select", "balances.*list*")
    recorded = conform(mock, *selected, "--allow-orders", "--record", directory)
    assert recorded.exit_code == 0, recorded.output
    same = invoke("conform", "--against", directory, RUNA_BASE_URL="http://127.0.0.1:1/v2")
    assert same.exit_code == 0, same.output
    assert " 0 differences" in same.stdout

    fixture = next(directory.glob("*ids_are*"), None) or next(directory.glob("*an_order_compl*"))
    planted = json.loads(fixture.read_text("utf-8"))
    planted["answer"]["json"]["currency"] = "XXX"
    fixture.write_text(json.dumps(planted), encoding="utf-8")
    drifted = invoke("conform", "--against", directory)
    assert drifted.exit_code == 1
    assert 'recorded "XXX", found "CAD"' in drifted.stdout
    assert fixture.name in drifted.stdout
    document = json.loads(invoke("conform", "--against", directory, "--format", "json").stdout)
    assert [difference["path"] for difference in document["differences"]] == ["$.currency"]
    junit = invoke("conform", "--against", directory, "--format", "junit").stdout
    assert len(list(ET.fromstring(junit).iter("failure"))) == 1  # noqa: S314 - our own


def test_a_replay_on_a_named_server_needs_leave(mock: MockServer, tmp_path: Path) -> None:
    """Orders of a recording are placed on a server that was named only if that is allowed."""
    directory = tmp_path / "recording"
    selected = ("--select", "orders.ids_grow", "--select", "access.ping*")
    conform(mock, *selected, "--allow-orders", "--record", directory)
    without = conform(mock, "--against", directory)
    assert without.exit_code == 0
    assert "left out" in without.stdout
    allowed = conform(mock, "--against", directory, "--allow-orders")
    assert "left out" not in allowed.stdout


def test_rules_are_listed_with_their_evidence() -> None:
    """Each rule with its evidence, and why it is not checked if it is not."""
    text = invoke("rules").stdout
    for rule in RULES.values():
        assert f"{rule.id} ({rule.evidence}" in text
        assert rule.text in text
    assert "order-ids (recorded 2024-09-04)" in text
    document = json.loads(invoke("rules", "--format", "json").stdout)
    assert [entry["id"] for entry in document] == list(RULES)
    assert all(entry["checks"] or entry["unchecked"] for entry in document)


def test_a_recording_confirms_rules(mock: MockServer, tmp_path: Path) -> None:
    """With a recording each rule says how its checks ended, where and when."""
    directory = tmp_path / "recording"
    conform(mock, "--select", "access.ping*", "--record", directory)
    text = invoke("rules", "--recording", directory).stdout
    assert f"passed on {mock.base_url}, " in text
    document = json.loads(invoke("rules", "--recording", directory, "--format", "json").stdout)
    seen = {entry["id"]: entry["seen"]["status"] for entry in document}
    assert (seen["ping"], seen["order-ids"]) == ("passed", "not checked")
    assert invoke("rules", "--recording", tmp_path).exit_code == 2
