"""From a JSON Schema to a strategy, for the keywords that the package's schemas use.

A schema is taken apart into alternatives without ``$ref``, ``allOf``, ``anyOf``, ``oneOf``,
``if`` and ``not``, and what nothing fits is left out: so nothing is drawn in vain, nothing has to
be filtered.
"""

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial, reduce
from itertools import chain, product
from typing import Any, TypeAlias

from hypothesis import strategies as st

from runa_schemas._store import load
from runa_schemas.strategies._json import Json, json_values

Schema: TypeAlias = dict[str, Any]
AnySchema: TypeAlias = Schema | bool
Strategy: TypeAlias = st.SearchStrategy[Any]
ByHand: TypeAlias = Mapping[str, Callable[[], Strategy]]

_BRANCHING = frozenset({"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "not"})
_SILENT = frozenset({"$schema", "$id", "title", "description", "examples", "format"})
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_TYPE_OF = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_ENDS = re.compile(r"^\^|\$$")
_MORE = 3


def _common(one: list[Json], other: list[Json]) -> list[Json]:
    return [value for value in one if value in other]


def _merged(one: Schema, other: Schema) -> Schema:
    shared = {name: one[name] + other[name] for name in one if name in other}
    return {**one, **other, **shared}


_JOIN: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("type", "enum"), _common),
    **dict.fromkeys(("minimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("required", "excluded", "pattern", "items", "by_hand"), operator.add),
    **dict.fromkeys(("additionalProperties", "propertyNames"), operator.add),
    "properties": _merged,
    "uniqueItems": operator.or_,
}
"""What two schemas demand together, keyword by keyword.

Two keywords are of this module: ``excluded`` values, and ``by_hand``, the schemas that have a
strategy of their own. Schemas inside a schema are lists, for each of which a value has to be valid.
"""


def values(schema: Schema, by_hand: ByHand) -> Strategy:
    """Values that are valid by a schema.

    Args:
        schema: A JSON Schema; its references name schemas of this package.
        by_hand: The strategies of schemas that are referred to and have their own.

    Raises:
        NotImplementedError: if it has a keyword that the package's schemas do not use.
        ValueError: if nothing is valid by it.
    """
    found = _Maker(by_hand).make([schema])
    if found is None:
        raise ValueError("nothing is valid by this schema")
    return found


def _plain(schema: Schema) -> Schema:
    """The keywords of a schema that do not branch, in the form in which they can be joined."""
    plain: Schema = {}
    for keyword, value in schema.items():
        match keyword:
            case "const":
                plain["enum"] = [value]
            case "type":
                types = [value] if isinstance(value, str) else value
                plain["type"] = [*types, "integer"] if "number" in types else types
            case "properties":
                plain["properties"] = {name: [inner] for name, inner in value.items()}
            case "items" | "pattern" | "additionalProperties" | "propertyNames":
                plain[keyword] = [value]
            case _ if keyword in _JOIN:
                plain[keyword] = value
            case _ if keyword not in _BRANCHING | _SILENT:
                raise NotImplementedError(f"no values are made for the keyword {keyword!r}")
    return plain


def _negated(schema: Schema) -> Schema:
    """What is valid by no schema of this kind, as far as schemas are negated here."""
    match schema:
        case {"const": value}:
            return {"excluded": [value]}
        case {"enum": values}:
            return {"excluded": values}
        case {"minItems": least}:
            return {"maxItems": least - 1}
        case {"properties": properties}:
            return {"properties": {name: _negated(inner) for name, inner in properties.items()}}
        case {"required": names}:
            return {"properties": dict.fromkeys(names, False)}
    raise NotImplementedError(f"no values are made for what is not {schema}")


def _joined(one: Schema, other: Schema) -> Schema:
    both = {
        keyword: _JOIN[keyword](one[keyword], other[keyword]) for keyword in one if keyword in other
    }
    return {**one, **other, **both}


class _Maker:
    """Makes strategies; each method gives None where nothing is valid."""

    def __init__(self, by_hand: ByHand) -> None:
        self._by_hand = by_hand

    def make(self, schemas: Iterable[AnySchema]) -> Strategy | None:
        """Values that are valid by all of several schemas."""
        alternatives = product(*map(self._alternatives, schemas))
        found = [self._of(reduce(_joined, chain(*parts), {})) for parts in alternatives]
        possible = [strategy for strategy in found if strategy is not None]
        return st.one_of(possible) if possible else None

    def _alternatives(self, schema: AnySchema) -> list[list[Schema]]:
        """Lists of plain schemas: a value is valid if it is by all schemas of one of the lists."""
        if not isinstance(schema, dict):
            return [[{}]] if schema else []
        factors = [[[_plain(schema)]]]
        if "$ref" in schema:
            factors.append(self._referred(schema["$ref"]))
        factors += map(self._alternatives, schema.get("allOf", ()))
        for keyword in ("anyOf", "oneOf"):  # the variants of a `oneOf` are disjoint
            if keyword in schema:
                factors.append(list(chain(*map(self._alternatives, schema[keyword]))))
        if "not" in schema:
            factors.append(self._alternatives(_negated(schema["not"])))
        if "if" in schema:
            then = {"allOf": [schema["if"], schema.get("then", True)]}
            otherwise = {"allOf": [_negated(schema["if"]), schema.get("else", True)]}
            factors.append([*self._alternatives(then), *self._alternatives(otherwise)])
        return [list(chain(*parts)) for parts in product(*factors)]

    def _referred(self, reference: str) -> list[list[Schema]]:
        file, _, pointer = reference.partition("#/")
        name = file.removesuffix(".json")
        schema: Any = load(name)
        if name in self._by_hand and not pointer:
            types = {"type": schema["type"]} if "type" in schema else {}
            return [[{**_plain(types), "by_hand": [name]}]]
        for step in pointer.split("/") if pointer else ():
            schema = schema[step]
        return self._alternatives(schema)

    def _of(self, schema: Schema) -> Strategy | None:
        """Values that are valid by one plain schema."""
        types = schema.get("type", _TYPES)
        excluded = schema.get("excluded", [])
        if "enum" in schema:
            allowed = [
                v for v in schema["enum"] if v not in excluded and _TYPE_OF[type(v)] in types
            ]
            return st.sampled_from(allowed) if allowed else None
        if "by_hand" in schema and types:
            found = self._by_hand[schema["by_hand"][0]]()
            return found.filter(lambda value: value not in excluded) if excluded else found
        options = [self._of_type(type_, schema) for type_ in _TYPES if type_ in types]
        possible = [option for option in options if option is not None]
        return st.one_of(possible) if possible else None

    def _of_type(self, type_: str, schema: Schema) -> Strategy | None:
        if type_ in _SCALARS:
            return _SCALARS[type_](schema)
        return self._arrays(schema) if type_ == "array" else self._objects(schema)

    def _arrays(self, schema: Schema) -> Strategy | None:
        entries = self.make(schema["items"]) if "items" in schema else json_values()
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + _MORE), least + _MORE)
        if entries is None:
            return None if least else st.just([]).map(list)
        unique = partial(json.dumps, sort_keys=True) if schema.get("uniqueItems") else None
        return st.lists(entries, min_size=least, max_size=most, unique_by=unique)

    def _objects(self, schema: Schema) -> Strategy | None:
        known = {name: self.make(inner) for name, inner in schema.get("properties", {}).items()}
        names = dict.fromkeys(schema.get("required", ()))
        required = {name: known.pop(name, json_values()) for name in names}
        there = {name: inner for name, inner in required.items() if inner is not None}
        optional = {name: inner for name, inner in known.items() if inner is not None}
        if len(there) < len(required):
            return None
        objects = st.fixed_dictionaries(there, optional=optional)
        more = self.make(schema.get("additionalProperties", [False]))
        if more is None:
            return objects
        keys = self.make([{"type": "string", "maxLength": 6}, *schema.get("propertyNames", [])])
        if keys is None:
            return None
        least = schema.get("minProperties", 0)
        others = st.dictionaries(keys, more, min_size=least, max_size=least + _MORE)
        return st.builds(lambda one, other: {**other, **one}, objects, others)


def _texts(schema: Schema) -> Strategy:
    patterns = schema.get("pattern")
    least = schema.get("minLength", 0)
    if patterns is None:
        return st.text(min_size=least, max_size=min(schema.get("maxLength", 12), least + 12))
    texts = st.from_regex(_ENDS.sub("", patterns[0]), fullmatch=True)
    others = [re.compile(pattern) for pattern in patterns[1:]]
    return texts.filter(lambda text: all(other.search(text) for other in others))


def _integers(schema: Schema) -> Strategy:
    return st.integers(schema.get("minimum"), schema.get("maximum"))


def _numbers(schema: Schema) -> Strategy:
    least, most = schema.get("minimum"), schema.get("maximum")
    return st.floats(least, most, allow_nan=False, allow_infinity=False)


_SCALARS: Mapping[str, Callable[[Schema], Strategy]] = {
    "string": _texts,
    "integer": _integers,
    "number": _numbers,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}
