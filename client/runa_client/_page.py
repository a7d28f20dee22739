"""One page of a list, whatever the list is of."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from runa_client._fields import Raw, each, integer, json_object, optional, string
from runa_client._record import Record

T = TypeVar("T")


class Page(Record, Generic[T]):
    """One page of a list; no items means the end. `after` and `before` are cursors."""

    items: tuple[T, ...]
    after: str | None
    before: str | None
    limit: int | None
    raw: Raw


def page_fields(data: object, name: str, convert: Callable[[object], object]) -> dict[str, Any]:
    """Read the fields of a page.

    Args:
        data: The answer.
        name: Where the service puts the elements, `items` or `catalog`.
        convert: Reads one of them.

    Raises:
        ValueError: The data is no such page; the message names the field.
    """
    raw = json_object(data)
    items = optional(raw, name, each(convert))
    if items is None:
        raise ValueError(f"a page without {name}")
    pagination = optional(raw, "pagination", json_object) or {}
    cursors = optional(pagination, "cursors", json_object) or {}
    page = optional(pagination, "page", json_object) or {}
    return {
        "items": items,
        "after": optional(cursors, "after", string),
        "before": optional(cursors, "before", string),
        "limit": optional(page, "limit", integer),
        "raw": raw,
    }
