"""Redaction: API keys and passwords are taken out of everything that is shown.

A key is found in every spelling that URLs and JSON have for it. Each text is decoded once and then
searched, so the work grows with the text and not with the text times the key.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

REDACTED = b"[API key]"
SHORTEST_SECRET = 4
"""Characters of the shortest key that is redacted: a shorter one would be found in every text."""

_SECRET_HEADERS = frozenset(
    {b"x-api-key", b"authorization", b"proxy-authorization", b"cookie", b"x-mock-token"}
)
_ESCAPE = re.compile(
    rb"%([0-9a-f]{2})|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\(.)", re.IGNORECASE | re.DOTALL
)
# A text may be encoded more than once: JSON in JSON, a URL in a query.
_MOST_LAYERS = 4
_LONGEST_SPELLING = 12  # bytes for one byte of a key: `\u0025` and two digits, escaped once more
# Case does not count, and a query writes a space as a plus.
_FOLDED = bytes(range(256)).lower().replace(b"+", b" ")
_MOST_STEPS = 16
# So much of a key decides whether it may stand somewhere; the rest is compared there only.
_LONGEST_HEAD = 256

RawHeaders = tuple[tuple[bytes, bytes], ...]


def printable(text: str) -> str:
    """A text of a caller, as JSON can carry it."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def without_password(url: str) -> str:
    """A URL as it may be shown: without the user and the password that it may hold.

    >>> without_password("http://me:secret@127.0.0.1:8000/hook")
    'http://[redacted]@127.0.0.1:8000/hook'
    """
    if "@" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"[redacted]@{host}")) if user or at else url


class _Piece(NamedTuple):
    """Where a run of bytes, or one escape, starts in what a text reads as, and in the text."""

    at: int
    source: int


class _Reading:
    """A text with some layers of escapes taken off, folded, and where each byte came from."""

    def __init__(self, data: bytes, layers: Sequence[list[_Piece]] = ()) -> None:
        self.data = data.translate(_FOLDED)
        self._layers = layers

    def source(self, start: int, stop: int) -> tuple[int, int]:
        """The place in the text of a part of ``data``."""
        for pieces in reversed(self._layers):
            first = bisect_right(pieces, start, key=_place) - 1
            last = bisect_right(pieces, stop - 1, key=_place) - 1
            start = _inside(pieces, first, start)
            # The end of what the last byte came from: of the whole escape, if it was one.
            stop = _inside(pieces, last, stop) if _is_run(pieces, last) else pieces[last + 1].source
        return start, stop


def _readings(data: bytes) -> Iterator[_Reading]:
    """A text as it is, and with one layer of escapes less at a time.

    All of them are needed: what precedes a key can make an escape of the key's first letters.
    """
    layers: list[list[_Piece]] = []
    yield _Reading(data)
    while len(layers) < _MOST_LAYERS and (b"%" in data or b"\\" in data):
        decoded, pieces = _decoded(data)
        if len(decoded) == len(data):
            return
        layers = [*layers, pieces]
        data = decoded
        yield _Reading(data, layers)


def _forms(api_key: str) -> frozenset[bytes]:
    """What a key is searched for as: as it is, and as it reads where it looks like an escape."""
    *_, last = readings = list(_readings(api_key.encode(errors="surrogateescape")))
    return frozenset({readings[0].data, last.data})


def _place(piece: _Piece) -> int:
    return piece.at


def _is_run(pieces: list[_Piece], index: int) -> bool:
    this, following = pieces[index], pieces[index + 1]
    return following.at - this.at == following.source - this.source


def _inside(pieces: list[_Piece], index: int, place: int) -> int:
    piece = pieces[index]
    return piece.source + (place - piece.at if _is_run(pieces, index) else 0)


def _decoded(data: bytes) -> tuple[bytes, list[_Piece]]:
    """One layer of escapes taken off; the pieces end with the end of both texts."""
    parts: list[bytes] = []
    sources: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(data):
        start, stop = found.span()
        if start > done:
            parts.append(data[done:start])
            sources.append(done)
        parts.append(_meant(found))
        sources.append(start)
        done = stop
    if done < len(data):
        parts.append(data[done:])
        sources.append(done)
    places = accumulate(map(len, parts), initial=0)
    return b"".join(parts), [
        _Piece(*both) for both in zip(places, [*sources, len(data)], strict=True)
    ]


def _meant(escape: re.Match[bytes]) -> bytes:
    percent, unicode, byte, literal = escape.groups()
    if unicode is not None:
        return chr(int(unicode, 16)).encode(errors="surrogatepass")
    if literal is not None:
        return bytes(literal)
    return bytes([int(percent or byte, 16)])


class KnownKeys:
    """The API keys of all known accounts, any of which can stand in a text of any caller.

    However many and however long they are, a text is searched once.

    Attributes:
        longest: the bytes of the longest key.
    """

    def __init__(self) -> None:
        self._heads: list[bytes] = []  # sorted
        self._long: dict[bytes, list[bytes]] = {}  # keys not shorter than a head, by their head
        self._again: Counter[bytes] = Counter()  # how often a key was added, beyond the first time
        self._starts: tuple[set[int], ...] = tuple(set() for _ in range(SHORTEST_SECRET))
        self._start: re.Pattern[bytes] | None = None
        self.longest = 0

    def add(self, api_key: str) -> None:
        """Redact a key from now on; one of less than four characters is no secret."""
        if len(api_key) < SHORTEST_SECRET:
            return
        for form in _forms(api_key):
            head = form[:_LONGEST_HEAD]
            if len(form) < SHORTEST_SECRET:
                continue
            place = bisect_left(self._heads, head)
            is_new = self._heads[place : place + 1] != [head]
            if is_new:
                self._heads.insert(place, head)
                self._note_start(form)
            if len(form) >= _LONGEST_HEAD:
                is_new = form not in self._long.setdefault(head, [])
                if is_new:
                    self._long[head].append(form)
            if not is_new:
                self._again[form] += 1
            self.longest = max(self.longest, len(form))

    def remove(self, api_key: str) -> None:
        """Redact a key no longer, unless it was added more often than removed."""
        if len(api_key) < SHORTEST_SECRET:
            return
        for form in _forms(api_key):
            head = form[:_LONGEST_HEAD]
            if self._again[form]:
                self._again[form] -= 1
                continue
            del self._again[form]
            if len(form) >= _LONGEST_HEAD:
                self._long[head].remove(form)
                if self._long[head]:
                    continue
                del self._long[head]
            place = bisect_left(self._heads, head)
            if self._heads[place : place + 1] == [head]:
                del self._heads[place]

    def drop(self, count: int) -> bool:
        """Free some memory of keys that are not used any more; returns whether there is more."""
        del self._heads[-count:]
        for _ in range(min(count, len(self._long))):
            self._long.popitem()
        return bool(self._heads or self._long)

    def _note_start(self, form: bytes) -> None:
        for known, byte in zip(self._starts, form, strict=False):
            if byte not in known:
                known.add(byte)
                self._start = None

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where keys stand in a text that has been decoded and folded."""
        if not self._heads:
            return
        if self._start is None:
            classes = (b"".join(b"\\x%02x" % byte for byte in known) for known in self._starts)
            self._start = re.compile(b"".join(b"[%s]" % each for each in classes))
        place = 0
        while found := self._start.search(data, place):
            start = found.start()
            head = self._head(data[start : start + _LONGEST_HEAD])
            # Where no long key is found as a whole, its head is redacted, to be safe.
            shared = [_shared(data[start : start + len(k)], k) for k in self._long.get(head, ())]
            length = max(len(head), *shared, 0)
            if length:
                yield start, start + length
            place = start + max(1, length)

    def _head(self, text: bytes) -> bytes:
        """The longest head of a key that a text starts with; empty if it starts with none."""
        for _ in range(_MOST_STEPS):
            place = bisect_right(self._heads, text)
            if place == 0:
                return b""
            # Whatever head the text starts with, the head before the text in order starts with it.
            before = self._heads[place - 1]
            if text.startswith(before):
                return before
            text = text[: _shared(text, before)]
            if len(text) < SHORTEST_SECRET:
                return b""
        return text  # no head here can be longer: redacted, to be safe


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes two texts share at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Redactor:
    """Takes API keys out of what is shown.

    A key is found as it is, and however URLs and JSON spell it.

    Args:
        api_key: a key to take out, whether it is known or not; one of less than four characters
            is no secret.
        known: further keys to take out; more can be added to it later.
    """

    __slots__ = ("_api_key", "_others", "_own")

    def __init__(self, api_key: str, known: KnownKeys | None = None) -> None:
        self._api_key = api_key
        self._others = () if known is None else (known,)
        self._own: KnownKeys | None = None

    @property
    def _known(self) -> tuple[KnownKeys, ...]:
        if self._own is None:  # made when it is needed: most accounts are never looked at
            self._own = KnownKeys()
            self._own.add(self._api_key)
        return (self._own, *self._others)

    def text(self, text: str) -> str:
        """A text without keys, printable."""
        data = text.encode(errors="surrogateescape")
        return printable(self.body(data).decode(errors="surrogateescape"))

    def body(self, body: bytes, limit: int | None = None) -> bytes:
        """A body without keys.

        Args:
            body: the body.
            limit: about how many bytes of it are wanted; no more of it is looked at than needed.
        """
        end = len(body)
        if limit is not None:
            end = min(end, 2 * limit)
            body = body[: self.needed(limit)]
        parts: list[bytes] = []
        done = 0
        for start, stop in self._spans(body):
            if start >= end:
                break
            if start >= done:
                parts += (body[done:start], REDACTED)
            done = max(done, stop)
        if not parts:
            return body[:end]
        return b"".join([*parts, body[done : max(done, end)]])

    def needed(self, limit: int) -> int:
        """How many bytes of a body have to be kept to show ``limit`` bytes of it without keys."""
        longest = max(known.longest for known in self._known)
        return 2 * limit + longest * _LONGEST_SPELLING

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
        """Headers without those that hold a key, or are there to hold secrets."""
        return tuple(
            [
                (name, value)
                for name, value in headers
                if name.lower() not in _SECRET_HEADERS
                and not (self.holds_key(name) or self.holds_key(value))
            ]
        )

    def holds_key(self, data: bytes) -> bool:
        """Whether a text holds a key, in any spelling."""
        return next(iter(self._spans(data)), None) is not None

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where keys stand in a text, in order; they may overlap."""
        return sorted(
            reading.source(*span)
            for reading in _readings(data)
            for known in self._known
            for span in known.spans(reading.data)
        )
