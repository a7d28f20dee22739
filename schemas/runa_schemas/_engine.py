"""The validator behind the checks: jsonschema, with exact numbers and exact paths.

Apart from the other modules because jsonschema is slow to import: only the first check pays for it.
"""

import json
import math
import re
import reprlib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Protocol, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker, TypeChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from runa_schemas._store import names, schema_text
from runa_schemas._variants import Variants, tell_apart

_RULES = {
    "const": "must be {limit}",
    "enum": "must be {limit}",
    "format": "must be a valid {limit}",
    "maxItems": "must have at most {limit} entries",
    "maxLength": "must have at most {limit} characters",
    "maxProperties": "must have at most {limit} keys",
    "maximum": "must be at most {limit}",
    "minItems": "must have at least {limit} entries",
    "minLength": "must have at least {limit} characters",
    "minProperties": "must have at least {limit} keys",
    "minimum": "must be at least {limit}",
    "pattern": "must match {limit}",
    "type": "must be of type {limit}",
    "uniqueItems": "must not have an entry twice",
}
_Schema: TypeAlias = dict[str, Any]


class _Validator(Protocol):
    """What is used here of a jsonschema validator, which its stubs leave partly untyped."""

    def iter_errors(self, instance: object) -> Iterator[ValidationError]: ...

    def is_type(self, instance: object, type: str) -> bool: ...  # noqa: A002 - as it is named there

    def descend(
        self, instance: object, schema: _Schema, path: str | None = None
    ) -> Iterator[ValidationError]: ...


def find(instance: object, name: str) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Find the issues of a value as (place, message, keyword).

    Args:
        instance: A JSON value.
        name: One of ``names()``.
    """
    found = set()  # conditions can say again what the schema itself says
    for error in _validator(name).iter_errors(instance):
        issue = (tuple(error.absolute_path), _told(error), str(error.validator))
        if issue not in found:
            found.add(issue)
            yield issue


def _told(error: ValidationError) -> str:
    # jsonschema's own message repeats the whole value, which may be the whole body.
    rule = _RULES.get(str(error.validator))
    if rule is None:
        return error.message
    value = error.validator_value
    limit = " or ".join(map(str, value)) if isinstance(value, list) else value
    subject = "the key " if "propertyNames" in error.absolute_schema_path else ""
    return f"{subject}{rule.format(limit=limit)}, not {reprlib.repr(error.instance)}"


def _parsed(name: str) -> _Schema:
    # Decimals, so that a Decimal is compared with 0.01 and not with the float next to it.
    schema: _Schema = json.loads(schema_text(name), parse_float=Decimal)
    # At a $schema jsonschema goes over to its own validator and would forget the one made here;
    # at an $id it would work out where references start from, which are followed below.
    del schema["$schema"], schema["$id"]
    return schema


@cache
def _registry() -> Registry[Any]:
    empty: Registry[Any] = Registry()
    return empty.with_resources(
        (f"{name}.json", DRAFT202012.create_resource(_parsed(name))) for name in names()
    )


@cache
def _referred(reference: str) -> _Schema:
    schema: _Schema = _registry().resolver().lookup(reference).contents
    return schema


@cache
def _validator(name: str) -> _Validator:
    validator: _Validator = _ExactValidator(
        _parsed(name), format_checker=FormatChecker(formats=["date-time"])
    )
    return validator


def _is_number(_checker: TypeChecker, instance: object) -> bool:
    if isinstance(instance, Decimal):
        return instance.is_finite()  # as a float, a large one would seem infinite
    if isinstance(instance, float):
        return math.isfinite(instance)
    return isinstance(instance, int) and not isinstance(instance, bool)


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number)


def _ref(
    validator: _Validator, reference: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    # A reference names a file of one folder, so it means the same wherever it stands, and is
    # looked up once. jsonschema's own looks it up each time, which takes a third of a check.
    yield from validator.descend(instance, _referred(reference))


def _pattern(
    validator: _Validator, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    # In the regular expressions of JSON Schema `$` is the end of the text. In Python's it also
    # stands before a last line break, and would let one pass.
    if validator.is_type(instance, "string") and not _compiled(pattern).search(str(instance)):
        yield ValidationError("does not match")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


def _type(
    validator: _Validator, types: str | list[str], instance: object, schema: _Schema
) -> Iterator[ValidationError]:
    # Where values are listed, the list alone says what is wrong; the type is there for generators.
    if schema.keys().isdisjoint(("const", "enum")):
        wanted = [types] if isinstance(types, str) else types
        if not any(validator.is_type(instance, each) for each in wanted):
            yield ValidationError("has another type")


def _one_of(
    validator: _Validator, branches: list[_Schema], instance: Any, _schema: object
) -> Iterator[ValidationError]:
    # jsonschema's own only says that no variant fits; this says what is wrong with the one meant.
    schemas = [_referred(branch["$ref"]) if "$ref" in branch else branch for branch in branches]
    types: set[str] = {schema["type"] for schema in schemas}
    if not any(validator.is_type(instance, type_) for type_ in types):
        yield ValidationError("has another type", validator="type", validator_value=sorted(types))
    elif variants := _variants(tuple(branch.get("$ref", "") for branch in branches)):
        yield from _of_variants(validator, variants, instance)
    else:
        fitting = [b for b in branches if next(validator.descend(instance, b), None) is None]
        if len(fitting) > 1:
            yield ValidationError("fits more than one variant")
        elif not fitting:
            yield from validator.descend(instance, _meant(branches, schemas, instance))


@cache
def _variants(references: tuple[str, ...]) -> Variants | None:
    branches = [{"$ref": reference} for reference in references]
    return tell_apart(branches, _referred) if all(references) else None


def _of_variants(
    validator: _Validator, variants: Variants, instance: dict[str, object]
) -> Iterator[ValidationError]:
    name, by_value, other = variants
    if name not in instance:
        yield ValidationError("is required", validator="required", path=[name])
        return
    value = instance[name]
    variant = by_value.get(value, other) if isinstance(value, str) else other
    if variant is None:
        yield ValidationError(
            "is unknown",
            validator="enum",
            validator_value=list(by_value),
            instance=value,
            path=[name],
        )
    else:
        yield from validator.descend(instance, variant)


def _meant(branches: list[_Schema], schemas: list[_Schema], instance: object) -> _Schema:
    """The variant whose type and required keys a value has, or else the first."""
    for branch, schema in zip(branches, schemas, strict=True):
        if isinstance(instance, dict):
            is_meant = instance.keys() >= set(schema.get("required", ()))
        else:
            is_meant = _TYPES.is_type(instance, schema["type"])
        if is_meant:
            return branch
    return branches[0]


# The three keywords below mean what jsonschema's own mean; they report at the path of the property
# concerned, where jsonschema's own report at that of the object around it.


def _required(
    _validator: _Validator, required: list[str], instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key in required:
            if key not in instance:
                yield ValidationError("is required", path=[key])


def _property_names(
    validator: _Validator, names_schema: _Schema, instance: object, _schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key in instance:
            yield from validator.descend(key, names_schema, path=key)


def _additional_properties(
    validator: _Validator, additional: _Schema | Literal[False], instance: object, schema: _Schema
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for key, value in instance.items():
        if key in schema.get("properties", {}):
            continue
        if additional is False:
            yield ValidationError("is not expected here", path=[key])
        else:
            yield from validator.descend(value, additional, path=key)


_ExactValidator = extend(  # type: ignore[no-untyped-call] # the stubs leave it untyped
    Draft202012Validator,
    validators={
        "$ref": _ref,
        "oneOf": _one_of,
        "pattern": _pattern,
        "type": _type,
        "required": _required,
        "propertyNames": _property_names,
        "additionalProperties": _additional_properties,
    },
    type_checker=_TYPES,
)
