"""What was asked and what was answered, request by request: capped, and without API keys.

An entry is made when the outcome of a request is known, before a byte of the answer leaves, so
whoever has an answer finds its entry here.
"""

import re
from collections import deque
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple

BODY_LIMIT = 4096
"""The bytes of a body that are kept."""

# What an entry costs beside its texts, about.
_OVERHEAD = 700
_SECRET_HEADERS = frozenset(
    {b"x-api-key", b"authorization", b"proxy-authorization", b"cookie", b"x-mock-token"}
)
_REDACTED = b"[API key]"
_SHORTEST_SECRET = 4

Outcome = Literal["created", "replayed", "refused"]
RawHeaders = tuple[tuple[bytes, bytes], ...]


class Entry(NamedTuple):
    """One request.

    Attributes:
        number: grows with every request to the server.
        at: the moment, microseconds since the epoch, by the account's clock.
        method: the HTTP method.
        target: path and query.
        headers: name and value of each header but those that hold secrets.
        idempotency_key: ``X-Idempotency-Key`` of a request that places an order, printable.
        request_body: its first ``BODY_LIMIT`` bytes.
        status: what the caller was told, ``None`` if no status line was sent.
        response_body: the first ``BODY_LIMIT`` bytes of what the service answered; what a fault
            made of it, the caller knows.
        outcome: for a request that places an order, whether it made one (``created``), got the
            stored answer (``replayed``) or neither (``refused``); ``None`` for other requests,
            and if the service never saw it.
        order_id: the order that was made, or shown again.
        fingerprint: equal for equal bodies; 16 bytes.
        faults: the faults that hit it, each with its id, kind and place.
    """

    number: int
    at: int
    method: str
    target: str
    headers: RawHeaders
    idempotency_key: str | None
    request_body: bytes
    status: int | None
    response_body: bytes
    outcome: Outcome | None = None
    order_id: str | None = None
    fingerprint: bytes | None = None
    faults: tuple[tuple[str, str, str], ...] = ()


def printable(text: str) -> str:
    """A text of a caller, as JSON can carry it."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


class Journal:
    """The latest requests of one account.

    Args:
        most_entries: how many are kept.
        most_bytes: how many bytes they may take, about.

    Attributes:
        dropped: how many were forgotten to make room.
        corrected: how often one was corrected.
    """

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self.dropped = self.corrected = 0
        self._bytes = 0
        # Plain tuples of plain values: the garbage collector stops walking those.
        self._entries: deque[tuple[object, ...]] = deque()
        self._sizes: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        for entry in tuple(self._entries):
            yield Entry._make(entry)

    def add(self, entry: Entry) -> None:
        """Note a request, and forget the oldest beyond the limits."""
        size = _size(entry)
        self._entries.append(tuple(entry))
        self._sizes.append(size)
        self._bytes += size
        self._trim()

    def correct(self, number: int, status: int | None) -> None:
        """Note what the caller of a request was told in the end, if the request is kept."""
        for index in reversed(range(len(self._entries))):
            entry = Entry._make(self._entries[index])
            if entry.number == number:
                self._entries[index] = tuple(entry._replace(status=status))
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
        while self._entries and (
            len(self._entries) > self._most_entries or self._bytes > self._most_bytes
        ):
            self._entries.popleft()
            self._bytes -= self._sizes.popleft()
            self.dropped += 1


def _size(entry: Entry) -> int:
    texts = len(entry.target) + len(entry.request_body) + len(entry.response_body)
    return _OVERHEAD + texts + sum(map(len, chain.from_iterable(entry.headers)))


class Redactor:
    """Keeps one API key out of what is kept.

    A key is found as it is and however URLs and JSON may spell it.

    Args:
        api_key: the key; one of less than four characters is no secret.
    """

    def __init__(self, api_key: str) -> None:
        is_secret = len(api_key) >= _SHORTEST_SECRET
        self._text = api_key if is_secret else None
        self._key = api_key.encode(errors="surrogateescape") if is_secret else None

    @cached_property
    def _spellings(self) -> re.Pattern[bytes]:
        # Seldom needed, and dear to make.
        return re.compile(b"".join([_spelling(byte) for byte in self._key or b""]), re.IGNORECASE)

    def _holds_key(self, data: bytes) -> bool:
        key = self._key
        if key is None or key in data:
            return key is not None
        may_be_spelt = b"%" in data or b"\\" in data
        return may_be_spelt and self._spellings.search(data) is not None

    def text(self, text: str) -> str:
        """A text without the key, printable."""
        if self._text is None or not (self._text in text or "%" in text or "\\" in text):
            return printable(text)
        data = text.encode(errors="surrogateescape")
        if self._holds_key(data):
            text = self._without(data).decode(errors="surrogateescape")
        return printable(text)

    def body(self, body: bytes) -> bytes:
        """The first ``BODY_LIMIT`` bytes of a body, without the key."""
        # Redacted before it is cut, or half a key could stay at the end.
        return (self._without(body) if self._holds_key(body) else body)[:BODY_LIMIT]

    def headers(self, headers: RawHeaders) -> RawHeaders:
        """The headers without those that hold keys, tokens or cookies."""
        kept = [pair for pair in headers if pair[0].lower() not in _SECRET_HEADERS]
        if self._holds_key(b"\n".join([part for pair in kept for part in pair])):
            kept = [pair for pair in kept if not self._holds_key(b"\n".join(pair))]
        return tuple(kept)

    def _without(self, data: bytes) -> bytes:
        return self._spellings.sub(_REDACTED, data)


def _spelling(byte: int) -> bytes:
    """A pattern for a byte of a key: as it is, behind a backslash, or as its number in hex."""
    return rb"(?:\\?%s|%%%02x|\\u%04x)" % (re.escape(bytes([byte])), byte, byte)
