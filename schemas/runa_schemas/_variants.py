"""Tells the variants of a ``oneOf`` apart: which property's value says which variant is meant."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Schema: TypeAlias = dict[str, Any]
Resolve: TypeAlias = Callable[[str], Schema]


class Variants(NamedTuple):
    """Variants with a discriminator.

    Attributes:
        property: The required property whose value chooses the variant.
        by_value: The variant, a ``$ref``, of each value.
        other: The variant of every other value, where the service can add values.
    """

    property: str
    by_value: Mapping[str, Schema]
    other: Schema | None


def tell_apart(branches: Sequence[Schema], resolve: Resolve) -> Variants | None:
    """Find the discriminator of a ``oneOf``.

    Args:
        branches: The variants, as the keyword lists them.
        resolve: Gives the schema that a ``$ref`` names.

    Returns:
        The variants by value, or None where no property tells them apart.
    """
    if any("$ref" not in branch for branch in branches):
        return None
    schemas = [resolve(branch["$ref"]) for branch in branches]
    for name in schemas[0].get("required", ()):
        if found := _by(name, branches, schemas, resolve):
            return found
    return None


def _by(
    name: str, branches: Sequence[Schema], schemas: Sequence[Schema], resolve: Resolve
) -> Variants | None:
    by_value: dict[str, Schema] = {}
    other = None
    for branch, schema in zip(branches, schemas, strict=True):
        described = schema.get("properties", {}).get(name)
        if described is None or name not in schema["required"]:
            return None
        if "$ref" in described:
            described = resolve(described["$ref"])
        match described:
            case {"const": value}:
                values = [value]
            case {"enum": values}:
                pass
            case {"not": {"enum": _}} if other is None:
                other, values = branch, []
            case _:
                return None
        if not by_value.keys().isdisjoint(values):
            return None
        by_value |= dict.fromkeys(values, branch)
    return Variants(name, by_value, other)
