"""Values that are valid by any schema of this package.

Requests have strategies of their own, which shrink better; what answers is drawn from its schema.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from functools import partial
from typing import Any

from hypothesis import strategies as st

from runa_schemas._store import load
from runa_schemas.strategies import _parts, _texts
from runa_schemas.strategies._bodies import estimate_bodies, order_bodies
from runa_schemas.strategies._json import Object
from runa_schemas.strategies._schema_values import values
from runa_schemas.strategies._weighted import weighted

Strategy = st.SearchStrategy[Any]


def from_schema(name: str) -> Strategy:
    """Values that are valid by a schema.

    Args:
        name: One of ``runa_schemas.names()``, such as ``"order"``.

    Raises:
        UnknownSchemaError: No schema has this name.
    """
    schema = load(name)
    return _BY_HAND[name]() if name in _BY_HAND else values(schema, _BY_HAND)


def _money() -> Strategy:
    cents = st.integers(0, 10**14).map(lambda n: f"{n // 100}.{n % 100:02}")
    return weighted(("10.00", "0.00", "0.01"), ("007.00",), cents).strategy


def _product_amounts() -> Strategy:
    return _money() | st.integers(0, 10**6).map(str)


def _timestamps() -> Strategy:
    moments = st.datetimes(timezones=st.just(UTC))
    return moments.map(lambda moment: moment.isoformat(timespec="microseconds"))


def _urls() -> Strategy:
    path = st.text(st.characters(codec="utf-8", min_codepoint=0x21), max_size=8)
    plain = ("https://example.test/", "http://127.0.0.1:8484/payout/0")
    return weighted(
        plain, ("https://é", "http://x?", "https://x#"), path.map("https://x/{}".format)
    ).strategy


def _ids(prefix: str) -> Strategy:
    # A ULID begins with a digit up to 7, for it has 128 bits.
    return st.builds(
        "{}{}{}".format,
        st.just(prefix),
        st.integers(0, 7),
        st.text(_texts.ULID, min_size=25, max_size=25),
    )


def _metadata() -> Strategy:
    return _parts.metadata() | st.none()


def _ordered_products() -> Strategy:
    return _parts.products().map(_with_values)


def _with_values(products: Object) -> Object:
    """An answer says what a template stands for."""
    return products | {"values": ["AMZ-US"]} if products["type"] == "TEMPLATE" else products


_BY_HAND: Mapping[str, Callable[[], Strategy]] = {
    "currency": _texts.currencies,
    "distribution_method": _parts.distributions,
    "email_address": _texts.email_addresses,
    "email_distribution": partial(_parts.distributions, ("EMAIL",)),
    "estimate_product_selection": partial(_parts.products, ("SINGLE", "MULTIPLE")),
    "item_id": partial(_ids, "E-"),
    "metadata": _metadata,
    "money": _money,
    "multiple_products": partial(_parts.products, ("MULTIPLE",)),
    "new_estimate": estimate_bodies,
    "new_estimate_item": _parts.estimate_items,
    "new_face_value": _parts.face_values,
    "new_item": _parts.items,
    "new_order": order_bodies,
    "order_id": partial(_ids, "O-"),
    "order_products": _ordered_products,
    "payment_method": _parts.payment_methods,
    "payout_link_distribution": partial(_parts.distributions, ("PAYOUT_LINK",)),
    "product_amount": _product_amounts,
    "product_selection": _parts.products,
    "recipient_distribution": partial(_parts.distributions, ("RECIPIENT",)),
    "single_product": partial(_parts.products, ("SINGLE",)),
    "template_products": partial(_parts.products, ("TEMPLATE",)),
    "timestamp": _timestamps,
    "url": _urls,
}
