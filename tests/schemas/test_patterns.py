"""Patterns work in every dialect of regular expressions, and refuse a line break behind a text."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runa_mock_server.config.schema import schema as configuration_schema
from runa_mock_server.control.api import OPERATIONS, PREFIX
from runa_mock_server.control.description import describe
from runa_schemas import iter_errors, load, names, openapi
from runa_schemas import strategies as s


def patterns(node: object) -> Iterator[str]:
    """Find every pattern of a document."""
    if isinstance(node, list):
        for child in node:
            yield from patterns(child)
    elif isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for child in node.values():
            yield from patterns(child)


DOCUMENTS: dict[str, Any] = {
    **{name: load(name) for name in names()},
    "OpenAPI document of the API": openapi(),
    "OpenAPI document of the control API": describe(OPERATIONS, PREFIX),
    "configuration": configuration_schema(),
}
PATTERNS = sorted({found for document in DOCUMENTS.values() for found in patterns(document)})
TEXTS = [name for name in names() if "pattern" in load(name)]


def test_patterns_are_found() -> None:
    """Each of the documents has patterns to look at."""
    assert len(PATTERNS) > 20
    assert len(TEXTS) > 8
    for name in [*DOCUMENTS][-3:]:
        assert [*patterns(DOCUMENTS[name])]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_is_one_for_re2(pattern: str) -> None:
    """RE2, on which the regular expressions of Go and of Rust are modelled, takes it."""
    compiled = re2.compile(pattern)
    assert compiled.search("\n") is None


@pytest.mark.parametrize("name", TEXTS)
@given(st.data())
def test_a_line_break_behind_a_text_is_refused(name: str, data: st.DataObject) -> None:
    """What fits does not fit with a line break behind it, and RE2 says so of both."""
    text = data.draw(s.from_schema(name))
    pattern = load(name)["pattern"]
    assert [issue.keyword for issue in iter_errors(text, name)] == []
    assert "pattern" in {issue.keyword for issue in iter_errors(f"{text}\n", name)}
    assert re2.search(pattern, text)
    assert not re2.search(pattern, f"{text}\n")


def test_plain_validators_in_python_need_the_guard() -> None:
    """The guard is worth having: jsonschema's own validator lets the line break pass."""
    pattern = {"type": "string", "pattern": load("money")["pattern"]}
    assert Draft202012Validator(pattern).is_valid("10.00\n")
    assert re.search(pattern["pattern"], "10.00\n")
