"""Where an account's orders lie: flat, so that a million of them cost no time per request.

Nothing in here is an object that the garbage collector walks: a dict of strings and bytes, and
one bytearray of ids in the order of creation. The document of an order is kept as the bytes that
``GET /order/{id}`` sends; its basic form is a prefix of them.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

_HEADER = struct.Struct("<qqI")
_ID_SIZE = len("O-") + 26


class StoredOrder(NamedTuple):
    """An order as it will be once it has ended.

    Attributes:
        id: ``O-`` and a ULID.
        ends_at: when processing ends, microseconds since the epoch.
        expires_at: when its payout links expire, or ``NEVER``.
        document: the full order, JSON bytes.
        basic_size: how many bytes of ``document`` belong to the basic form.
    """

    id: str
    ends_at: int
    expires_at: int
    document: bytes
    basic_size: int

    @property
    def basic(self) -> bytes:
        """The form in which lists and webhooks show the order, JSON bytes."""
        return self.document[: self.basic_size] + b"}"


class OrderStore:
    """The orders of one account, by id and by age. Ids are added in growing order."""

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}
        self._ids = bytearray()

    def __len__(self) -> int:
        return len(self._records)

    def add(self, order: StoredOrder) -> None:
        """Append a new order; its id is larger than all before."""
        self.replace(order)
        self._ids += order.id.encode()

    def replace(self, order: StoredOrder) -> None:
        """Keep an order's new document in the place of the one before."""
        # The concatenation also copies: what a JSON writer hands out can sit in a larger block.
        header = _HEADER.pack(order.ends_at, order.expires_at, order.basic_size)
        self._records[order.id] = header + order.document

    def get(self, order_id: str) -> StoredOrder | None:
        """The order, or ``None`` if this account has none with that id."""
        record = self._records.get(order_id)
        if record is None:
            return None
        ends_at, expires_at, basic_size = _HEADER.unpack_from(record)
        return StoredOrder(order_id, ends_at, expires_at, record[_HEADER.size :], basic_size)

    def at(self, position: int) -> StoredOrder | None:
        """The order that has ``position`` older ones, or ``None`` if there are not so many."""
        return self.get(self._id_at(position)) if position < len(self) else None

    def position(self, order_id: str) -> int | None:
        """How many orders are older than this one, or ``None`` if it is unknown."""
        if order_id not in self._records:
            return None
        return self.count_before(order_id)

    def count_before(self, order_id: str) -> int:
        """How many orders have a smaller id, whether there is one with this id or not."""
        return bisect_left(range(len(self)), order_id, key=self._id_at)

    def newest(self, stop: int, fits: Callable[[int, bytes], bool]) -> Iterator[StoredOrder]:
        """The orders at positions below ``stop`` that fit, newest first, as they are asked for.

        Args:
            stop: how many orders there are to look at.
            fits: is given when an order ends and its document; whatever does not fit is not read.
        """
        for position in range(stop - 1, -1, -1):
            order_id = self._id_at(position)
            record = self._records[order_id]
            if fits(_HEADER.unpack_from(record)[0], record[_HEADER.size :]):
                order = self.get(order_id)
                if order is not None:
                    yield order

    def between(self, start: int, stop: int) -> list[StoredOrder]:
        """The orders at positions ``start`` up to, not including, ``stop``; newest first."""
        found = (self.get(self._id_at(position)) for position in range(stop - 1, start - 1, -1))
        return [order for order in found if order is not None]

    def ending_after(self, moment: int) -> Iterator[StoredOrder]:
        """The orders that end later than a moment; looks at all, so it is not for a request."""
        for order_id, record in tuple(self._records.items()):
            if _HEADER.unpack_from(record)[0] > moment:
                order = self.get(order_id)
                if order is not None:
                    yield order

    def drop(self, count: int) -> bool:
        """Forget some orders, whichever; for an account that nobody can reach any more.

        Returns:
            Whether there are more.
        """
        for _ in range(min(count, len(self._records))):
            self._records.popitem()
        return bool(self._records)

    def _id_at(self, position: int) -> str:
        start = position * _ID_SIZE
        return self._ids[start : start + _ID_SIZE].decode()
