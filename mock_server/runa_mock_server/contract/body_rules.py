"""Which rule of the contract a wrong field breaks."""

from collections.abc import Sequence

_OF_ORDER = {
    "payment_method": "payment-method",
    "description": "description-length",
    "metadata": "metadata-limits",
}
_OF_DISTRIBUTION = {
    "email_address": "email-addresses",
    "recipient_reference": "recipient-reference",
}
_IN_ITEM = 2  # behind `items` and the index


def rule_of(location: Sequence[str | int]) -> str:
    """The rule that a body breaks.

    Args:
        location: the way to the first field that is wrong, inside the body, as pydantic gives it:
            the name of the chosen variant is in it.
    """
    field = str(location[0]) if location else ""
    if field in _OF_ORDER:
        return _OF_ORDER[field]
    inside = [str(step) for step in location[_IN_ITEM:]]
    if field != "items" or not inside:
        return "items-count"
    if inside[0] == "face_value":
        return "face-value"
    if inside[0] == "products":
        return "usage-config" if "usage_config" in inside else "product-selection"
    return _OF_DISTRIBUTION.get(inside[-1], "distribution-types")
