"""What a client did in a scenario, as far as the service has seen it."""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar

from runa_mock_server.control.models import JournalEntry
from runa_mock_server.control_client.client import Controls
from runa_mock_server.server_state.effects import Effects

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_SERVICE = "/v2/"
_ORDERS = "/v2/order"
_ONE_PAGE = 10_000  # the most that a journal shows at once

_OK = range(200, 300)
_REFUSALS = range(400, 500)
_RATE_LIMITED = 429
_WAITS_FOR_ITSELF = "idempotency_in_progress"
_MOST_LINES = 12


class Exit(NamedTuple):
    """How a program ended.

    Attributes:
        code: its exit status, negative for a signal; ``None`` if it had to be ended.
        seconds: how long it ran.
    """

    code: int | None
    seconds: float


class Body(NamedTuple):
    """What tells one order from another: equal for bodies that mean the same.

    Attributes:
        text: its JSON in one form, or as it is if the journal keeps a part of it only.
        length: that of the whole, where ``text`` is a part.
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
        effects: what they have caused.
        exit: how the program ended; ``None`` for a client inside this process.
        strangers: requests that came at the same time with other API keys.
    """

    requests: Sequence[JournalEntry]
    effects: Effects
    exit: Exit | None = None
    strangers: int = 0

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
        """The attempts with each idempotency key."""
        return _grouped(self.attempts, lambda attempt: attempt.key)

    @cached_property
    def by_body(self) -> dict[Body, list[Attempt]]:
        """The attempts with each body."""
        return _grouped(self.attempts, lambda attempt: attempt.body)

    @cached_property
    def looks(self) -> list[list[JournalEntry]]:
        """The looks at each order, and at each page of the list."""
        reads = [r for r in self.requests if r.method == "GET" and _path(r).startswith(_ORDERS)]
        return list(_grouped(reads, lambda request: (_path(request), request.query)).values())

    @property
    def orders(self) -> int:
        """How many orders were made."""
        return self.effects.orders

    @property
    def seen_ended(self) -> int:
        """How many orders the client was shown as ended."""
        return sum(any(map(_shows_end, looks)) for looks in self.looks)


def observe(account: Controls, ending: Exit | None = None, strangers: int = 0) -> Observation:
    """What has been done so far with an account.

    Args:
        account: the account that the client used.
        ending: how its program ended, if it was one.
        strangers: requests that came at the same time with other API keys.
    """
    # Orders on their own too: a client that asks without a pause fills the page with its looks.
    found = {
        entry.number: entry
        for entry in (
            *account.journal.read(limit=_ONE_PAGE).requests,
            *account.journal.read(method="POST", limit=_ONE_PAGE).requests,
        )
        if entry.path.startswith(_SERVICE)
    }
    requests = [found[number] for number in sorted(found)]
    return Observation(requests, account.effects(), ending, strangers)


def is_well(request: JournalEntry) -> bool:
    """Whether the client got a whole and good answer at once."""
    return request.status in _OK and not request.faults


def is_final_refusal(request: JournalEntry) -> bool:
    """Whether the client was told that the same request will never do."""
    return (
        request.status in _REFUSALS
        and request.status != _RATE_LIMITED
        and request.error_type != _WAITS_FOR_ITSELF
    )


def is_rate_limit(request: JournalEntry) -> bool:
    """Whether the client was told to wait."""
    return request.status == _RATE_LIMITED


def seconds_between(earlier: JournalEntry, later: JournalEntry) -> float:
    """The time from one request to another."""
    return (later.at - earlier.at).total_seconds()


def story(requests: Iterable[JournalEntry]) -> str:
    """Requests as lines for people, with the seconds between them."""
    shown = list(requests)
    pauses = [0.0, *(seconds_between(*pair) for pair in pairwise(shown))]
    lines = [
        f"  +{pause:.3f} s  {_line(request)}"
        for pause, request in zip(pauses, shown, strict=False)  # of nothing there is one pause
    ]
    if len(lines) > _MOST_LINES:
        left_out = len(lines) - _MOST_LINES
        lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = [f"  ... {left_out} more"]
    return "\n".join(lines)


def _line(request: JournalEntry) -> str:
    key = "" if request.idempotency_key is None else f" key {request.idempotency_key!r}"
    told = "nothing heard" if request.status is None else str(request.status)
    kind = "" if request.error_type is None else f" {request.error_type}"
    done = {"created": f", made {request.order_id}", "replayed": ", repeated"}
    fault = "".join(f" (fault: {hit.kind} {hit.place})" for hit in request.faults)
    what = f"#{request.number} {request.method} {request.path}{key}: {told}"
    return f"{what}{kind}{done.get(request.outcome or '', '')}{fault}"


def _body(request: JournalEntry) -> Body:
    try:
        return Body(json.dumps(json.loads(request.request_body), sort_keys=True))
    except (ValueError, RecursionError):
        return Body(request.request_body, request.headers.get("content-length"))


def _grouped(things: Iterable[T], label: Callable[[T], K]) -> dict[K, list[T]]:
    """Things by a label, each group in its order."""
    found: dict[K, list[T]] = {}
    for thing in things:
        found.setdefault(label(thing), []).append(thing)
    return found


def _path(request: JournalEntry) -> str:
    return request.path.rstrip("/")


def _shows_end(look: JournalEntry) -> bool:
    # Status is the second field of every order; the rest of a long one may be cut.
    status = look.response_body.partition('"status":"')[2].partition('"')[0]
    return look.status in _OK and _path(look) != _ORDERS and status in ("COMPLETED", "FAILED")
