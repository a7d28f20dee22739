"""Reading the JSON of an answer: typed where a field is known, tolerant of all the rest."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Raw: TypeAlias = dict[str, Any]


def optional(raw: Raw, name: str, convert: Callable[[object], T]) -> T | None:
    """Read a field that may be absent or null.

    Raises:
        ValueError: Its value is not what it must be; the message names the field.
    """
    value = raw.get(name)
    if value is None:
        return None
    try:
        return convert(value)
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}") from None


def required(raw: Raw, name: str, convert: Callable[[object], T]) -> T:
    """Read a field that must be there.

    Raises:
        ValueError: It is absent, null or not what it must be; the message names the field.
    """
    value = optional(raw, name, convert)
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def each(convert: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """Make the reader of a list out of the reader of its elements."""

    def convert_each(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError("no list")  # noqa: TRY004 - bad data received, not a wrong call
        return tuple(map(convert, value))

    return convert_each


def json_object(value: object) -> Raw:
    """Read a JSON object."""
    return _of_type(value, dict)


def string(value: object) -> str:
    """Read a string."""
    return _of_type(value, str)


def integer(value: object) -> int:
    """Read an integer."""
    return _of_type(value, int)


def boolean(value: object) -> bool:
    """Read true or false."""
    return _of_type(value, bool)


def money(value: object) -> Decimal:
    """Read an amount or a factor, a string or a JSON number, with exactly its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("no amount")  # noqa: TRY004 - bad data received, not a wrong call
    amount = Decimal(value)
    if not amount.is_finite():
        raise ValueError("not a finite amount")
    return amount


def moment(value: object) -> datetime:
    """Read a time; one without a zone is UTC."""
    found = datetime.fromisoformat(string(value))
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _of_type(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")  # noqa: TRY004 - bad data received, not a wrong call
    return value
