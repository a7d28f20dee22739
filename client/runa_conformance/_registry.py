"""Checks, their groups, and how some of them are selected."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias, TypeVar

from runa_conformance._failures import SelectionError
from runa_conformance._service import Service
from runa_schemas.contract_data import ProfileName
from runa_schemas.rules import RULES, Rule

Proof: TypeAlias = Callable[[Service], int | None]
"""The program of a check; for a rule with several readings it returns the index of the one met."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, which finds out whether a server keeps a rule.

    Attributes:
        name: ``group.what_is_said``, by which it is selected.
        rule: the rule that it proves.
        text: the expected behaviour in a sentence.
        orders: whether it places orders. One that does not sends nothing that could buy: besides
            reading, only orders that are malformed or name no product that exists.
        profile: the only environment in which it makes sense, ``None`` for every one.
        other_account: whether it needs a second API key.
        moves_clock: whether it needs a server whose clock can be moved.
    """

    name: str
    rule: Rule
    text: str
    orders: bool = False
    profile: ProfileName | None = None
    other_account: bool = False
    moves_clock: bool = False

    @property
    def group(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnableCheck(Check):
    """A check with its program, which only a run of the suite can call.

    Attributes:
        proof: the program; raises ``MismatchError`` or ``SkippedError``.
    """

    proof: Proof


AnyCheck = TypeVar("AnyCheck", bound=Check)


class Group:
    """The checks of one topic, in the order in which they run.

    Args:
        name: the first part of their names.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.checks: list[RunnableCheck] = []

    def check(
        self,
        rule: str,
        *,
        orders: bool = False,
        profile: ProfileName | None = None,
        other_account: bool = False,
        moves_clock: bool = False,
    ) -> Callable[[Proof], Proof]:
        """Make a check of a function: its name and its docstring are the check's.

        Args:
            rule: the id of the rule that it proves.
            orders: whether it places orders.
            profile: the only environment in which it makes sense.
            other_account: whether it needs a second API key.
            moves_clock: whether it needs a server whose clock can be moved.
        """

        def register(proof: Proof) -> Proof:
            self.checks.append(
                RunnableCheck(
                    name=f"{self._name}.{proof.__name__}",
                    rule=RULES[rule],
                    text=(proof.__doc__ or "").partition("\n")[0],
                    proof=proof,
                    orders=orders,
                    profile=profile,
                    other_account=other_account,
                    moves_clock=moves_clock,
                )
            )
            return proof

        return register


def select(
    checks: Iterable[AnyCheck], patterns: Collection[str] = (), evidence: Collection[str] = ()
) -> list[AnyCheck]:
    """Choose checks.

    Args:
        checks: what to choose from.
        patterns: names or groups, with ``*`` and ``?`` as in file names; empty for all.
        evidence: only checks of rules with such evidence; empty for all.

    Raises:
        SelectionError: a pattern fits no check, or nothing is left.
    """
    known = list(checks)
    for pattern in patterns:
        if not any(_fits(check, pattern) for check in known):
            groups = ", ".join(dict.fromkeys(check.group for check in known))
            raise SelectionError(f"no check is called {pattern!r}; the groups are {groups}")
    chosen = [
        check
        for check in known
        if (not patterns or any(_fits(check, pattern) for pattern in patterns))
        and (not evidence or check.rule.evidence in evidence)
    ]
    if not chosen:
        raise SelectionError("no check has that name and that evidence")
    return chosen


def _fits(check: Check, pattern: str) -> bool:
    return fnmatchcase(check.name, pattern) or fnmatchcase(check.group, pattern)
