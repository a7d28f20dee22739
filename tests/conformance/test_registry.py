"""The checks and the rules, as data."""

import pytest

from runa_conformance import CHECKS, RULES, Check, SelectionError, select
from runa_conformance._invariants import Invariant, invariants

PROOFS: list[Check | Invariant] = [*CHECKS, *invariants()]


def test_every_check_has_a_name_of_its_own_and_says_what_it_expects() -> None:
    """Names are unique, and each is followed by a sentence."""
    names = [proof.name for proof in PROOFS]
    assert len(names) == len(set(names)) > 100
    assert all(proof.text.endswith(".") for proof in PROOFS)


def test_every_rule_is_checked_or_says_why_not() -> None:
    """A rule has a check, or a reason to have none, and never both."""
    proved = {proof.rule.id for proof in PROOFS}
    assert {rule.id for rule in RULES.values() if rule.unchecked is None} == proved
    assert not [rule.id for rule in RULES.values() if rule.recorded and rule.evidence != "recorded"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["access.ping_answers_pong"], ["access.ping_answers_pong"]),
        (["*.ping*"], ["access.ping_answers_pong"]),
        (["syntax"], [check.name for check in CHECKS if check.group == "syntax"]),
        (["s?ntax.json*", "syntax.json_*"], ["syntax.json_is_read_strictly"]),
        ([], [check.name for check in CHECKS]),
    ],
)
def test_checks_are_selected_by_name_or_group(patterns: list[str], expected: list[str]) -> None:
    """Patterns are as for files, and the order stays that of the checks."""
    assert [check.name for check in select(CHECKS, patterns)] == expected


def test_checks_are_selected_by_evidence() -> None:
    """Only checks of rules with the evidence are left."""
    chosen = select(CHECKS, (), ["recorded"])
    assert {check.rule.evidence for check in chosen} == {"recorded"}


@pytest.mark.parametrize(
    ("patterns", "evidence", "named"),
    [
        (["acess"], [], "acess"),
        (["syntax", "nothing*"], [], "nothing"),
        (["syntax"], ["recorded"], "evidence"),
    ],
)
def test_a_selection_that_finds_nothing_is_an_error(
    patterns: list[str], evidence: list[str], named: str
) -> None:
    """The error says which pattern fits no check."""
    with pytest.raises(SelectionError, match=named):
        select(CHECKS, patterns, evidence)
