"""What a client is set up with: where, as whom, how patiently."""

import os
import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypedDict
from urllib.parse import SplitResult, urlsplit

from runa_client._errors import ConfigurationError
from runa_client._record import Record
from runa_client._text import redact
from runa_client._version import VERSION

USER_AGENT = f"runa-mock-client/{VERSION}"

_API_KEY = re.compile(r"[\x21-\x7e]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_MOST_ATTEMPTS = 100
_MOST_FACTOR = 10.0


class Backoff(Record):
    """Pauses that grow: `base`, then `factor` times the one before, up to `maximum` seconds.

    `jitter` is the share of a pause, 0 to 1, that chance may take away, so that clients which
    failed together do not come back together.

    Raises:
        ValueError: A field is out of range.
    """

    base: float = 0.25
    factor: float = 2.0
    maximum: float = 8.0
    jitter: float = 0.5

    def _check(self) -> None:
        if not (0 <= self.base <= self.maximum < float("inf")):
            raise ValueError("base and maximum are finite seconds, 0 <= base <= maximum")
        if not 1 <= self.factor <= _MOST_FACTOR:
            raise ValueError(f"factor is between 1 and {_MOST_FACTOR:g}")
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter is between 0 and 1")

    def pause(self, number: int, chance: float) -> float:
        """Return the seconds of pause `number`, from 1; `chance` is random in 0 to 1."""
        exponent = min(number - 1, _MOST_ATTEMPTS)
        return min(self.base * self.factor**exponent, self.maximum) * (1 - self.jitter * chance)


class RetryPolicy(Record):
    """How often and how patiently a call is sent again, always with its first idempotency key.

    Sent again are connection failures, unreadable answers, 5xx, 429 and a 400
    `idempotency_in_progress`; nothing else. `RetryPolicy(attempts=1)` sends once.

    Attributes:
        attempts: Requests sent for one call at most, 1 to 100.
        backoff: The pauses between them.
        rate_limit_wait: The shortest pause after a 429, in seconds; the service asks for 5. It is
            multiplied by the number of 429s so far, so that each pause is longer.
        longest_retry_after: A `Retry-After` beyond these seconds ends the call at once, its
            error carrying `retry_after`; a shorter one is waited for.

    Raises:
        ValueError: A field is out of range.
    """

    attempts: int = 4
    backoff: Backoff = Backoff()
    rate_limit_wait: float = 5.0
    longest_retry_after: float = 60.0

    def _check(self) -> None:
        if not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise ValueError(f"attempts is between 1 and {_MOST_ATTEMPTS}")
        if not (0 <= self.rate_limit_wait < float("inf") and self.longest_retry_after >= 0):
            raise ValueError("rate_limit_wait and longest_retry_after are seconds, 0 or more")


class Timeout(Record):
    """The patience of one request, in seconds.

    Attributes:
        connect: For a connection.
        read: For each silence after it.
        total: For all of the request, from the connection to the last byte of the answer. If
            absent 60, or what `connect` or `read` is, if that is more. Only the operating
            system's look-up of a name is not cut short, for `RunaClient`.

    Raises:
        ValueError: A field is not above 0 and finite.
    """

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0

    def _check(self) -> None:
        if not all(0 < part < float("inf") for part in (self.connect, self.read, self.total)):
            raise ValueError("connect, read and total are finite seconds above 0")
        # A longer patience that was asked for is not cut short by a default.
        self.__dict__.setdefault("total", max(Timeout.total, self.connect, self.read))

    def at_most(self, seconds: float) -> "Timeout":
        """Return this timeout, no part longer than `seconds`."""
        parts = (self.connect, self.read, self.total)
        connect, read, total = (min(part, seconds) for part in parts)
        return Timeout(connect=connect, read=read, total=total)


class ClientOptions(TypedDict, total=False):
    """What both clients take by keyword.

    Attributes:
        retry: When and how often a call is sent again. A number means so many more attempts
            after the first: `retry=3` is `RetryPolicy(attempts=4)`.
        timeout: The patience of one request. A number means so many seconds to connect and for
            each silence: `timeout=5` is `Timeout(connect=5, read=5)`, with its total of 60.
        max_response_bytes: The length that the body of an answer may have, unpacked; 32 MiB if
            absent. A longer one is not read to its end and raises `RunaResponseError`.
        poll: The pauses of `wait_for_order`: 0.25 s, growing by half, up to 2 s.
        random: Draws from 0 to 1 for the jitter.
        clock: Monotonic seconds for the deadline of `wait_for_order`.
    """

    retry: RetryPolicy | int
    timeout: Timeout | float
    max_response_bytes: int
    poll: Backoff
    random: Callable[[], float]
    clock: Callable[[], float]


_OPTION_KINDS: Mapping[str, tuple[type, str]] = {
    "retry": (RetryPolicy, "a RetryPolicy or a number of further attempts"),
    "timeout": (Timeout, "a Timeout or a number of seconds"),
    "poll": (Backoff, "a Backoff"),
    "max_response_bytes": (int, "a number of bytes"),
}


class Settings(Record, secret=("api_key",)):
    """A client's checked settings; `base_url` ends with `/v2`."""

    base_url: str
    api_key: str
    retry: RetryPolicy = RetryPolicy()
    timeout: Timeout = Timeout()
    max_response_bytes: int = 32 << 20
    poll: Backoff = Backoff(factor=1.5, maximum=2.0, jitter=0.0)
    # Wrapped, for a plain function as a class attribute would become a method.
    random: Callable[[], float] = staticmethod(random.random)
    clock: Callable[[], float] = staticmethod(time.monotonic)

    @property
    def user_agent(self) -> str:
        """What requests to the service state as `User-Agent`."""
        return USER_AGENT

    def scrub(self, text: str) -> str:
        """Take the API key out of a text that came from elsewhere, however it is written there."""
        return redact(text, self.api_key, "[API key]")


def make_settings(base_url: str | None, api_key: str | None, options: ClientOptions) -> Settings:
    """Check the arguments of a client, the environment standing in for those not given.

    Args:
        base_url: Else `RUNA_BASE_URL`.
        api_key: Else `RUNA_API_KEY`.
        options: The other settings.

    Raises:
        ConfigurationError: Base URL or API key is missing or cannot work.
        TypeError: An option is unknown, or not of its type.
        ValueError: An option is out of range.
    """
    url = base_url or os.environ.get("RUNA_BASE_URL")
    if not url:
        raise ConfigurationError(
            "no base URL: pass base_url or set RUNA_BASE_URL, for example to "
            "https://playground.runa.io/v2 or to the URL that the mock server prints"
        )
    key = api_key or os.environ.get("RUNA_API_KEY")
    if not key:
        raise ConfigurationError("no API key: pass api_key or set RUNA_API_KEY")
    if not _API_KEY.fullmatch(key):
        raise ConfigurationError(
            "the API key (api_key or RUNA_API_KEY) has white space or characters "
            "that an HTTP header cannot carry; perhaps a line break was copied with it"
        )
    return Settings(base_url=_checked_base_url(url), api_key=key, **_checked_options(options))


def _checked_options(options: ClientOptions) -> dict[str, Any]:
    """Check the options that have a form of their own, and write numbers out."""
    checked: dict[str, Any] = {**options}
    retry, timeout = checked.get("retry"), checked.get("timeout")
    if isinstance(retry, int) and not isinstance(retry, bool):
        checked["retry"] = RetryPolicy(attempts=retry + 1)
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        checked["timeout"] = Timeout(connect=timeout, read=timeout)
    for name, (kind, told) in _OPTION_KINDS.items():
        if name in checked and (not isinstance(checked[name], kind) or checked[name] is True):
            raise TypeError(f"{name} must be {told}, not {checked[name]!r}")
    if checked.get("max_response_bytes", 1) < 1:
        raise ValueError("max_response_bytes must be 1 or more")
    return checked


def checked_header(name: str, value: str) -> str:
    """Return the value if both HTTP libraries send it as it is.

    Raises:
        ConfigurationError: It is empty, no plain ASCII, or begins or ends with a space.
    """
    if not _HEADER_VALUE.fullmatch(value):
        raise ConfigurationError(
            f"{name} must be printable ASCII, not empty, without a space at either end: {value!r}"
        )
    return value


def checked_url(name: str, url: str) -> SplitResult:
    """Take a URL apart if both HTTP libraries send to it as it is.

    Raises:
        ValueError: It is no http or https URL, or it holds credentials. The message does not
            show it, for it may be a secret.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"{name} is no http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} holds credentials, which would not be sent")
    return parts


def _checked_base_url(url: str) -> str:
    try:
        parts = checked_url("the base URL", url)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if parts.query or parts.fragment:
        raise ConfigurationError(f"the base URL has a query or a fragment: {url}")
    bare = url.rstrip("/")
    if not bare.endswith("/v2"):
        raise ConfigurationError(f"the base URL must end with /v2: {url}")
    return bare
