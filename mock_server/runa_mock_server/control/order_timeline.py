"""The whole story of one order: who asked for it, what went wrong, what became of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.slices import Work
from runa_mock_server.control.breaking import fault_result
from runa_mock_server.control.emails import email_result
from runa_mock_server.control.models import (
    EmailResult,
    FaultResult,
    JournalEntry,
    OrderDetail,
    Result,
)
from runa_mock_server.control.operation import Steps
from runa_mock_server.control.orders import find_order, order_detail
from runa_mock_server.control.records import entry_result
from runa_mock_server.control.scope import Scope
from runa_mock_server.control.webhook_models import MessageResult
from runa_mock_server.control.webhooks import message_result
from runa_mock_server.orders.order import Order
from runa_mock_server.orders.payouts import Payout
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.entry import Entry, Outcome

_MOST_REQUESTS = 200

EventKind = Literal[
    "request", "replay", "refused", "read", "fault", "status", "mail", "payout", "webhook"
]

_DONE: Mapping[Outcome | None, tuple[EventKind, str]] = {
    "created": ("request", "The service created the order"),
    "replayed": ("replay", "The service repeated the stored answer"),
    "refused": ("refused", "The service refused the request"),
    None: ("refused", "The service never saw the request"),
}


class StoryEvent(Result):
    """Something that happened to an order, or is about to."""

    at: datetime | None = Field(description="null: it does not come by itself.")
    kind: EventKind
    text: str
    request: int | None = Field(default=None, description="The number of its request.")
    message: str | None = Field(default=None, description="The id of its webhook message.")
    expected: bool = Field(default=False, description="Whether it is still to come.")


class PayoutResult(Result):
    """A payout link of an order."""

    item_id: str
    url: str
    status: str
    status_updated_at: datetime
    expiry_date: str | None
    currency: str
    face_value: str
    products: list[str]
    recipient: str | None = Field(description="Where it goes: a mail address, if it is mailed.")
    opens: bool = Field(description="Whether the link opens yet: once the order has ended.")


class OrderStory(Result):
    """All that is known of an order."""

    order: OrderDetail
    events: list[StoryEvent] = Field(description="In the order in which they happen.")
    requests: list[JournalEntry] = Field(
        description="The latest 200 that used its key, read it, or opened one of its links."
    )
    complete: bool = Field(description="Whether the journal still holds every request.")
    faults: list[FaultResult] = Field(description="Those that hit one of the requests.")
    emails: list[EmailResult]
    webhooks: list[MessageResult] = Field(
        description="The message that tells of it; none if nobody was subscribed when it ended."
    )
    payouts: list[PayoutResult]


def read_story(scope: Scope, order_id: str) -> Steps[OrderStory]:
    """Tell all that happened around an order: requests, status, mails, webhooks, payouts."""
    return Steps(_story(scope, order_id))


def _story(scope: Scope, order_id: str) -> Work[OrderStory]:
    account, order = yield from find_order(scope, order_id)
    payouts = account.orders.payouts_of(order)
    requests = _requests(account, order, [payout.token for payout in payouts])
    hits = {hit[0] for entry in requests for hit in entry.faults}
    results = [_payout(scope, account, payout) for payout in payouts]
    renderer = account.mail_renderer()
    emails = [email_result(account, email, renderer) for email in account.outbox.of(order_id)]
    told = scope.server_state.webhooks.of_order(order_id)
    webhooks = [] if told is None else [message_result(scope, told)]
    events = [
        *(event for entry in requests for event in _request_events(entry)),
        *_status_events(account, order),
        *_mail_events(emails),
        *_webhook_events(webhooks),
        *(_payout_event(payout) for payout in results if payout.status != "ACTIVE"),
    ]
    return OrderStory(
        order=order_detail(scope, account, order),
        events=sorted(events, key=_place),
        requests=[entry_result(entry, account.name) for entry in requests],
        complete=not account.journal.dropped,
        faults=[
            fault_result(scope, fault) for fault in scope.server_state.faults if fault.id in hits
        ],
        emails=emails,
        webhooks=webhooks,
        payouts=results,
    )


def _requests(account: Account, order: Order, tokens: list[str]) -> list[Entry]:
    """What was asked about an order, oldest first; one pass to find its keys, one to find all."""
    journal = list(account.journal)
    keys = {entry.idempotency_key for entry in journal if entry.order_id == order.id} - {None}
    marks = [order.id, *tokens]
    found = [
        entry
        for entry in journal
        if entry.order_id == order.id
        or entry.idempotency_key in keys
        or any(mark in entry.target for mark in marks)
    ]
    return found[-_MOST_REQUESTS:]


def _request_events(entry: Entry) -> Iterator[StoryEvent]:
    at, path = to_datetime(entry.at), entry.target.partition("?")[0]
    told = "heard nothing" if entry.status is None else f"was told {entry.status}"
    kind: EventKind = "read"
    done = f"{entry.method} {path}"
    if entry.idempotency_key is not None:
        kind, done = _DONE[entry.outcome]
    yield StoryEvent(at=at, kind=kind, text=f"{done}; the client {told}", request=entry.number)
    for id_, fault, place in entry.faults:
        yield StoryEvent(
            at=at, kind="fault", text=f"{id_} struck: {fault} {place}", request=entry.number
        )


def _status_events(account: Account, order: Order) -> Iterator[StoryEvent]:
    yield StoryEvent(at=to_datetime(order.created_at), kind="status", text="PROCESSING")
    if order.on_hold:
        left = order.reads_left
        why = "is on hold" if left is None else f"ends after {left} more reads"
        yield StoryEvent(at=None, kind="status", text=f"It {why}", expected=True)
        return
    reason = order.failure_reason
    yield StoryEvent(
        at=to_datetime(order.ends_at),
        kind="status",
        text=order.outcome if reason is None else f"{order.outcome}: {reason}",
        expected=account.clock.now() < order.ends_at,
    )


def _webhook_events(messages: list[MessageResult]) -> Iterator[StoryEvent]:
    for message in messages:
        for delivery in message.deliveries:
            for attempt in delivery.attempts:
                came = attempt.error if attempt.status is None else f"answered {attempt.status}"
                text = f"{message.event} to {delivery.url}: {came}"
                yield StoryEvent(at=attempt.at, kind="webhook", text=text, message=message.id)
            if delivery.next_attempt_at is not None:
                yield StoryEvent(
                    at=delivery.next_attempt_at,
                    kind="webhook",
                    text=f"{message.event} to {delivery.url}",
                    message=message.id,
                    expected=True,
                )


def _mail_events(emails: list[EmailResult]) -> Iterator[StoryEvent]:
    for email in emails:
        text = f"Mail with {'the payout link' if email.code is None else 'a code'} to {email.to}"
        yield StoryEvent(at=email.sent_at, kind="mail", text=text, expected=not email.sent)


def _payout(scope: Scope, account: Account, payout: Payout) -> PayoutResult:
    return PayoutResult(
        item_id=payout.item_id,
        url=scope.payout_url + payout.token,
        status=payout.status,
        status_updated_at=to_datetime(payout.status_updated_at),
        expiry_date=payout.expiry_date,
        currency=payout.currency,
        face_value=payout.face_value,
        products=list(payout.codes),
        recipient=payout.item.distribution.email_address,
        opens=account.clock.now() >= payout.order.ends_at,
    )


def _payout_event(payout: PayoutResult) -> StoryEvent:
    return StoryEvent(
        at=payout.status_updated_at,
        kind="payout",
        text=f"Payout of {payout.currency} {payout.face_value}: {payout.status}",
        expected=not payout.opens,
    )


def _place(event: StoryEvent) -> tuple[bool, float]:
    return event.at is None, 0 if event.at is None else event.at.timestamp()
