"""The bodies, queries and results of the control API's operations on webhooks."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runa_mock_server.base.clock import to_microseconds
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.contract.webhook_subscription import Secret, Url
from runa_mock_server.control.models import LONGEST_PAGE, Body, Query, Result, parsed_moment
from runa_mock_server.webhooks.faults import DEFAULT_SECONDS, Trick
from runa_mock_server.webhooks.messages import Failure, State


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must have a time zone, such as 2026-01-31T12:00:00Z")
    to_microseconds(moment)
    return moment


Moment = Annotated[datetime, BeforeValidator(parsed_moment), AfterValidator(_aware)]


class EndpointBody(Body):
    """Who is told of what."""

    url: Url = Field(description="Where the event is POSTed to: http or https.")
    event: Event
    secret: Secret | None = Field(
        default=None, description="whsec_ and base64: what signs the messages; else one is made."
    )


class EndpointChange(Body):
    """What becomes of an endpoint."""

    url: Url | None = None
    disabled: bool | None = Field(
        default=None, description="false: it is told again, as if nothing had failed."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.url is None and self.disabled is None:
            raise ValueError("url: or disabled must be given")
        return self


class RotateBody(Body):
    """The secret that signs from now on."""

    secret: Secret | None = Field(default=None, description="By default one is made.")


class RecoverBody(Body):
    """From when on messages are recovered."""

    since: Moment = Field(description="A moment with its time zone, by the mock's clock.")


class EndpointResult(Result):
    """An endpoint and how it fares."""

    id: str
    account: str | None = Field(description="null: it is told of everybody's events.")
    url: str
    event: Event
    secret: str = Field(description="What a receiver verifies with.")
    retired_secrets: list[str] = Field(description="Those that still sign beside it.")
    disabled: bool
    failing_since: datetime | None = Field(
        description="The first of the failures that no success has followed."
    )


class EndpointsResult(Result):
    """Every endpoint, and for each event how many are told of it."""

    endpoints: list[EndpointResult]
    subscribed: dict[Event, int] = Field(description="0: nobody is subscribed.")


class MessagesQuery(Query):
    """Which messages to show, newest first."""

    order_id: str | None = None
    event: Event | None = None
    endpoint_id: str | None = None
    state: State | None = None
    limit: Annotated[int, Field(ge=0, le=LONGEST_PAGE)] = 100


class AttemptResult(Result):
    """One POST, and what it came to."""

    at: datetime
    status: int | None
    duration_ms: float = Field(description="By the computer's clock.")
    response: str = Field(description="The first kilobyte of the answer.")
    failure: Failure | None = Field(description="Why it failed; null after a 2xx.")
    error: str | None = Field(description="Why there is no answer, in words.")
    adversary: list[Trick] = Field(description="What was done to it on purpose.")


class DeliveryResult(Result):
    """The way of a message to one endpoint."""

    endpoint_id: str
    url: str
    state: State
    next_attempt_at: datetime | None
    attempts: list[AttemptResult]


class MessageResult(Result):
    """A message: what it tells, and how it got there."""

    id: str = Field(description="svix-id: the same on every attempt.")
    account: str | None
    event: Event
    order_id: str | None
    product_code: str | None
    created_at: datetime
    payload: str
    deliveries: list[DeliveryResult] = Field(description="To each who was subscribed then.")


class MessagesResult(Result):
    """The messages that fit, newest first."""

    messages: list[MessageResult]
    total: int = Field(description="How many fit, also those beyond the limit.")
    dropped: int = Field(description="How many the server has forgotten to make room.")
    subscribed: dict[Event, int]


class ResendBody(Body):
    """To whom a message is sent once more."""

    endpoint_id: str | None = Field(default=None, description="By default to all that it is for.")


class AdversaryBody(Body):
    """What is done to messages on purpose."""

    kind: Trick
    times: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        default=1, description="How many attempts it is done to; null: to any number."
    )
    seconds: Annotated[float, Field(gt=0, le=10**7)] = Field(
        default=DEFAULT_SECONDS,
        description="delay: how old the signature is; reorder: how long it waits for another.",
    )
    endpoint_id: str | None = Field(default=None, description="Only on the way to this endpoint.")

    @model_validator(mode="after")
    def _for_messages(self) -> Self:
        if self.kind == "early" and self.endpoint_id is not None:
            raise ValueError("endpoint_id: cannot be combined with early, which is for an order")
        return self


class AdversaryResult(Result):
    """A trick that was armed."""

    id: str
    account: str | None
    kind: Trick
    times: int | None
    seconds: float
    endpoint_id: str | None
    armed: bool
    struck: int


class TricksResult(Result):
    """Every trick, also those that are spent."""

    tricks: list[AdversaryResult]
