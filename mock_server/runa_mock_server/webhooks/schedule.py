"""What is to be attempted, by the moment at which it is due."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count

from runa_mock_server.webhooks.messages import Due

_LONG = 1_000


class Agenda:
    """Attempts by their moments; of the same moment, what came first comes first.

    What nobody wants any more is thrown out before it makes up half of it: messages are forgotten
    and endpoints disabled long before the last attempt would have been made.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._heap: list[tuple[int, int, Due]] = []
        self._tidy_at = _LONG

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Due]:
        return (due for _, _, due in self._heap)

    @property
    def first(self) -> Due:
        """The earliest; there has to be one."""
        return self._heap[0][2]

    def put(self, due: Due) -> None:
        """Add an attempt."""
        heappush(self._heap, (due.due, next(self._numbers), due))
        if len(self._heap) > self._tidy_at:
            self._heap = [entry for entry in self._heap if entry[2].is_wanted]
            heapify(self._heap)
            self._tidy_at = max(_LONG, 2 * len(self._heap))

    def pop(self) -> Due:
        """Take the earliest out; there has to be one."""
        return heappop(self._heap)[2]
