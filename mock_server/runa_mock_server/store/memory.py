"""The memory engine: what the commits of one account have made of it so far.

Nothing in here is an object that the garbage collector walks: dicts of strings, bytes and small
numbers, and one bytearray of ids in the order of creation. So a million orders cost no pauses.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from runa_mock_server.base.ids import Identity
from runa_mock_server.orders.commit import MOST_MAILS, Commit, Decision, Mail
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.orders.order import Order, accepted, from_row, head_of, to_row
from runa_mock_server.orders.rate_limit import RATE_WINDOW

_ID_SIZE = len("O-") + 26
_ACCEPTED = 202
_ABSENT: Any = object()
_NOTHING = Commit()[1:]  # what a commit changes that only answers


_Write = tuple[MutableMapping[Any, Any], Any, Any]
"""One write of a commit: a mapping, a key and its new value, or ``_ABSENT``."""


class _Mark(NamedTuple):
    """Where an account stood before a commit, beside its mappings."""

    ids: int
    attempts: tuple[int, ...]
    newest_id: str
    version: int


class Changes(NamedTuple):
    """A commit as it is kept, which is how a store of records hands it back; see ``Commit``.

    Attributes:
        placed: the id of a new order.
        rows: by order id the rows of orders that are new or changed.
        key: an idempotency key, and the position of its order or its packed answer.
        balances: as in the commit.
        mails: as in the commit.
        recipients: as in the commit.
        attempt: as in the commit.
    """

    placed: str | None
    rows: Mapping[str, bytes]
    key: tuple[str, int | bytes] | None
    balances: Mapping[str, int | None]
    mails: Mapping[str, Sequence[Mail]]
    recipients: Mapping[str, str | None]
    attempt: int | None


Recorder = Callable[["AccountState", Commit, Callable[[], None]], None]
"""Takes note of a commit; see ``AccountState.recorder``."""


class AccountState:
    """Everything that an account has; only ``commit`` changes it.

    It is a view for decisions and, with nothing but memory behind it, a store of commits too.

    Args:
        identity: what ids and tokens follow from.
        balances: by currency what is there at the start, in cents.

    Attributes:
        identity: the same.
        balances: by currency what is there, in cents.
        newest_id: the id of the newest order, empty if there is none.
        in_progress: the idempotency keys whose first request is being held up.
        keys: the idempotency keys that were used, with what is kept of each answer. A key whose
            answer is that its order was accepted has the position of that order.
        recipients: by reference the recipients who have claimed a payout, with their address.
        version: how many commits have changed something.
        order_changed: called within a commit with the id of an order that is new or ends at
            another time, and that time; ``None`` while nothing waits for orders to end.
        mails_changed: called within a commit with the id of an order whose mails are new or leave
            at another time.
        recorder: called at the end of a commit with the account, the commit, and what undoes it as
            long as no later commit of the account stands.
    """

    __slots__ = (
        "_attempts",
        "_ids",
        "_mails",
        "_rows",
        "balances",
        "identity",
        "in_progress",
        "keys",
        "mails_changed",
        "newest_id",
        "order_changed",
        "recipients",
        "recorder",
        "version",
    )

    def __init__(self, identity: Identity, balances: Mapping[str, int]) -> None:
        self.identity = identity
        self.balances: dict[str, int] = dict(balances)
        self.version = 0
        self.newest_id = ""
        self.in_progress: dict[str, None] = {}  # an empty set takes three times as much
        self.recipients: dict[str, str | None] = {}
        self.order_changed: Callable[[str, int], None] | None = None
        self.mails_changed: Callable[[str], None] | None = None
        self.recorder: Recorder | None = None
        self._rows: dict[str, bytes] = {}
        self._ids = bytearray()
        self.keys: dict[str, int | bytes] = {}
        self._mails: dict[str, tuple[Mail, ...]] = {}
        self._attempts: tuple[int, ...] = ()

    def snapshot(self) -> "AccountState":
        """A copy that no later commit changes. What it holds is shared, so it is made quickly."""
        copy = AccountState(self.identity, self.balances)
        copy._rows, copy._ids, copy.keys = self._rows.copy(), self._ids[:], self.keys.copy()
        copy._mails, copy._attempts = self._mails.copy(), self._attempts
        copy.recipients, copy.newest_id = self.recipients.copy(), self.newest_id
        return copy

    # What decisions read.

    @property
    def order_count(self) -> int:
        """How many orders it has."""
        return len(self._rows)

    def row(self, order_id: str) -> bytes | None:
        """The row of the order with an id; see ``orders.order``."""
        return self._rows.get(order_id)

    def order(self, order_id: str) -> Order | None:
        """The order with an id."""
        row = self._rows.get(order_id)
        return None if row is None else from_row(order_id, row)

    def order_at(self, position: int) -> Order | None:
        """The order that has ``position`` older ones."""
        return self.order(self._id_at(position)) if 0 <= position < len(self._rows) else None

    def kept_answer(self, key: str) -> KeptAnswer | None:
        """What an idempotency key was answered with, whether it is in force or not."""
        kept = self.keys.get(key)
        if kept is None or isinstance(kept, bytes):
            return None if kept is None else KeptAnswer.unpack(kept)
        order_id = self._id_at(kept)
        head = head_of(self._rows[order_id])
        answer = Answer(_ACCEPTED, accepted(order_id))
        return KeptAnswer(head.created_at, head.fingerprint, answer, head.digest)

    def balance(self, currency: str) -> int:
        """What is there, in cents."""
        return self.balances.get(currency, 0)

    def mails(self, order_id: str) -> Sequence[Mail]:
        """The mails of an order."""
        return self._mails.get(order_id, ())

    def attempts_since(self, since: int) -> int:
        """How many attempts count against the rate limit that came after a time."""
        return sum(at > since for at in self._attempts)

    # What lists and reports read.

    @property
    def attempts(self) -> Sequence[int]:
        """The times of the attempts that count against the rate limit, oldest first."""
        return self._attempts

    def kept_answers(self) -> Iterator[tuple[str, KeptAnswer]]:
        """Every idempotency key with its answer, in the order in which they came."""
        for key in tuple(self.keys):
            kept = self.kept_answer(key)
            if kept is not None:
                yield key, kept

    def orders(self, start: int = 0, stop: int | None = None) -> Iterator[Order]:
        """The orders at positions ``start`` up to, not including, ``stop``; oldest first."""
        for position in range(start, self.order_count if stop is None else stop):
            order_id = self._id_at(position)
            yield from_row(order_id, self._rows[order_id])

    def newest(self, stop: int, start: int = 0) -> Iterator[Order]:
        """The orders at positions below ``stop`` down to ``start``, newest first."""
        for position in range(stop - 1, start - 1, -1):
            order_id = self._id_at(position)
            yield from_row(order_id, self._rows[order_id])

    def ending_after(self, time: int) -> Iterator[tuple[str, int | None]]:
        """Every order by id with when it ends, if that is later than a time, else ``None``.

        It looks at all orders that there are when it begins, so it takes long.
        """
        for position in range(len(self._rows)):
            order_id = self._id_at(position)
            row = self._rows.get(order_id)  # none if the account was discarded meanwhile
            ends_at = time if row is None else head_of(row).ends_at
            yield order_id, ends_at if ends_at > time else None

    def position(self, order_id: str) -> int | None:
        """How many orders are older than this one, or ``None`` if it is unknown."""
        return self.count_before(order_id) if order_id in self._rows else None

    def count_before(self, order_id: str) -> int:
        """How many orders have a smaller id, whether there is one with this id or not."""
        return bisect_left(range(len(self._rows)), order_id, key=self._id_at)

    def orders_with_mail(self) -> tuple[str, ...]:
        """The ids of the orders that have mails, oldest first."""
        return tuple(self._mails)

    # What changes it.

    def commit(self, decide: Decision) -> Commit:
        """Let a decision look, and apply what it returns; nothing else runs in between.

        Raises:
            Exception: whatever ``decide`` or a write raised; nothing is changed then.
        """
        commit = decide(self)
        self.apply(commit)
        return commit

    def apply(self, commit: Commit) -> None:
        """Do all that a commit says, or nothing if any of it fails.

        Raises:
            Exception: whatever a write or a listener raised; nothing is changed then.
        """
        if commit[1:] == _NOTHING:
            return
        placed = commit.placed
        writes = self._writes(commit)
        before = [(mapping, key, mapping.get(key, _ABSENT)) for mapping, key, _ in writes]
        mark = _Mark(len(self._ids), self._attempts, self.newest_id, self.version)
        try:
            _write(writes)
            if placed is not None:
                self._ids.extend(placed.id.encode())
            if commit.attempt is not None:
                self._attempts = self._with(commit.attempt)
            if self.order_changed is not None or self.mails_changed is not None:
                self._tell(commit)
            if self.recorder is not None:
                self.recorder(self, commit, partial(self._undo, before, mark))
        except BaseException:
            self._undo(before, mark)
            raise
        if placed is not None:
            self.newest_id = placed.id
        self.version += 1
        if len(self._mails) > MOST_MAILS:
            self._forget_mail(before)

    def _forget_mail(self, before: list[_Write]) -> None:
        order_id = next(iter(self._mails))
        before.append((self._mails, order_id, self._mails.pop(order_id)))

    def _undo(self, before: Sequence[_Write], mark: _Mark) -> None:
        _write(before)
        del self._ids[mark.ids :]
        self._attempts, self.newest_id, self.version = mark.attempts, mark.newest_id, mark.version

    def fold(self, changes: Changes) -> None:
        """Do again what a commit did, from what a store kept of it."""
        if changes.placed is not None:
            self._ids.extend(changes.placed.encode())
            self.newest_id = changes.placed
        self._rows.update(changes.rows)
        if changes.key is not None:
            key, kept = changes.key
            self.keys.pop(key, None)
            self.keys[key] = kept
        _write(
            [(self.balances, c, _ABSENT if n is None else n) for c, n in changes.balances.items()]
        )
        _write([(self._mails, id_, tuple(m) or _ABSENT) for id_, m in changes.mails.items()])
        self.recipients.update(changes.recipients)
        if changes.attempt is not None:
            self._attempts = self._with(changes.attempt)
        self.version += 1
        if len(self._mails) > MOST_MAILS:
            self._forget_mail([])
        for order_id, row in changes.rows.items():
            if self.order_changed is not None:
                self.order_changed(order_id, head_of(row).ends_at)

    def raw_row(self, order_id: str) -> bytes:
        """The row of an order that exists, as it is kept."""
        return self._rows[order_id]

    def raw_answer(self, key: str) -> int | bytes:
        """What is kept for a key that was used: the position of its order, or its packed answer."""
        return self.keys[key]

    def _writes(self, commit: Commit) -> list[_Write]:
        placed, rows = commit.placed, self._rows
        writes: list[_Write] = [(rows, order.id, to_row(order)) for order in commit.changed]
        if commit.key is not None:
            key, kept = commit.key
            if key in self.keys:  # a key that was used again after 30 days
                writes.append((self.keys, key, _ABSENT))
            writes.append((self.keys, key, self._short(kept, placed)))
        if placed is not None:
            writes.append((rows, placed.id, to_row(placed, len(rows))))
        if commit.balances:
            writes += [
                (self.balances, currency, _ABSENT if cents is None else cents)
                for currency, cents in commit.balances.items()
            ]
        if commit.mails:
            writes += [
                (self._mails, order_id, tuple(mails) or _ABSENT)
                for order_id, mails in commit.mails.items()
            ]
        if commit.recipients:
            writes += [(self.recipients, *known) for known in commit.recipients.items()]
        return writes

    def _short(self, kept: KeptAnswer, placed: Order | None) -> int | bytes:
        """What is kept of the answer to a key: little, where it follows from its order."""
        if kept.answer.status != _ACCEPTED:
            return kept.pack()
        position = len(self._rows)
        if placed is None:
            placed = self.order(order_id_in(kept.answer.body) or "")
            if placed is None or kept.answer.body != accepted(placed.id):
                return kept.pack()
            position = placed.position
        follows = (kept.first_seen, kept.fingerprint) == (placed.created_at, placed.fingerprint)
        return position if follows else kept.pack()

    def _with(self, attempt: int) -> tuple[int, ...]:
        """The attempts that count, with one more."""
        return (*(at for at in self._attempts if attempt - at < RATE_WINDOW), attempt)

    def _tell(self, commit: Commit) -> None:
        """Tell the listeners of the orders that are new or end at another time."""
        ending = commit.changed if commit.placed is None else [*commit.changed, commit.placed]
        for order in ending:
            if self.order_changed is not None:
                self.order_changed(order.id, order.ends_at)
            if self.mails_changed is not None and order.id in self._mails:
                self.mails_changed(order.id)

    def begin(self, key: str) -> None:
        """Mark the first request with a key as in progress, until ``release``."""
        self.in_progress[key] = None

    def release(self, key: str) -> None:
        """End what ``begin`` began."""
        self.in_progress.pop(key, None)

    def drop(self, count: int) -> bool:
        """Forget some orders and keys, whichever; for an account that was discarded.

        Returns:
            Whether there is more.
        """
        for store in (self._rows, self.keys):
            for _ in range(min(count, len(store))):
                store.popitem()
        return bool(self._rows or self.keys)

    def _id_at(self, position: int) -> str:
        start = position * _ID_SIZE
        return self._ids[start : start + _ID_SIZE].decode()


def _write(writes: Sequence[_Write]) -> None:
    for mapping, key, value in writes:
        if value is _ABSENT:
            mapping.pop(key, None)
        else:
            mapping[key] = value
