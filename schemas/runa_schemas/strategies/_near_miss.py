"""The records: a rule of the contract, and a request that breaks one."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, TypeVar

from runa_schemas._errors import ERRORS
from runa_schemas.strategies._json import Json

_SHOWN_ENTRIES = 3
_SHOWN_CHARACTERS = 400

T = TypeVar("T")
Operation: TypeAlias = Literal["order", "estimate"]

BOTH: tuple[Operation, ...] = ("order", "estimate")
ORDER: tuple[Operation, ...] = ("order",)
ESTIMATE: tuple[Operation, ...] = ("estimate",)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the contract that a near miss can break.

    Attributes:
        name: The name, a key of ``RULES``.
        demand: What the rule demands, a sentence.
        error: The ``type`` of the error that answers.
        part: What breaks it: the ``body`` of a request, its ``headers``, or the ``json`` text
            that the body is written in.
        source: ``documented`` by the provider, ``recorded`` in traffic of its playground, or
            ``inferred`` where both are silent about the rule or about the error's type.
        needs: What has to be given for the rule to be broken, or None.
        operations: Which operations have the rule, ``order`` and ``estimate``.
    """

    name: str
    demand: str
    error: str
    part: Literal["body", "headers", "json"] = "body"
    source: Literal["documented", "recorded", "inferred"] = "documented"
    needs: str | None = None
    operations: tuple[Operation, ...] = BOTH

    @property
    def status(self) -> int:
        """The HTTP status that answers."""
        return ERRORS[self.error].status

    @property
    def has_location(self) -> bool:
        """Whether the answer says where the fault lies."""
        return self.error == "validation_error"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A request body that breaks exactly one rule.

    Attributes:
        rule: The name of the rule, a key of ``RULES``.
        error: The ``type`` of the error that answers.
        status: The HTTP status that answers.
        location: Where the one detail of a 422 lies, as the playground gives it, such as
            ``("body", "items", "0", "face_value")``; None for other statuses.
        headers: The headers that the rule needs besides those of every request.
        body: What to send: a JSON value, or the ``bytes`` of a text that is no JSON.
        valid: The same before the rule was broken, which is accepted. Where the rule is a limit,
            it keeps the limit just so. A catalogue without payment products leaves nothing that
            a ``RECIPIENT`` could be sent: there ``valid`` keeps the schema and no more.
    """

    rule: str
    error: str
    status: int
    location: tuple[str, ...] | None
    headers: dict[str, str]
    body: Json
    valid: Json

    def __repr__(self) -> str:
        """What a person can read: of many items the first, of long texts the start."""
        told = (f"{field.name}={_cut(getattr(self, field.name))!r}" for field in fields(self))
        return f"NearMiss({', '.join(told)})"

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        """The same on several lines, for hypothesis and IPython."""
        with printer.group(4, "NearMiss(", ")"):
            for index, field in enumerate(fields(self)):
                printer.text("," if index else "")
                printer.breakable(" " if index else "")
                printer.text(f"{field.name}=")
                printer.pretty(_cut(getattr(self, field.name)))


@dataclass(frozen=True, slots=True)
class HeaderMiss:
    """The headers of an order that break exactly one rule.

    Attributes:
        rule: The name of the rule, a key of ``RULES``.
        error: The ``type`` of the error that answers.
        status: The HTTP status that answers.
        location: Where the one detail of a 422 lies; None for other statuses.
        headers: All headers to send; one that is missing is not there.
        valid: The same before the rule was broken. Whoever sends several orders puts a fresh
            ``X-Idempotency-Key`` in the place of the drawn one, where there is one.
    """

    rule: str
    error: str
    status: int
    location: tuple[str, ...] | None
    headers: dict[str, str]
    valid: dict[str, str]


def chosen(
    names: Iterable[str] | None, known: Mapping[str, T], *, argument: str = "rules"
) -> list[T]:
    """What is known under these names; everything by default.

    Args:
        names: The names that the caller gave.
        known: What there is.
        argument: Where they were given, for the error.

    Raises:
        ValueError: if there is no name, or one that is not known.
    """
    if names is None:
        return list(known.values())
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"{argument}: {name!r} is none that can be used here; {hint}")
    if not wanted:
        raise ValueError(f"{argument}: give at least one, or None for all")
    return [known[name] for name in wanted]


class _Told(str):
    """Words that stand for what was cut."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _cut(value: Json) -> Json:
    """A value without most of what is many."""
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in value.items()}
    if isinstance(value, list):
        more = len(value) - _SHOWN_ENTRIES
        rest = [_Told(f"... {more} more")] if more > 0 else []
        return [*map(_cut, value[:_SHOWN_ENTRIES]), *rest]
    if isinstance(value, str | bytes) and len(value) > _SHOWN_CHARACTERS:
        return _Told(f"{value[:_SHOWN_CHARACTERS]!r}... {len(value)} in all")
    return value
