"""Keeping an API key out of what is shown."""

import re
from collections.abc import Iterable
from functools import cached_property

_SECRET_HEADERS = frozenset(
    {b"x-api-key", b"authorization", b"proxy-authorization", b"cookie", b"x-mock-token"}
)
_REDACTED = b"[API key]"
_SHORTEST_SECRET = 4

RawHeaders = tuple[tuple[bytes, bytes], ...]


def printable(text: str) -> str:
    """A text of a caller, as JSON can carry it."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


class Redactor:
    """Takes one API key out of what is shown.

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
        """A body without the key."""
        return self._without(body) if self._holds_key(body) else body

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
        """Headers without those that hold the key, or are there to hold secrets."""
        return tuple(
            [
                (name, value)
                for name, value in headers
                if name.lower() not in _SECRET_HEADERS
                and not (self._holds_key(name) or self._holds_key(value))
            ]
        )

    def _without(self, data: bytes) -> bytes:
        return self._spellings.sub(_REDACTED, data)


def _spelling(byte: int) -> bytes:
    """A pattern for a byte of a key: as it is, behind a backslash, or as its number in hex."""
    return rb"(?:\\?%s|%%%02x|\\u%04x)" % (re.escape(bytes([byte])), byte, byte)
