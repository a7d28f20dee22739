"""What a client did in a scenario, as recorded by the server."""

import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar

from runa_mock_server.control.models import FaultHit, JournalEntry
from runa_mock_server.server_state.effects import Effects

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_ORDERS = "/v2/order"
_PRODUCTS = "/v2/product"

_OK = range(200, 300)
_REFUSALS = range(400, 500)
_RATE_LIMITED = 429
_IN_PROGRESS = "idempotency_in_progress"
_CONFLICT = "idempotency_validation_error"
_SERVER_ERRORS = 500
_LATE = ("delay", "slow")  # the response comes whole, if the client waits
_LISTED = re.compile(r'"id":"(O-[0-9A-Z]{26})","status":"(?:COMPLETED|FAILED)"')
_ENDS = ("COMPLETED", "FAILED")
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
        told: the ids of the orders of which a webhook was delivered, and the status in it.
        output: the end of the program's output.
        struck: the number of faults of the scenario that hit a request.
    """

    requests: Sequence[JournalEntry]
    effects: Effects
    exit: Exit | None = None
    foreign_requests: int = 0
    told: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    struck: int = 0

    @cached_property
    def attempts(self) -> list[Attempt]:
        """The requests to place an order."""
        return [
            Attempt(request, request.idempotency_key, _body(request))
            for request in self.requests
            if _is_order(request)
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

    @cached_property
    def ends(self) -> Mapping[str, str]:
        """The orders whose end the client knows, and how they ended: by read, list or webhook."""
        ends = dict(self.told)
        for request in self.requests:
            if request.status not in _OK:
                continue
            if _path(request) == _ORDERS:
                if request.method == "GET":
                    ends.update(
                        (m[1], _status(m[0])) for m in _LISTED.finditer(request.response_body)
                    )
                elif request.order_id and _status(request.response_body) in _ENDS:
                    ends[request.order_id] = _status(request.response_body)
            elif _shows_end(request):
                ends[_path(request).rpartition("/")[2]] = _status(request.response_body)
        return ends

    @property
    def seen_ended(self) -> int:
        """The number of orders whose end the client knows."""
        return len(self.ends)

    @property
    def seen_failed(self) -> int:
        """The number of orders that the client knows to have FAILED."""
        return sum(status == "FAILED" for status in self.ends.values())

    @property
    def retries(self) -> int:
        """The number of attempts under a key that was used before."""
        return len(self.attempts) - len(self.by_key)


def is_successful(request: JournalEntry) -> bool:
    """Whether the client got a complete successful response that no fault touched."""
    return request.status in _OK and not request.faults


def by_arrival(requests: Sequence[JournalEntry]) -> list[JournalEntry]:
    """Requests in the order of their arrival, from the order in which they were recorded.

    A request that was delayed before the commit is recorded when the service handles it. Delays hit
    the first attempt to order, so such a request came before the other attempts.
    """
    in_order = list(requests)
    for late in [r for r in requests if any(_is_held_back(hit) for hit in r.faults)]:
        first = next((i for i, r in enumerate(in_order) if _is_order(r) and r is not late), None)
        if first is not None and first < in_order.index(late):
            in_order.remove(late)
            in_order.insert(first, late.model_copy(update={"at": in_order[first].at}))
    return in_order


def _is_held_back(hit: FaultHit) -> bool:
    return hit.kind == "delay" and hit.place in ("before", "inside")


def _is_order(request: JournalEntry) -> bool:
    return request.method == "POST" and _path(request) == _ORDERS


def is_lost(request: JournalEntry) -> bool:
    """Whether the client cannot know what became of the request, or was asked to retry."""
    if request.status is None or request.status >= _SERVER_ERRORS or is_rate_limit(request):
        return True
    return any(hit.kind not in _LATE and hit.kind != "status" for hit in request.faults)


def is_conflict(request: JournalEntry) -> bool:
    """Whether the service refused the key because its first request had another body."""
    return request.error_type == _CONFLICT


def is_late(request: JournalEntry) -> bool:
    """Whether the scenario delayed the response to the request."""
    return any(hit.kind == "delay" for hit in request.faults)


def is_list(request: JournalEntry) -> bool:
    """Whether the request reads a list: orders or the catalogue."""
    return request.method == "GET" and _path(request) in (_ORDERS, _PRODUCTS)


def is_catalogue(request: JournalEntry) -> bool:
    """Whether the request reads something of the catalogue."""
    return request.method == "GET" and _path(request).startswith(_PRODUCTS)


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
    return (
        read.method == "GET"
        and read.status in _OK
        and _path(read).startswith(f"{_ORDERS}/")
        and _status(read.response_body) in _ENDS
    )


def _status(document: str) -> str:
    # The status is the second field of every order; the end of a long body may be cut.
    return document.partition('"status":"')[2].partition('"')[0]
