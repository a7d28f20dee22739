"""JSON without tolerance, and the comparison of two documents that idempotency needs."""

import hashlib
import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

import jiter
import orjson

from runa_mock_server.base.errors import ApiError

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_SAFE_INTEGER = 2**53 - 1  # the largest that orjson's strict mode writes
_MESSAGE_LIMIT = 200
_MARKS = (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)


class MalformedJsonError(ValueError):
    """The bytes are no JSON that a careful reader could accept; the message says where and why.

    Attributes:
        rule: the rule that refuses them: ``json-syntax``, or ``strict-json`` for what other
            readers accept.
    """

    def __init__(self, reason: str, rule: str) -> None:
        super().__init__(reason)
        self.rule = rule


def parse(raw: bytes, *, exact: bool = True) -> Any:
    """The document in ``raw``, numbers with a fraction or exponent as exact ``Decimal``.

    With ``exact=False`` they are floats, as TOML has them.

    Refused besides syntax errors: a byte-order mark, bytes that are not UTF-8, a key twice in one
    object (two readers could see two different orders), ``NaN`` and ``Infinity``, lone surrogates,
    integers of more than 4,300 digits, and nesting deeper than 200 levels.

    Raises:
        MalformedJsonError: with the reason and the line and column.
    """
    if raw.startswith(_MARKS):
        reason = "it starts with a byte-order mark, send UTF-8 without one"
        raise MalformedJsonError(reason, "strict-json")
    try:
        return jiter.from_json(
            raw,
            allow_inf_nan=False,
            cache_mode="keys",
            catch_duplicate_keys=True,
            float_mode="decimal" if exact else "float",
        )
    except ValueError as error:
        reason = str(error)[:_MESSAGE_LIMIT]
        if reason.startswith("Internal error"):  # an exponent that no decimal can have
            reason = "number out of range"
        raise MalformedJsonError(reason, _rule(raw)) from None


def parse_body(raw: bytes) -> Any:
    """The JSON document in a request body.

    Raises:
        ApiError: ``bad_request`` if it is no JSON.
    """
    try:
        return parse(raw)
    except MalformedJsonError as error:
        raise not_json(error) from None


def not_json(error: MalformedJsonError) -> ApiError:
    """The answer to a body that is no JSON."""
    return ApiError("bad_request", f"The request body is not JSON: {error}.", rule=error.rule)


def _rule(raw: bytes) -> str:
    """The rule that refuses what ``parse`` does not accept."""
    try:
        json.loads(raw.decode())
    except (UnicodeDecodeError, RecursionError):
        return "strict-json"
    except ValueError:
        return "json-syntax"
    return "strict-json"


def canonical(document: Any) -> bytes:
    """Bytes that are equal for equal documents: white space and key order do not count.

    Numbers are compared by value (``10`` equals ``10.0``), and ``true`` is not ``1``.
    """
    options = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
    try:
        return orjson.dumps(document, default=_number, option=options)
    except TypeError:
        return orjson.dumps(_big_as_decimal(document), default=_number, option=options)


def fingerprint(document: Any) -> bytes:
    """Sixteen bytes that are equal for documents whose ``canonical`` bytes are."""
    return hashlib.blake2b(canonical(document), digest_size=16, person=b"json").digest()


def fingerprint_bytes(raw: bytes) -> bytes:
    """Sixteen bytes for a body that is no JSON: such bodies compare byte by byte."""
    return hashlib.blake2b(raw, digest_size=16, person=b"bytes").digest()


def _number(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError  # orjson turns it into its own message
    text = str(value)
    if "." in text[-3:] and text[-1] != "0":  # one or two decimals need no arithmetic
        return orjson.Fragment(text)
    if value == value.to_integral_value() and value.copy_abs() <= _SAFE_INTEGER:
        return orjson.Fragment(str(int(value)).encode())
    return orjson.Fragment(str(value.normalize(_EXACT)).encode())


def _big_as_decimal(value: Any) -> Any:
    """The document with integers beyond orjson's range as decimals."""
    match value:
        case dict():
            return {key: _big_as_decimal(inner) for key, inner in value.items()}
        case list():
            return [_big_as_decimal(inner) for inner in value]
        case int() if not isinstance(value, bool) and abs(value) > _SAFE_INTEGER:
            return Decimal(value)
    return value
