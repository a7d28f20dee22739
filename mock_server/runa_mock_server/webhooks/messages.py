"""Webhook messages, their delivery to each endpoint, and the attempts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, NamedTuple

from runa_mock_server.base.clock import SECOND, Clock
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.faults import FaultKind, InjectedFaults

State = Literal["pending", "delivered", "failed"]

Failure = Literal[
    "dns_failure",
    "connection_refused",
    "connection_failed",
    "tls_failure",
    "timeout",
    "transfer_failed",
    "http_status",
]
"""Why an attempt failed. Only ``http_status`` is an answer of the receiver: it is not a 2xx."""

RESPONSE_LIMIT = 1024
"""The bytes of a response body that are kept."""

_LONGEST_REASON = 200
_ATTEMPTS_KEPT = 50
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 27
_SUCCESS = range(200, 300)


@dataclass(slots=True)
class Answer:
    """What an endpoint has answered so far.

    Attributes:
        status: the HTTP status, ``None`` while there is none.
        body: the first kilobyte of the response's body.
        failure: the kind of failure, ``None`` where there is a status.
        error: the failure in words, ``None`` where there is a status.
    """

    status: int | None = None
    body: bytearray = field(default_factory=bytearray)
    failure: Failure | None = None
    error: str | None = None

    def fail(self, failure: Failure, reason: str) -> None:
        """Note why there is no status; behind a status nothing is a failure."""
        if self.status is None and self.failure is None:
            self.failure, self.error = failure, reason[:_LONGEST_REASON]


class Attempt(NamedTuple):
    """One POST to an endpoint.

    Attributes:
        at: when it was made, microseconds since the epoch, by the mock's clock.
        status: the HTTP status; ``None`` if there was none.
        duration: how long it took, seconds of the computer's time.
        response: the first kilobyte of the response body.
        error: why there is no status, in words.
        faults: the webhook faults that were injected.
        no_answer: the kind of failure if there was no status.
    """

    at: int
    status: int | None
    duration: float
    response: bytes
    error: str | None
    faults: tuple[FaultKind, ...]
    no_answer: Failure | None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint answered with a 2xx."""
        return self.status in _SUCCESS

    @property
    def failure(self) -> Failure | None:
        """Why the attempt failed, ``None`` if it succeeded."""
        return None if self.succeeded else self.no_answer or "http_status"


@dataclass(eq=False, slots=True)
class Delivery:
    """The delivery of one message to one endpoint.

    Attributes:
        message: the message.
        endpoint: the endpoint.
        state: whether it is pending, delivered or failed.
        due: when the next attempt is due, or ``NEVER``.
        failures: how many of its scheduled attempts have failed.
        attempts: the attempts, oldest first.
        held: the faults to inject once another message has overtaken it, while it waits for that.
    """

    message: "Message"
    endpoint: Endpoint
    due: int
    state: State = "pending"
    failures: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    held: InjectedFaults | None = None

    def note(self, attempt: Attempt) -> None:
        """Keep an attempt, and of all the latest 50."""
        self.attempts.append(attempt)
        del self.attempts[:-_ATTEMPTS_KEPT]

    def end(self, state: State) -> None:
        """Make no attempt any longer."""
        self.state = state
        self.due = NEVER

    def settle(
        self, attempt: Attempt, failed_at: int, schedule: Sequence[float], *, by_hand: bool
    ) -> None:
        """Schedule what follows an attempt.

        Args:
            attempt: the attempt.
            failed_at: when the attempt ended; the next wait counts from there.
            schedule: the seconds between a failure and the next attempt.
            by_hand: whether the attempt was a resend, which is not part of the schedule.
        """
        self.note(attempt)
        if not self.message.deliveries:  # dropped meanwhile
            return
        if attempt.succeeded:
            self.endpoint.succeeded()
            self.end("delivered")
            return
        self.endpoint.failed(self.message.account, failed_at)
        # A resend changes nothing about the schedule, and a delivery that has ended stays so.
        if by_hand or self.state != "pending":
            return
        if self.failures < len(schedule) and not self.endpoint.disabled:
            self.due = failed_at + round(schedule[self.failures] * SECOND)
            self.failures += 1
        else:
            self.end("failed")


@dataclass(eq=False, slots=True)
class Message:
    """The message of one event; its id is the same on every attempt.

    Attributes:
        id: ``msg_...``.
        account: the API key of the account that it is about; ``None`` for the server's products.
        clock: the clock that its attempts go by.
        event: what happened.
        subject: the order id, or the product code.
        created_at: when it happened, microseconds since the epoch.
        payload: the body, JSON.
        deliveries: one for each endpoint that was subscribed; none once it was dropped.
    """

    id: str
    account: str | None
    clock: Clock
    event: Event
    subject: str
    created_at: int
    payload: bytes
    deliveries: list[Delivery] = field(default_factory=list)


class Due(NamedTuple):
    """An attempt to make.

    Attributes:
        delivery: the message and the endpoint.
        due: when, microseconds since the epoch.
        late: how many microseconds later it was taken up, because the clock was moved.
        by_hand: whether it is a resend, which is not part of the schedule.
        noticed: when it was taken up, in seconds of the sender's own clock.
    """

    delivery: Delivery
    due: int
    late: int = 0
    by_hand: bool = False
    noticed: float = 0

    @property
    def is_wanted(self) -> bool:
        """Whether the attempt is still to be made."""
        delivery = self.delivery
        if delivery.endpoint.disabled:
            return False
        return bool(delivery.message.deliveries) if self.by_hand else delivery.state == "pending"


def new_message_id(random: Random) -> str:
    """``msg_`` and 27 letters and digits."""
    return "msg_" + "".join(random.choices(_ALPHABET, k=_ID_LENGTH))
