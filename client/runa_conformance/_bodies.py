"""Bodies of orders: good ones, good ones of a product that does not exist, and edited ones."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from runa_client import FaceValue, encode_json, item, payout_link, single

Document = dict[str, Any]

NO_PRODUCT = "NO-SUCH-PRODUCT"
"""The code of nothing: an order for it is refused at the earliest by the business rules."""
ADDRESS = "recipient@conformance.invalid"
"""An address to which nobody can send."""
SPEND_RULES = "PSR-01HQ12PV4B8XMBRTK281JM54KK"
"""The id of a template of spend rules."""

ABSENT = object()
"""As the new value of a field: take the field away."""


def order(currency: str, *items: Mapping[str, object], **fields: object) -> Document:
    """The body of an order.

    Args:
        currency: what pays.
        items: from ``runa_client.item``.
        fields: description, metadata and others.
    """
    method = {"type": "ACCOUNT_BALANCE", "currency": currency}
    return {"payment_method": method, "items": [dict(entry) for entry in items], **fields}


def link(code: str, value: FaceValue = 10) -> Document:
    """An item of one product by payout link."""
    return item(value, products=single(code), distribution=payout_link())


def nothing(**fields: object) -> Document:
    """A valid body of one item whose product does not exist, so that nothing can be bought."""
    return order("USD", link(NO_PRODUCT), **fields)


def edit(body: Document, path: str, value: object) -> Document:
    """A copy with another value in one place, such as ``items.0.face_value``."""
    changed = deepcopy(body)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner: Any = changed
    for step in way:
        inner = inner[step]
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return changed


def to_bytes(document: object) -> bytes:
    """A document as JSON, decimals with exactly their digits."""
    return encode_json(document)
