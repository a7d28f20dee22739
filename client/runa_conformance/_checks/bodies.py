"""Which bodies pass, to the last character: every limit from both sides.

The bodies name a product that does not exist. One that passes validation is refused for that, by
the business rules, so that the accepted side of a limit costs nothing either.
"""

from collections.abc import Iterable
from decimal import Decimal

from runa_client import email, item, multiple, recipient, single, template
from runa_conformance._bodies import (
    ABSENT,
    ADDRESS,
    NO_PRODUCT,
    SPEND_RULES,
    Document,
    edit,
    link,
    nothing,
)
from runa_conformance._brief import shown
from runa_conformance._checks.details import invalid_at, places
from runa_conformance._expect import at, entries, equal, expect, refused, strings
from runa_conformance._registry import Group
from runa_conformance._service import Service
from runa_schemas.contract_data import (
    MAX_DESCRIPTION_LENGTH,
    MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_PAIRS,
    MAX_METADATA_VALUE_LENGTH,
    MAX_ORDER_ITEMS,
    MAX_RECIPIENT_REFERENCE_LENGTH,
    MIN_FACE_VALUE,
    Currency,
)

GROUP = Group("bodies")

ASTRAL = "\U0001f381"
PLACE = "items.0"


def passes(service: Service, body: Document) -> None:
    """The body is valid: it gets as far as its product, which does not exist."""
    refused(service.order(body), "product_validation_error")


def invalid(service: Service, body: Document, path: str, kind: str | None = None) -> None:
    """The body is refused with a detail at this place, on the playground of this kind."""
    invalid_at(service, service.order(body), path, kind)


def each_invalid(
    service: Service, path: str, values: Iterable[object], kind: str | None = None
) -> None:
    """Each of these values is refused in this place of an otherwise good body."""
    for value in values:
        invalid(service, edit(nothing(), path, value), path, kind)


def _of_length(length: int) -> tuple[str, str]:
    """Texts of so many characters, of one and of two UTF-16 code units each."""
    return "x" * length, ASTRAL * length


@GROUP.check("payment-method")
def the_payment_method_is_complete(service: Service) -> None:
    """Type ACCOUNT_BALANCE and a known currency in capitals are required."""
    for path in ("payment_method", "payment_method.type", "payment_method.currency"):
        each_invalid(service, path, [ABSENT], "missing")
    each_invalid(service, "payment_method.currency", ["usd", "XXX", "", "US", "BTC"], "enum")
    each_invalid(service, "payment_method.currency", [None, 840, ["USD"]])
    each_invalid(service, "payment_method.type", ["CARD", "account_balance", "", None])
    each_invalid(service, "payment_method", [None, "ACCOUNT_BALANCE", []])


@GROUP.check("payment-method")
def every_currency_is_known(service: Service) -> None:
    """Each of the thirty currencies can pay."""
    for currency in Currency:
        passes(service, edit(nothing(), "payment_method.currency", currency.value))


@GROUP.check("items-count")
def an_order_has_1_to_200_items(service: Service) -> None:
    """1 and 200 items pass, none and 201 do not."""
    for count in (1, MAX_ORDER_ITEMS):
        passes(service, nothing(items=[link(NO_PRODUCT)] * count))
    invalid(service, nothing(items=[]), "items", "too_short")
    invalid(service, nothing(items=[link(NO_PRODUCT)] * (MAX_ORDER_ITEMS + 1)), "items", "too_long")
    each_invalid(service, "items", [ABSENT], "missing")
    each_invalid(service, "items", [None, {}, "items", 1], "list_type")
    each_invalid(service, PLACE, [None, "item", 1, []])


@GROUP.check("description-length")
def a_description_has_at_most_128_characters(service: Service) -> None:
    """128 characters pass, of whatever plane; 129 do not."""
    for text in (*_of_length(MAX_DESCRIPTION_LENGTH), "", None):
        passes(service, nothing(description=text))
    for text in _of_length(MAX_DESCRIPTION_LENGTH + 1):
        invalid(service, nothing(description=text), "description", "string_too_long")
    each_invalid(service, "description", (1, True, ["x"], {}), "string_type")


@GROUP.check("metadata-limits")
def metadata_has_at_most_20_pairs(service: Service) -> None:
    """20 pairs pass, 21 do not."""
    for count in (0, 1, MAX_METADATA_PAIRS):
        passes(service, nothing(metadata={str(number): "" for number in range(count)}))
    pairs = {str(number): "" for number in range(MAX_METADATA_PAIRS + 1)}
    invalid(service, nothing(metadata=pairs), "metadata", "too_long")
    passes(service, nothing(metadata=None))
    each_invalid(service, "metadata", ("x", 1, [], ["x"]), "dict_type")


@GROUP.check("metadata-limits")
def metadata_keys_have_at_most_40_characters(service: Service) -> None:
    """A key of 40 characters passes, one of 41 does not."""
    for key in (*_of_length(MAX_METADATA_KEY_LENGTH), ""):
        passes(service, nothing(metadata={key: "v"}))
    for key in _of_length(MAX_METADATA_KEY_LENGTH + 1):
        invalid(service, nothing(metadata={key: "v"}), "metadata", "string_too_long")


@GROUP.check("metadata-limits")
def metadata_values_have_at_most_200_characters(service: Service) -> None:
    """A value is a string: one of 200 characters passes, one of 201 does not."""
    for value in (*_of_length(MAX_METADATA_VALUE_LENGTH), ""):
        passes(service, nothing(metadata={"k": value}))
    for value in _of_length(MAX_METADATA_VALUE_LENGTH + 1):
        invalid(service, nothing(metadata={"k": value}), "metadata.k", "string_too_long")
    good = nothing(metadata={"k": "v"})
    for wrong in (1, True, None, ["v"], {"v": 1}):
        invalid(service, edit(good, "metadata.k", wrong), "metadata.k", "string_type")


@GROUP.check("face-value")
def a_face_value_is_a_number_from_a_cent(service: Service) -> None:
    """0.01 passes and 0.009 does not; strings and booleans are no numbers."""
    path = f"{PLACE}.face_value"
    for value in (MIN_FACE_VALUE, Decimal("10.50"), 1, 10**9):
        passes(service, edit(nothing(), path, value))
    below = (Decimal("0.009"), Decimal("0.0099999999"), 0, -1, Decimal("-0.01"))
    each_invalid(service, path, below, "greater_than_equal")
    each_invalid(service, path, ("10", "", True, False, None, [10], {}))
    each_invalid(service, path, [ABSENT], "missing")


@GROUP.check("distribution-types")
def a_distribution_has_a_known_type(service: Service) -> None:
    """The type is EMAIL, PAYOUT_LINK or RECIPIENT, and has to be there."""
    path = f"{PLACE}.distribution_method"
    each_invalid(service, path, [ABSENT], "missing")
    each_invalid(service, path, [{}], "union_tag_not_found")
    each_invalid(service, path, [{"type": "LINK"}, {"type": "email"}], "union_tag_invalid")
    each_invalid(service, path, [None, "PAYOUT_LINK", []])
    passes(service, edit(nothing(), path, {"type": "PAYOUT_LINK", "template_id": None}))
    each_invalid(service, f"{path}.template_id", [1, {}], "string_type")


@GROUP.check("email-addresses")
def an_email_needs_an_address(service: Service) -> None:
    """Addresses under .invalid and .test are good; none, and what is no address, is not."""
    path = f"{PLACE}.distribution_method"
    for address in (ADDRESS, "first.last+tag@sub.domain.test", "a@b.test", "o'neil@host.invalid"):
        passes(service, edit(nothing(), path, email(address)))
    for wrong in ("nobody", "@example.com", "a@", "a@b@c.test", "a b@c.test", "", None, 1):
        body = edit(nothing(), path, {"type": "EMAIL", "email_address": wrong})
        invalid(service, body, f"{path}.email_address")
    invalid(service, edit(nothing(), path, {"type": "EMAIL"}), f"{path}.email_address", "missing")


@GROUP.check("recipient-reference")
def a_recipient_has_a_reference_and_an_address(service: Service) -> None:
    """1 to 255 letters, digits, hyphens, underscores, at signs and dots; both are required."""
    path = f"{PLACE}.distribution_method"
    reference = f"{path}.recipient_reference"

    def body(text: str) -> Document:
        return edit(nothing(), path, recipient(text, email_address=ADDRESS))

    for good in ("r", "r" * MAX_RECIPIENT_REFERENCE_LENGTH, "Az09-_@."):
        passes(service, body(good))
    too_long = "r" * (MAX_RECIPIENT_REFERENCE_LENGTH + 1)
    for wrong in ("", too_long, "a b", "a/b", "\u00e9", "a\n", "a+b"):
        invalid(service, body(wrong), reference, "string_pattern_mismatch")
    for field in ("recipient_reference", "email_address"):
        lacking = edit(body("r"), f"{path}.{field}", ABSENT)
        invalid(service, lacking, f"{path}.{field}", "missing")


@GROUP.check("product-selection")
def products_have_a_known_type(service: Service) -> None:
    """The type is SINGLE, MULTIPLE or TEMPLATE, and has to be there."""
    path = f"{PLACE}.products"
    each_invalid(service, path, [ABSENT], "missing")
    each_invalid(service, path, [{}], "union_tag_not_found")
    each_invalid(service, path, [{"type": "ALL"}, {"type": "single"}], "union_tag_invalid")
    each_invalid(service, path, [None, NO_PRODUCT, [NO_PRODUCT]])


@GROUP.check("product-selection")
def a_single_product_has_a_code(service: Service) -> None:
    """A code of at least one character is required."""
    path = f"{PLACE}.products.value"
    passes(service, edit(nothing(), path, "x"))
    each_invalid(service, path, [""], "string_too_short")
    each_invalid(service, path, [None, 1, ["x"]], "string_type")
    each_invalid(service, path, [ABSENT], "missing")


@GROUP.check("product-selection")
def several_products_are_two_and_different(service: Service) -> None:
    """Two different codes pass; one, none and the same twice do not."""
    path = f"{PLACE}.products"
    passes(service, edit(nothing(), path, multiple(NO_PRODUCT, "NEITHER")))
    for codes in ([NO_PRODUCT], []):
        body = edit(nothing(), path, multiple(*codes))
        invalid(service, body, f"{path}.values", "too_short")
    twice = edit(nothing(), path, multiple(NO_PRODUCT, NO_PRODUCT))
    invalid(service, twice, f"{path}.values")
    for wrong in (None, NO_PRODUCT, ABSENT):
        body = edit(edit(nothing(), path, multiple("a", "b")), f"{path}.values", wrong)
        invalid(service, body, f"{path}.values")


@GROUP.check("product-selection")
def a_template_of_products_has_an_id(service: Service) -> None:
    """The id of a product-selection template is required."""
    path = f"{PLACE}.products"
    good = edit(nothing(), path, template("PT-NO-SUCH-TEMPLATE"))
    passes(service, good)
    invalid(service, edit(good, f"{path}.template_id", ABSENT), f"{path}.template_id", "missing")
    for wrong in (None, 1):
        invalid(service, edit(good, f"{path}.template_id", wrong), f"{path}.template_id")


@GROUP.check("usage-config")
def spend_rules_have_an_id_of_their_kind(service: Service) -> None:
    """A spend_rules_template_id is PSR- and 26 characters of Crockford's base 32."""
    path = f"{PLACE}.products"
    good = edit(nothing(), path, single(NO_PRODUCT, spend_rules_template_id=SPEND_RULES))
    passes(service, good)
    for empty in (None, {}, {"spend_rules_template_id": None}):
        passes(service, edit(good, f"{path}.usage_config", empty))
    place = f"{path}.usage_config.spend_rules_template_id"
    for wrong in (
        SPEND_RULES[:-1],
        f"{SPEND_RULES}0",
        SPEND_RULES.lower(),
        "PSR-",
        SPEND_RULES[:-1] + "U",
    ):
        invalid(service, edit(good, place, wrong), place, "string_pattern_mismatch")


@GROUP.check("unknown-fields")
def unknown_fields_are_ignored(service: Service) -> None:
    """A field that the contract does not know is no error, wherever it stands."""
    for path in ("", "payment_method.", f"{PLACE}.", f"{PLACE}.products."):
        passes(service, edit(nothing(), f"{path}unknown_field", {"any": ["thing"]}))
    passes(service, edit(nothing(), f"{PLACE}.distribution_method.recipient_reference", 1))


@GROUP.check("validation-details")
def every_fault_has_a_detail(service: Service) -> None:
    """A body with faults in several places is told them all at once."""
    body = nothing(description=1, items=[link(NO_PRODUCT), {**link(NO_PRODUCT), "face_value": 0}])
    answer = service.order(edit(body, "payment_method.currency", ABSENT))
    found = {".".join(location) for location, _ in places(answer)}
    expected = {"payment_method.currency", "items.1.face_value", "description"}
    equal(found, expected, f"{answer}, places")


@GROUP.check("details-pydantic-2", profile="playground")
def details_are_those_of_pydantic_2(service: Service) -> None:
    """On the playground a location starts with body and a wrong currency is an enum error."""
    answer = service.order(edit(nothing(), "payment_method.currency", "XXX"))
    detail = at(refused(answer, "validation_error"), "details", 0)
    equal(strings(detail, "location"), ["body", "payment_method", "currency"], "location")
    equal(at(detail, "type"), "enum", "type")
    message = at(detail, "message")
    expect(
        isinstance(message, str) and message.startswith("Input should be "),
        f"message: {shown(message)}, expected one that begins 'Input should be '",
    )


@GROUP.check("details-pydantic-1", profile="production")
def details_are_those_of_pydantic_1(service: Service) -> None:
    """In production a location starts inside the body and a wrong currency is type_error.enum."""
    answer = service.order(edit(nothing(), "payment_method.currency", "XXX"))
    detail = at(refused(answer, "validation_error"), "details", 0)
    equal(strings(detail, "location"), ["payment_method", "currency"], "location")
    equal(at(detail, "type"), "type_error.enum", "type")


@GROUP.check("variant-locations", profile="playground")
def locations_name_the_chosen_variant(service: Service) -> None:
    """On the playground a location inside a variant names the variant, as pydantic does."""
    body = nothing(items=[item(10, products=single(""), distribution={"type": "EMAIL"})])
    details = entries(refused(service.order(body), "validation_error"), "details")
    found = [strings(detail, "location") for detail in details]
    expected = [
        ["body", "items", "0", "distribution_method", "EMAIL", "email_address"],
        ["body", "items", "0", "products", "SINGLE", "value"],
    ]
    equal(found, expected, "locations")
