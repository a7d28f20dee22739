"""The bodies, queries and results of the control API.

The Python face gives the results as they are here, so they are also the library's types.
"""

from datetime import datetime
from email import message_from_string, policy
from email.message import EmailMessage
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    model_validator,
)

from runa_mock_server.base.clock import FASTEST
from runa_mock_server.server_state.fault_spec import FaultSpec
from runa_mock_server.server_state.journal import Outcome

LONGEST_PAGE = 10_000

Status = Literal["PROCESSING", "COMPLETED", "FAILED"]


class Body(BaseModel):
    """What a call sends: JSON types are taken as they are, unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Query(BaseModel):
    """What a call asks for in its query string: unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Result(BaseModel):
    """What a call is answered with."""


def _duration(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, float | int | str | None):
        raise ValueError("must be seconds, or an ISO 8601 duration such as P31D")  # noqa: TRY004 - pydantic reports a ValueError
    if isinstance(given, float) and not isfinite(given):
        raise ValueError("must be finite")
    return given


def parsed_moment(given: Any) -> Any:
    """A moment from its text in ISO 8601, for a validator of pydantic."""
    if given is None:
        return None
    try:
        return datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise ValueError("must be a moment such as 2026-01-31T12:00:00Z") from None


class Health(Result):
    """Whether the server is there, and what it is."""

    status: Literal["ok"] = "ok"
    version: str
    profile: str


class Done(Result):
    """What was done."""

    done: str


class ResetBody(Body):
    """Nothing: what is reset follows from the account that is chosen."""


class ClockResult(Result):
    """Where a clock stands."""

    now: datetime
    speed: float = Field(description="Seconds for each second that passes; 0: it stands still.")


class ClockBody(Body):
    """How a clock is moved. `advance` or `set` is done first, then `freeze` or `speed`."""

    advance: Annotated[float | str | None, BeforeValidator(_duration)] = Field(
        default=None, description="Seconds, or an ISO 8601 duration such as P31D."
    )
    set: Annotated[datetime | None, BeforeValidator(parsed_moment)] = Field(
        default=None, description="A moment with its time zone, not in the past."
    )
    freeze: bool | None = Field(
        default=None, description="true: time stands still until it is moved; false: it goes on."
    )
    speed: Annotated[float, Field(gt=0, le=FASTEST)] | None = Field(
        default=None, description="60 is a minute a second."
    )

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.advance is not None and self.set is not None:
            raise ValueError("set: cannot be combined with advance")
        if self.freeze is not None and self.speed is not None:
            raise ValueError("speed: cannot be combined with freeze")
        if {self.advance, self.set, self.freeze, self.speed} == {None}:
            raise ValueError("advance: or one of set, freeze and speed must be given")
        return self


class SettingsResult(Result):
    """How the server behaves; secrets are left out."""

    settings: dict[str, Any]
    changeable: list[str] = Field(description="The settings that can be changed at run time.")


class RequestQuery(Query):
    """Which requests to show: those that fit everything that is given, oldest first."""

    method: Annotated[str, StringConstraints(to_upper=True)] | None = None
    path: str | None = Field(default=None, description="* stands for anything: /v2/order/*.")
    status: int | None = Field(default=None, description="What the caller was told; 0: nothing.")
    idempotency_key: str | None = None
    outcome: Outcome | None = None
    error_type: str | None = None
    fault: str | None = Field(default=None, description="The id of a fault; * is any.")
    after: int = Field(default=0, description="Only requests with a larger number.")
    before: int | None = Field(default=None, description="Only requests with a smaller number.")
    brief: bool = Field(
        default=False, description="Without headers and bodies, which are empty then."
    )
    limit: Annotated[int, Field(ge=0, le=LONGEST_PAGE)] = Field(
        default=1_000, description="The latest of those that fit."
    )


class FaultHit(Result):
    """A fault that hit a request."""

    id: str
    kind: str
    place: str


class JournalEntry(Result):
    """A request and what was answered."""

    number: int
    at: datetime
    account: str | None = Field(description="null: the caller had no account.")
    method: str
    path: str
    query: str
    headers: dict[str, str] = Field(description="Names in lower case; no keys, tokens, cookies.")
    idempotency_key: str | None
    request_body: str = Field(description="Its first 4096 bytes.")
    status: int | None = Field(description="What the caller was told; null: nothing.")
    error_type: str | None
    response_body: str = Field(description="The first 4096 bytes that the service answered.")
    outcome: Outcome | None
    order_id: str | None
    faults: list[FaultHit]


class RequestsResult(Result):
    """The requests that fit."""

    requests: list[JournalEntry]
    total: int = Field(description="How many fit, also those beyond the limit.")
    by_status: dict[str, int] = Field(description="How many of them by what the caller was told.")
    kept: int = Field(description="How many requests the journal holds.")
    dropped: int = Field(description="How many it has forgotten to keep within its limits.")


class FaultResult(Result):
    """A fault."""

    id: str
    account: str | None = Field(description="null: it hits everybody.")
    armed: bool = Field(description="Whether it can still strike.")
    matched: int = Field(description="The requests that it was meant for so far.")
    struck: int = Field(description="How many of them it hit.")
    spec: FaultSpec

    @field_serializer("spec")
    def _as_sent(self, spec: FaultSpec) -> dict[str, Any]:
        return spec.model_dump(mode="json", exclude_unset=True)


class FaultsResult(Result):
    """Every fault: those that can strike, then those that cannot any more."""

    faults: list[FaultResult]


class OrdersQuery(Query):
    """Which orders to show, newest first."""

    status: Status | None = None
    before: Annotated[str, Field(pattern=r"^O-[0-9A-HJKMNP-TV-Z]{26}$")] | None = Field(
        default=None, description="Only orders older than this id: the last of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 100


class OrderSummary(Result):
    """Where an order stands."""

    account: str
    id: str
    status: Status
    created_at: datetime
    ends_at: datetime | None = Field(description="null: on hold, it does not end by itself.")
    reads_left: int | None = Field(description="Reads that it stays PROCESSING for, if it counts.")
    failure_reason: str | None
    currency: str
    total_price: str
    description: str | None
    remaining: float | None = Field(
        description="Seconds by its account's clock until it ends; null: it has ended, or is held."
    )
    wait: float | None = Field(
        description="Real seconds until it ends; null where remaining is, and while time stands."
    )


class OrderDetail(OrderSummary):
    """Where an order stands, and its document as it will be once it has ended."""

    order: dict[str, Any]


class OrdersResult(Result):
    """Orders, newest first."""

    orders: list[OrderSummary]
    total: int = Field(description="How many orders there are, of any status.")


class OrderBody(Body):
    """What becomes of an order, or of its payouts: `status` or `payout_status`."""

    status: Literal["COMPLETED", "FAILED", "PROCESSING"] | None = Field(
        default=None,
        description="COMPLETED and FAILED end it now; PROCESSING holds it until it is told.",
    )
    reason: Annotated[str, Field(min_length=1, max_length=1_000)] | None = Field(
        default=None, description="Why it fails."
    )
    payout_status: Literal["CANCELLED", "EXPIRED"] | None = Field(
        default=None, description="What its active payouts become."
    )
    item_id: str | None = Field(default=None, description="Only the payout of this item.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.status is None) == (self.payout_status is None):
            raise ValueError("status: either this or payout_status must be given")
        if self.reason is not None and self.status != "FAILED":
            raise ValueError("reason: is for the status FAILED")
        if self.item_id is not None and self.payout_status is None:
            raise ValueError("item_id: is for payout_status")
        return self


class EmailsQuery(Query):
    """Which mails to show."""

    to: str | None = None
    order_id: str | None = None
    sent: bool | None = Field(default=None, description="Whether they have left.")
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = Field(
        default=1_000, description="The latest of those that fit."
    )


class EmailResult(Result):
    """A mail with a payout link."""

    id: str
    account: str
    to: str
    order_id: str
    item_id: str
    url: str
    template_id: str | None
    sent: bool
    sent_at: datetime | None = Field(description="When it leaves; null: its order is on hold.")
    subject: str
    relayed: str | None = Field(
        description="What came of relaying it by SMTP: sent, or why it was not; null: nothing yet."
    )


class EmailDetail(EmailResult):
    """A mail, and what it says."""

    text: str
    html: str
    mime: str = Field(description="The whole message, as it leaves.")

    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_string(self.mime, EmailMessage, policy=policy.default)


class EmailsResult(Result):
    """The mails that orders have caused, in the order in which they leave."""

    emails: list[EmailResult]
    total: int


class AccountResult(Result):
    """An account."""

    name: str
    orders: int
    requests: int
    balances: dict[str, str]
    now: datetime


class AccountsResult(Result):
    """Every account, in the order in which they were first used."""

    accounts: list[AccountResult]


class OperationResult(Result):
    """An operation of the control API."""

    method: str
    path: str
    summary: str


class IndexResult(Result):
    """What the control API can do."""

    operations: list[OperationResult]
