"""An HTTP session with one server: one request, one answer, and observers of every exchange."""

import time
from collections.abc import Callable
from contextlib import closing

import requests

from runa_client import RunaAdapter, Settings, deadline, network_failure
from runa_conformance._failures import MismatchError, UnexpectedOrderError, UnreachableError
from runa_conformance._messages import API_KEY_HEADER, TOO_MANY, Answer, Key, Request

_PAUSE_AFTER_TOO_MANY = 5.0  # what the provider asks for
_LONGEST_PATIENCE = 90.0  # seconds in a row in which the server may say that it was too much

_FIRST_POLL, _POLL_GROWTH, _LONGEST_POLL = 0.1, 1.5, 1.0
_LONGEST_WAIT = 60.0
_ANNOUNCED_AFTER = 5.0

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""What the body of an answer may have, unpacked; a longer one is not read to its end."""
_CHUNK = 64 * 1024

Observer = Callable[[Answer], None]
Sleep = Callable[[float], object]
OnWait = Callable[[str], object]
"""Called before a long pause with a sentence that says how long it is, and why."""


class HttpSession:
    """Sends requests to one server.

    Redirects are answers like others, and neither proxies nor credentials of the environment are
    used. After a 429 a request waits and is sent again, as the provider asks. Each request has a
    total time besides the patience for each silence.

    Args:
        settings: base URL, API key and timeouts.
        other_key: the API key of another account, if there is one.
        sleep: pauses for a number of seconds.
        on_wait: is told of long pauses.
        allow_orders: whether orders may be placed. If not, the first that is accepted although
            it was to be refused is the last that is sent.

    Attributes:
        observers: called with each answer.
        bought: the first accepted order of a run that may place none.
    """

    def __init__(
        self,
        settings: Settings,
        other_key: str | None = None,
        sleep: Sleep = time.sleep,
        *,
        on_wait: OnWait,
        allow_orders: bool,
    ) -> None:
        self.settings = settings
        self.other_key = other_key
        self.observers: list[Observer] = []
        self.bought: Answer | None = None
        self._sleep = sleep
        self._on_wait = on_wait
        self._allow_orders = allow_orders
        self._patience = _LONGEST_PATIENCE
        self._requests = requests.Session()
        self._requests.trust_env = False
        for scheme in ("http://", "https://"):
            self._requests.mount(scheme, RunaAdapter())

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def apart(self) -> "HttpSession":
        """Another session with the same server, for another thread, without observers."""
        return HttpSession(
            self.settings,
            self.other_key,
            self._sleep,
            on_wait=self._on_wait,
            allow_orders=self._allow_orders,
        )

    def scrub(self, text: str) -> str:
        """A text without the API keys."""
        text = self.settings.scrub(text)
        return text if self.other_key is None else text.replace(self.other_key, Key.OTHER.value)

    def pause(self, seconds: float, reason: str) -> None:
        """Wait, and say so."""
        self._on_wait(f"waiting {seconds:g} s: {reason}")
        self._sleep(seconds)

    def send(self, request: Request) -> Answer:
        """The answer to a request.

        Raises:
            UnreachableError: no whole answer came in time.
            UnexpectedOrderError: it would order, and the server accepts orders that it should
                refuse, in a run that may place none.
        """
        if self.bought is not None and request.places_order:
            raise UnexpectedOrderError(f"no more orders are sent: {self.bought}")
        answer = self._patiently(request)
        waited, pause, is_told = 0.0, _FIRST_POLL, False
        while request.until_ended and _is_processing(answer) and waited < _LONGEST_WAIT:
            if waited >= _ANNOUNCED_AFTER and not is_told:
                is_told = True
                left = _LONGEST_WAIT - waited
                self._on_wait(f"waiting up to {left:.0f} s: the order is still PROCESSING")
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * _POLL_GROWTH, _LONGEST_POLL)
            answer = self._patiently(request)
        for observe in self.observers:
            observe(answer)
        if request.places_order and answer.is_success and not self._allow_orders:
            self.bought = answer
        return answer

    def _patiently(self, request: Request) -> Answer:
        answer = self._once(request)
        while answer.status == TOO_MANY and request.is_patient and self._patience > 0:
            self._patience -= _PAUSE_AFTER_TOO_MANY
            self.pause(_PAUSE_AFTER_TOO_MANY, f"{answer}")
            answer = self._once(request)
        if answer.status != TOO_MANY:
            self._patience = _LONGEST_PATIENCE
        return answer

    def _once(self, request: Request) -> Answer:
        timeout = self.settings.timeout
        try:
            with (
                deadline(time.monotonic() + timeout.total),
                closing(
                    self._requests.request(
                        request.method,
                        request.target
                        if request.is_link
                        else self.settings.base_url + request.target,
                        headers=self._headers(request),
                        data=request.body,
                        timeout=(timeout.connect, timeout.read),
                        allow_redirects=False,
                        stream=True,
                    )
                ) as response,
            ):
                body = _body(response)
        except (requests.RequestException, OSError, ValueError) as error:
            reason = network_failure(error).reason
            raise UnreachableError(self.scrub(f"{request}: no answer: {reason}")) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(request, response.status_code, headers, body)

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


def _body(response: requests.Response) -> bytes:
    """The body of an answer, unpacked.

    Raises:
        ValueError: it is longer than an answer may be.
    """
    chunks, length = [], 0
    for chunk in response.iter_content(_CHUNK):
        length += len(chunk)
        if length > MAX_ANSWER_BYTES:
            raise ValueError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _is_processing(answer: Answer) -> bool:
    try:
        found = answer.document if answer.status == requests.codes.ok else None
    except MismatchError:
        return False
    return isinstance(found, dict) and found.get("status") == "PROCESSING"
