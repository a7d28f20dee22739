"""Fields that no documentation knows, which a client has to ignore: later versions may send some.

They are added on the way out; what is stored, and what the journal shows, is without them.
"""

from typing import Any

import orjson

from runa_mock_server.orders.idempotency import Answer

UNKNOWN_FIELD = "a_field_of_a_later_version"

# The keys of these objects are no fields, but the caller's own words, and currencies.
_CALLERS_OWN = "metadata"
_BY_CURRENCY = "transaction_detail"


def with_unknown_fields(answer: Answer) -> Answer:
    """An answer as it leaves where the settings want that: with an unknown field in each object."""
    if not _is_json(answer):
        return answer
    return answer._replace(body=orjson.dumps(_extended(orjson.loads(answer.body))))


def _is_json(answer: Answer) -> bool:
    return answer.content_type.startswith("application/json")


def _extended(value: Any, name: str = "") -> Any:
    if isinstance(value, list):
        return [_extended(part) for part in value]
    if not isinstance(value, dict) or name == _CALLERS_OWN:
        return value
    extended = {key: _extended(part, key) for key, part in value.items()}
    return extended if name == _BY_CURRENCY else extended | {UNKNOWN_FIELD: {"version": None}}
