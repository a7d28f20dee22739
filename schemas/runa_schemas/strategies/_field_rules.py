"""The rules that a field is there and of its type, and how to break them (page "Create order")."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from runa_schemas.strategies._body_builder import (
    BodyBuilder,
    BodyRule,
    Broken,
    RuleContext,
    broken_at,
    drop,
    location,
)
from runa_schemas.strategies._fields import FIELDS, MULTIPLE, Field
from runa_schemas.strategies._json import Json
from runa_schemas.strategies._near_miss import BOTH, Operation, Rule

NEEDS: Mapping[tuple[str, ...], str] = {
    MULTIPLE: "two orderable products of one currency",
    ("TEMPLATE",): "a template of orderable products",
}
"""What products of some types need."""

_DEMANDS = {
    "not_an_object": "is an object",
    "not_a_list": "is a list",
    "not_a_text": "is a text",
    "not_a_number": "is a JSON number",
    "unknown": "is one that the contract knows",
}


def invalid(
    name: str,
    demand: str,
    operations: tuple[Operation, ...] = BOTH,
    needs: str | None = None,
    source: Literal["documented", "inferred"] = "documented",
) -> Rule:
    """A rule whose error is 422."""
    return Rule(name, demand, "validation_error", "body", source, needs, operations)


def where(types: tuple[str, ...], *ways: Any) -> Callable[[RuleContext], Iterable[Any]]:
    """Ways to break a rule, where products of these types can be ordered."""
    return lambda context: ways if context.orderable.find(types=types) else ()


def _missing(field: Field) -> BodyRule:
    def breaks(builder: BodyBuilder, _: None) -> Broken:
        valid = builder.body(*field.types, distributions=field.distributions)
        return Broken(valid, drop(valid, field.place), location(valid, field.place))

    return BodyRule(
        _rule(field, "missing", f"{field.path} is required."), where(field.types, None), breaks
    )


def _mistyped(field: Field) -> BodyRule:
    def breaks(builder: BodyBuilder, wrong: Json) -> Broken:
        valid = builder.body(*field.types, distributions=field.distributions)
        return broken_at(valid, field.place, wrong)

    rule = _rule(field, field.fault, f"{field.path} {_DEMANDS[field.fault]}.")
    return BodyRule(rule, where(field.types, *field.wrong), breaks)


def _rule(field: Field, fault: str, demand: str) -> Rule:
    return invalid(f"{field.name}_{fault}", demand, field.operations, NEEDS.get(field.types))


def _field_rules() -> Iterator[BodyRule]:
    for field in FIELDS:
        if field.is_required:
            yield _missing(field)
        yield _mistyped(field)


FIELD_RULES: tuple[BodyRule, ...] = tuple(_field_rules())
"""For each field, that it is there and of its type."""
