"""The papers do not lie: examples run, settings are listed, links lead somewhere."""

import argparse
import re
import shlex
import unittest
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import requests

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.config.file import read
from runa_mock_server.config.flags import DEFAULT_PORT
from support.inner_runs import WITH_PLUGIN

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = tuple(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))
PAPERS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", *GUIDES)
WITH_EXAMPLES = ("README.md", *GUIDES)

ULID = "[0-9A-HJKMNP-TV-Z]{26}"
ORDER_ID = re.compile(f"O-{ULID}")
MASKS = {
    "<id>": re.compile(f"(?<=[OE]-){ULID}"),
    "<moment>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"),
    "<token>": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "<address>": re.compile(r"127\.0\.0\.1:\d+"),
}


def blocks(paper: str, language: str) -> list[str]:
    """A paper's fenced blocks in one language."""
    text = (ROOT / paper).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def examples(language: str) -> list[tuple[str, int]]:
    """The blocks in one language, each by its paper and its number there."""
    return [
        (paper, number)
        for paper in WITH_EXAMPLES
        for number in range(1, len(blocks(paper, language)) + 1)
    ]


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


@pytest.mark.parametrize(("paper", "number"), examples("python"))
def test_python_examples_run(paper: str, number: int) -> None:
    """Each Python example of the papers does what it asserts."""
    source = blocks(paper, "python")[number - 1]
    assert "assert" in source
    exec(compile(source, f"{paper}, example {number}", "exec"), {})  # noqa: S102 - our papers


@pytest.mark.parametrize(("paper", "number"), examples("python pytest"))
def test_pytest_examples_pass(pytester: pytest.Pytester, paper: str, number: int) -> None:
    """Each example for pytest passes with the plugin and without anything else."""
    source = blocks(paper, "python pytest")[number - 1]
    assert "assert" in source
    pytester.makepyfile(test_example=source)
    outcomes = pytester.runpytest_inprocess(*WITH_PLUGIN).parseoutcomes()
    assert outcomes.keys() == {"passed"}


@pytest.mark.parametrize(("paper", "number"), examples("python unittest"))
def test_unittest_examples_pass(paper: str, number: int) -> None:
    """Each example for unittest passes without pytest."""
    module = ModuleType("example")
    source = blocks(paper, "python unittest")[number - 1]
    exec(compile(source, f"{paper}, example {number}", "exec"), vars(module))  # noqa: S102 - our papers
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])


@pytest.mark.parametrize("paper", dict(examples("console")))
def test_console_sessions_show_what_happens(paper: str) -> None:
    """Each command of a paper's sessions answers what stands below it, sessions a second apart.

    Ids in the answers are new ones; where a command repeats an id, it means the new one.
    """
    clock = ManualClock()
    run = 0
    ids: dict[str, str] = {}
    with MockServer(clock=clock) as server:
        address = server.url.removeprefix("http://")
        for block in blocks(paper, "console"):
            for command, shown in commands(block):
                told = command
                for old, new in ids.items():
                    told = told.replace(old, new)
                answer = curl(told.replace(f"127.0.0.1:{DEFAULT_PORT}", address))
                assert masked(answer) == masked(shown), command
                ids |= zip(ORDER_ID.findall(shown), ORDER_ID.findall(answer), strict=True)
                run += 1
            clock.advance(1)
    assert run >= 4


def test_configuration_examples_can_be_used(tmp_path: Path) -> None:
    """Each TOML example of the README is a configuration file without a problem."""
    assert blocks("README.md", "toml")
    for block in blocks("README.md", "toml"):
        (tmp_path / "runa-mock.toml").write_text(block, encoding="utf-8")
        assert read(tmp_path / "runa-mock.toml")


def test_examples_are_there() -> None:
    """The README has examples of both kinds, and its `make` targets exist."""
    languages = re.findall(r"^```(\w+)$", README, re.MULTILINE)
    assert {"python", "console"} <= set(languages) <= {"python", "console", "sh", "toml"}
    targets = re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for line in "".join(blocks("README.md", "sh")).splitlines():
        program, *arguments = line.partition("#")[0].split()
        if program == "make":
            assert set(arguments) <= set(targets)
        else:  # the real service cannot be asked here
            assert program in {"curl", "runa-mock"}


@pytest.mark.parametrize("paper", PAPERS)
def test_links_lead_somewhere(paper: str) -> None:
    """Each link to a file leads to one that is there."""
    text = (ROOT / paper).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    for target in targets:
        assert target.startswith("https://") or (ROOT / paper).parent.joinpath(target).exists(), (
            target
        )


def test_papers_name_each_other() -> None:
    """From the README a reader finds the other papers, the guides and the licence."""
    targets = set(re.findall(r"\]\(([^)#]+)\)", README))
    assert {*PAPERS[1:], "LICENSE"} <= targets


def test_architecture_names_modules_that_exist() -> None:
    """Each module that ARCHITECTURE.md names is there, and each module is named there."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    source = ROOT / "mock_server" / "runa_mock_server"
    for path in re.findall(r"`((?:\w+/)*\w+\.py)`", text):
        assert (source / path).is_file(), path
    words = set(re.findall(r"\w+", text))
    public = {path.stem for path in source.glob("[a-z]*.py")}
    assert public <= words, public - words
