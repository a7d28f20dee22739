"""Builders for the parts of an order; each returns the plain dictionary that the service reads.

A hand-written dictionary of the same form works wherever a builder's result does.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

JsonObject: TypeAlias = dict[str, object]
FaceValue: TypeAlias = int | float | str | Decimal

_DECIMAL_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def item(
    face_value: FaceValue,
    *,
    products: Mapping[str, object],
    distribution: Mapping[str, object] | None = None,
) -> JsonObject:
    """Build one item of an order, which becomes exactly one payout link.

    Args:
        face_value: The amount in units of the product's currency. It is sent as a JSON number
            with exactly these digits: `"10.10"` as 10.10, `0.1` as 0.1. Its range is left to
            the service.
        products: From `single`, `multiple` or `template`.
        distribution: From `payout_link`, `email` or `recipient`; a payout link if absent.

    Returns:
        The item, its `face_value` a `Decimal`.

    Raises:
        TypeError: `face_value` is a boolean or no number at all.
        ValueError: `face_value` is not finite, or a string that is no decimal number.
    """
    return {
        "face_value": _exact(face_value),
        "distribution_method": dict(payout_link() if distribution is None else distribution),
        "products": dict(products),
    }


def single(code: str, *, spend_rules_template_id: str | None = None) -> JsonObject:
    """Build the choice of one product.

    Args:
        code: A product code such as `AMZ-US`, or a subscription plan code.
        spend_rules_template_id: A `PSR-…` template for prepaid Visa; others ignore it.
    """
    products: JsonObject = {"type": "SINGLE", "value": code}
    if spend_rules_template_id is not None:
        products["usage_config"] = {"spend_rules_template_id": spend_rules_template_id}
    return products


def multiple(*codes: str) -> JsonObject:
    """Build a choice between product codes; the service wants two or more, all different."""
    return {"type": "MULTIPLE", "values": list(codes)}


def template(template_id: str) -> JsonObject:
    """Build the products of a product-selection template, `PT-…`."""
    return {"type": "TEMPLATE", "template_id": template_id}


def payout_link(*, template_id: str | None = None) -> JsonObject:
    """Build the distribution by a link in the answer; `template_id` is a redemption template."""
    return _with_template({"type": "PAYOUT_LINK"}, template_id)


def email(address: str, *, template_id: str | None = None) -> JsonObject:
    """Build the distribution by e-mail; `template_id` is a redemption template, `DT-…`."""
    return _with_template({"type": "EMAIL", "email_address": address}, template_id)


def recipient(reference: str, *, email_address: str, template_id: str | None = None) -> JsonObject:
    """Build the distribution to a known recipient, which payment-type products need.

    Args:
        reference: Your own name for the recipient: 1 to 255 of letters, digits and `-_@.`.
        email_address: Where the recipient is reached.
        template_id: A redemption template, `DT-…`.
    """
    distribution: JsonObject = {
        "type": "RECIPIENT",
        "recipient_reference": reference,
        "email_address": email_address,
    }
    return _with_template(distribution, template_id)


def _with_template(distribution: JsonObject, template_id: str | None) -> JsonObject:
    if template_id is not None:
        distribution["template_id"] = template_id
    return distribution


def _exact(face_value: object) -> Decimal:
    if isinstance(face_value, bool) or not isinstance(face_value, int | float | str | Decimal):
        kind = type(face_value).__name__
        raise TypeError(f"face_value is an int, float, str or Decimal, not {kind}: {face_value!r}")
    if isinstance(face_value, str) and not _DECIMAL_NUMBER.fullmatch(face_value):
        raise ValueError(f"face_value is no decimal number: {face_value!r}")
    # The shortest text that means this float is the number a person wrote.
    value = Decimal(repr(face_value) if isinstance(face_value, float) else face_value)
    if not value.is_finite():
        raise ValueError(f"face_value is not finite: {face_value!r}")
    return value
