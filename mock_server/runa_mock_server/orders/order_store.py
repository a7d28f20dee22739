"""Where an account's orders lie: flat, so that a million of them cost no time per request.

Nothing in here is an object that the garbage collector walks: dicts of strings and bytes, and
one bytearray of ids in the order of creation.

An order is kept as it was accepted, which is little: moments, its place, and the text that it
shares with all orders of the same body. Its document follows from that, byte for byte the same
at any time, and is made, and kept from then on, when somebody reads the order.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol

from runa_mock_server.orders.shared_texts import SharedTexts

Outcome = Literal["COMPLETED", "FAILED"]

BASIC_ENDS = ',"items":['
"""What comes behind the basic form in a document. No string of JSON can hold it."""
_BASIC_ENDS = BASIC_ENDS.encode()

_HEADER = struct.Struct("<??qq")  # what all records begin with
_ENDS_AT = struct.Struct("<xxq")
_DRAFT = struct.Struct("<??qqqqIBI")
_IS_DRAFT, _IS_WRITTEN = False, True
_ID_SIZE = len("O-") + 26


class Draft(NamedTuple):
    """An order as it was accepted.

    Attributes:
        id: ``O-`` and a ULID.
        text: the pattern that becomes its document.
        failed: whether it ends ``FAILED``.
        ends_at: when processing ends, microseconds since the epoch.
        expires_at: when its payout links expire, or ``NEVER``.
        created_at: when it was accepted.
        completed_at: the moment printed as its completion.
        position: how many orders of the account are older.
        items: how many items it has.
    """

    id: str
    text: str
    failed: bool
    ends_at: int
    expires_at: int
    created_at: int
    completed_at: int
    position: int
    items: int

    @property
    def outcome(self) -> Outcome:
        """How it ends."""
        return _outcome(self.failed)


class StoredOrder(NamedTuple):
    """An order as it will be once it has ended.

    Attributes:
        id: ``O-`` and a ULID.
        failed: whether it ends ``FAILED``.
        ends_at: when processing ends, microseconds since the epoch.
        expires_at: when its payout links expire, or ``NEVER``.
        document: the full order, JSON bytes.
    """

    id: str
    failed: bool
    ends_at: int
    expires_at: int
    document: bytes

    @property
    def outcome(self) -> Outcome:
        """How it ends."""
        return _outcome(self.failed)

    @property
    def basic(self) -> bytes:
        """The form in which lists and webhooks show the order, JSON bytes."""
        return _basic_of(self.document)


class BasicOrder(NamedTuple):
    """The basic form of an order.

    Attributes:
        id: ``O-`` and a ULID.
        outcome: how it ends.
        ends_at: when processing ends, microseconds since the epoch.
        basic: the form in which lists and webhooks show the order, JSON bytes.
    """

    id: str
    outcome: Outcome
    ends_at: int
    basic: bytes


class Writer(Protocol):
    """Makes documents; the same draft gives the same bytes at any time."""

    def write(self, draft: Draft) -> StoredOrder:
        """The order with its document."""

    def basic(
        self, order_id: str, text: str, outcome: Outcome, created_at: int, completed_at: int
    ) -> bytes:
        """The basic form of the same order, which follows from less."""


class OrderStore:
    """The orders of one account, by id and by age. Ids are added in growing order.

    Args:
        writer: makes the documents.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._records: dict[str, bytes] = {}
        self._texts = SharedTexts()
        self._ids = bytearray()

    def __len__(self) -> int:
        return len(self._records)

    def accept(self, draft: Draft) -> None:
        """Append a new order; its id is larger than all before."""
        order_id, text, *rest = draft
        number = self._texts.number(text)
        record = _DRAFT.pack(_IS_DRAFT, *rest, number)
        self._records[order_id] = record if number else record + text.encode()
        self._ids += order_id.encode()

    def add(self, order: StoredOrder) -> None:
        """Append a new order whose document is not as it would be made."""
        self.replace(order)
        self._ids += order.id.encode()

    def replace(self, order: StoredOrder) -> None:
        """Keep an order's new document in the place of the one before."""
        # The concatenation also copies: what a JSON writer hands out can sit in a larger block.
        order_id, failed, ends_at, expires_at, document = order
        header = _HEADER.pack(_IS_WRITTEN, failed, ends_at, expires_at)
        self._records[order_id] = header + document

    def ends_at(self, order_id: str) -> int | None:
        """When an order ends, or ``None`` if this account has none with that id."""
        record = self._records.get(order_id)
        if record is None:
            return None
        ends_at: int = _ENDS_AT.unpack_from(record)[0]
        return ends_at

    def get(self, order_id: str) -> StoredOrder | None:
        """The order, or ``None`` if this account has none with that id."""
        record = self._records.get(order_id)
        if record is None:
            return None
        order = self._order(order_id, record)
        if record[0] == _IS_DRAFT:
            self.replace(order)
        return order

    def _order(self, order_id: str, record: bytes) -> StoredOrder:
        if record[0] == _IS_WRITTEN:
            _, failed, ends_at, expires_at = _HEADER.unpack_from(record)
            return StoredOrder(order_id, failed, ends_at, expires_at, record[_HEADER.size :])
        _, *rest, number = _DRAFT.unpack_from(record)
        return self._writer.write(Draft(order_id, self._text(record, number), *rest))

    def _text(self, record: bytes, number: int) -> str:
        return self._texts[number] if number else record[_DRAFT.size :].decode()

    def basic(self, order_id: str) -> BasicOrder | None:
        """The basic form of an order, or ``None`` if this account has none with that id."""
        record = self._records.get(order_id)
        return None if record is None else self._basic_order(order_id, record)

    def _basic_order(self, order_id: str, record: bytes) -> BasicOrder:
        _, failed, ends_at, _ = _HEADER.unpack_from(record)
        return BasicOrder(order_id, _outcome(failed), ends_at, self._basic(order_id, record))

    def _basic(self, order_id: str, record: bytes) -> bytes:
        if record[0] == _IS_WRITTEN:
            return _basic_of(record[_HEADER.size :])
        # A page has hundreds of these, and to make a draft takes as long as to write one.
        _, failed, _, _, created_at, completed_at, _, _, number = _DRAFT.unpack_from(record)
        text = self._text(record, number)
        return self._writer.basic(order_id, text, _outcome(failed), created_at, completed_at)

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

    def newest(self, stop: int, fits: Callable[[int, Outcome], bool]) -> Iterator[BasicOrder]:
        """The orders at positions below ``stop`` that fit, newest first, as they are asked for.

        Args:
            stop: how many orders there are to look at.
            fits: is given when an order ends, and how; what does not fit is not read.
        """
        for position in range(stop - 1, -1, -1):
            order_id = self._id_at(position)
            record = self._records[order_id]
            _, failed, ends_at, _ = _HEADER.unpack_from(record)
            if fits(ends_at, _outcome(failed)):
                yield self._basic_order(order_id, record)

    def all(self) -> Iterator[StoredOrder]:
        """Every order, oldest first."""
        for order_id, record in tuple(self._records.items()):
            yield self._order(order_id, record)  # as there can be many, none is kept written out

    def basics(
        self, start: int, stop: int, now: int, processing: Callable[[str], bytes]
    ) -> list[tuple[str, bytes]]:
        """The orders at positions ``start`` up to, not including, ``stop``; newest first.

        Args:
            start: the first position.
            stop: the position behind the last.
            now: microseconds since the epoch.
            processing: what an order is shown as that has not ended, by its id.

        Returns:
            For each order its id and what is shown of it.
        """
        found = []
        ids = self._ids[start * _ID_SIZE : stop * _ID_SIZE].decode()
        for end in range(len(ids), 0, -_ID_SIZE):
            order_id = ids[end - _ID_SIZE : end]
            record = self._records[order_id]
            ended = now >= _ENDS_AT.unpack_from(record)[0]
            shown = self._basic(order_id, record) if ended else processing(order_id)
            found.append((order_id, shown))
        return found

    def ending_after(self, moment: int) -> Iterator[tuple[str, int]]:
        """The orders that end later than a moment, by id, each with its own moment.

        Looks at all, so it is not for a request.
        """
        for order_id, record in tuple(self._records.items()):
            (ends_at,) = _ENDS_AT.unpack_from(record)
            if ends_at > moment:
                yield order_id, ends_at

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


def _outcome(failed: bool) -> Outcome:  # noqa: FBT001 - as a record has it
    return "FAILED" if failed else "COMPLETED"


def _basic_of(document: bytes) -> bytes:
    return document[: document.index(_BASIC_ENDS)] + b"}"
