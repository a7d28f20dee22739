"""Cursors and limits of lists (provider's page "Pagination")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runa_mock_server.errors import ApiError, quoted

MAX_LIMIT = 500
_INTEGER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for.

    Attributes:
        limit: how many entries at most, 1 to 500.
        after: the cursor behind which the page starts, paging forwards.
        before: the cursor before which the page ends, paging backwards.
    """

    limit: int
    after: str | None
    before: str | None


def page_request(query: Mapping[str, Sequence[str]], default_limit: int) -> PageRequest:
    """Read ``limit``, ``after`` and ``before``.

    Args:
        query: for each parameter of the query string its values.
        default_limit: the limit where none is given.

    Raises:
        ApiError: ``pagination_error`` that names the parameter.
    """
    limit = _once(query, "limit")
    after = _once(query, "after")
    before = _once(query, "before")
    if after is not None and before is not None:
        raise ApiError("pagination_error", "after and before cannot be used together.")
    return PageRequest(default_limit if limit is None else _limit(limit), after, before)


def bad_cursor(name: str, value: str) -> ApiError:
    """The error for a cursor that leads nowhere."""
    return ApiError("pagination_error", f"{name}: {quoted(value)} is no cursor of this list.")


def _once(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = query.get(name, ())
    if len(values) > 1:
        raise ApiError("pagination_error", f"{name}: given {len(values)} times.")
    return values[0] if values else None


def _limit(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise ApiError(
            "pagination_error",
            f"limit: must be a whole number from 1 to {MAX_LIMIT}, not {quoted(text)}.",
        )
    return int(text)
