"""Checks values against the schemas and says exactly where they differ."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runa_schemas._store import schema_text

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SchemaIssue:
    """One place where a value differs from its schema.

    Attributes:
        path: JSON path of the place, such as ``$.items[0].face_value`` or ``$.metadata['a b']``.
            For a missing or an unknown property it is the path of that property.
        location: The same place as strings, such as ``("items", "0", "face_value")``, the form in
            which the service's validation errors give it (there after a leading ``"body"``).
        message: What is wrong there, for people.
        keyword: The keyword of JSON Schema that was not met, such as ``minimum``.
    """

    path: str
    location: tuple[str, ...]
    message: str
    keyword: str


class ContractError(ValueError):
    """A value differs from its schema; the message lists every issue.

    Attributes:
        name: The name of the schema.
        issues: All issues, at least one.
    """

    def __init__(self, name: str, issues: tuple[SchemaIssue, ...]) -> None:
        super().__init__(name, issues)
        self.name = name
        self.issues = issues

    def __str__(self) -> str:
        lines = (f"\n  {issue.path}: {issue.message}" for issue in self.issues)
        return f"the value differs from the schema {self.name!r}:{''.join(lines)}"


def iter_errors(instance: object, name: str) -> Iterator[SchemaIssue]:
    """Find every place where a value differs from a schema.

    Args:
        instance: A JSON value as ``json.loads`` gives it; numbers may also be ``Decimal``, which
            is compared exactly. NaN and the infinities are no JSON and count as no numbers.
        name: One of ``names()``.

    Returns:
        The issues, found as they are asked for; none if the value fits.

    Raises:
        UnknownSchemaError: No schema has this name; raised at once.
    """
    schema_text(name)
    return _issues(instance, name)


def validate(instance: object, name: str) -> None:
    """Check that a value fits a schema.

    Args:
        instance: A JSON value, as for ``iter_errors``.
        name: One of ``names()``.

    Raises:
        ContractError: The value differs; the error lists every issue.
        UnknownSchemaError: No schema has this name.
    """
    if issues := tuple(iter_errors(instance, name)):
        raise ContractError(name, issues)


def _issues(instance: object, name: str) -> Iterator[SchemaIssue]:
    from runa_schemas._engine import find  # noqa: PLC0415 - jsonschema costs most of a start

    for place, message, keyword in find(instance, name):
        yield SchemaIssue(
            path=_json_path(place),
            location=tuple(str(step) for step in place),
            message=message,
            keyword=keyword,
        )


def _json_path(place: Iterable[str | int]) -> str:
    return "$" + "".join(_json_path_step(step) for step in place)


def _json_path_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_KEY.fullmatch(step):
        return f".{step}"
    # RFC 9535 quotes as JSON does, with the roles of the two quotation marks swapped.
    escaped = json.dumps(step, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    printable = escaped.encode("utf-8", "backslashreplace").decode("utf-8")
    return f"['{printable}']"
