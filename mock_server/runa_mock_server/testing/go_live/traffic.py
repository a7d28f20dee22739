"""Recorded traffic as the rules look at it: requests, purchases, deliveries, outcomes of tests."""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_API = "/v2"
_ORDERS = "/v2/order"
_PAYOUTS = "/payout/"
_OK = range(200, 300)
_REFUSALS = range(400, 500)
_SERVER_ERRORS = range(500, 600)
_TOO_MANY = 429
_IN_PROGRESS = "idempotency_in_progress"
# Faults behind which the client has not the service's own answer.
_REPLACING = frozenset({"status", "rate_limit"})
_CUTTING = frozenset({"reset", "close", "hang", "malformed_json"})


@dataclass(frozen=True, eq=False)
class Request:
    """One request and its answer.

    Attributes:
        record: the record in the traffic.
        source: the name of the file, or the URL.
        at: when, by the mock's clock.
    """

    record: Mapping[str, Any]
    source: str
    at: datetime

    def __getattr__(self, name: str) -> Any:
        # Fields of the record that need no work: method, path, status, rule, test, ...
        try:
            return self.record[name]
        except KeyError:
            raise AttributeError(name) from None

    @cached_property
    def place(self) -> str:
        """The path without a slash at the end."""
        return str(self.record["path"]).rstrip("/") or "/"

    @property
    def is_api(self) -> bool:
        """Whether it went to the API."""
        return self.place.startswith(_API)

    @property
    def is_order(self) -> bool:
        """Whether it was to place an order."""
        return self.record["method"] == "POST" and self.place == _ORDERS

    @property
    def is_redemption(self) -> bool:
        """Whether it went to the redemption API."""
        query = str(self.record["query"]).split("&")
        return self.place.startswith(_PAYOUTS) and "format=json" in query

    @cached_property
    def body(self) -> Any:
        """The JSON that was sent; the text if it is none."""
        return _json(self.record["request_body"])

    @cached_property
    def body_id(self) -> str:
        """Equal for equal bodies: white space and the order of keys do not count."""
        if isinstance(self.body, str):
            return self.body
        return json.dumps(self.body, sort_keys=True)

    @cached_property
    def answer(self) -> Any:
        """The JSON that the service answered; the text if it is none, or was cut."""
        return _json(self.record["response_body"])

    @cached_property
    def _fault_kinds(self) -> frozenset[str]:
        return frozenset(fault["kind"] for fault in self.record["faults"])

    @property
    def is_delivered(self) -> bool:
        """Whether an answer reached the client whole."""
        return self.record["status"] is not None and not self._fault_kinds & _CUTTING

    @property
    def is_successful(self) -> bool:
        """Whether the client has a whole 2xx."""
        return self.is_delivered and self.record["status"] in _OK

    @property
    def is_server_error(self) -> bool:
        """Whether the client was answered a 5xx."""
        return self.is_delivered and self.record["status"] in _SERVER_ERRORS

    @property
    def is_limited(self) -> bool:
        """Whether the client was answered 429."""
        return bool(self.record["status"] == _TOO_MANY)

    @property
    def is_open(self) -> bool:
        """Whether the client cannot know if it was ordered, or was asked to try again."""
        is_in_progress = self.seen_error == _IN_PROGRESS
        return not self.is_delivered or self.is_server_error or self.is_limited or is_in_progress

    @property
    def is_refused(self) -> bool:
        """Whether the client was answered an error that no repetition changes."""
        return self.is_delivered and self.record["status"] in _REFUSALS and not self.is_open

    @property
    def seen_error(self) -> str | None:
        """The error type that the client was shown."""
        hidden = self._fault_kinds & (_REPLACING | _CUTTING)
        error: str | None = None if hidden else self.record["error_type"]
        return error

    @property
    def retry_after(self) -> float | None:
        """The ``Retry-After`` that a fault has sent."""
        given = [f["retry_after"] for f in self.record["faults"] if f["retry_after"] is not None]
        return given[0] if given else None

    def seconds_to(self, later: "Request") -> float:
        """How long the client waited: by the mock's clock or really, whichever is longer.

        A stopped clock shows no pause of a client that sleeps; a client that moves the clock does
        not sleep.
        """
        by_clock = (later.at - self.at).total_seconds()
        really: float = later.record["noted_at"] - self.record["noted_at"]
        return max(by_clock, really, 0.0)

    def __str__(self) -> str:
        record = self.record
        key = record["idempotency_key"]
        key_text = "" if key is None else f" key {_short(key)!r}"
        told = "no answer" if record["status"] is None else record["status"]
        error = f" {self.seen_error}" if self.seen_error else ""
        faults = "".join(f", fault {f['kind']} {f['place']}" for f in record["faults"])
        test = f" [{record['test']}]" if record.get("test") else ""
        return (
            f"#{record['number']} {record['method']} {_short(record['path'])}{key_text}: "
            f"{told}{error}{faults}{test} ({self.source})"
        )


@dataclass(frozen=True)
class Server:
    """What is known of a server.

    Attributes:
        url: where clients reached it.
        profile: ``playground`` or ``production``.
        version: the version of runa-mock.
    """

    url: str
    profile: str
    version: str


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver a webhook."""

    record: Mapping[str, Any]
    source: str

    @property
    def is_accepted(self) -> bool:
        """Whether the handler answered 2xx."""
        return self.record["status"] in _OK

    def __str__(self) -> str:
        faults = "".join(f", {fault}" for fault in self.record["faults"])
        told = self.record["status"] or self.record["failure"]
        return f"{self.record['event']} {self.record['message']}{faults}: {told} ({self.source})"


@dataclass(frozen=True)
class Input:
    """One file or server.

    Attributes:
        name: its path or URL.
        source: what recorded it.
        version: the version of runa-mock that recorded it.
        digest: SHA-256 of its bytes.
        requests: how many requests it has.
        missing: how many requests its journals had forgotten.
    """

    name: str
    source: str
    version: str
    digest: str
    requests: int
    missing: int = 0


class Traffic:
    """Everything that was recorded.

    Args:
        inputs: where it comes from.
        requests: in the order in which they were made, server by server.
        servers: by the id in the records.
        deliveries: the attempts to deliver webhooks.
        outcomes: by the name of each test ``passed``, ``failed`` or ``skipped``.
        checks: the records of ``check-webhooks``.
    """

    def __init__(
        self,
        inputs: Sequence[Input] = (),
        requests: Sequence[Request] = (),
        *,
        servers: Mapping[str, Server] | None = None,
        deliveries: Sequence[Delivery] = (),
        outcomes: Mapping[str, str] | None = None,
    ) -> None:
        self.inputs = inputs
        self.requests = requests
        self.servers = servers or {}
        self.deliveries = deliveries
        self.outcomes = outcomes or {}

    @cached_property
    def api(self) -> list[Request]:
        """The requests to the API."""
        return [request for request in self.requests if request.is_api]

    @cached_property
    def orders(self) -> list[Request]:
        """The requests to place an order."""
        return [request for request in self.requests if request.is_order]

    @cached_property
    def clients(self) -> list[list[Request]]:
        """The requests of each client: one account on one server, in one test where there are."""
        return list(
            grouped(
                self.requests,
                lambda r: (r.server, r.account or r.key, r.record.get("test")),
            ).values()
        )

    @cached_property
    def purchases(self) -> list["Purchases"]:
        """The purchases of each client that has ordered."""
        found = [Purchases([r for r in client if r.is_order]) for client in self.clients]
        return [each for each in found if each.attempts]

    def profile(self, request: Request) -> str:
        """The environment of the server that a request went to."""
        server = self.servers.get(request.server)
        return "playground" if server is None else server.profile

    def outcome(self, request: Request) -> str | None:
        """How the test behind a request ended; ``None`` where there was none."""
        return self.outcomes.get(request.record.get("test") or "")


class Purchases:
    """The attempts of one client, told apart by what they were to buy.

    Attempts with one key are one purchase; so is an attempt with the body of an earlier one whose
    outcome the client could not know.

    Args:
        attempts: its requests to place an order.
    """

    def __init__(self, attempts: Sequence[Request]) -> None:
        self.attempts = attempts
        self.each: list[list[Request]] = []
        by_key: dict[str, list[Request]] = {}
        for attempt in attempts:
            key = attempt.idempotency_key
            purchase = by_key.get(key) if key else None
            if purchase is None:
                purchase = self._continued(attempt)
            purchase.append(attempt)
            if key:
                by_key[key] = purchase

    def _continued(self, attempt: Request) -> list[Request]:
        for purchase in self.each:
            if purchase[-1].is_open and purchase[-1].body_id == attempt.body_id:
                return purchase
        self.each.append([])
        return self.each[-1]

    @property
    def pairs(self) -> Iterable[tuple[Request, Request]]:
        """Each attempt with the one after it, in one purchase."""
        return (pair for purchase in self.each for pair in pairwise(purchase))


def grouped(values: Iterable[T], key: "Any") -> dict[Any, list[T]]:
    """Values by a key, in the order in which the keys come first."""
    groups: dict[Any, list[T]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return groups


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
