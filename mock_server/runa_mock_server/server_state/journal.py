"""What was asked and what was answered, request by request: capped, and shown without API keys.

An entry is made when the outcome of a request is known, before a byte of the answer leaves, so
whoever has an answer finds its entry here. It is kept as it came, for most are never looked at;
API keys are taken out of all that is read of it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from runa_mock_server.base.redaction import KnownKeys, Redactor
from runa_mock_server.server_state.coverage import Coverage
from runa_mock_server.server_state.entry import BODY_LIMIT, Entry, Flat
from runa_mock_server.webhooks.messages import Delivery

# What an entry costs beside its texts, about.
_OVERHEAD = 600
_FEW = 64
_FIRST_ERROR = 400


class Observer(Protocol):
    """Is told of every request to a server and of every attempt to deliver a webhook."""

    def note(self, entry: Flat, account: str | None, redactor: Redactor | KnownKeys) -> None:
        """Note a request that has been answered, or anew what its client was told in the end.

        Args:
            entry: the request and its answer.
            account: the name of the account, ``None`` for callers without one.
            redactor: takes API keys out of it; see ``Entry``.
        """

    def attempted(self, delivery: Delivery, account: str | None) -> None:
        """Note the latest attempt to deliver a webhook."""


class Watch(NamedTuple):
    """What is told of the requests to an account, or to none.

    Attributes:
        coverage: what all requests to the server have met of the contract.
        account: the name of the account, ``None`` for callers without one.
        observers: the server's own list, which is usually empty.
    """

    coverage: Coverage
    account: str | None
    observers: Sequence[Observer]


class Journal:
    """The latest requests of one account.

    Args:
        most_entries: how many are kept.
        most_bytes: how many bytes they may take, about.
        redactor: redacts keys; for requests of callers without an account, the known keys,
            which are redacted together with the key that each of them tried.
        watch: what is told of each request.

    Attributes:
        dropped: how many were forgotten to make room.
        corrected: how often one was corrected.
    """

    __slots__ = (
        "_bytes",
        "_entries",
        "_most_bytes",
        "_most_entries",
        "_redactor",
        "_watch",
        "corrected",
        "dropped",
    )

    def __init__(
        self,
        most_entries: int,
        most_bytes: int,
        redactor: Redactor | KnownKeys,
        watch: Watch,
    ) -> None:
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._redactor = redactor
        self._watch = watch
        self.dropped = self.corrected = 0
        self._bytes = 0
        # Plain tuples of plain values: the garbage collector stops walking those. In a list while
        # they are few, for an empty deque takes as much memory as the rest of an account.
        self._entries: list[Flat] | deque[Flat] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """The requests that are kept now, whatever is added while they are read."""
        redactor = self._redactor
        return (Entry(entry, redactor) for entry in tuple(self._entries))

    def add(self, entry: Flat) -> None:
        """Note a request, and forget the oldest beyond the limits."""
        watch = self._watch
        again, rule, status = watch.coverage.again, entry[14], entry[7]
        if rule in again and status is not None and status < _FIRST_ERROR and not entry[12]:
            again[rule] += 1
        else:
            watch.coverage.note(entry, watch.account, self._redactor)
        for observer in watch.observers:
            observer.note(entry, watch.account, self._redactor)
        if len(entry[6]) > BODY_LIMIT or len(entry[8]) > BODY_LIMIT:
            entry = self._cut(entry)
        if len(self._entries) == _FEW:
            self._entries = deque(self._entries)
        self._entries.append(entry)
        self._bytes += _size(entry)
        if len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
            self._trim()

    def cover(self, coverage: Coverage) -> None:
        """Note in a coverage what the requests that are kept have met."""
        for entry in self._entries:
            coverage.note(entry, self._watch.account, self._redactor)

    def _cut(self, entry: Flat) -> Flat:
        """An entry with no more of its bodies than is shown."""
        if isinstance(self._redactor, Redactor):  # what is beyond cannot hide half of a key
            needed = self._redactor.needed(BODY_LIMIT)
            return (*entry[:6], entry[6][:needed], entry[7], entry[8][:needed], *entry[9:])
        shown = Entry(entry, self._redactor)
        return (*entry[:6], shown.request_body, entry[7], shown.response_body, *entry[9:])

    def correct(self, number: int, status: int | None) -> Flat | None:
        """Note what the caller of a request was told in the end, if the request is kept.

        Returns:
            The entry as it is then.
        """
        for index in reversed(range(len(self._entries))):
            entry = self._entries[index]
            if entry[0] == number:
                corrected: Flat = (*entry[:7], status, *entry[8:])
                self._entries[index] = corrected
                self.corrected += 1
                for observer in self._watch.observers:
                    observer.note(corrected, self._watch.account, self._redactor)
                return corrected
        return None

    def withdraw(self, number: int) -> None:
        """Forget the entry of a request that is answered otherwise, if it is kept."""
        for index in reversed(range(len(self._entries))):
            if self._entries[index][0] == number:
                self._bytes -= _size(self._entries[index])
                del self._entries[index]
                return

    def drop(self, count: int) -> bool:
        """Forget some requests; for an account that nobody can reach any more.

        Returns:
            Whether there are more.
        """
        for _ in range(min(count, len(self._entries))):
            self._entries.pop()
        return bool(self._entries)

    def limit(self, most_entries: int, most_bytes: int) -> None:
        """Keep so much from now on."""
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._trim()

    def _trim(self) -> None:
        entries = self._entries
        while entries and (len(entries) > self._most_entries or self._bytes > self._most_bytes):
            self._bytes -= _size(entries[0])
            del entries[0]
            self.dropped += 1


def _size(entry: Flat) -> int:
    """The bytes that an entry takes, about."""
    return _OVERHEAD + len(entry[3]) + len(entry[4]) + len(entry[6]) + len(entry[8])
