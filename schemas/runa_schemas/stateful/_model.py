"""What the model sends, and what the service has to remember of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


def insist(holds: object, said: str) -> None:
    """Fail as an assertion does, also where Python is told to leave assertions out.

    Raises:
        AssertionError: It does not hold.
    """
    if not holds:
        raise AssertionError(said)


@dataclass(frozen=True)
class Request:
    """What is sent to create an order, and what comes of it where the key is new.

    Attributes:
        body: A JSON value.
        headers: Headers besides the API key and the idempotency key.
        spelling: The bytes to send, where they are not those of ``json.dumps``.
        error: The ``type`` of the error that refuses it; None where an order is made.
        is_kept: Whether the answer is kept for the key; only refusals that have nothing to do
            with the body are not.
        outcome: The status that the order ends with; None where either will do.
    """

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    spelling: bytes | None = None
    error: str | None = None
    is_kept: bool = True
    outcome: str | None = None

    @property
    def is_sync(self) -> bool:
        """Whether the answer is the whole order."""
        return self.headers.get("X-Execution-Mode") == "sync"

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.body).encode() if self.spelling is None else self.spelling

    @property
    def fingerprint(self) -> str:
        """Equal for bodies that the service takes for the same (page "Idempotency").

        Key order does not count and numbers count by value, which is inferred.
        """
        plain = json.loads(self.content, parse_int=_number, parse_float=_number)
        return json.dumps(plain, sort_keys=True)


def _number(text: str) -> list[str]:
    """A number by its value, and like no value that JSON can have in its place."""
    return ["number", f"{Decimal(text).normalize()}"]


@dataclass(frozen=True)
class Kept:
    """The first answer to an idempotency key; ``since`` in microseconds."""

    fingerprint: str
    since: int
    status: int
    content: bytes
