"""The details of a 422 answer, in the words of the environment (provider's page "Errors").

The playground shows pydantic 2's own errors. Production shows pydantic 1's: other types, other
sentences, and a location that starts inside the body.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from runa_mock_server.base.errors import ErrorDetail

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails  # a server starts without loading pydantic

_Context = Mapping[str, Any]
_Wording = tuple[str, Callable[[_Context], str]]


def details_of_pydantic_2(errors: Iterable["ErrorDetails"]) -> list[ErrorDetail]:
    """As the playground shows them: pydantic's own, and ``"body"`` leads the location."""
    return [
        ErrorDetail(
            error.get("ctx", {}).get("pydantic_2", error["type"]),
            error["msg"],
            ("body", *map(str, error["loc"])),
        )
        for error in errors
    ]


def details_of_pydantic_1(errors: Iterable["ErrorDetails"]) -> list[ErrorDetail]:
    """As production shows them: pydantic 1's types and sentences, without ``"body"``.

    The name of the chosen variant, which pydantic 2 puts into a location, is left out, and a key
    that is wrong itself is not named but marked (inferred).
    """
    return [_old_detail(error) for error in errors]


def missing_header(name: str, *, as_pydantic_1: bool) -> ErrorDetail:
    """The detail for a required header that is not there (inferred)."""
    location = ("header", name)
    if as_pydantic_1:
        return ErrorDetail("value_error.missing", "field required", location)
    return ErrorDetail("missing", "Field required", location)


def _old_detail(error: "ErrorDetails") -> ErrorDetail:
    location = _old_location(tuple(map(str, error["loc"])))
    context = error.get("ctx", {})
    if error["input"] is None and error["type"] != "missing":
        return ErrorDetail("type_error.none.not_allowed", "none is not an allowed value", location)
    if "pydantic_1" in context:
        return ErrorDetail(
            context["pydantic_1"], error["msg"].removeprefix("Value error, "), location
        )
    if error["type"] not in _OLD:
        return ErrorDetail("value_error", error["msg"].removeprefix("Value error, "), location)
    type_, sentence = _OLD[error["type"]]
    return ErrorDetail(type_, sentence(error.get("ctx", {})), location)


def _old_location(location: tuple[str, ...]) -> tuple[str, ...]:
    # Metadata may have keys that look like the name of a variant: the field in front decides.
    if location[0] == "metadata":
        return ("metadata", "__key__") if location[2:] == ("[key]",) else location
    return tuple(
        step
        for field, step in pairwise(("", *location))
        if not (field in _CHOSEN_BY_TYPE and step in _VARIANTS)
    )


_CHOSEN_BY_TYPE = frozenset({"distribution_method", "products"})
_VARIANTS = frozenset({"EMAIL", "PAYOUT_LINK", "RECIPIENT", "SINGLE", "MULTIPLE", "TEMPLATE"})


def _fixed(sentence: str) -> Callable[[_Context], str]:
    return lambda _context: sentence


def _permitted(context: _Context) -> str:
    return str(context["expected"]).replace(" or ", ", ")


_OLD: dict[str, _Wording] = {
    "missing": ("value_error.missing", _fixed("field required")),
    "enum": (
        "type_error.enum",
        lambda c: f"value is not a valid enumeration member; permitted: {_permitted(c)}",
    ),
    "literal_error": (
        "value_error.const",
        lambda c: f"unexpected value; permitted: {_permitted(c)}",
    ),
    "float_type": ("type_error.float", _fixed("value is not a valid float")),
    "greater_than_equal": (
        "value_error.number.not_ge",
        lambda c: f"ensure this value is greater than or equal to {c['ge']}",
    ),
    "string_type": ("type_error.str", _fixed("str type expected")),
    "string_too_short": (
        "value_error.any_str.min_length",
        lambda c: f"ensure this value has at least {c['min_length']} characters",
    ),
    "string_too_long": (
        "value_error.any_str.max_length",
        lambda c: f"ensure this value has at most {c['max_length']} characters",
    ),
    "string_pattern_mismatch": (
        "value_error.str.regex",
        lambda c: f'string does not match regex "{c["pattern"]}"',
    ),
    "list_type": ("type_error.list", _fixed("value is not a valid list")),
    "dict_type": ("type_error.dict", _fixed("value is not a valid dict")),
    "model_type": ("type_error.dict", _fixed("value is not a valid dict")),
    "model_attributes_type": ("type_error.dict", _fixed("value is not a valid dict")),
    "too_short": (
        "value_error.list.min_items",
        lambda c: f"ensure this value has at least {c['min_length']} items",
    ),
    "too_long": (
        "value_error.list.max_items",
        lambda c: f"ensure this value has at most {c['max_length']} items",
    ),
    "union_tag_not_found": (
        "value_error.discriminated_union.missing_discriminator",
        _fixed("Discriminator 'type' is missing in value"),
    ),
    "union_tag_invalid": (
        "value_error.discriminated_union.invalid_discriminator",
        lambda c: (
            f"No match for discriminator 'type' and value {c['tag']!r} "
            f"(allowed values: {c['expected_tags']})"
        ),
    ),
}
