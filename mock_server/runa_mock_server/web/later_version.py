"""Changes of responses that the provider calls compatible, for clients to cope with.

Later versions may add fields and values, reorder keys, and word errors in another way. The changes
are made on the way out; what is stored, and what the journal shows, is without them. The status of
an order and the type of an error never change.
"""

from typing import TYPE_CHECKING, Any

import orjson

from runa_mock_server.orders.idempotency import Answer

if TYPE_CHECKING:
    from runa_mock_server.config.settings import Settings  # a server starts without pydantic

UNKNOWN_FIELD = "a_field_of_a_later_version"
UNKNOWN_VALUE = "a-value-of-a-later-version"
OTHER_MESSAGE = "These words are for people, and a later version has others."

# The keys of these objects are no fields, but the caller's own words, and currencies.
_CALLERS_OWN = "metadata"
_BY_CURRENCY = "transaction_detail"
# The lists and fields for whose values the provider says that others may come.
_OPEN_LISTS = ("categories", "countries", "countries_redeemable_in")
_OPEN_FIELDS = ("availability", "barcode_format", "e_code_usage_type")
_ERROR_KEYS = {"type", "message", "help"}


def as_later_version(answer: Answer, settings: "Settings") -> Answer:
    """An answer as a later version may send it.

    Args:
        answer: the answer of this version; what is not JSON stays as it is.
        settings: say which changes are made.
    """
    if not answer.content_type.startswith("application/json"):
        return answer
    document = orjson.loads(answer.body)
    if settings.other_texts:
        document = _with_other_texts(document)
    if settings.unknown_values:
        document = _with_unknown_values(document)
    if settings.unknown_fields:
        document = _with_unknown_fields(document)
    if settings.reordered_keys:
        document = _reordered(document)
    return answer._replace(body=orjson.dumps(document))


def _with_other_texts(document: Any) -> Any:
    if isinstance(document, dict) and document.keys() >= _ERROR_KEYS:
        return document | {"message": OTHER_MESSAGE, "help": None}
    return document


def _with_unknown_fields(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [_with_unknown_fields(part) for part in value]
    if not isinstance(value, dict) or name == _CALLERS_OWN:
        return value
    extended = {key: _with_unknown_fields(part, key) for key, part in value.items()}
    return extended if name == _BY_CURRENCY else extended | {UNKNOWN_FIELD: {"version": None}}


def _with_unknown_values(value: Any, name: str = "") -> Any:
    if name in _OPEN_FIELDS:
        return UNKNOWN_VALUE
    if isinstance(value, list):
        parts = [_with_unknown_values(part) for part in value]
        return [*parts, _unknown_like(parts)] if name in _OPEN_LISTS else parts
    if not isinstance(value, dict) or name == _CALLERS_OWN:
        return value
    return {key: _with_unknown_values(part, key) for key, part in value.items()}


def _unknown_like(parts: list[Any]) -> Any:
    """An unknown entry of a list: an object with a code where the others are objects."""
    is_object = bool(parts) and isinstance(parts[0], dict)
    return {"code": UNKNOWN_VALUE} if is_object else UNKNOWN_VALUE


def _reordered(value: Any) -> Any:
    if isinstance(value, list):
        return [_reordered(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: _reordered(value[key]) for key in reversed(value)}
