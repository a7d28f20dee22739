"""Delivery attempts by the time at which they are due."""

from heapq import heapify, heappop, heappush
from itertools import count

from runa_mock_server.webhooks.messages import Delivery, Due

_LONG = 1_000


class Schedule:
    """Delivery attempts, the earliest first; of the same time, the one that was added first.

    Attempts that are no longer wanted are removed before they make up half of it: messages are
    dropped and endpoints disabled long before the last retry would have been due.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._heap: list[tuple[int, int, Due]] = []
        self._tidy_at = _LONG

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def first(self) -> Due:
        """The earliest attempt; the schedule must not be empty."""
        return self._heap[0][2]

    def put(self, due: Due) -> None:
        """Add an attempt."""
        heappush(self._heap, (due.due, next(self._numbers), due))
        if len(self._heap) > self._tidy_at:
            self._heap = [entry for entry in self._heap if entry[2].is_wanted]
            heapify(self._heap)
            self._tidy_at = max(_LONG, 2 * len(self._heap))

    def pop(self) -> Due:
        """Take out the earliest attempt; the schedule must not be empty."""
        return heappop(self._heap)[2]

    def drop_resend(self, delivery: Delivery) -> None:
        """Take out the earliest attempt of a delivery that was asked for by hand."""
        entries = [e for e in self._heap if e[2].by_hand and e[2].delivery is delivery]
        if entries:
            self._heap.remove(min(entries))
            heapify(self._heap)
