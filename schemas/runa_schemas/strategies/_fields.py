"""The fields of a body: where each lies, who has it, and which values are wrong for it."""

from typing import NamedTuple

from runa_schemas.strategies._body_builder import ITEM
from runa_schemas.strategies._json import Json, Place
from runa_schemas.strategies._near_miss import BOTH, ORDER, Operation

METHOD: Place = (*ITEM, "distribution_method")
PRODUCTS: Place = (*ITEM, "products")

_NO_OBJECT: tuple[Json, ...] = (None, "", "text", 0, 1.5, True, [], [{}])
_NO_LIST: tuple[Json, ...] = (None, "", "text", 0, True, {}, {"0": {}})
NO_TEXT: tuple[Json, ...] = (None, 0, 1.5, True, [], ["text"], {})
_NO_NUMBER: tuple[Json, ...] = (None, "10", "", True, False, [], [10], {})
_NO_TYPE: tuple[Json, ...] = (None, "", "text", 0, True, [], {})
_NO_CURRENCY: tuple[Json, ...] = ("usd", "XXX", "USD ", "US", "", None, 0, [], {"code": "USD"})
TOO_SMALL = (0.009, 0, -1, -0.0, 0.0, -0.01, 0.009999999999999998, 1e-300, -10, -1e308)
NO_BODY: tuple[Json, ...] = (None, "text", 0, True, [], [{}])
_ULID = "0123456789ABCDEFGHJKMNPQRS"
SPEND_RULES = f"PSR-{_ULID}"
MALFORMED_SPEND_RULES = (
    *(SPEND_RULES[:-1], f"{SPEND_RULES}0", f"{SPEND_RULES}\n", f" {SPEND_RULES}"),
    *("", _ULID, SPEND_RULES.lower(), f"PT-{_ULID}"),
    *(f"{SPEND_RULES[:-1]}{letter}" for letter in "ILOU é"),
)
MALFORMED_REFERENCES = ("é", "a b", "a/b", "a+b", " a", "a ", "a\n", "\x00", "😀", "a:b", "a#")
MALFORMED_ADDRESSES = (
    *("", " ", "a", "@", "a@", "@example.test", "a@test", "a@@example.test", "a@b@example.test"),
    *("a b@example.test", " a@example.test", "a@example.test ", "a@example.test\n", "\x00@b.test"),
    *(".a@example.test", "a.@example.test", "a..b@example.test", "a,b@example.test"),
    *("a@.test", "a@example..test", "a@example.test.", "a@-example.test", "a@example-.test"),
    *("a@exam_ple.test", "a@exam ple.test", 'a"b@example.test', "A <a@example.test>", "a@[1.2]"),
)
MULTIPLE = ("MULTIPLE",)
MAILED = ("EMAIL", "RECIPIENT")
_ANY_METHOD = ("PAYOUT_LINK", *MAILED)


class Field(NamedTuple):
    """A field of a body, and the values that are not of its type.

    Attributes:
        name: How the names of its rules begin.
        place: Where it lies.
        fault: How the name of the rule about its type ends.
        wrong: Values that break it.
        is_required: Whether it can be missing.
        types: The types of products that have it; empty where it does not depend on them.
        distributions: The types of distribution that have it, likewise.
        operations: The operations whose bodies have it.
    """

    name: str
    place: Place
    fault: str
    wrong: tuple[Json, ...]
    is_required: bool = True
    types: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = BOTH

    @property
    def path(self) -> str:
        """The place for people, such as ``items[].face_value``."""
        steps = ("[]" if isinstance(step, int) else f".{step}" for step in self.place)
        return "".join(steps).removeprefix(".")


FIELDS = (
    Field("payment_method", ("payment_method",), "not_an_object", _NO_OBJECT),
    Field(
        "payment_type",
        ("payment_method", "type"),
        "unknown",
        ("CARD", "account_balance", *_NO_TYPE),
    ),
    Field("payment_currency", ("payment_method", "currency"), "unknown", _NO_CURRENCY),
    Field("items", ("items",), "not_a_list", _NO_LIST),
    Field("item", ITEM, "not_an_object", _NO_OBJECT, is_required=False),
    Field("face_value", (*ITEM, "face_value"), "not_a_number", _NO_NUMBER),
    Field("distribution", METHOD, "not_an_object", _NO_OBJECT, operations=ORDER),
    Field(
        "distribution_type",
        (*METHOD, "type"),
        "unknown",
        ("SMS", "email", "SINGLE", *_NO_TYPE),
        operations=ORDER,
    ),
    Field(
        "email_address",
        (*METHOD, "email_address"),
        "not_a_text",
        NO_TEXT,
        distributions=MAILED,
        operations=ORDER,
    ),
    Field(
        "recipient_reference",
        (*METHOD, "recipient_reference"),
        "not_a_text",
        NO_TEXT,
        distributions=("RECIPIENT",),
        operations=ORDER,
    ),
    Field(
        "redemption_template",
        (*METHOD, "template_id"),
        "not_a_text",
        NO_TEXT[1:],
        is_required=False,
        distributions=_ANY_METHOD,
        operations=ORDER,
    ),
    Field("products", PRODUCTS, "not_an_object", _NO_OBJECT),
    Field("products_type", (*PRODUCTS, "type"), "unknown", ("LIST", "single", "EMAIL", *_NO_TYPE)),
    Field("product_code", (*PRODUCTS, "value"), "not_a_text", NO_TEXT, types=("SINGLE",)),
    Field(
        "usage_config",
        (*PRODUCTS, "usage_config"),
        "not_an_object",
        _NO_OBJECT[1:],
        is_required=False,
        types=("SINGLE",),
    ),
    Field("product_codes", (*PRODUCTS, "values"), "not_a_list", _NO_LIST, types=MULTIPLE),
    Field(
        "listed_product_code",
        (*PRODUCTS, "values", -1),
        "not_a_text",
        NO_TEXT,
        is_required=False,
        types=MULTIPLE,
    ),
    Field(
        "product_template",
        (*PRODUCTS, "template_id"),
        "not_a_text",
        NO_TEXT,
        types=("TEMPLATE",),
        operations=ORDER,
    ),
    Field(
        "description",
        ("description",),
        "not_a_text",
        NO_TEXT[1:],
        is_required=False,
        operations=ORDER,
    ),
    Field(
        "metadata",
        ("metadata",),
        "not_an_object",
        _NO_OBJECT[1:],
        is_required=False,
        operations=ORDER,
    ),
)
