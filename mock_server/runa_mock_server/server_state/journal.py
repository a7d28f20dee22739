"""What was asked and what was answered, request by request: capped, and shown without API keys.

An entry is made when the outcome of a request is known, before a byte of the answer leaves, so
whoever has an answer finds its entry here. It is kept as it came, for most are never looked at;
API keys are taken out of all that is read of it.
"""

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Literal

from runa_mock_server.base.redaction import RawHeaders, Redactor

BODY_LIMIT = 4096
"""The bytes of a body that are kept."""

# What an entry costs beside its texts, about.
_OVERHEAD = 600
_BETWEEN = b"\n"  # no header can hold it

Outcome = Literal["created", "replayed", "refused"]
Hits = tuple[tuple[str, str, str], ...]

Flat = tuple[
    int,
    int,
    str,
    str,
    bytes,
    str | None,
    bytes,
    int | None,
    bytes,
    Outcome | None,
    str | None,
    str | None,
    Hits,
    tuple[str, ...],
]
"""What an ``Entry`` shows, as it came: number, moment, method, target, headers in one piece,
idempotency key, body, status, body of the answer, outcome, order, fingerprint, faults
and kindnesses."""


def in_one_piece(headers: RawHeaders) -> bytes:
    """Headers as a ``Flat`` entry has them."""
    return _BETWEEN.join(chain.from_iterable(headers))


@lru_cache(maxsize=16)
def _redactor(api_key: str) -> Redactor:
    return Redactor(api_key)


class Entry:
    """One request, as it can be shown: no API key is in it.

    Attributes:
        number: grows with every request to the server.
        at: the moment, microseconds since the epoch, by the account's clock.
        method: the HTTP method.
        status: what the caller was told, ``None`` if no status line was sent.
        outcome: for a request that places an order, whether it made one (``created``), got the
            stored answer (``replayed``) or neither (``refused``); ``None`` for other requests,
            and if the service never saw it.
        order_id: the order that was made, or shown again.
        fingerprint: equal for equal bodies; 32 hexadecimal digits.
        faults: the faults that hit it, each with its id, kind and place.
        kindnesses: the settings without which strict mode would have refused or ignored it.
    """

    def __init__(self, flat: Flat, redactor: Redactor | None) -> None:
        self.number, self.at, self.method, self._target, self._headers, self._key = flat[:6]
        self._request_body, self.status, self._response_body, self.outcome = flat[6:10]
        self.order_id, self.fingerprint, self.faults, self.kindnesses = flat[10:]
        self._redactor = redactor or self._of_a_stranger()

    def _of_a_stranger(self) -> Redactor:
        """What takes out the key that somebody without an account tried to use."""
        tried = [value for name, value in self._pairs() if name.lower() == b"x-api-key"]
        return _redactor(tried[0].decode(errors="surrogateescape") if tried else "")

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        parts = iter(self._headers.split(_BETWEEN) if self._headers else ())
        return zip(parts, parts, strict=True)

    @property
    def target(self) -> str:
        """Path and query."""
        return self._redactor.text(self._target)

    @property
    def headers(self) -> RawHeaders:
        """Name and value of each header but those that hold secrets."""
        return self._redactor.headers(self._pairs())

    @property
    def idempotency_key(self) -> str | None:
        """``X-Idempotency-Key`` of a request that places an order, printable."""
        return None if self._key is None else self._redactor.text(self._key)

    @property
    def request_body(self) -> bytes:
        """Its first ``BODY_LIMIT`` bytes."""
        return self._redactor.body(self._request_body)[:BODY_LIMIT]

    @property
    def response_body(self) -> bytes:
        """The first ``BODY_LIMIT`` bytes of what the service answered.

        What a fault made of it, the caller knows.
        """
        return self._redactor.body(self._response_body)[:BODY_LIMIT]


class Journal:
    """The latest requests of one account.

    Args:
        most_entries: how many are kept.
        most_bytes: how many bytes they may take, about.
        redactor: takes out the account's key; ``None`` where each request has a key of its own.

    Attributes:
        dropped: how many were forgotten to make room.
        corrected: how often one was corrected.
    """

    def __init__(
        self, most_entries: int, most_bytes: int, redactor: Redactor | None = None
    ) -> None:
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._redactor = redactor
        self.dropped = self.corrected = 0
        self._bytes = 0
        # Plain tuples of plain values: the garbage collector stops walking those.
        self._entries: deque[Flat] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        for entry in tuple(self._entries):
            yield Entry(entry, self._redactor)

    def add(self, entry: Flat) -> None:
        """Note a request, and forget the oldest beyond the limits."""
        if len(entry[6]) > BODY_LIMIT or len(entry[8]) > BODY_LIMIT:
            # The key comes out before they are cut, or half of it could stay at the end.
            shown = Entry(entry, self._redactor)
            bodies = shown.request_body, entry[7], shown.response_body
            entry = (*entry[:6], *bodies, *entry[9:])
        self._entries.append(entry)
        self._bytes += _size(entry)
        if len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
            self._trim()

    def correct(self, number: int, status: int | None) -> None:
        """Note what the caller of a request was told in the end, if the request is kept."""
        for index in reversed(range(len(self._entries))):
            entry = self._entries[index]
            if entry[0] == number:
                self._entries[index] = (*entry[:7], status, *entry[8:])
                self.corrected += 1
                return

    def drop(self, count: int) -> bool:
        """Forget some requests; for an account that nobody can reach any more.

        Returns:
            Whether there are more.
        """
        for _ in range(min(count, len(self._entries))):
            self._entries.popleft()
        return bool(self._entries)

    def limit(self, most_entries: int, most_bytes: int) -> None:
        """Keep so much from now on."""
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._trim()

    def _trim(self) -> None:
        entries = self._entries
        while entries and (len(entries) > self._most_entries or self._bytes > self._most_bytes):
            self._bytes -= _size(entries.popleft())
            self.dropped += 1


def _size(entry: Flat) -> int:
    """The bytes that an entry takes, about."""
    return _OVERHEAD + len(entry[3]) + len(entry[4]) + len(entry[6]) + len(entry[8])
