"""Invariants: rules that hold for every answer, checked while the checks run, reported after them.

A missing field is reported once, and not by every check whose answers lack it.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from runa_conformance._brief import shown
from runa_conformance._failures import MismatchError
from runa_conformance._messages import TOO_MANY, Answer
from runa_schemas import ERRORS, SchemaIssue, iter_errors, openapi
from runa_schemas.contract_data import API_VERSION
from runa_schemas.rules import RULES, Rule

_JSON = "application/json"
_FIRST_ERROR = 400
_BEFORE_VERSION = frozenset({401, 403})
_MAX_VIOLATIONS = 20
_INDEX = re.compile(r"\[[0-9]+\]")
_REF = re.compile(r"#/components/schemas/(\w+)")

Violations = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule that every answer must keep.

    Attributes:
        name: as for a check.
        rule: the rule that it proves.
        text: the expected behaviour in a sentence.
        violations: finds what is wrong with an answer: for each fault its place, under which it
            is reported once, and a sentence.
    """

    name: str
    rule: Rule
    text: str
    violations: Callable[[Answer], Violations]


class InvariantMonitor:
    """Checks an invariant on every answer and keeps its violations.

    Args:
        invariant: the rule to check.
    """

    def __init__(self, invariant: Invariant) -> None:
        self.invariant = invariant
        self._violations: dict[str, str] = {}

    def __call__(self, answer: Answer) -> None:
        """Check an answer."""
        for where, sentence in self.invariant.violations(answer):
            self._violations.setdefault(where, sentence)

    @property
    def failure(self) -> str | None:
        """What was wrong, a line for each fault; ``None`` if nothing was."""
        lines = list(self._violations.values())
        if len(lines) > _MAX_VIOLATIONS:
            lines[_MAX_VIOLATIONS:] = [f"and {len(lines) - _MAX_VIOLATIONS} more"]
        return "\n".join(lines) or None


def _are_json(answer: Answer) -> Violations:
    if answer.request.is_link:
        return
    if answer.media_type != _JSON:
        yield _operation(answer), f"{answer}, content type {shown(answer.media_type)}"
    try:
        _ = answer.document
    except MismatchError as error:
        yield _operation(answer), str(error)


def _name_the_version(answer: Answer) -> Violations:
    if answer.request.is_link or answer.status in _BEFORE_VERSION:
        return
    found = answer.headers.get("x-api-version")
    if found != API_VERSION:
        told = f"X-Api-Version {shown(found)}, expected {shown(API_VERSION)}"
        yield _operation(answer), f"{answer}, {told}"


def _carry_the_status_of_their_type(answer: Answer) -> Violations:
    if answer.request.is_link or answer.status < _FIRST_ERROR or answer.status == TOO_MANY:
        return
    known = ERRORS.get(answer.error_type or "")
    if known is None:
        yield _operation(answer), f"{answer}, which is no known type of error"
    elif known.status != answer.status:
        yield _operation(answer), f"{answer}, expected {known.status}"


class _Schemas:
    """The schema of each answer, and what in it does not fit; equal bodies are checked once."""

    def __init__(self) -> None:
        self._seen: set[tuple[tuple[str, ...], bytes]] = set()
        self._products: set[str] = set()

    def __call__(self, answer: Answer) -> Violations:
        if answer.request.is_link and answer.media_type != _JSON:
            return
        names = _schemas_of(answer)
        if not names:
            yield _operation(answer), f"{answer}, which the contract does not know"
        elif (names, answer.body) not in self._seen:
            self._seen.add((names, answer.body))
            for issue in self._issues(answer, names):
                where = f"{_operation(answer)} {answer.status}: {_INDEX.sub('[*]', issue.path)}"
                yield f"{where} {issue.keyword}", f"{where} {issue.message}"

    def _issues(self, answer: Answer, names: tuple[str, ...]) -> list[SchemaIssue]:
        """What does not fit the schema; where there are several, the one that fits best."""
        try:
            document = self._without_known_products(answer.document)
        except MismatchError:
            return []  # reported by another invariant
        return min((list(iter_errors(document, name)) for name in names), key=len)

    def _without_known_products(self, document: Any) -> Any:
        """A page of the catalogue without what other pages had: checking takes a while."""
        products = document.get("catalog") if isinstance(document, dict) else None
        if not isinstance(products, list) or not products:
            return document
        texts = {str(product): product for product in products}
        new = [product for text, product in texts.items() if text not in self._products]
        self._products.update(texts)
        return {**document, "catalog": new or products[:1]}


def make_monitors() -> list[InvariantMonitor]:
    """A monitor for each invariant, without any violations yet."""
    return [InvariantMonitor(invariant) for invariant in _invariants()]


def invariants() -> list[Invariant]:
    """Every invariant, for lists."""
    return list(_invariants())


def _invariants() -> Iterator[Invariant]:
    yield Invariant(
        "answers.are_json",
        RULES["json-answers"],
        "Every answer of the API is JSON, and says so.",
        _are_json,
    )
    yield Invariant(
        "answers.name_the_version",
        RULES["version-header"],
        "Every answer past authentication names the API version.",
        _name_the_version,
    )
    yield Invariant(
        "answers.carry_the_status_of_their_type",
        RULES["error-status"],
        "Every error has a known type and the HTTP status of that type.",
        _carry_the_status_of_their_type,
    )
    yield Invariant(
        "answers.fit_their_schemas",
        RULES["answer-shape"],
        "Every answer has the fields of the contract, no more and no fewer.",
        _Schemas(),
    )


def _operation(answer: Answer) -> str:
    pattern = _template_of(answer.request.path)
    return f"{answer.request.method} {pattern or answer.request.path}"


def _schemas_of(answer: Answer) -> tuple[str, ...]:
    if answer.request.is_link:
        return ("redemption",)
    if answer.status == TOO_MANY:
        return ("rate_limit_error",)
    if answer.status >= _FIRST_ERROR:
        is_invalid = answer.error_type == "validation_error"
        return ("validation_error" if is_invalid else "error",)
    template = _template_of(answer.request.path)
    return _successes().get((answer.request.method, template or "", str(answer.status)), ())


def _template_of(path: str) -> str | None:
    """The path of the OpenAPI document that a path is one of; literal ones win."""
    path = path.rstrip("/")
    return next((found for found, pattern in _templates().items() if pattern.fullmatch(path)), None)


@cache
def _templates() -> dict[str, re.Pattern[str]]:
    paths = sorted(_paths(), key=lambda path: "{" in path)
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in paths}


@cache
def _successes() -> dict[tuple[str, str, str], tuple[str, ...]]:
    """The schemas of every successful answer, by method, path and status."""
    return {
        (method.upper(), path, status): tuple(_REF.findall(str(response["content"])))
        for path, operations in _paths().items()
        for method, operation in operations.items()
        for status, response in operation["responses"].items()
        if int(status) < _FIRST_ERROR and _JSON in response["content"]
    }


@cache
def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = openapi()["paths"]
    return {path: found for path, found in paths.items() if not path.startswith("/payout")}
