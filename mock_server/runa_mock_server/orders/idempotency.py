"""Idempotency: the first answer to a key is the answer to that key for 30 days.

Provider's page "Idempotency". The answer is kept as the bytes that were sent, whatever its
status, and a replay sends those bytes again. Never stored is what is refused before the key is
looked at: 401, 403, 405, 410, 413, 429 and header errors, an unknown ``X-Trigger-Error`` too.
"""

import struct
from typing import NamedTuple

from runa_mock_server.base.clock import DAY
from runa_mock_server.base.errors import NeverStoredError, quoted
from runa_schemas.contract_data import IDEMPOTENCY_DAYS

LIFETIME = IDEMPOTENCY_DAYS * DAY
"""How long a key keeps its answer, in microseconds from its first use."""

_HEADER = struct.Struct("<q16sH")


class Answer(NamedTuple):
    """An HTTP status and the bytes that go with it, JSON unless the content type says else.

    ``rule`` is the id of the rule that decided it, one of ``runa_schemas.rules``. It is not kept
    with a key: a stored answer is decided by the rule that repeats it.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    rule: str | None = None


class KeptAnswer(NamedTuple):
    """What a key was answered with.

    Attributes:
        first_seen: when it was first used, microseconds since the epoch.
        fingerprint: equal for equal bodies; 32 hexadecimal digits.
        answer: the answer.
        digest: of the bytes of the body, 16 hexadecimal digits; empty where it was not kept.
    """

    first_seen: int
    fingerprint: str
    answer: Answer
    digest: str = ""

    def pack(self) -> bytes:
        """It as flat bytes; nothing that the garbage collector has to walk."""
        header = _HEADER.pack(self.first_seen, bytes.fromhex(self.fingerprint), self.answer.status)
        return header + self.answer.body

    @classmethod
    def unpack(cls, packed: bytes) -> "KeptAnswer":
        """What ``pack`` made flat."""
        first_seen, fingerprint, status = _HEADER.unpack_from(packed)
        return cls(first_seen, fingerprint.hex(), Answer(status, packed[_HEADER.size :]))

    def in_force(self, now: int) -> bool:
        """Whether its key still has it; afterwards the key is free."""
        return now - self.first_seen < LIFETIME

    def replay(self, key: str, fingerprint: str) -> Answer:
        """The answer for the same request.

        Raises:
            NeverStoredError: ``idempotency_validation_error`` for another body.
        """
        if self.fingerprint != fingerprint:
            raise NeverStoredError(
                "idempotency_validation_error",
                f"The key {quoted(key)} was used with another body.",
                rule="idem-conflict",
            )
        return self.answer


def in_progress(key: str) -> NeverStoredError:
    """The refusal of a request whose first is still being handled."""
    return NeverStoredError(
        "idempotency_in_progress",
        f"The first request with the key {quoted(key)} is still being handled.",
        rule="idem-concurrent",
    )
