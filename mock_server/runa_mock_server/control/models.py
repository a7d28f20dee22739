"""The bodies, queries and results of the control API.

The Python controls return the results as they are, so these models are public types.
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
from runa_mock_server.server_state.entry import Outcome
from runa_mock_server.server_state.fault_spec import FaultSpec
from runa_schemas.contract_data import OrderStatus

LONGEST_PAGE = 10_000

Status = OrderStatus


class Body(BaseModel):
    """A request body: JSON types are not converted, unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Query(BaseModel):
    """The query parameters of a request: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Result(BaseModel):
    """The body of a successful response."""


def _duration(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, float | int | str | None):
        raise ValueError("must be seconds, or an ISO 8601 duration such as P31D")  # noqa: TRY004 - pydantic reports a ValueError
    if isinstance(given, float) and not isfinite(given):
        raise ValueError("must be finite")
    return given


def parsed_moment(given: Any) -> Any:
    """Parse an ISO 8601 timestamp, for a pydantic validator."""
    if given is None:
        return None
    try:
        return datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise ValueError("must be a timestamp such as 2026-01-31T12:00:00Z") from None


class Health(Result):
    """The health of the server."""

    status: Literal["ok"] = "ok"
    version: str
    profile: str


class Done(Result):
    """A sentence about what was done."""

    done: str


class ResetBody(Body):
    """No fields: the account of the request decides what is reset."""


class ClockResult(Result):
    """The state of a clock."""

    now: datetime
    speed: float = Field(description="Seconds per second of real time; 0: stopped.")


class ClockBody(Body):
    """A change of a clock. `advance` or `set` is applied first, then `freeze` or `speed`."""

    advance: Annotated[float | str | None, BeforeValidator(_duration)] = Field(
        default=None, description="Seconds, or an ISO 8601 duration such as P31D."
    )
    set: Annotated[datetime | None, BeforeValidator(parsed_moment)] = Field(
        default=None, description="A timestamp with a time zone, not in the past."
    )
    freeze: bool | None = Field(default=None, description="true: stop the clock; false: start it.")
    speed: Annotated[float, Field(gt=0, le=FASTEST)] | None = Field(
        default=None, description="Start the clock with this many seconds per second."
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
    """The settings, without secrets."""

    settings: dict[str, Any]
    changeable: list[str] = Field(description="The settings that can be changed at run time.")
    kindnesses: dict[str, str] = Field(
        description="By setting, where the mock is kinder than the real service; empty: strict."
    )


class RequestQuery(Query):
    """Filters of requests; a request must match all of them."""

    method: Annotated[str, StringConstraints(to_upper=True)] | None = None
    path: str | None = Field(default=None, description="* matches any text: /v2/order/*.")
    status: int | None = Field(default=None, description="Status the client received; 0: none.")
    idempotency_key: str | None = None
    outcome: Outcome | None = None
    error_type: str | None = None
    fault: str | None = Field(default=None, description="The id of a fault; * matches any.")
    after: int = Field(default=0, description="Only requests with a larger number.")
    before: int | None = Field(default=None, description="Only requests with a smaller number.")
    brief: bool = Field(default=False, description="Leave headers and bodies empty.")
    limit: Annotated[int, Field(ge=0, le=LONGEST_PAGE)] = Field(
        default=1_000, description="Maximum number; the latest are returned."
    )


class FaultHit(Result):
    """A fault that hit a request."""

    id: str
    kind: str
    place: str


class JournalEntry(Result):
    """A request and its response."""

    number: int
    at: datetime
    account: str | None = Field(description="null: the request had no valid API key.")
    method: str
    path: str
    query: str
    headers: dict[str, str] = Field(description="Lower-case names; without keys, tokens, cookies.")
    idempotency_key: str | None
    request_body: str = Field(description="The first 4096 bytes.")
    status: int | None = Field(description="Status that the client received; null: none.")
    error_type: str | None
    response_body: str = Field(description="The first 4096 bytes of what the service sent.")
    outcome: Outcome | None
    order_id: str | None
    faults: list[FaultHit]
    kindnesses: list[str] = Field(
        description="Settings without which strict mode would refuse or ignore the request."
    )
    offered: list[str] = Field(
        description="Settings that added or changed something, whether the client used it or not."
    )
    rule: str | None = Field(
        description="Rule of the contract that decided the answer, as `runa-mock rules` lists it; "
        "null: none did."
    )


class RequestsResult(Result):
    """The requests that match the filters, oldest first."""

    requests: list[JournalEntry]
    total: int = Field(description="Number of matches, including those beyond the limit.")
    by_status: dict[str, int] = Field(description="Number of matches by received status.")
    kept: int = Field(description="Number of requests in the journal.")
    dropped: int = Field(description="Number of requests dropped from the journal.")


class FaultResult(Result):
    """A fault."""

    id: str
    account: str | None = Field(description="null: every account.")
    armed: bool = Field(description="Whether the fault can still hit a request.")
    matched: int = Field(description="Number of matching requests so far.")
    struck: int = Field(description="Number of requests that the fault hit.")
    spec: FaultSpec

    @field_serializer("spec")
    def _as_sent(self, spec: FaultSpec) -> dict[str, Any]:
        return spec.model_dump(mode="json", exclude_unset=True)


class FaultsResult(Result):
    """Every fault, armed ones first."""

    faults: list[FaultResult]


class OrdersQuery(Query):
    """Filters of orders."""

    status: Status | None = None
    before: Annotated[str, Field(pattern=r"^O-[0-9A-HJKMNP-TV-Z]{26}$")] | None = Field(
        default=None, description="Only orders older than this id: the last of the previous page."
    )
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 100


class OrderSummary(Result):
    """The state of an order."""

    account: str
    id: str
    status: Status
    created_at: datetime
    ends_at: datetime | None = Field(description="null: the order is on hold.")
    reads_left: int | None = Field(description="Reads until the order ends, with reads:N.")
    failure_reason: str | None
    currency: str
    total_price: str
    description: str | None
    remaining: float | None = Field(
        description="Seconds of the account's clock until the order ends; null: ended or on hold."
    )
    wait: float | None = Field(
        description="Seconds of real time until the order ends; null: none, or clock stopped."
    )


class OrderDetail(OrderSummary):
    """The state of an order, and the document that it has once it has ended."""

    order: dict[str, Any]


class OrdersResult(Result):
    """Orders, newest first."""

    orders: list[OrderSummary]
    total: int = Field(description="Number of orders of any status.")


class OrderBody(Body):
    """A change of an order or of its payouts: `status` or `payout_status`."""

    status: Literal["COMPLETED", "FAILED", "PROCESSING"] | None = Field(
        default=None,
        description="COMPLETED and FAILED end the order now; PROCESSING puts it on hold.",
    )
    reason: Annotated[str, Field(min_length=1, max_length=1_000)] | None = Field(
        default=None, description="Failure reason, for FAILED."
    )
    payout_status: Literal["CANCELLED", "EXPIRED"] | None = Field(
        default=None, description="New status of the active payouts."
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
    """Filters of emails."""

    to: str | None = None
    order_id: str | None = None
    sent: bool | None = Field(default=None, description="Whether the email was sent.")
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = Field(
        default=1_000, description="Maximum number; the latest are returned."
    )


class EmailResult(Result):
    """An email with a payout link or a one-time code."""

    id: str
    account: str
    to: str
    order_id: str
    item_id: str
    url: str
    template_id: str | None
    sent: bool
    sent_at: datetime | None = Field(description="Time of sending; null: the order is on hold.")
    subject: str
    code: str | None = Field(
        default=None, description="One-time code for a push-to-card payout; null: a payout link."
    )
    relayed: str | None = Field(
        description="Result of the SMTP relay: sent, or the error; null: not relayed yet."
    )


class EmailDetail(EmailResult):
    """An email with its content."""

    text: str
    html: str
    mime: str = Field(description="The complete MIME message.")

    def message(self) -> EmailMessage:
        """The parsed MIME message."""
        return message_from_string(self.mime, EmailMessage, policy=policy.default)


class EmailsResult(Result):
    """The emails, in the order in which they are sent."""

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
    """Every account, in the order of first use."""

    accounts: list[AccountResult]


class OperationResult(Result):
    """An operation of the control API."""

    method: str
    path: str
    summary: str


class IndexResult(Result):
    """The operations of the control API."""

    operations: list[OperationResult]
