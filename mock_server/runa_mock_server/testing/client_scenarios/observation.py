"""What a client did in a scenario, as recorded by the server."""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar

from runa_mock_server.control.models import JournalEntry
from runa_mock_server.server_state.effects import Effects

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_ORDERS = "/v2/order"

_OK = range(200, 300)
_REFUSALS = range(400, 500)
_RATE_LIMITED = 429
_IN_PROGRESS = "idempotency_in_progress"
_MOST_LINES = 12


class Exit(NamedTuple):
    """How a program ended.

    Attributes:
        code: the exit status, negative for a signal; ``None`` after a timeout.
        seconds: how long the program ran.
    """

    code: int | None
    seconds: float


class Body(NamedTuple):
    """The body of an order, comparable: bodies with the same JSON value are equal.

    Attributes:
        text: the JSON in canonical form, or the raw text if the journal cut it.
        length: the Content-Length, where ``text`` is cut.
    """

    text: str
    length: str | None = None


class Attempt(NamedTuple):
    """A request to place an order."""

    request: JournalEntry
    key: str | None
    body: Body


@dataclass(frozen=True)
class Observation:
    """What a client did.

    Attributes:
        requests: its requests to the service, oldest first.
        effects: the effects of the requests.
        exit: how the program ended; ``None`` for a client inside this process.
        foreign_requests: the number of requests with other API keys during the run.
    """

    requests: Sequence[JournalEntry]
    effects: Effects
    exit: Exit | None = None
    foreign_requests: int = 0

    @cached_property
    def attempts(self) -> list[Attempt]:
        """The requests to place an order."""
        return [
            Attempt(request, request.idempotency_key, _body(request))
            for request in self.requests
            if request.method == "POST" and _path(request) == _ORDERS
        ]

    @cached_property
    def by_key(self) -> dict[str | None, list[Attempt]]:
        """The attempts, grouped by idempotency key."""
        return _grouped(self.attempts, lambda attempt: attempt.key)

    @cached_property
    def by_body(self) -> dict[Body, list[Attempt]]:
        """The attempts, grouped by body."""
        return _grouped(self.attempts, lambda attempt: attempt.body)

    @cached_property
    def reads(self) -> list[list[JournalEntry]]:
        """The reads of each order, and of each page of the list."""
        reads = [r for r in self.requests if r.method == "GET" and _path(r).startswith(_ORDERS)]
        return list(_grouped(reads, lambda request: (_path(request), request.query)).values())

    @property
    def orders(self) -> int:
        """The number of orders that were created."""
        return self.effects.orders

    @property
    def seen_ended(self) -> int:
        """The number of orders that the client read as COMPLETED or FAILED."""
        return sum(any(map(_shows_end, reads)) for reads in self.reads)


def is_successful(request: JournalEntry) -> bool:
    """Whether the client got a complete successful response that no fault touched."""
    return request.status in _OK and not request.faults


def is_final_refusal(request: JournalEntry) -> bool:
    """Whether the response says that the same request will never succeed."""
    return (
        request.status in _REFUSALS
        and request.status != _RATE_LIMITED
        and request.error_type != _IN_PROGRESS
    )


def is_rate_limit(request: JournalEntry) -> bool:
    """Whether the response is a 429."""
    return request.status == _RATE_LIMITED


def seconds_between(earlier: JournalEntry, later: JournalEntry) -> float:
    """Seconds from one request to a later one."""
    return (later.at - earlier.at).total_seconds()


def timeline(requests: Iterable[JournalEntry]) -> str:
    """Requests as human-readable lines, with the seconds between them."""
    shown = list(requests)
    pauses = [0.0, *(seconds_between(*pair) for pair in pairwise(shown))]
    lines = [
        f"  +{pause:.3f} s  {_line(request)}"
        for pause, request in zip(pauses, shown, strict=False)  # no requests have one pause
    ]
    if len(lines) > _MOST_LINES:
        left_out = len(lines) - _MOST_LINES
        lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = [f"  ... {left_out} more"]
    return "\n".join(lines)


def _line(request: JournalEntry) -> str:
    key = "" if request.idempotency_key is None else f" key {request.idempotency_key!r}"
    status = "no response" if request.status is None else str(request.status)
    kind = "" if request.error_type is None else f" {request.error_type}"
    outcome = {"created": f", created {request.order_id}", "replayed": ", replayed"}
    fault = "".join(f" (fault: {hit.kind} {hit.place})" for hit in request.faults)
    what = f"#{request.number} {request.method} {request.path}{key}: {status}"
    return f"{what}{kind}{outcome.get(request.outcome or '', '')}{fault}"


def _body(request: JournalEntry) -> Body:
    try:
        return Body(json.dumps(json.loads(request.request_body), sort_keys=True))
    except (ValueError, RecursionError):
        return Body(request.request_body, request.headers.get("content-length"))


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Items grouped by a key, each group in the order of the items."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _path(request: JournalEntry) -> str:
    return request.path.rstrip("/")


def _shows_end(read: JournalEntry) -> bool:
    # The status is the second field of every order; the end of a long body may be cut.
    status = read.response_body.partition('"status":"')[2].partition('"')[0]
    return read.status in _OK and _path(read) != _ORDERS and status in ("COMPLETED", "FAILED")
