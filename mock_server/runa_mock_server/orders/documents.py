"""The JSON documents of an order, as bytes (provider's pages "Create order" and "Get order").

Keys stand in the order of recorded traffic. In the full document all that belongs to the basic
form comes first, so that the basic form is a prefix of the full one.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import orjson

from runa_mock_server.base.clock import DAY, timestamp
from runa_mock_server.base.ids import IdSource, item_ids
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.order_store import BASIC_ENDS, Draft, Outcome, StoredOrder

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
# How many slots a pattern has, and which of an item's is the status of its payout.
_SLOTS_OF_ORDER, _SLOTS_OF_ITEM, _STATUS_SLOT = 4, 6, 2


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


class Renderer:
    """Makes the documents of one account's orders.

    Args:
        ids: where ids and tokens come from.

    Attributes:
        ids: the same.
    """

    def __init__(self, ids: IdSource) -> None:
        self.ids = ids

    def basic(
        self, order_id: str, text: str, outcome: Outcome, created_at: int, completed_at: int
    ) -> bytes:
        """The basic form of an order."""
        slots = (order_id, outcome, timestamp(created_at), timestamp(completed_at))
        return (_basic_pattern(text) % slots).encode()

    def write(self, draft: Draft, claimed: Collection[int] = ()) -> StoredOrder:
        """An order in its final form.

        Args:
            draft: the order as it was accepted.
            claimed: the indexes of the items whose payouts need no claim.
        """
        order_id, text, failed, ends_at, expires_at, created_at, completed_at, _, items = draft
        completed, expiry_date = timestamp(completed_at), _expiry_date(expires_at)
        slots: list[str] = [order_id, draft.outcome, timestamp(created_at), completed]
        status = "CANCELLED" if failed else "ACTIVE"
        tokens = self.ids.payout_tokens(draft.position, items)
        for item_id, token in zip(item_ids(order_id, items), tokens, strict=True):
            slots += (item_id, token, status, completed, token, expiry_date)
        for index in claimed:
            slots[_SLOTS_OF_ORDER + index * _SLOTS_OF_ITEM + _STATUS_SLOT] = "CLAIMED"
        document = (text % tuple(slots)).encode()
        return StoredOrder(order_id, failed, ends_at, expires_at, document)


@lru_cache(maxsize=16)
def _basic_pattern(text: str) -> str:
    return text[: text.index(BASIC_ENDS)] + "}"


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
        failed=outcome == "FAILED",
        document=orjson.dumps(document),
    )


def _expiry_date(expires_at: int) -> str:
    return "null" if expires_at == NEVER else _day(expires_at // DAY)


@lru_cache(maxsize=16)
def _day(days: int) -> str:
    return f'"{timestamp(days * DAY)[:10]}"'


def accepted(order_id: str) -> bytes:
    """The answer to a new async order: exactly ``id`` and ``status``."""
    return b'{"id":"%s","status":"PROCESSING"}' % order_id.encode()


def incomplete(order_id: str) -> bytes:
    """All that is shown of an order while it is processed."""
    return (
        b'{"id":"%s","status":"PROCESSING",'
        b'"message":"The order is being processed; ask again in a moment."}' % order_id.encode()
    )


def order_id_in(document: bytes) -> str:
    """The id of the order that one of the documents above is about."""
    return document[_ID_AT : _ID_AT + _ID_SIZE].decode()
