"""What a store keeps of webhooks: orders that have ended, and attempts that were made."""

from collections.abc import Mapping, Sequence
from typing import Any

from runa_mock_server.base.text import escaped
from runa_mock_server.webhooks.messages import Attempt, Delivery, Due, Message
from runa_mock_server.webhooks.queues import EndedOrder


def ended_fields(account: str | None, ended: EndedOrder, message: Message | None) -> dict[str, Any]:
    """What is kept of an order that has ended: its message, if an endpoint is subscribed."""
    fields: dict[str, Any] = {
        "account": None if account is None else escaped(account),
        "at": ended.at,
        "order": ended.order_id,
        "message": None,
    }
    if message is not None:
        fields["message"] = message.id
        fields["body"] = message.payload.decode()
        fields["endpoints"] = [delivery.endpoint.id for delivery in message.deliveries]
    return fields


def attempt_fields(due: Due, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """What is kept of an attempt and what it makes of its delivery and its endpoint."""
    delivery = due.delivery
    endpoint, account = delivery.endpoint, delivery.message.account
    return {
        "message": delivery.message.id,
        "endpoint": endpoint.id,
        "by_hand": due.by_hand,
        "state": delivery.state,
        "due": delivery.due,
        "failures": delivery.failures,
        "disabled": endpoint.disabled,
        "failing": endpoint.failing.get(account),
        "attempts": [
            (each.at, each.status, each.duration, each.response.decode("latin-1"), *each[4:])
            for each in attempts
        ],
    }


def restore_attempts(delivery: Delivery, fields: Mapping[str, Any]) -> None:
    """Have a delivery and its endpoint be as they were after some attempts."""
    endpoint, account = delivery.endpoint, delivery.message.account
    for at, status, duration, response, error, faults, no_answer in fields["attempts"]:
        answer = response.encode("latin-1")
        delivery.note(Attempt(at, status, duration, answer, error, tuple(faults), no_answer))
    if not fields["by_hand"] or fields["state"] != "pending":
        delivery.state, delivery.due = fields["state"], fields["due"]
        delivery.failures = fields["failures"]
    if delivery.attempts[-1].succeeded:
        endpoint.succeeded()
    elif fields["failing"] is not None:
        endpoint.failing[account] = fields["failing"]
    endpoint.disabled = endpoint.disabled or fields["disabled"]
