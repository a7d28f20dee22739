"""Cursors and limits of lists (provider's page "Pagination")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from runa_mock_server.base.errors import ApiError, quoted
from runa_schemas.contract_data import MAX_PAGE_LIMIT

_CURSORS = "page-cursors"  # the rule
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
    limit = once(query, "limit", "pagination_error")
    after = once(query, "after", "pagination_error")
    before = once(query, "before", "pagination_error")
    if after is not None and before is not None:
        raise ApiError(
            "pagination_error", "after and before cannot be used together.", rule=_CURSORS
        )
    return PageRequest(default_limit if limit is None else _limit(limit), after, before)


def bad_cursor(name: str, value: str) -> ApiError:
    """The error for a cursor that leads nowhere."""
    reason = f"{quoted(value)} is no cursor of this list"
    return bad_parameter("pagination_error", name, reason, _CURSORS)


def bad_parameter(error_type: str, name: str, reason: str, rule: str) -> ApiError:
    """The error for a parameter of the query string, which it names.

    Args:
        error_type: ``pagination_error`` for the parameters that page, else ``bad_request``.
        name: the parameter.
        reason: what is wrong, without a full stop.
        rule: the rule that refuses it.
    """
    # The help that usually comes with a bad request is about its body.
    help_ = "Check the query string." if error_type == "bad_request" else None
    return ApiError(error_type, f"{name}: {reason}.", help_=help_, rule=rule)


def once(query: Mapping[str, Sequence[str]], name: str, error_type: str) -> str | None:
    """The value of a parameter that has one, ``None`` where it is not given.

    Args:
        query: for each parameter of the query string its values.
        name: the parameter.
        error_type: the type of the error if it is given several times.

    Raises:
        ApiError: of that type, naming the parameter.
    """
    values = query.get(name, ())
    if len(values) > 1:
        raise bad_parameter(error_type, name, f"given {len(values)} times", "repeated-parameter")
    return values[0] if values else None


def envelope(
    name: str, entries: Sequence[bytes], ends: tuple[str, str] | None, limit: int
) -> bytes:
    """A page as JSON.

    Args:
        name: the key of the entries.
        entries: JSON documents.
        ends: the cursors of the first and the last entry, ``None`` for an empty page.
        limit: how many entries the page could have.
    """
    before, after = ends or (None, None)
    return b'{"%s":[%s],"pagination":{"cursors":{"after":%s,"before":%s},"page":{"limit":%d}}}' % (
        name.encode(),
        b",".join(entries),
        orjson.dumps(after),
        orjson.dumps(before),
        limit,
    )


def _limit(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= MAX_PAGE_LIMIT:
        reason = f"must be a whole number from 1 to {MAX_PAGE_LIMIT}, not {quoted(text)}"
        raise bad_parameter("pagination_error", "limit", reason, "page-limit")
    return int(text)
