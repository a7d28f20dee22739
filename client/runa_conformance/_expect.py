"""What checks say about answers; each function raises ``MismatchError`` where it is not so."""

from collections.abc import Iterable, Sequence
from typing import Any

from runa_conformance._brief import shown
from runa_conformance._failures import MismatchError
from runa_conformance._messages import Answer
from runa_schemas import ERRORS

OK = 200
ACCEPTED = 202


def expect(holds: object, message: str) -> None:
    """Something holds; the message says what is the matter if it does not."""
    if not holds:
        raise MismatchError(message)


def equal(found: object, expected: object, what: str) -> None:
    """Two values are equal; the message says what was looked at, what is there and what should."""
    if found != expected or isinstance(found, bool) is not isinstance(expected, bool):
        raise MismatchError(f"{what}: {shown(found)}, expected {shown(expected)}")


def success(answer: Answer, status: int = OK) -> Any:
    """The request succeeded with this status; gives the document."""
    if answer.status != status:
        raise MismatchError(f"{answer}, expected {status}", answer.kind)
    return answer.document


def refused(answer: Answer, error_type: str) -> Any:
    """The request was refused with this type of error and the status that goes with it."""
    status = ERRORS[error_type].status
    if (answer.status, answer.error_type) != (status, error_type):
        raise MismatchError(f"{answer}, expected {status} {error_type}", answer.kind)
    return answer.document


def at(document: Any, *path: str | int) -> Any:
    """The value at a path, which has to be there."""
    value = document
    for depth, step in enumerate(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise MismatchError(f"there is no {place(path[: depth + 1])}") from None
    return value


def strings(document: Any, *path: str | int) -> list[str]:
    """The list of strings at a path, which has to be there."""
    found = at(document, *path)
    expect(
        isinstance(found, list) and all(isinstance(entry, str) for entry in found),
        f"{place(path)}: {shown(found)}, expected a list of strings",
    )
    return list(found)


def entries(document: Any, *path: str | int) -> list[dict[str, Any]]:
    """The list of objects at a path, which has to be there."""
    found = at(document, *path)
    expect(
        isinstance(found, list) and all(isinstance(entry, dict) for entry in found),
        f"{place(path)}: {shown(found)}, expected a list of objects",
    )
    return list(found)


def keys(document: Any, expected: Sequence[str], what: str) -> None:
    """An object has exactly these keys, in this order."""
    found = list(document) if isinstance(document, dict) else document
    equal(found, list(expected), f"the keys of {what}")


def distinct(values: Iterable[Any], what: str) -> None:
    """No value is there twice."""
    seen: set[Any] = set()
    for value in values:
        expect(value not in seen, f"{what}: {shown(value)} is there twice")
        seen.add(value)


def place(path: Iterable[str | int]) -> str:
    """A path as text, such as ``$.items[0].id``."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
