"""One request, one answer: HTTP with nothing added, and observers of every exchange."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import requests

from runa_client import Settings, decode_json, network_failure
from runa_conformance._failures import MismatchError, UnreachableError

API_KEY_HEADER = "X-Api-Key"

TOO_MANY = 429
_PAUSE_AFTER_TOO_MANY = 5.0  # what the provider asks for
_LONGEST_PATIENCE = 90.0  # seconds in a row in which the server may say that it was too much

_FIRST_POLL, _POLL_GROWTH, _LONGEST_POLL = 0.1, 1.5, 1.0
_LONGEST_WAIT = 60.0

Observer = Callable[["Answer"], None]
Sleep = Callable[[float], object]


class Key(Enum):
    """The API keys that a run was given, so that requests can name them without holding them."""

    OWN = "[API key]"
    OTHER = "[other API key]"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        method: the HTTP method.
        target: path and query below the base URL, or a whole URL: a payout link, a secret.
        headers: without the API key.
        body: the bytes, if there are any.
        key: the API key: one of the run's, a made-up one, or none.
        until_ended: whether it is sent again until the order that it reads has ended.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    key: Key | str | None = Key.OWN
    until_ended: bool = False

    @property
    def is_link(self) -> bool:
        """Whether it goes to a payout link and not to the API."""
        return "://" in self.target

    @property
    def path(self) -> str:
        """The target without its query; of a link nothing but that it is one."""
        return "payout link" if self.is_link else self.target.partition("?")[0]

    @property
    def places_order(self) -> bool:
        """Whether it is a ``POST /order``."""
        return self.method == "POST" and self.path.rstrip("/") == "/order"

    def __str__(self) -> str:
        _, mark, query = self.target.partition("?")
        return f"{self.method} {self.path}{mark}{query}"


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        request: what it answers.
        status: the HTTP status.
        headers: names in lower case.
        body: the bytes.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def document(self) -> Any:
        """The body as JSON, fractions as ``Decimal``.

        Raises:
            MismatchError: it is no JSON.
        """
        try:
            return decode_json(self.body)
        except ValueError as error:
            told = f"{self.request}: answered {self.status} with a body that is no JSON"
            raise MismatchError(f"{told}: {error}") from None

    @property
    def error_type(self) -> str | None:
        """The ``type`` in the body of an error, ``None`` where there is none."""
        if self.status < requests.codes.bad_request:
            return None
        try:
            found = self.document
        except MismatchError:
            return None
        kind = found.get("type") if isinstance(found, dict) else None
        return kind if isinstance(kind, str) else None

    def __str__(self) -> str:
        kind = self.error_type
        return f"{self.request}: answered {self.status}{f' {ascii(kind)[1:-1]}' if kind else ''}"


class HttpSession:
    """Sends requests to one server.

    Redirects are answers like others, and neither proxies nor credentials of the environment are
    used. After a 429 a request waits and is sent again, as the provider asks.

    Args:
        settings: base URL, API key and timeouts.
        other_key: the API key of another account, if there is one.
        sleep: pauses for a number of seconds.
    """

    def __init__(
        self, settings: Settings, other_key: str | None = None, sleep: Sleep = time.sleep
    ) -> None:
        self.settings = settings
        self.other_key = other_key
        self.observers: list[Observer] = []
        self._sleep = sleep
        self._patience = _LONGEST_PATIENCE
        self._requests = requests.Session()
        self._requests.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def apart(self) -> "HttpSession":
        """Another session with the same server, for another thread, without observers."""
        return HttpSession(self.settings, self.other_key, self._sleep)

    def scrub(self, text: str) -> str:
        """A text without the API keys."""
        text = self.settings.scrub(text)
        return text if self.other_key is None else text.replace(self.other_key, Key.OTHER.value)

    def send(self, request: Request) -> Answer:
        """The answer to a request.

        Raises:
            UnreachableError: no answer came.
        """
        answer = self._patiently(request)
        waited, pause = 0.0, _FIRST_POLL
        while request.until_ended and _is_processing(answer) and waited < _LONGEST_WAIT:
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * _POLL_GROWTH, _LONGEST_POLL)
            answer = self._patiently(request)
        for observe in self.observers:
            observe(answer)
        return answer

    def _patiently(self, request: Request) -> Answer:
        answer = self._once(request)
        while answer.status == TOO_MANY and self._patience > 0:
            self._patience -= _PAUSE_AFTER_TOO_MANY
            self._sleep(_PAUSE_AFTER_TOO_MANY)
            answer = self._once(request)
        if answer.status != TOO_MANY:
            self._patience = _LONGEST_PATIENCE
        return answer

    def _once(self, request: Request) -> Answer:
        timeout = self.settings.timeout
        try:
            response = self._requests.request(
                request.method,
                request.target if request.is_link else self.settings.base_url + request.target,
                headers=self._headers(request),
                data=request.body,
                timeout=(timeout.connect, timeout.read),
                allow_redirects=False,
            )
        except (requests.RequestException, OSError, ValueError) as error:
            reason = network_failure(error).reason
            raise UnreachableError(self.scrub(f"{request}: no answer: {reason}")) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(request, response.status_code, headers, response.content)

    def _headers(self, request: Request) -> dict[str, str]:
        standard = {"Accept": "application/json", "User-Agent": self.settings.user_agent}
        headers = {**standard, **request.headers}
        match request.key:
            case Key.OWN:
                key: str | None = self.settings.api_key
            case Key.OTHER:
                key = self.other_key
            case made_up:
                key = made_up
        return headers if key is None else {**headers, API_KEY_HEADER: key}


def _is_processing(answer: Answer) -> bool:
    try:
        found = answer.document if answer.status == requests.codes.ok else None
    except MismatchError:
        return False
    return isinstance(found, dict) and found.get("status") == "PROCESSING"
