"""JSON out and in without binary floating point, from the standard library alone."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn


def encode(value: object) -> bytes:
    """Write a value as JSON, each `Decimal` as a number with exactly its own digits.

    Args:
        value: Mappings with string keys, lists, tuples, strings, numbers, booleans and None.

    Returns:
        ASCII bytes without white space.

    Raises:
        TypeError: A value or a key has no JSON form.
        ValueError: A number is not finite, or the value is circular or nested too deeply.
    """
    try:
        return _text(value).encode("ascii")
    except RecursionError:
        raise ValueError("the body is circular or nested too deeply for JSON") from None


def decode(body: bytes) -> object:
    """Read JSON, a fraction as the `Decimal` with exactly the digits received.

    Args:
        body: The bytes of one JSON document.

    Returns:
        dict, list, str, int, Decimal, bool or None.

    Raises:
        ValueError: The bytes are no JSON, or JSON beyond what Python holds.
    """
    try:
        value: object = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ArithmeticError, RecursionError):
        raise ValueError("a number or a nesting beyond any sense") from None
    return value


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is no JSON number")
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(k)}:{_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, allow_nan=False)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key of a JSON object is a string, not {key!r}")
    return json.dumps(key)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
