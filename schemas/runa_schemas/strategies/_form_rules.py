"""The rules about the form of a body, and how to break them (page "Create order")."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from runa_schemas.strategies._bodies import stretched
from runa_schemas.strategies._fields import (
    FIELDS,
    MAILED,
    MALFORMED_ADDRESSES,
    MALFORMED_REFERENCES,
    MALFORMED_SPEND_RULES,
    METHOD,
    NO_BODY,
    NO_TEXT,
    PRODUCTS,
    SPEND_RULES,
    TOO_SMALL,
    Field,
)
from runa_schemas.strategies._json import Json, Object, Place
from runa_schemas.strategies._kinds import LEAST_FACE_VALUE, ceiling
from runa_schemas.strategies._near_miss import BOTH, ESTIMATE, ORDER, Operation, Rule
from runa_schemas.strategies._parts import (
    LONGEST_DESCRIPTION,
    LONGEST_KEY,
    LONGEST_VALUE,
    MOST_PAIRS,
)
from runa_schemas.strategies._sketch import (
    ITEM,
    BodyRule,
    Broken,
    Means,
    Sketch,
    always,
    broken_at,
    broken_beyond,
    drop,
    location,
    put,
)
from runa_schemas.strategies._texts import (
    LONGEST_REFERENCE,
    MARKS,
    PRODUCT_TEMPLATES,
    longest_address,
)

_CODES: Place = (*PRODUCTS, "values")
_USAGE: Place = (*PRODUCTS, "usage_config")
_ADDRESS: Place = (*METHOD, "email_address")
_REFERENCE: Place = (*METHOD, "recipient_reference")
_MULTIPLE = ("MULTIPLE",)
_NEEDS: Mapping[tuple[str, ...], str] = {
    _MULTIPLE: "two orderable products of one currency",
    ("TEMPLATE",): "a template of orderable products",
}
_DEMANDS = {
    "not_an_object": "is an object",
    "not_a_list": "is a list",
    "not_a_text": "is a text",
    "not_a_number": "is a JSON number",
    "unknown": "is one that the contract knows",
}


def _invalid(
    name: str, demand: str, operations: tuple[Operation, ...] = BOTH, needs: str | None = None
) -> Rule:
    return Rule(name, demand, "validation_error", needs=needs, operations=operations)


def _where(types: tuple[str, ...], *ways: Any) -> Callable[[Means], Iterable[Any]]:
    """Ways to break a rule, where products of these types can be ordered."""
    return lambda means: ways if means.menu.find(types=types) else ()


def _of_field(field: Field, name: str, demand: str) -> Rule:
    return _invalid(name, demand, field.operations, _NEEDS.get(field.types))


def _missing(field: Field) -> BodyRule:
    def breaks(sketch: Sketch, _: None) -> Broken:
        valid = sketch.body(*field.types, distributions=field.distributions)
        return Broken(valid, drop(valid, field.place), location(valid, field.place))

    demand = f"{field.words} is required."
    rule = _of_field(field, f"{field.name}_missing", demand)
    return BodyRule(rule, _where(field.types, None), breaks)


def _mistyped(field: Field) -> BodyRule:
    def breaks(sketch: Sketch, wrong: Json) -> Broken:
        valid = sketch.body(*field.types, distributions=field.distributions)
        return broken_at(valid, field.place, wrong)

    demand = f"{field.words} {_DEMANDS[field.fault]}."
    rule = _of_field(field, f"{field.name}_{field.fault}", demand)
    return BodyRule(rule, _where(field.types, *field.wrong), breaks)


def _long(
    rule: Rule, place: Place, texts: Sequence[str], distributions: tuple[str, ...] = ()
) -> BodyRule:
    """A limit on a text; the texts are one character too long."""

    def breaks(sketch: Sketch, text: str) -> Broken:
        body = sketch.body(distributions=distributions)
        return broken_beyond(body, place, text[1:], text)

    return BodyRule(rule, always(*texts), breaks, limit=True)


def _spelt(
    rule: Rule, place: Place, malformed: Sequence[str], distributions: tuple[str, ...]
) -> BodyRule:
    """A text that is spelt as it must not be."""

    def breaks(sketch: Sketch, wrong: str) -> Broken:
        return broken_at(sketch.body(distributions=distributions), place, wrong)

    return BodyRule(rule, always(*malformed), breaks)


def _no_object(sketch: Sketch, wrong: Json) -> Broken:
    return Broken(sketch.body(), wrong)


def _no_items(sketch: Sketch, _: None) -> Broken:
    return broken_at(sketch.body(neighbours=False), ("items",), [])


def _too_many_items(sketch: Sketch, _: None) -> Broken:
    body = sketch.body()
    most, beyond = (stretched(body["items"], sketch.most_items + more) for more in (0, 1))
    return broken_beyond(body, ("items",), most, beyond)


def _too_small(sketch: Sketch, value: float) -> Broken:
    if not sketch.menu.pennies:
        return broken_at(sketch.body(), (*ITEM, "face_value"), value)
    offer = sketch.draw(st.sampled_from(sketch.menu.pennies))
    item = sketch.item_for({"type": "SINGLE", "value": offer.code}, float(LEAST_FACE_VALUE))
    return broken_at(sketch.around(item, offer.currency), (*ITEM, "face_value"), value)


def _empty_reference(sketch: Sketch, _: None) -> Broken:
    return broken_beyond(sketch.body(distributions=("RECIPIENT",)), _REFERENCE, "r", "")


def _empty_code(sketch: Sketch, _: None) -> Broken:
    return broken_at(sketch.body("SINGLE"), (*PRODUCTS, "value"), "")


def _too_few_codes(sketch: Sketch, number: int) -> Broken:
    body = sketch.body("MULTIPLE")
    codes = body["items"][-1]["products"]["values"][:2]
    enough = max(sketch.menu.catalogue.offers[code].least for code in codes)
    valid = put(body, (*ITEM, "face_value"), ceiling(enough))
    return broken_beyond(valid, _CODES, codes, codes[:number])


def _repeated_codes(sketch: Sketch, first: int) -> Broken:
    body = sketch.body("MULTIPLE")
    codes = body["items"][-1]["products"]["values"]
    return broken_at(body, _CODES, [*codes, codes[first]])


def _template_in_estimate(sketch: Sketch, id_: str) -> Broken:
    body = sketch.body()
    broken = put(body, PRODUCTS, {"type": "TEMPLATE", "template_id": id_})
    return Broken(body, broken, location(body, PRODUCTS))


def _with_rules(sketch: Sketch) -> Object:
    return put(sketch.body("SINGLE"), _USAGE, {"spend_rules_template_id": SPEND_RULES})


def _no_spend_rules(sketch: Sketch, _: None) -> Broken:
    valid, place = _with_rules(sketch), (*_USAGE, "spend_rules_template_id")
    return Broken(valid, drop(valid, place), location(valid, place))


def _wrong_spend_rules(sketch: Sketch, wrong: Json) -> Broken:
    return broken_at(_with_rules(sketch), (*_USAGE, "spend_rules_template_id"), wrong)


def _too_many_pairs(sketch: Sketch, _: None) -> Broken:
    most, beyond = (
        {f"key-{number}": "v" for number in range(MOST_PAIRS + more)} for more in (0, 1)
    )
    return broken_beyond(sketch.body(), ("metadata",), most, beyond)


def _long_key(sketch: Sketch, key: str) -> Broken:
    broken = broken_beyond(sketch.body(), ("metadata",), {key[1:]: "v"}, {key: "v"})
    # Pydantic marks a key that is wrong itself.
    return broken._replace(location=("body", "metadata", key, "[key]"))


def _long_value(sketch: Sketch, value: str) -> Broken:
    body = put(sketch.body(), ("metadata",), {"k": ""})
    return broken_beyond(body, ("metadata", "k"), value[1:], value)


def _mistyped_value(sketch: Sketch, wrong: Json) -> Broken:
    body = put(sketch.body(), ("metadata",), {"k": "v"})
    return broken_at(body, ("metadata", "k"), wrong)


def _too_long(limit: int) -> list[str]:
    return [mark * (limit + 1) for mark in MARKS]


def _form_rules() -> Iterator[BodyRule]:
    no_object = Rule("body_not_an_object", "The body is an object.", "bad_request")
    yield BodyRule(no_object, always(*NO_BODY), _no_object)
    for field in FIELDS:
        if field.is_required:
            yield _missing(field)
        yield _mistyped(field)


FORM_RULES: tuple[BodyRule, ...] = (
    *_form_rules(),
    BodyRule(
        _invalid("items_empty", "There is at least one item."), always(None), _no_items, limit=True
    ),
    BodyRule(
        _invalid("items_too_many", "An order has at most 200 items, an estimate at most 500."),
        always(None),
        _too_many_items,
        limit=True,
    ),
    BodyRule(
        _invalid("face_value_too_small", "face_value is at least 0.01."),
        always(*TOO_SMALL),
        _too_small,
        limit=True,
    ),
    _spelt(
        _invalid(
            "email_address_malformed",
            "email_address is dot-separated atoms, an at sign, and a host of two labels or more.",
            ORDER,
        ),
        _ADDRESS,
        MALFORMED_ADDRESSES,
        MAILED,
    ),
    _long(
        _invalid("email_address_too_long", "email_address has at most 254 characters.", ORDER),
        _ADDRESS,
        [f"a{longest_address()}"],
        MAILED,
    ),
    _spelt(
        _invalid(
            "recipient_reference_malformed",
            "recipient_reference is made of A-Z a-z 0-9 - _ @ and dots.",
            ORDER,
        ),
        _REFERENCE,
        MALFORMED_REFERENCES,
        ("RECIPIENT",),
    ),
    BodyRule(
        _invalid(
            "recipient_reference_empty", "recipient_reference has at least one character.", ORDER
        ),
        always(None),
        _empty_reference,
        limit=True,
    ),
    _long(
        _invalid(
            "recipient_reference_too_long", "recipient_reference has at most 255 characters.", ORDER
        ),
        _REFERENCE,
        [f"r{LONGEST_REFERENCE}"],
        ("RECIPIENT",),
    ),
    BodyRule(
        _invalid("product_code_empty", "A product code is not empty."), always(None), _empty_code
    ),
    BodyRule(
        _invalid("spend_rules_missing", "usage_config has its one field."),
        always(None),
        _no_spend_rules,
    ),
    BodyRule(
        _invalid("spend_rules_not_a_text", "spend_rules_template_id is a text."),
        always(*NO_TEXT),
        _wrong_spend_rules,
    ),
    BodyRule(
        _invalid("spend_rules_malformed", "spend_rules_template_id is PSR- and a ULID."),
        always(*MALFORMED_SPEND_RULES),
        _wrong_spend_rules,
    ),
    BodyRule(
        _invalid(
            "product_codes_too_few", "MULTIPLE lists at least two codes.", needs=_NEEDS[_MULTIPLE]
        ),
        _where(_MULTIPLE, 1, 0),
        _too_few_codes,
        limit=True,
    ),
    BodyRule(
        _invalid(
            "product_codes_repeated", "MULTIPLE lists each code once.", needs=_NEEDS[_MULTIPLE]
        ),
        _where(_MULTIPLE, 0, -1),
        _repeated_codes,
    ),
    BodyRule(
        _invalid(
            "template_in_estimate", "An estimate takes no product-selection template.", ESTIMATE
        ),
        always(*PRODUCT_TEMPLATES.values()),
        _template_in_estimate,
    ),
    _long(
        _invalid("description_too_long", "description has at most 128 characters.", ORDER),
        ("description",),
        _too_long(LONGEST_DESCRIPTION),
    ),
    BodyRule(
        _invalid("metadata_too_many_pairs", "metadata has at most 20 pairs.", ORDER),
        always(None),
        _too_many_pairs,
        limit=True,
    ),
    BodyRule(
        _invalid("metadata_key_too_long", "A metadata key has at most 40 characters.", ORDER),
        always(*_too_long(LONGEST_KEY)),
        _long_key,
        limit=True,
    ),
    BodyRule(
        _invalid(
            "metadata_value_too_long", "A value of metadata has at most 200 characters.", ORDER
        ),
        always(*_too_long(LONGEST_VALUE)),
        _long_value,
        limit=True,
    ),
    BodyRule(
        _invalid("metadata_value_not_a_text", "A metadata value is a text.", ORDER),
        always(*NO_TEXT),
        _mistyped_value,
    ),
)
"""Every rule of form, of orders and of estimates."""
