"""Each rule of the go-live report is proven by a suite, and violated by suites of its own."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from runa_mock_server.testing.go_live.reading import read
from runa_mock_server.testing.go_live.report import RULES, evaluate
from support.go_live import PROOFS, VIOLATIONS, Session, record

UNCHECKABLE = {"ip-restrictions", "key-storage"}


def statuses(*files: Path) -> dict[str, str]:
    """The verdict on each rule."""
    report = evaluate(read([str(file) for file in files]))
    return {result.rule.id: result.status for result in report.results}


def different(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The verdicts that have changed, as they are now."""
    return {rule: status for rule, status in after.items() if before[rule] != status}


def everything(session: Session) -> None:
    """The suites of all rules, one after the other."""
    for suite in PROOFS.values():
        suite(session)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The traffic of a client that does everything right."""
    return record(tmp_path_factory.mktemp("good") / "good.jsonl", everything)


def test_a_client_that_does_everything_right_violates_nothing(good: Path) -> None:
    """Every rule is proven that traffic can show."""
    found = statuses(good)
    assert {rule for rule, status in found.items() if status != "proven"} == UNCHECKABLE
    assert {found[rule] for rule in UNCHECKABLE} == {"not checkable"}


def test_a_suite_that_exercises_nothing_proves_nothing(tmp_path: Path) -> None:
    """Without a request no rule is proven, and none is violated."""
    found = statuses(record(tmp_path / "empty.jsonl", lambda session: session.client()))
    assert set(found.values()) == {"not exercised", "not checkable"}
    assert {rule for rule, status in found.items() if status == "not checkable"} == UNCHECKABLE


def test_each_rule_has_a_suite_that_proves_it_and_one_that_violates_it() -> None:
    """A rule that cannot be violated is none."""
    checkable = {rule.id for rule in RULES} - UNCHECKABLE
    assert set(PROOFS) == checkable
    assert {rule for rule, _ in VIOLATIONS.values()} == checkable


@pytest.mark.parametrize("rule", PROOFS)
def test_a_suite_proves_its_rule(tmp_path: Path, rule: str) -> None:
    """The suite alone is enough, and violates nothing."""
    found = statuses(record(tmp_path / "one.jsonl", PROOFS[rule]))
    assert found[rule] == "proven"
    assert "violated" not in found.values()


@pytest.mark.parametrize("wrong", VIOLATIONS)
def test_a_wrong_suite_flips_exactly_its_rule(tmp_path: Path, good: Path, wrong: str) -> None:
    """Beside the traffic of a good client only one verdict changes."""
    rule, suite = VIOLATIONS[wrong]
    bad = record(tmp_path / "bad.jsonl", suite)
    assert different(statuses(good), statuses(good, bad)) == {rule: "violated"}
