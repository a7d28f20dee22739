"""``runa-mock report``: its inputs, its forms and its exit codes."""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from runa_mock_server import MockServer, connect
from runa_mock_server.testing.go_live.report import RULES
from support.api import Api, body
from support.command import run
from support.go_live import SHOP, Session, failing, ordered, record
from support.process import serving
from webhook_scenarios.handlers import SECRET, Book, handling

TOKEN = "open-sesame"  # noqa: S105 - of a server that lives for a test
HOSTILE = "</code><script>alert(1)</script> `|` \x1b[31m\u202e\n# title"
PROGRAM = """
import json, os, urllib.request, uuid
headers = {"X-Api-Key": os.environ["RUNA_API_KEY"], "X-Idempotency-Key": str(uuid.uuid4()),
           "X-Api-Version": "2024-02-05", "Content-Type": "application/json"}
url = os.environ["RUNA_BASE_URL"] + "/order"
urllib.request.urlopen(urllib.request.Request(url, json.dumps(%s).encode(), headers))
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Traffic that violates no rule and does not prove all."""
    return record(tmp_path / "good.jsonl", ordered)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Traffic that violates rules, with texts that no form must take for its own."""

    def suite(session: Session) -> None:
        client = session.client()
        failing(client, [2, 2, 2], {"kind": "status", "status": 503})
        client.order(body(description=HOSTILE), key="<b>1</b>`")
        client.get(f"/ping?api_key={SHOP}")

    return record(tmp_path / "bad.jsonl", suite)


def judged(*arguments: str) -> dict[str, str]:
    """The verdict on each rule."""
    done = run("report", "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    return {rule["id"]: rule["status"] for rule in json.loads(done.output)["rules"]}


def test_the_json_report_has_all(good: Path) -> None:
    """Verdict, counts, inputs with digests, and each rule with its evidence."""
    report = json.loads(run("report", str(good), "--format", "json").output)
    assert report["verdict"].startswith("Not proven yet")
    assert [rule["id"] for rule in report["rules"]] == [rule.id for rule in RULES]
    assert sum(report["counts"].values()) == len(RULES)
    (source,) = report["inputs"]
    assert (source["name"], source["source"]) == (str(good), "pytest")
    assert len(source["digest"]) == 64
    for rule in report["rules"]:
        assert bool(rule["evidence"]) or rule["status"] != "proven"
        assert bool(rule["violations"]) == (rule["status"] == "violated")


@pytest.mark.parametrize(
    ("fail_on", "of_good", "of_bad"), [(None, 0, 0), ("violated", 0, 1), ("unproven", 1, 1)]
)
def test_the_exit_code_is_as_asked_for(
    good: Path, bad: Path, fail_on: str | None, of_good: int, of_bad: int
) -> None:
    """0 unless `--fail-on` says what is a failure."""
    options = [] if fail_on is None else ["--fail-on", fail_on]
    assert run("report", str(good), *options).exit_code == of_good
    assert run("report", str(bad), *options).exit_code == of_bad


def test_the_page_is_self_contained_and_takes_no_text_for_markup(bad: Path, tmp_path: Path) -> None:
    """It loads nothing, and what a client has sent stays text."""
    file = tmp_path / "report.html"
    done = run("report", str(bad), "--format", "html", "--output", str(file))
    assert done.output.startswith("Not ready: ")
    page = file.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    for name in ("<script", "<link", "<img", "src=", 'href="http', "@import", "url("):
        assert name not in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert page.index("Not ready") < page.index("Inputs") < page.index('id="key-random"')


def test_markdown_fits_a_comment(bad: Path) -> None:
    """The violations with their requests; hostile texts are code, in one line."""
    text = run("report", str(bad)).output
    assert len(text) < 60_000
    assert text.startswith("## ❌ Not ready: ")
    assert "\x1b" not in text
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert "&lt;b&gt;1&lt;/b&gt;" in page
    assert "<b>" not in page


def test_junit_is_valid_and_fails_what_is_violated(bad: Path) -> None:
    """A case for each rule; what is not proven is skipped."""
    report = json.loads(run("report", str(bad), "--format", "json").output)
    suite = ET.fromstring(run("report", str(bad), "--format", "junit").output)[0]  # noqa: S314 - our own
    counts = report["counts"]
    assert suite.get("tests") == str(len(RULES))
    assert suite.get("failures") == str(counts["violated"])
    assert suite.get("skipped") == str(counts["not exercised"] + counts["not checkable"])
    failed = {
        case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None
    }
    assert failed == {rule["id"] for rule in report["rules"] if rule["status"] == "violated"}


def test_no_form_shows_a_key(bad: Path) -> None:
    """Nor does the traffic itself."""
    forms = [run("report", str(bad), "--format", form).output for form in ("html", "json", "junit")]
    assert SHOP not in "".join([*forms, bad.read_text(encoding="utf-8")])


def test_several_inputs_are_judged_together(good: Path, bad: Path, tmp_path: Path) -> None:
    """Files one by one, and the files of a folder."""
    together = judged(str(good), str(bad))
    assert together == judged(str(tmp_path))
    assert together["key-in-header"] == "violated"
    assert together["followed"] == "proven"


GOOD = json.dumps({"kind": "traffic", "format": "runa-mock-traffic", "version": 1})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("hello\n", "line 1 is no JSON object"),
        ("[1]\n", "line 1 is no JSON object"),
        ('{"kind": "request"}\n', "line 1 must have the format 'runa-mock-traffic'"),
        (GOOD.replace("1}", "2}"), "has version 2 of the traffic format; this runa-mock reads 1"),
        (f"{GOOD}\n{{", "line 2 is no JSON object"),
        (f"{GOOD}\n{GOOD}\n", "line 2 begins another file of traffic"),
        (f'{GOOD}\n{{"kind": "request"}}\n', "line 2: request server: Field required"),
        ("<html></html>", "line 1 is no JSON object"),
        ("\x00\x01", "line 1 is no JSON object"),
    ],
)
def test_bad_traffic_is_one_clear_line(tmp_path: Path, content: str, named: str) -> None:
    """It names the file and the reason; the exit code is that of wrong usage."""
    file = tmp_path / "traffic.jsonl"
    file.write_text(content, encoding="utf-8")
    done = run("report", str(file))
    assert done.exit_code == 2
    assert done.output.startswith(f"Error: {file}: ")
    assert named in done.output
    assert len(done.output.splitlines()) == 1


def test_inputs_that_are_not_there_are_one_clear_line(good: Path, tmp_path: Path) -> None:
    """A missing file, an empty folder, a URL without a server, the same file twice, no input."""
    empty = tmp_path / "empty"
    empty.mkdir()
    cases: list[tuple[list[str], str]] = [
        ([str(tmp_path / "nothing.jsonl")], "No such file"),
        ([str(empty)], "has no file *.jsonl"),
        (["http://127.0.0.1:9"], "no mock server answers"),
        ([str(good), str(good)], "has the same content as"),
        ([str(good), "--output", str(empty)], "--output"),
        ([], "Missing argument"),
    ]
    for arguments, named in cases:
        done = run("report", *arguments)
        assert done.exit_code == 2
        assert named in done.output
        assert "Traceback" not in done.output


def test_a_running_server_is_asked() -> None:
    """Its URL is an input like a file; a control token is sent."""
    with (
        MockServer(control_token=TOKEN) as server,
        connect(server.url, token=TOKEN) as face,
    ):
        Api(server.url).order()
        assert [r["kind"] for r in face.traffic()] == ["traffic", "server", "request"]
        refused = run("report", server.url)
        assert refused.exit_code == 2
        assert "token" in refused.output
        done = run("report", server.url, "--token", TOKEN, "--format", "json")
    report: dict[str, Any] = json.loads(done.output)
    assert report["requests"] == 1
    assert report["inputs"][0]["source"] == "server"


def test_serve_records_its_traffic(tmp_path: Path) -> None:
    """Each line is there when its answer is, and a reset loses nothing."""
    file = tmp_path / "traffic.jsonl"
    with serving("--port", "0", "--traffic", str(file)) as served:
        Api(served.url).order()
        with connect(served.url) as server:
            server.reset()
        Api(served.url).order()
        found = judged(str(file))
        served.stop()
    assert found["idempotency-key"] == "proven"
    assert sum('"kind":"request"' in line for line in file.read_text().splitlines()) == 2


def test_serve_refuses_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the option and the file."""
    done = run("serve", "--port", "0", "--traffic", str(tmp_path / "no" / "file"))
    assert done.exit_code == 2
    assert "--traffic" in done.output


def test_check_client_records_scenarios_with_their_outcomes(tmp_path: Path) -> None:
    """A scenario counts as a test: how it ends judges how the client copes with its answers."""
    file, program = tmp_path / "traffic.jsonl", tmp_path / "program.py"
    program.write_text(PROGRAM % body(), encoding="utf-8")
    done = run(
        *("check-client", "--select", "clean", "--traffic", str(file)),
        *(sys.executable, "-I", str(program)),
    )
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert records[0]["source"] == "check-client", done.output
    requests = [r for r in records if r["kind"] == "request"]
    assert {r["test"] for r in requests} == {"clean"}
    assert next(r["outcome"] for r in records if r["kind"] == "test") in {"passed", "failed"}


@pytest.mark.parametrize(
    ("habit", "status"),
    [("", "proven"), ("no-verification", "violated"), ("no-timestamp-check", "violated")],
)
def test_the_deliveries_of_check_webhooks_are_evidence(
    tmp_path: Path, habit: str, status: str
) -> None:
    """A handler that refuses what is forged and old is proven, one that does not is violated."""
    file = tmp_path / "webhooks.jsonl"
    with handling(Book(habit) if habit else Book()) as url:
        options = ("--settle", "0", "--secret", SECRET, "--traffic", str(file))
        run("check-webhooks", "--url", url, *options)
    assert SECRET not in file.read_text("utf-8")
    done = run("report", str(file), "--format", "json")
    rules = {rule["id"]: rule["status"] for rule in json.loads(done.stdout)["rules"]}
    assert rules["webhooks-verified"] == status
    assert {found for rule, found in rules.items() if rule != "webhooks-verified"} <= {
        "not exercised",
        "not checkable",
    }
