"""The client without I/O: generators that say what to send and are told what came of it.

A driver runs such a flow by sending each `Send` that it yields and handing back the `Reply` or
`NetworkFailure`; the flow's return value is the result of the call. The synchronous and the
asynchronous client differ in their drivers alone. What each call sends and reads stands with its
topic: `_orders`, `_products`, `_funds`, `_redemption`.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from runa_client._errors import Call, RateLimitError, RunaCallError, RunaError
from runa_client._exchange import BODY_CODINGS, Flow, NetworkFailure, Outcome, Request, Send
from runa_client._page import Page
from runa_client._settings import USER_AGENT, Settings, Timeout
from runa_client._text import printable
from runa_client._verdict import verdict

T = TypeVar("T")
PageReader = Callable[[str | None], Flow[Page[T]]]

LOG = logging.getLogger("runa_client")

ANONYMOUS = {
    "Accept": "application/json",
    "Accept-Encoding": BODY_CODINGS,
    "User-Agent": USER_AGENT,
}
"""The headers of every request, wherever it goes."""
COMMON = {**ANONYMOUS, "X-Api-Version": "2024-02-05"}
"""The headers of every request to the service."""

_SHORTEST_LOOK = 1.0
_LONGEST_SCANNED = 100_000


class Core:
    """Carries out the calls of one client: retries, deadlines, log."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def call(
        self,
        request: Request,
        parse: Callable[[object], T],
        deadline: float | None = None,
        pause: float = 0.0,
    ) -> Flow[T]:
        """Send a request until there is a result, or no hope.

        Args:
            request: What to send.
            parse: Reads the JSON of a success; a ValueError means that it is not what it must be.
            deadline: By the client's clock; nothing is sent again later than that.
            pause: Seconds to wait before the first request.

        Raises:
            RunaCallError: The service refused, or no good answer came.
        """
        attempts = limited = 0
        while True:
            timeout = self._timeout(deadline, pause)
            outcome = yield Send(request=request, pause=pause, timeout=timeout)
            attempts += 1
            self._log(request, attempts, outcome)
            call = Call(
                method=request.method,
                path=request.path,
                attempts=attempts,
                idempotency_key=request.idempotency_key,
            )
            result = verdict(outcome, call, parse, self.clean(request))
            if not isinstance(result, RunaCallError):
                return result
            limited += isinstance(result, RateLimitError)
            next_pause = self.pause_after(result, deadline, limited)
            if next_pause is None:
                raise result
            pause = next_pause

    def pause_after(
        self, error: RunaCallError, deadline: float | None, limited: int = 1
    ) -> float | None:
        """Return the seconds to wait before another try, None if there is to be none.

        Args:
            error: How the last attempt ended.
            deadline: When the call has to end, by the clock of the settings.
            limited: How many attempts were answered 429, the last one included.
        """
        retry = self.settings.retry
        asked = error.retry_after or 0.0
        if not error.safe_to_retry or error.attempts >= retry.attempts:
            return None
        if asked > retry.longest_retry_after:
            return None
        pause = max(retry.backoff.pause(error.attempts, self.settings.random()), asked)
        if isinstance(error, RateLimitError):
            # Longer each time, as the provider asks for: who is still limited came too early.
            pause = max(pause, retry.rate_limit_wait * limited)
        late = deadline is not None and self.settings.clock() + pause > deadline
        return None if late else pause

    def _timeout(self, deadline: float | None, pause: float) -> Timeout:
        timeout = self.settings.timeout
        if deadline is None:
            return timeout
        return timeout.at_most(max(deadline - self.settings.clock() - pause, _SHORTEST_LOOK))

    def _log(self, request: Request, attempt: int, outcome: Outcome) -> None:
        if LOG.isEnabledFor(logging.DEBUG):
            told = outcome.reason if isinstance(outcome, NetworkFailure) else str(outcome.status)
            result = self.clean(request)(told)
            most = self.settings.retry.attempts
            LOG.debug("%s %s %d/%d: %s", request.method, request.path, attempt, most, result)

    def clean(self, request: Request) -> Callable[[str], str]:
        """Return what makes a text from elsewhere fit to be shown: no secret, no control."""

        def cleaned(text: str) -> str:
            return printable(request.scrub(self.settings.scrub(text[:_LONGEST_SCANNED])))

        return cleaned


class Pages(Generic[T]):
    """The walk over a whole list, page by page.

    Args:
        read: Reads the page after a cursor, the first one for None.
    """

    def __init__(self, read: PageReader[T]) -> None:
        self._read = read
        self._after: str | None = None
        self._seen: set[str] = set()
        self._ended = False

    def next_page(self) -> Flow[tuple[T, ...]]:
        """Read the next elements; none means that there are no more.

        Raises:
            RunaError: The service gave a cursor for the second time.
        """
        if self._ended:
            return ()
        page = yield from self._read(self._after)
        if page.items and page.after is not None:
            if page.after in self._seen:
                raise RunaError("the service gives the same cursor again: its list has no end")
            self._seen.add(page.after)
        self._after = page.after
        self._ended = not page.items or page.after is None
        return page.items


def get(path: str, query: Mapping[str, object] | None = None) -> Request:
    """Build a GET; a query value that is None is left out, a list is a repeated parameter."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    target = f"{path}?{urlencode(given, doseq=True)}" if given else path
    return Request(method="GET", target=target, headers=COMMON)


def segment(what: str, value: str) -> str:
    """Write a value as one segment of a path.

    Raises:
        ValueError: It would lead elsewhere; `what` says what it should be.
    """
    if value in ("", ".", ".."):
        raise ValueError(f"no {what}: {value!r}")
    return quote(value, safe="")


def check_names(method: str, given: Iterable[str], known: Collection[str]) -> None:
    """Check keyword arguments.

    Raises:
        TypeError: One is unknown.
    """
    unknown = sorted(set(given).difference(known))
    if unknown:
        raise TypeError(f"{method}: unknown {', '.join(unknown)}")
