"""Failures and differences of one cause, reported together."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from runa_conformance._replay import Drift
from runa_conformance._results import Result

_VARIES = re.compile(r'"(?:[^"\\]|\\.)*"|[OE]-[0-9A-Z]{26}|\d+(?:\.\d+)?')
_STATUS = re.compile(r"(?<=answered )\d{3}")
_INDEX = re.compile(r"\[\d+\]")
_ID = re.compile(r"/(?:[OE]-)?[^/?]*\d[^/?]*")

T = TypeVar("T")


class Cause(NamedTuple):
    """Failed checks of one cause.

    Attributes:
        first: the first of them, which stands for all.
        others: the rest, in the order in which they ran.
    """

    first: Result
    others: Sequence[Result]


class DriftKind(NamedTuple):
    """Differences in one field of the answers to one operation.

    Attributes:
        operation: method and path, ids left out.
        field: the path in the answer, indexes left out.
        first: the first of them, which stands for all.
        total: how many there are.
    """

    operation: str
    field: str
    first: Drift
    total: int


def causes(results: Iterable[Result]) -> list[Cause]:
    """The failures by cause, those of most checks first."""
    failed = [result for result in results if result.status == "failed"]
    groups = _grouped(failed, lambda result: _without_values(result.cause or ""))
    found = [Cause(first, others) for first, *others in groups]
    return sorted(found, key=lambda cause: -len(cause.others))


def drift_kinds(drifts: Iterable[Drift]) -> list[DriftKind]:
    """The differences by operation and field, the most frequent first."""
    found = [
        DriftKind(*_place(group[0]), group[0], len(group)) for group in _grouped(drifts, _place)
    ]
    return sorted(found, key=lambda kind: -kind.total)


def _place(drift: Drift) -> tuple[str, str]:
    operation = _ID.sub("/{id}", drift.request.partition("?")[0])
    return operation, _INDEX.sub("[*]", drift.path)


def _without_values(cause: str) -> str:
    """What is the same where only values differ: a status is told apart, other numbers are not."""
    statuses = _STATUS.findall(cause)
    return " ".join([_VARIES.sub("*", cause), *statuses])


def _grouped(entries: Iterable[T], key: Callable[[T], object]) -> list[list[T]]:
    groups: dict[object, list[T]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    return list(groups.values())
