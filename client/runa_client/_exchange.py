"""What passes between the core, which decides, and the drivers, which do the I/O."""

import re
from collections.abc import Generator, Iterable, Mapping
from typing import TypeAlias, TypeVar
from urllib.parse import unquote

from runa_client._record import Record
from runa_client._settings import Settings, Timeout
from runa_client._text import redact

T = TypeVar("T")

LONGEST_HEAD = 1 << 18
"""How many bytes may come before the body of an answer, interim answers included."""
MOST_INTERIM = 100
"""How many interim answers may come before the answer, where they are counted."""
BODY_CODINGS = "gzip, deflate"
"""The content codings that are asked for; both libraries unpack them step by step."""

_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_FIRST_FINAL = 200

_PART = re.compile(r"[^/?&=]+")
_SHORTEST_SECRET = 8


class Request(Record):
    """One request, without the API key.

    `target` is path and query below the base URL, or, with an `origin` of its own, below that
    one: another host, which gets no API key, and whose targets are secrets.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None
    origin: str | None = None

    @property
    def path(self) -> str:
        """The target without its query, as it may be shown."""
        return self.target.partition("?")[0] if self.origin is None else f"{self.origin}/…"

    @property
    def idempotency_key(self) -> str | None:
        """The key that makes the request safe to repeat, if it has one."""
        return self.headers.get("X-Idempotency-Key")

    def scrub(self, text: str) -> str:
        """Take a secret target, whole and in parts, out of a text that came from elsewhere."""
        if self.origin is None:
            return text
        for part in (self.target, self.target.partition("?")[0], *_PART.findall(self.target)):
            # Anything shorter is no secret, and perhaps a word of the text.
            if len(part) >= _SHORTEST_SECRET:
                text = redact(text, unquote(part), "…")
        return text


def addressed(request: Request, settings: Settings) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers to send; the API key goes to the base URL alone."""
    if request.origin is not None:
        return request.origin + request.target, {**request.headers}
    headers = {**request.headers, "X-Api-Key": settings.api_key}
    return settings.base_url + request.target, headers


class Send(Record):
    """The core's wish: sleep for `pause` seconds, then send the request."""

    request: Request
    pause: float
    timeout: Timeout


class Reply(Record, secret=("headers", "body")):
    """An answer with its body, which may echo the API key; header names in lower case.

    `fault` says why the body is not there, None where it is there as a whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    fault: str | None = None


class NetworkFailure(Record, secret=("reason",)):
    """No whole answer, told in words: the libraries' exceptions hold the API key."""

    reason: str
    timed_out: bool


Outcome: TypeAlias = Reply | NetworkFailure
Flow: TypeAlias = Generator[Send, Outcome, T]


class Incoming:
    """An answer while it is read: its head at first, then its body up to a limit.

    Args:
        status: The HTTP status.
        headers: Pairs of name and value.
        limit: The bytes that its unpacked body may have.
    """

    def __init__(self, status: int, headers: Iterable[tuple[str, str]], limit: int) -> None:
        self._status = status
        self._headers = {name.lower(): value for name, value in headers}
        self._limit = limit
        self._body = bytearray()
        coding = self._headers.get("content-encoding", "").strip().lower()
        packed = f"the answer is packed as {coding!r}, which was not asked for"
        self._fault = None if coding in _CODINGS else packed

    @property
    def wanted(self) -> bool:
        """Whether the body is to be read; if not, the connection has to close."""
        return self._fault is None and self._status >= _FIRST_FINAL

    def add(self, chunk: bytes) -> bool:
        """Take a part of the unpacked body; returns whether more of it is to be read."""
        self._body += chunk
        if len(self._body) > self._limit:
            self._fault = f"the answer is longer than max_response_bytes, {self._limit}"
            self._body.clear()
        return self._fault is None

    def outcome(self) -> Outcome:
        """Return what came of the request."""
        if self._status < _FIRST_FINAL:
            told = f"the server sent {self._status} as its answer, which is none"
            return NetworkFailure(reason=told, timed_out=False)
        return Reply(
            status=self._status,
            headers=self._headers,
            body=bytes(self._body),
            fault=self._fault,
        )


def network_failure(error: BaseException) -> NetworkFailure:
    """Put the exception of an HTTP library into words, the innermost cause's."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    timed_out = any(isinstance(link, TimeoutError) for link in chain)
    told = next((str(link) for link in reversed(chain) if str(link)), "no reason given")
    return NetworkFailure(reason=f"{type(error).__name__}: {told}", timed_out=timed_out)
