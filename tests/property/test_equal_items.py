"""An order with many equal items is read as if each were read."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.base.errors import ApiError
from runa_mock_server.contract.request_models import NewOrder, validate_body, validate_order
from support.api import body, item

# Equal, equal for Python only, and wrong ones.
ITEMS = st.sampled_from(
    [
        item(),
        item(face_value=1),
        item(face_value=True),
        item(face_value=Decimal("1.0")),
        item(face_value="1"),
        dict(reversed(item().items())),
        item(unknown=1),
        item(distribution_method={"type": "EMAIL", "email_address": "a@example.com"}),
        item(distribution_method={"type": "EMAIL", "email_address": "nobody"}),
        {},
        None,
        2**70,
    ]
)
LISTS = st.lists(ITEMS, max_size=6) | st.integers(199, 202).map(lambda many: [item()] * many)


def outcome(read: Callable[[], NewOrder]) -> Any:
    """The order, or what is wrong with it."""
    try:
        return read()
    except ApiError as refusal:
        return refusal.document()


@given(items=LISTS | ITEMS, as_pydantic_1=st.booleans())
def test_equal_items_are_read_like_others(items: Any, as_pydantic_1: bool) -> None:
    """The order is the same, and so is what is wrong with it and where."""
    document = body(items=items)
    read = outcome(lambda: validate_order(document, as_pydantic_1=as_pydantic_1))
    assert read == outcome(lambda: validate_body(NewOrder, document, as_pydantic_1=as_pydantic_1))
