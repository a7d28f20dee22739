"""The limits on the form of a body, and how to break them (page "Create order")."""

from collections.abc import Sequence

from hypothesis import strategies as st

from runa_schemas.contract_data import (
    MAX_DESCRIPTION_LENGTH,
    MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_PAIRS,
    MAX_METADATA_VALUE_LENGTH,
    MIN_FACE_VALUE,
    PRODUCT_TEMPLATES,
)
from runa_schemas.strategies._bodies import stretched
from runa_schemas.strategies._body_builder import (
    ITEM,
    BodyBuilder,
    BodyRule,
    Broken,
    always,
    broken_at,
    broken_beyond,
    location,
    put,
)
from runa_schemas.strategies._field_rules import NEEDS, invalid, where
from runa_schemas.strategies._fields import (
    MAILED,
    MALFORMED_ADDRESSES,
    MALFORMED_REFERENCES,
    MALFORMED_SPEND_RULES,
    METHOD,
    MULTIPLE,
    NO_BODY,
    NO_TEXT,
    PRODUCTS,
    SPEND_RULES,
    TOO_SMALL,
)
from runa_schemas.strategies._json import Json, Object, Place
from runa_schemas.strategies._kinds import ceiling
from runa_schemas.strategies._near_miss import ESTIMATE, ORDER, Rule
from runa_schemas.strategies._texts import (
    LONGEST_REFERENCE,
    MARKS,
    longest_address,
)

_CODES: Place = (*PRODUCTS, "values")
_USAGE: Place = (*PRODUCTS, "usage_config")
_ADDRESS: Place = (*METHOD, "email_address")
_REFERENCE: Place = (*METHOD, "recipient_reference")


def _long(
    rule: Rule, place: Place, texts: Sequence[str], distributions: tuple[str, ...] = ()
) -> BodyRule:
    """A limit on a text; the texts are one character too long."""

    def breaks(builder: BodyBuilder, text: str) -> Broken:
        body = builder.body(distributions=distributions)
        return broken_beyond(body, place, text[1:], text)

    return BodyRule(rule, always(*texts), breaks, limit=True)


def _spelt(
    rule: Rule, place: Place, malformed: Sequence[str], distributions: tuple[str, ...]
) -> BodyRule:
    """A text that is spelt as it must not be."""

    def breaks(builder: BodyBuilder, wrong: str) -> Broken:
        return broken_at(builder.body(distributions=distributions), place, wrong)

    return BodyRule(rule, always(*malformed), breaks)


def _no_object(builder: BodyBuilder, wrong: Json) -> Broken:
    return Broken(builder.body(), wrong)


def _no_items(builder: BodyBuilder, _: None) -> Broken:
    return broken_at(builder.body(neighbours=False), ("items",), [])


def _too_many_items(builder: BodyBuilder, _: None) -> Broken:
    body = builder.body()
    most, beyond = (stretched(body["items"], builder.most_items + more) for more in (0, 1))
    return broken_beyond(body, ("items",), most, beyond)


def _too_small(builder: BodyBuilder, value: float) -> Broken:
    if not builder.orderable.one_cent_offers:
        return broken_at(builder.body(), (*ITEM, "face_value"), value)
    offer = builder.draw(st.sampled_from(builder.orderable.one_cent_offers))
    item = builder.item_for({"type": "SINGLE", "value": offer.code}, float(MIN_FACE_VALUE))
    return broken_at(builder.around(item, offer.currency), (*ITEM, "face_value"), value)


def _empty_reference(builder: BodyBuilder, _: None) -> Broken:
    return broken_beyond(builder.body(distributions=("RECIPIENT",)), _REFERENCE, "r", "")


def _empty_code(builder: BodyBuilder, _: None) -> Broken:
    return broken_at(builder.body("SINGLE"), (*PRODUCTS, "value"), "")


def _too_few_codes(builder: BodyBuilder, number: int) -> Broken:
    body = builder.body("MULTIPLE")
    codes = body["items"][-1]["products"]["values"][:2]
    enough = max(builder.orderable.catalogue.offers[code].least for code in codes)
    valid = put(body, (*ITEM, "face_value"), ceiling(enough))
    return broken_beyond(valid, _CODES, codes, codes[:number])


def _repeated_codes(builder: BodyBuilder, first: int) -> Broken:
    body = builder.body("MULTIPLE")
    codes = body["items"][-1]["products"]["values"]
    return broken_at(body, _CODES, [*codes, codes[first]])


def _template_in_estimate(builder: BodyBuilder, id_: str) -> Broken:
    body = builder.body()
    broken = put(body, PRODUCTS, {"type": "TEMPLATE", "template_id": id_})
    return Broken(body, broken, location(body, PRODUCTS))


def _with_rules(builder: BodyBuilder) -> Object:
    return put(builder.body("SINGLE"), _USAGE, {"spend_rules_template_id": SPEND_RULES})


def _wrong_spend_rules(builder: BodyBuilder, wrong: Json) -> Broken:
    return broken_at(_with_rules(builder), (*_USAGE, "spend_rules_template_id"), wrong)


def _too_many_pairs(builder: BodyBuilder, _: None) -> Broken:
    most, beyond = (
        {f"key-{number}": "v" for number in range(MAX_METADATA_PAIRS + more)} for more in (0, 1)
    )
    return broken_beyond(builder.body(), ("metadata",), most, beyond)


def _long_key(builder: BodyBuilder, key: str) -> Broken:
    broken = broken_beyond(builder.body(), ("metadata",), {key[1:]: "v"}, {key: "v"})
    # Pydantic marks a key that is wrong itself.
    return broken._replace(location=("body", "metadata", key, "[key]"))


def _long_value(builder: BodyBuilder, value: str) -> Broken:
    body = put(builder.body(), ("metadata",), {"k": ""})
    return broken_beyond(body, ("metadata", "k"), value[1:], value)


def _mistyped_value(builder: BodyBuilder, wrong: Json) -> Broken:
    body = put(builder.body(), ("metadata",), {"k": "v"})
    return broken_at(body, ("metadata", "k"), wrong)


def _too_long(limit: int) -> list[str]:
    return [mark * (limit + 1) for mark in MARKS]


FORM_RULES: tuple[BodyRule, ...] = (
    BodyRule(
        Rule("body_not_an_object", "The body is an object.", "bad_request"),
        always(*NO_BODY),
        _no_object,
    ),
    BodyRule(
        invalid("items_empty", "There is at least one item."), always(None), _no_items, limit=True
    ),
    BodyRule(
        invalid("items_too_many", "An order has at most 200 items, an estimate at most 500."),
        always(None),
        _too_many_items,
        limit=True,
    ),
    BodyRule(
        invalid("face_value_too_small", "face_value is at least 0.01."),
        always(*TOO_SMALL),
        _too_small,
        limit=True,
    ),
    _spelt(
        invalid(
            "email_address_malformed",
            "email_address is dot-separated atoms, an at sign, and a host of two labels or more.",
            ORDER,
            source="inferred",
        ),
        _ADDRESS,
        MALFORMED_ADDRESSES,
        MAILED,
    ),
    _long(
        invalid(
            "email_address_too_long",
            "email_address has at most 254 characters.",
            ORDER,
            source="inferred",
        ),
        _ADDRESS,
        [f"a{longest_address()}"],
        MAILED,
    ),
    _spelt(
        invalid(
            "recipient_reference_malformed",
            "recipient_reference is made of A-Z a-z 0-9 - _ @ and dots.",
            ORDER,
        ),
        _REFERENCE,
        MALFORMED_REFERENCES,
        ("RECIPIENT",),
    ),
    BodyRule(
        invalid(
            "recipient_reference_empty", "recipient_reference has at least one character.", ORDER
        ),
        always(None),
        _empty_reference,
        limit=True,
    ),
    _long(
        invalid(
            "recipient_reference_too_long", "recipient_reference has at most 255 characters.", ORDER
        ),
        _REFERENCE,
        [f"r{LONGEST_REFERENCE}"],
        ("RECIPIENT",),
    ),
    BodyRule(
        invalid("product_code_empty", "A product code is not empty."), always(None), _empty_code
    ),
    BodyRule(
        invalid("spend_rules_not_a_text", "spend_rules_template_id is a text."),
        always(*NO_TEXT[1:]),
        _wrong_spend_rules,
    ),
    BodyRule(
        invalid("spend_rules_malformed", "spend_rules_template_id is PSR- and a ULID."),
        always(*MALFORMED_SPEND_RULES),
        _wrong_spend_rules,
    ),
    BodyRule(
        invalid(
            "product_codes_too_few", "MULTIPLE lists at least two codes.", needs=NEEDS[MULTIPLE]
        ),
        where(MULTIPLE, 1, 0),
        _too_few_codes,
        limit=True,
    ),
    BodyRule(
        invalid("product_codes_repeated", "MULTIPLE lists each code once.", needs=NEEDS[MULTIPLE]),
        where(MULTIPLE, 0, -1),
        _repeated_codes,
    ),
    BodyRule(
        invalid(
            "template_in_estimate", "An estimate takes no product-selection template.", ESTIMATE
        ),
        always(*PRODUCT_TEMPLATES.values()),
        _template_in_estimate,
    ),
    _long(
        invalid("description_too_long", "description has at most 128 characters.", ORDER),
        ("description",),
        _too_long(MAX_DESCRIPTION_LENGTH),
    ),
    BodyRule(
        invalid("metadata_too_many_pairs", "metadata has at most 20 pairs.", ORDER),
        always(None),
        _too_many_pairs,
        limit=True,
    ),
    BodyRule(
        invalid("metadata_key_too_long", "A metadata key has at most 40 characters.", ORDER),
        always(*_too_long(MAX_METADATA_KEY_LENGTH)),
        _long_key,
        limit=True,
    ),
    BodyRule(
        invalid(
            "metadata_value_too_long", "A value of metadata has at most 200 characters.", ORDER
        ),
        always(*_too_long(MAX_METADATA_VALUE_LENGTH)),
        _long_value,
        limit=True,
    ),
    BodyRule(
        invalid("metadata_value_not_a_text", "A metadata value is a text.", ORDER),
        always(*NO_TEXT),
        _mistyped_value,
    ),
)
"""Every rule of form that is more than that a field is there and of its type."""
