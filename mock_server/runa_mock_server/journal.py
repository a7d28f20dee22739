"""What was asked and what was answered, request by request: capped, and without API keys.

An entry is made when the outcome of a request is known, before a byte of the answer leaves, so
whoever has an answer finds its entry here.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property
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
_BETWEEN = b"\n"  # no header can hold it

Outcome = Literal["created", "replayed", "refused"]
Hits = tuple[tuple[str, str, str], ...]
RawHeaders = tuple[tuple[bytes, bytes], ...]

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
    bytes | None,
    Hits,
]
"""The fields of an ``Entry`` as they are kept: a plain tuple, the headers in one piece."""


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
    outcome: Outcome | None
    order_id: str | None
    fingerprint: bytes | None
    faults: Hits


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
        self._entries: deque[Flat] = deque()
        self._sizes: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        for entry in tuple(self._entries):
            yield _unpacked(entry)

    def add(self, entry: Flat) -> None:
        """Note a request, and forget the oldest beyond the limits."""
        _, _, _, target, headers, _, request_body, _, response_body, *_ = entry
        size = _OVERHEAD + len(target) + len(headers) + len(request_body) + len(response_body)
        self._entries.append(entry)
        self._sizes.append(size)
        self._bytes += size
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
        while self._entries and (
            len(self._entries) > self._most_entries or self._bytes > self._most_bytes
        ):
            self._entries.popleft()
            self._bytes -= self._sizes.popleft()
            self.dropped += 1


def _unpacked(entry: Flat) -> Entry:
    parts = entry[4].split(_BETWEEN) if entry[4] else []
    headers = tuple(zip(parts[::2], parts[1::2], strict=True))
    return Entry._make((*entry[:4], headers, *entry[5:]))


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

    def request(
        self, target: str, headers: RawHeaders, bodies: tuple[bytes, bytes]
    ) -> tuple[str, bytes, bytes, bytes]:
        """What is kept of a request: target, headers in one piece, and the bodies, cut.

        Args:
            target: path and query.
            headers: all of its headers.
            bodies: its own and that of its answer.
        """
        asked, answered = bodies
        packed = _packed(headers)
        # One look for all: nearly every request holds its key in one header and nowhere else.
        whole = b"\n".join((packed, asked, answered, target.encode(errors="surrogateescape")))
        if self._holds_key(whole):
            packed = _packed([pair for pair in headers if not self._holds_key(b"\n".join(pair))])
            # Before they are cut, or half a key could stay at the end.
            asked, answered, target = self.body(asked), self.body(answered), self.text(target)
        return printable(target), packed, asked[:BODY_LIMIT], answered[:BODY_LIMIT]

    def body(self, body: bytes) -> bytes:
        """A body without the key."""
        return self._without(body) if self._holds_key(body) else body

    def _without(self, data: bytes) -> bytes:
        return self._spellings.sub(_REDACTED, data)


def _packed(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Names and values in one piece, without the headers that hold keys, tokens or cookies."""
    return _BETWEEN.join(
        [part for pair in headers if pair[0].lower() not in _SECRET_HEADERS for part in pair]
    )


def _spelling(byte: int) -> bytes:
    """A pattern for a byte of a key: as it is, behind a backslash, or as its number in hex."""
    return rb"(?:\\?%s|%%%02x|\\u%04x)" % (re.escape(bytes([byte])), byte, byte)
