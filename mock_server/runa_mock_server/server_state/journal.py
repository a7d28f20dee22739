"""What was asked and what was answered, request by request: capped, and shown without API keys.

An entry is made when the outcome of a request is known, before a byte of the answer leaves, so
whoever has an answer finds its entry here. It is kept as it came, for most are never looked at;
API keys are taken out of all that is read of it.
"""

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Literal

from runa_mock_server.base.redaction import KnownKeys, RawHeaders, Redactor

BODY_LIMIT = 4096
"""The bytes of a body that are kept."""

# What an entry costs beside its texts, about.
_OVERHEAD = 600
_FEW = 64
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
idempotency key, body, status, body of the answer, outcome, order, fingerprint, faults and
kindnesses."""


def in_one_piece(headers: RawHeaders) -> bytes:
    """Headers as a ``Flat`` entry has them."""
    return _BETWEEN.join(chain.from_iterable(headers))


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
        key_as_sent: ``X-Idempotency-Key`` as it came; it can hold an API key, so it is not to be
            shown.
        order_id: the order that was made, or shown again.
        fingerprint: equal for equal bodies; 32 hexadecimal digits.
        faults: the faults that hit it, each with its id, kind and place.
        kindnesses: the settings without which strict mode would have refused or ignored it.
    """

    def __init__(self, flat: Flat, redactor: Redactor | KnownKeys) -> None:
        self.number, self.at, self.method = flat[:3]
        self._target, self._headers, self.key_as_sent = flat[3:6]
        self._request_body, self.status, self._response_body, self.outcome = flat[6:10]
        self.order_id, self.fingerprint, self.faults, self.kindnesses = flat[10:]
        if isinstance(redactor, KnownKeys):
            redactor = self._of_a_stranger(redactor)
        self._redactor = redactor

    def _of_a_stranger(self, known: KnownKeys) -> Redactor:
        """What takes out the key that somebody without an account tried to use."""
        tried = [value for name, value in self._pairs() if name.lower() == b"x-api-key"]
        return Redactor(tried[0].decode(errors="surrogateescape") if tried else "", known)

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
        return None if self.key_as_sent is None else self._redactor.text(self.key_as_sent)

    @property
    def request_body(self) -> bytes:
        """Its first ``BODY_LIMIT`` bytes."""
        return self._redactor.body(self._request_body, BODY_LIMIT)[:BODY_LIMIT]

    @property
    def response_body(self) -> bytes:
        """The first ``BODY_LIMIT`` bytes of what the service answered.

        What a fault made of it, the caller knows.
        """
        return self._redactor.body(self._response_body, BODY_LIMIT)[:BODY_LIMIT]


class Journal:
    """The latest requests of one account.

    Args:
        most_entries: how many are kept.
        most_bytes: how many bytes they may take, about.
        redactor: redacts keys; for requests of callers without an account, the known keys,
            which are redacted together with the key that each of them tried.

    Attributes:
        dropped: how many were forgotten to make room.
        corrected: how often one was corrected.
    """

    __slots__ = (
        "_bytes",
        "_entries",
        "_most_bytes",
        "_most_entries",
        "_redactor",
        "corrected",
        "dropped",
    )

    def __init__(self, most_entries: int, most_bytes: int, redactor: Redactor | KnownKeys) -> None:
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._redactor = redactor
        self.dropped = self.corrected = 0
        self._bytes = 0
        # Plain tuples of plain values: the garbage collector stops walking those. In a list while
        # they are few, for an empty deque takes as much memory as the rest of an account.
        self._entries: list[Flat] | deque[Flat] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """The requests that are kept now, whatever is added while they are read."""
        redactor = self._redactor
        return (Entry(entry, redactor) for entry in tuple(self._entries))

    def add(self, entry: Flat) -> None:
        """Note a request, and forget the oldest beyond the limits."""
        if len(entry[6]) > BODY_LIMIT or len(entry[8]) > BODY_LIMIT:
            entry = self._cut(entry)
        if len(self._entries) == _FEW:
            self._entries = deque(self._entries)
        self._entries.append(entry)
        self._bytes += _size(entry)
        if len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
            self._trim()

    def _cut(self, entry: Flat) -> Flat:
        """An entry with no more of its bodies than is shown."""
        if isinstance(self._redactor, Redactor):  # what is beyond cannot hide half of a key
            needed = self._redactor.needed(BODY_LIMIT)
            return (*entry[:6], entry[6][:needed], entry[7], entry[8][:needed], *entry[9:])
        shown = Entry(entry, self._redactor)
        return (*entry[:6], shown.request_body, entry[7], shown.response_body, *entry[9:])

    def correct(self, number: int, status: int | None) -> Flat | None:
        """Note what the caller of a request was told in the end, if the request is kept.

        Returns:
            The entry as it is then.
        """
        for index in reversed(range(len(self._entries))):
            entry = self._entries[index]
            if entry[0] == number:
                corrected: Flat = (*entry[:7], status, *entry[8:])
                self._entries[index] = corrected
                self.corrected += 1
                return corrected
        return None

    def withdraw(self, number: int) -> None:
        """Forget the entry of a request that is answered otherwise, if it is kept."""
        for index in reversed(range(len(self._entries))):
            if self._entries[index][0] == number:
                self._bytes -= _size(self._entries[index])
                del self._entries[index]
                return

    def drop(self, count: int) -> bool:
        """Forget some requests; for an account that nobody can reach any more.

        Returns:
            Whether there are more.
        """
        for _ in range(min(count, len(self._entries))):
            self._entries.pop()
        return bool(self._entries)

    def limit(self, most_entries: int, most_bytes: int) -> None:
        """Keep so much from now on."""
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._trim()

    def _trim(self) -> None:
        entries = self._entries
        while entries and (len(entries) > self._most_entries or self._bytes > self._most_bytes):
            self._bytes -= _size(entries[0])
            del entries[0]
            self.dropped += 1


def _size(entry: Flat) -> int:
    """The bytes that an entry takes, about."""
    return _OVERHEAD + len(entry[3]) + len(entry[4]) + len(entry[6]) + len(entry[8])
