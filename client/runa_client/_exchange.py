"""What passes between the core, which decides, and the drivers, which do the I/O."""

import re
from collections.abc import Generator, Mapping
from typing import TypeAlias, TypeVar

from runa_client._record import Record
from runa_client._settings import Settings, Timeout

T = TypeVar("T")

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
                text = text.replace(part, "…")
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
    """An answer with its whole body, which may echo the API key; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NetworkFailure(Record, secret=("reason",)):
    """No whole answer, told in words: the libraries' exceptions hold the API key."""

    reason: str
    timed_out: bool


Outcome: TypeAlias = Reply | NetworkFailure
Flow: TypeAlias = Generator[Send, Outcome, T]


def network_failure(error: BaseException) -> NetworkFailure:
    """Put the exception of an HTTP library into words, the innermost cause's."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    timed_out = any(isinstance(link, TimeoutError) for link in chain)
    told = next((str(link) for link in reversed(chain) if str(link)), "no reason given")
    return NetworkFailure(reason=f"{type(error).__name__}: {told}", timed_out=timed_out)
