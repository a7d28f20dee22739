"""Values from elsewhere as short JSON in ASCII, for messages."""

import json
from collections.abc import Mapping
from decimal import Decimal

_MAX_TEXT = 120
_MAX_ENTRIES = 12
_MAX_DEPTH = 6


def shown(value: object, depth: int = _MAX_DEPTH) -> str:
    """A value as JSON on one line; what is too long or too deep is an ellipsis."""
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    if isinstance(value, Mapping):
        inner = [f"{json.dumps(str(key))}: {shown(v, depth - 1)}" for key, v in value.items()]
        return f"{{{_few(inner, depth)}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{_few([shown(entry, depth - 1) for entry in value], depth)}]"
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    text = str(value)
    return json.dumps(text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}...")


def _few(entries: list[str], depth: int) -> str:
    if depth <= 0 and entries:
        return "..."
    cut = len(entries) > _MAX_ENTRIES
    return ", ".join([*entries[:_MAX_ENTRIES], *(["..."] if cut else [])])
