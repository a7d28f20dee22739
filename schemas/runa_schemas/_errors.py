"""The error catalogue: what can go wrong, with which HTTP status, and whether to try again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from runa_schemas._store import read_text


@dataclass(frozen=True, slots=True)
class ErrorType:
    """A kind of error that the service answers with.

    Attributes:
        type: The name in the body's ``type``, for code to decide by.
        status: The HTTP status that comes with it, always the same for one type.
        meaning: When it is answered, in a sentence.
        source: ``documented`` by the provider, ``recorded`` in traffic of its playground, or
            ``inferred`` where both are silent.
        retry: ``same_key`` where the same request with the same idempotency key may succeed later,
            ``never`` where only a corrected request with a new key can.
        deprecated: Whether the provider keeps the type only for old clients.
        help: What a person can do about it, or None.
    """

    type: str
    status: int
    meaning: str
    source: Literal["documented", "recorded", "inferred"]
    retry: Literal["never", "same_key"]
    deprecated: bool
    help: str | None


def _read() -> Mapping[str, ErrorType]:
    entries = (ErrorType(**entry) for entry in json.loads(read_text("errors.json")))
    return MappingProxyType({entry.type: entry for entry in entries})


ERRORS: Final[Mapping[str, ErrorType]] = _read()
"""Every error type by its name, read-only. A 429 has another body and no type: it is not here."""
