"""The JSON documents of an order, as bytes (provider's pages "Create order" and "Get order").

Keys stand in the order of recorded traffic. In the full document all that belongs to the basic
form comes first, so that the basic form is a prefix of the full one.
"""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import orjson

from runa_mock_server.clock import DAY, timestamp
from runa_mock_server.ids import IdSource
from runa_mock_server.order_store import StoredOrder
from runa_mock_server.order_template import OrderTemplate, as_json
from runa_mock_server.processing import NEVER

Outcome = Literal["COMPLETED", "FAILED"]

BASIC_KEYS = (
    "id",
    "status",
    "created_at",
    "completed_at",
    "description",
    "payment_method",
    "currency",
    "total_discount",
    "total_price",
)
"""What lists show of an order, in the order in which every document has it."""

_ID_AT = len(b'{"id":"')
_ID_SIZE = len("O-") + 26
_STATUS_AT = _ID_AT + _ID_SIZE + len(b'","status":"')


class Timing(NamedTuple):
    """The moments of an order, in microseconds since the epoch.

    Attributes:
        created_at: when it was accepted.
        completed_at: the moment printed as its completion.
        ends_at: from when on it is shown as ended.
        expires_at: when its payout links expire, or ``NEVER``.
    """

    created_at: int
    completed_at: int
    ends_at: int
    expires_at: int = NEVER


class Draft(NamedTuple):
    """All that an order's document says beyond its template.

    Attributes:
        timing: its moments.
        outcome: how it will end.
        position: how many orders of the account are older.
        known_recipients: references that were paid before; their payouts need no claim.
    """

    timing: Timing
    outcome: Outcome
    position: int
    known_recipients: Collection[str]


class Renderer:
    """Makes the documents of one account's orders.

    Args:
        ids: where ids and tokens come from.
        payout_url: turns a payout token into the link that opens it, which ends with the token.
    """

    def __init__(self, ids: IdSource, payout_url: Callable[[str], str]) -> None:
        self._ids = ids
        self._payout_url = payout_url

    def order(self, template: OrderTemplate, draft: Draft) -> StoredOrder:
        """A new order in its final form, with fresh ids for it and for its items."""
        created_at, completed_at, ends_at, expires_at = draft.timing
        outcome = draft.outcome
        completed = timestamp(completed_at)
        expiry_date = _expiry_date(expires_at)
        order_id = self._ids.order_id(created_at)
        slots = [order_id, outcome, timestamp(created_at), completed]
        for index, recipient in enumerate(template.recipients):
            link = self._link(self._ids.payout_token(draft.position, index))
            status = _payout_status(draft, recipient)
            item_id = self._ids.item_id(created_at)
            slots += (item_id, link, status, completed, link, expiry_date)
        document = (template.document % tuple(slots)).encode()
        basic_size = template.basic_size + len(outcome)
        return StoredOrder(order_id, ends_at, expires_at, document, basic_size)

    def _link(self, token: str) -> str:
        """A payout link as JSON; a token needs no escaping."""
        return f'{_start_of_string(self._payout_url(""))}{token}"'


def ended(order: StoredOrder, outcome: Outcome, timing: Timing) -> StoredOrder:
    """An order that ends in another way, or at another moment, than it was rendered with."""
    document = orjson.loads(order.document)
    stamp = timestamp(timing.completed_at)
    document |= {"status": outcome, "completed_at": stamp}
    for item in document["items"]:
        payout = item["payout"]
        payout["status_updated_at"] = stamp
        payout["expiry_date"] = orjson.loads(_expiry_date(timing.expires_at))
        if outcome == "FAILED":
            payout["status"] = "CANCELLED"
    return StoredOrder(
        id=order.id,
        ends_at=timing.ends_at,
        expires_at=timing.expires_at,
        document=orjson.dumps(document),
        basic_size=basic_size(document),
    )


def basic_size(document: Mapping[str, Any]) -> int:
    """How many bytes of a full document make up its basic form, without the last brace."""
    return len(orjson.dumps({key: document[key] for key in BASIC_KEYS})) - len("}")


def _expiry_date(expires_at: int) -> str:
    return "null" if expires_at == NEVER else _day(expires_at // DAY)


@lru_cache(maxsize=16)
def _day(days: int) -> str:
    return f'"{timestamp(days * DAY)[:10]}"'


@lru_cache(maxsize=16)
def _start_of_string(text: str) -> str:
    return as_json(text).removesuffix('"')


def _payout_status(draft: Draft, recipient: str | None) -> str:
    if draft.outcome == "FAILED":
        return "CANCELLED"
    return "CLAIMED" if recipient in draft.known_recipients else "ACTIVE"


def accepted(order_id: str) -> bytes:
    """The answer to a new async order: exactly ``id`` and ``status``."""
    return b'{"id":"%s","status":"PROCESSING"}' % order_id.encode()


def incomplete(order_id: str) -> bytes:
    """All that is shown of an order while it is processed."""
    return (
        b'{"id":"%s","status":"PROCESSING",'
        b'"message":"The order is being processed; ask again in a moment."}' % order_id.encode()
    )


def has_failed(document: bytes) -> bool:
    """Whether an order, whole or in basic form, ends ``FAILED``; without parsing it."""
    return document.startswith(b"FAILED", _STATUS_AT)


def order_id_in(document: bytes) -> str:
    """The id of the order that one of the documents above is about."""
    return document[_ID_AT : _ID_AT + _ID_SIZE].decode()
