"""Every code block of the documents does what it says."""

import argparse
import json
import re
import shlex
import unittest
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import requests

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.config.file import read
from runa_mock_server.config.flags import DEFAULT_PORT
from support.documents import ALL, RUN, Block, blocks, of_language
from support.inner_runs import WITH_PLUGIN

# How the tests run each language. A new one needs a way to run it, or a line that says why not.
LANGUAGES = {"console", "js", "json", "python", "sh", "text", "toml"}
UNTESTED = 12
"""At most so many blocks that are not run; a new one needs a reason that a reader accepts."""

ULID = "[0-9A-HJKMNP-TV-Z]{26}"
ORDER_ID = re.compile(f"O-{ULID}")
MASKS = {
    "<id>": re.compile(f"(?<=[OE]-){ULID}"),
    "<moment>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"),
    "<token>": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "<address>": re.compile(r"127\.0\.0\.1:\d+"),
}
PYTHON = of_language("python")
SCRIPTS = [block for block in PYTHON if not block.title]
TESTS = [block for block in PYTHON if block.title.startswith("test_")]
UNITTESTS = [block for block in TESTS if "unittest" in block.title]
REPORTS = {
    code: report
    for document in {block.document for block in TESTS}
    for code, report in pairwise(blocks(document))
    if report.title == "pytest"
}


def masked(text: str) -> str:
    """An answer without what differs from run to run."""
    for mask, pattern in MASKS.items():
        text = pattern.sub(mask, text)
    return text


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a console session, each with what the session shows as its output."""
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = entry.partition("\n")
        yield command, output.strip()


def curl(command: str) -> str:
    """What a `curl` command prints; one with an option that is not known here is an error."""
    parser = argparse.ArgumentParser(prog="curl", exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-X", default=None)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d", default=None)
    program, *arguments = shlex.split(command)
    assert program == "curl"
    given = parser.parse_args(arguments)
    headers = {} if given.d is None else {"Content-Type": "application/x-www-form-urlencoded"}
    headers |= {name: value.strip() for name, _, value in (h.partition(":") for h in given.H)}
    method = given.X or ("GET" if given.d is None else "POST")
    return requests.request(method, given.url, headers=headers, data=given.d, timeout=10).text


def test_every_block_is_run_or_says_why_not() -> None:
    """Each block has a language that the tests run, or a reason that readers see."""
    assert [str(block) for block in ALL if block.rest] == []
    assert [str(block) for block in RUN if block.language not in LANGUAGES] == []
    assert len(ALL) - len(RUN) <= UNTESTED


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_python_examples_run(block: Block) -> None:
    """Each Python example of the documents does what it asserts."""
    assert "assert" in block.text
    exec(compile(block.text, str(block), "exec"), {})  # noqa: S102 - our documents


@pytest.mark.parametrize("block", TESTS, ids=str)
def test_pytest_examples_run(pytester: pytest.Pytester, block: Block) -> None:
    """Each example for pytest passes, or fails with the report that is shown below it."""
    assert "assert" in block.text
    pytester.makepyfile(**{block.title.removesuffix(".py"): block.text})
    result = pytester.runpytest_inprocess(*WITH_PLUGIN)
    report = REPORTS.get(block)
    if report is None:
        assert result.parseoutcomes().keys() == {"passed"}
        return
    assert result.parseoutcomes().keys() == {"failed"}
    told = masked(result.stdout.str())
    for line in report.text.splitlines():
        assert masked(line) in told


@pytest.mark.parametrize("block", UNITTESTS, ids=str)
def test_unittest_examples_pass_without_pytest(block: Block) -> None:
    """Each example for unittest passes without pytest."""
    module = ModuleType("example")
    exec(compile(block.text, str(block), "exec"), vars(module))  # noqa: S102 - our documents
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


@pytest.mark.parametrize("document", sorted({b.document for b in of_language("console")}))
def test_console_sessions_show_what_happens(document: str) -> None:
    """Each command of a page's sessions answers what stands below it, sessions a second apart.

    Ids in the answers are new ones; where a command repeats an id, it means the new one.
    """
    clock = ManualClock()
    ids: dict[str, str] = {}
    with MockServer(clock=clock) as server:
        address = server.url.removeprefix("http://")
        for block in of_language("console"):
            if block.document != document:
                continue
            for command, shown in commands(block.text):
                told = command
                for old, new in ids.items():
                    told = told.replace(old, new)
                answer = curl(told.replace(f"127.0.0.1:{DEFAULT_PORT}", address))
                assert masked(answer) == masked(shown), command
                ids |= zip(ORDER_ID.findall(shown), ORDER_ID.findall(answer), strict=True)
            clock.advance(1)


@pytest.mark.parametrize("block", of_language("toml"), ids=str)
def test_configuration_examples_can_be_used(block: Block, tmp_path: Path) -> None:
    """Each TOML example is a configuration file without a problem."""
    (tmp_path / "runa-mock.toml").write_text(block.text, encoding="utf-8")
    assert read(tmp_path / "runa-mock.toml")


@pytest.mark.parametrize("block", of_language("json"), ids=str)
def test_json_examples_are_json(block: Block) -> None:
    """Each JSON example is JSON."""
    assert json.loads(block.text)


def test_titled_blocks_are_used() -> None:
    """A file that is no test and no report is used by a command of its page, or a setting."""
    for block in RUN:
        if block.title and block not in TESTS and block.language in {"python", "js"}:
            script = "".join(b.text for b in of_language("sh") if b.document == block.document)
            assert block.title in script, str(block)
