"""The bodies, queries and results of the control API's operations on webhooks."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runa_mock_server.base.clock import to_microseconds
from runa_mock_server.contract.webhook_events import Event
from runa_mock_server.contract.webhook_subscription import Secret, Url
from runa_mock_server.control.models import LONGEST_PAGE, Body, Query, Result, parsed_moment
from runa_mock_server.webhooks.faults import DEFAULT_SECONDS, Trick
from runa_mock_server.webhooks.messages import State


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must have a time zone, such as 2026-01-31T12:00:00Z")
    to_microseconds(moment)
    return moment


Moment = Annotated[datetime, BeforeValidator(parsed_moment), AfterValidator(_aware)]


class EndpointBody(Body):
    """A new endpoint."""

    url: Url = Field(description="Where the event is POSTed to: http or https.")
    event: Event
    secret: Secret | None = Field(
        default=None, description="Signing secret, whsec_ and base64; a new one by default."
    )


class EndpointChange(Body):
    """A change of an endpoint."""

    url: Url | None = None
    disabled: bool | None = Field(
        default=None, description="false: enable the endpoint and forget its failures."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.url is None and self.disabled is None:
            raise ValueError("url: or disabled must be given")
        return self


class RotateBody(Body):
    """A new signing secret."""

    secret: Secret | None = Field(default=None, description="Signing secret; a new one by default.")


class RecoverBody(Body):
    """The time from which messages are recovered."""

    since: Moment = Field(description="A timestamp with a time zone, by the mock's clock.")


class EndpointResult(Result):
    """An endpoint and its delivery status."""

    id: str
    account: str | None = Field(description="null: events of every account.")
    url: str
    event: Event
    secret: str = Field(description="Signing secret, which receivers verify with.")
    retired_secrets: list[str] = Field(description="Previous secrets that still sign.")
    disabled: bool
    failing_since: datetime | None = Field(
        description="Time of the first failure since the last success."
    )


class EndpointsResult(Result):
    """Every endpoint, and the number of subscribed endpoints by event."""

    endpoints: list[EndpointResult]
    subscribed: dict[Event, int] = Field(description="Number of enabled endpoints by event.")


class MessagesQuery(Query):
    """Filters of messages."""

    order_id: str | None = None
    event: Event | None = None
    endpoint_id: str | None = None
    state: State | None = None
    limit: Annotated[int, Field(ge=0, le=LONGEST_PAGE)] = 100


class AttemptResult(Result):
    """A delivery attempt: one POST and its response."""

    at: datetime
    status: int | None
    duration_ms: float = Field(description="Milliseconds of real time.")
    response: str = Field(description="The first kilobyte of the response body.")
    error: str | None = Field(description="Why there is no answer.")
    adversary: list[Trick] = Field(description="Webhook faults of the attempt.")


class DeliveryResult(Result):
    """The delivery of a message to one endpoint."""

    endpoint_id: str
    url: str
    state: State
    next_attempt_at: datetime | None
    attempts: list[AttemptResult]


class MessageResult(Result):
    """A message and its deliveries."""

    id: str = Field(description="The svix-id header, the same on every attempt.")
    account: str | None
    event: Event
    order_id: str | None
    product_code: str | None
    created_at: datetime
    payload: str
    deliveries: list[DeliveryResult] = Field(description="One for each subscribed endpoint.")


class MessagesResult(Result):
    """The messages that match the filters, newest first."""

    messages: list[MessageResult]
    total: int = Field(description="Number of matches, including those beyond the limit.")
    dropped: int = Field(description="Number of messages that the server dropped.")
    subscribed: dict[Event, int]


class ResendBody(Body):
    """The endpoint that a message is sent to again."""

    endpoint_id: str | None = Field(default=None, description="All its endpoints by default.")


class WebhookFaultBody(Body):
    """A webhook fault."""

    kind: Trick
    times: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        default=1, description="Number of attempts it changes; null: any number."
    )
    seconds: Annotated[float, Field(gt=0, le=10**7)] = Field(
        default=DEFAULT_SECONDS,
        description="delay: age of the signature; reorder: maximum wait for another message.",
    )
    endpoint_id: str | None = Field(default=None, description="Only deliveries to this endpoint.")

    @model_validator(mode="after")
    def _for_messages(self) -> Self:
        if self.kind == "early" and self.endpoint_id is not None:
            raise ValueError("endpoint_id: cannot be combined with early, which is for an order")
        return self


class WebhookFaultResult(Result):
    """A webhook fault that was armed."""

    id: str
    account: str | None
    kind: Trick
    times: int | None
    seconds: float
    endpoint_id: str | None
    armed: bool
    struck: int


class WebhookFaultsResult(Result):
    """Every webhook fault, including those that are used up."""

    tricks: list[WebhookFaultResult]
