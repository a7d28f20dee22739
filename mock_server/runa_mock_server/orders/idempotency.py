"""Idempotency: the first answer to a key is the answer to that key for 30 days.

Provider's page "Idempotency". The answer is kept as the bytes that were sent, whatever its
status, and a replay sends those bytes again. Never stored is what is refused before the key is
looked at: 401, 403, 405, 410, 413, 429 and header errors, an unknown ``X-Trigger-Error`` too.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from runa_mock_server.base.clock import DAY
from runa_mock_server.base.errors import ApiError, quoted
from runa_schemas.contract_data import IDEMPOTENCY_DAYS

LIFETIME = IDEMPOTENCY_DAYS * DAY

_HEADER = struct.Struct("<q16sH")


class Answer(NamedTuple):
    """An HTTP status and the bytes that go with it, JSON unless the content type says else."""

    status: int
    body: bytes
    content_type: str = "application/json"


class StoredAnswer(NamedTuple):
    """What a key was answered with.

    Attributes:
        key: the idempotency key.
        first_seen: when it was first used, microseconds since the epoch.
        fingerprint: 16 bytes, equal for equal bodies.
        answer: the answer.
    """

    key: str
    first_seen: int
    fingerprint: bytes
    answer: Answer


class IdempotencyStore:
    """The keys of one account.

    An entry is one flat ``bytes``: a dict of strings and bytes is nothing the garbage collector
    has to walk, so a million keys cost no pauses.
    """

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}
        self._in_progress: set[str] = set()
        self._expired: list[tuple[str, bytes]] = []

    def __iter__(self) -> Iterator[StoredAnswer]:
        """The keys that are in use, in the order in which they came."""
        return map(_stored, self._entries.items())

    @property
    def expired(self) -> Iterator[StoredAnswer]:
        """What keys were answered with that expired, and then were used again."""
        return map(_stored, self._expired)

    def get(self, key: str) -> StoredAnswer | None:
        """What a key in use is answered with."""
        entry = self._entries.get(key)
        return None if entry is None else _stored((key, entry))

    def begin(self, key: str, fingerprint: bytes, now: int) -> Answer | None:
        """Claim a key for a request, or find that it was used.

        Args:
            key: the idempotency key.
            fingerprint: 16 bytes, equal for equal bodies.
            now: microseconds since the epoch.

        Returns:
            The stored answer for a request seen before, or ``None``: the key is now in progress
            and the caller owes a ``finish`` or a ``release``.

        Raises:
            ApiError: ``idempotency_in_progress`` while the first request is being handled,
                ``idempotency_validation_error`` if the key was used with another body.
        """
        if key in self._in_progress:
            raise ApiError(
                "idempotency_in_progress",
                f"The first request with the key {quoted(key)} is still being handled.",
            )
        entry = self._entries.get(key)
        if entry is not None:
            first_seen, known, status = _HEADER.unpack_from(entry)
            if now - first_seen < LIFETIME:
                if known != fingerprint:
                    raise ApiError(
                        "idempotency_validation_error",
                        f"The key {quoted(key)} was used with another body.",
                    )
                return Answer(status, entry[_HEADER.size :])
        self._in_progress.add(key)
        return None

    def finish(self, key: str, fingerprint: bytes, now: int, answer: Answer) -> None:
        """Store the answer to the request that claimed ``key``."""
        self._in_progress.discard(key)
        if key in self._entries:
            self._expired.append((key, self._entries.pop(key)))
        self._entries[key] = _HEADER.pack(now, fingerprint, answer.status) + answer.body

    def drop(self, count: int) -> bool:
        """Forget some keys, whichever; for an account that nobody can reach any more.

        Returns:
            Whether there are more.
        """
        for _ in range(min(count, len(self._entries))):
            self._entries.popitem()
        return bool(self._entries)

    def release(self, key: str) -> None:
        """Give up a claim without an answer: the key is free, as if nothing had happened."""
        self._in_progress.discard(key)


def _stored(entry: tuple[str, bytes]) -> StoredAnswer:
    key, packed = entry
    first_seen, fingerprint, status = _HEADER.unpack_from(packed)
    return StoredAnswer(key, first_seen, fingerprint, Answer(status, packed[_HEADER.size :]))
