"""Whole bodies that are valid by the JSON Schemas."""

from hypothesis import strategies as st

from runa_schemas.contract_data import MAX_ESTIMATE_ITEMS, MAX_ORDER_ITEMS
from runa_schemas.strategies import _parts
from runa_schemas.strategies._json import Object, copied
from runa_schemas.strategies._parts import Objects

FEW_ITEMS = 5


def order_bodies(*, max_items: int = FEW_ITEMS) -> Objects:
    """Bodies of ``POST /order`` that are valid by the schema ``new_order``.

    They explore what the contract allows: limits, unicode, unknown fields, nulls and absences.
    Their products need not exist; ``orders`` draws bodies that a service also accepts.

    Args:
        max_items: How many items a body has at most, 1 to 200. Most have few; where it is
            more than five, some have as many as there may be.

    Raises:
        ValueError: ``max_items`` is out of range.
    """
    return _order_bodies(sizes(max_items, MAX_ORDER_ITEMS))


def estimate_bodies(*, max_items: int = FEW_ITEMS) -> Objects:
    """Bodies of ``POST /order/estimate`` that are valid by the schema ``new_estimate``.

    Args:
        max_items: How many items a body has at most, 1 to 500.

    Raises:
        ValueError: ``max_items`` is out of range.
    """
    return _estimate_bodies(sizes(max_items, MAX_ESTIMATE_ITEMS))


def sizes(max_items: int, limit: int) -> st.SearchStrategy[int]:
    """How many items there are: mostly few, sometimes the most that are wanted.

    Raises:
        ValueError: if ``max_items`` is no whole number from 1 to ``limit``.
    """
    if type(max_items) is not int or not 1 <= max_items <= limit:
        raise ValueError(f"max_items: give a whole number from 1 to {limit}, not {max_items!r}")
    few = [size for size in (1, 1, 2, 1, 3, 1, 2, 1, 4, 1, 2, 1, 5) if size <= max_items]
    return st.sampled_from([*few, max_items])


def stretched(items: list[Object], size: int) -> list[Object]:
    """As many items as there are to be: behind the given ones copies of the last."""
    return items + [copied(items[-1]) for _ in range(size - len(items))]


def several(draw: st.DrawFn, numbers: st.SearchStrategy[int], entries: Objects) -> list[Object]:
    """Draw a number of items, of many only the first.

    To be drawn behind everything else: fewer items then leave the rest as it is, so that
    hypothesis can take some away.
    """
    size = draw(numbers)
    return stretched([draw(entries) for _ in range(min(size, FEW_ITEMS))], size)


@st.composite
def described(draw: st.DrawFn) -> Object:
    """What the caller of an order may say about it, and what the service ignores."""
    fields: Object = {}
    for name, texts in (("description", _DESCRIPTIONS), ("metadata", _METADATA)):
        if (shape := draw(_SHAPES)) is not None:
            fields[name] = draw(texts) if shape else None
    fields.update(copied(draw(_UNKNOWN)))
    return fields


_DESCRIPTIONS = _parts.descriptions()
_METADATA = _parts.metadata()
# None leaves a field out, False sends null, True a value.
_SHAPES = st.sampled_from((None, True, None, True, False))
_UNKNOWN = st.sampled_from(({}, {}, {}, *_parts.UNKNOWN_FIELDS))
_DESCRIBED = described()


@st.composite
def _order_bodies(draw: st.DrawFn, numbers: st.SearchStrategy[int]) -> Object:
    fields = draw(_DESCRIBED)
    return {
        "payment_method": _parts.PAYMENT_METHODS.of(draw),
        "items": several(draw, numbers, _ITEMS),
        **fields,
    }


@st.composite
def _estimate_bodies(draw: st.DrawFn, numbers: st.SearchStrategy[int]) -> Object:
    return {
        "payment_method": _parts.PAYMENT_METHODS.of(draw),
        "items": several(draw, numbers, _ESTIMATE_ITEMS),
    }


_ITEMS = _parts.items()
_ESTIMATE_ITEMS = _parts.estimate_items()
