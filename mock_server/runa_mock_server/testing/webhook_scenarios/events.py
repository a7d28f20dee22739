"""The messages of the deliveries: fresh ids, bodies as the service sends them, and other bodies."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any

import orjson

from runa_mock_server.base.ids import next_order_id
from runa_mock_server.webhooks.messages import new_message_id

Render = Callable[[Any], bytes]


def compact(document: Any) -> bytes:
    """JSON without white space, as the service sends it."""
    return orjson.dumps(document)


def spaced(document: Any) -> bytes:
    """JSON with a blank after each comma and colon, as Python's ``json.dumps`` writes it."""
    return json.dumps(document).encode()


def indented(document: Any) -> bytes:
    """The same JSON in other bytes, with sorted keys, as a proxy may write it."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


class Events:
    """Makes events.

    Args:
        order_ids: orders that the handler knows, to be used in turn; none: unknown ones.

    Attributes:
        render: how a body is written.
    """

    def __init__(self, order_ids: Sequence[str] = ()) -> None:
        self._order_ids = list(order_ids)
        self._used = 0
        self._latest = ""
        self._random = SystemRandom()
        self.render: Render = compact

    def message_id(self) -> str:
        """A fresh message id."""
        return new_message_id(self._random)

    def unknown_order_id(self) -> str:
        """The id of an order that no handler can know."""
        now = round(datetime.now(UTC).timestamp() * 1_000_000)
        self._latest = next_order_id(self._latest, now, secrets.token_bytes(16))
        return self._latest

    def completed(self, *, seconds_ago: float = 1, known: bool = True) -> dict[str, Any]:
        """The body of ``order.completion`` of another order each time."""
        created = datetime.now(UTC) - timedelta(seconds=seconds_ago + 1)
        return {
            "id": self._order_id() if known else self.unknown_order_id(),
            "status": "COMPLETED",
            "created_at": _moment(created),
            "completed_at": _moment(created + timedelta(seconds=1)),
            "description": "an order of check-webhooks",
            "payment_method": {"type": "ACCOUNT_BALANCE"},
            "currency": "USD",
            "total_discount": "0.00",
            "total_price": "10.00",
        }

    def failed(self) -> dict[str, Any]:
        """The body of ``order.completion`` of a failed order: id and status alone."""
        return {"id": self._order_id(), "status": "FAILED"}

    def unknown(self) -> Mapping[str, Any]:
        """The body of an event of a later version."""
        return {
            "payout_id": self.unknown_order_id().replace("O-", "E-"),
            "old_state": "ACTIVE",
            "new_state": "CLAIMED",
            "timestamp": _moment(datetime.now(UTC)),
        }

    def _order_id(self) -> str:
        if not self._order_ids:
            return self.unknown_order_id()
        self._used += 1
        return self._order_ids[(self._used - 1) % len(self._order_ids)]


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
