"""A commit: everything that one operation changes in an account, decided before any of it is done.

An operation looks at an ``AccountView`` and returns a ``Commit``, without changing anything; the
store then applies all of it or nothing. A decision is synchronous and pure and may run twice. A
commit is plain data: it holds no callback, no random draw, and no position, which orders get
when they are applied.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from runa_mock_server.base.ids import Identity
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.orders.order import Order

MOST_MAILS = 10_000
"""The orders with mail that an account remembers; those of the oldest are forgotten."""


class Mail(NamedTuple):
    """A mail with a payout link or a one-time code; the rest follows from its order.

    Attributes:
        item: the index of the item that it is about.
        relayed: what came of relaying it to an SMTP server: ``sent``, or why it was not;
            ``None`` while nothing did.
        host: the ``Host`` of the request that placed the order or asked for the code, which the
            link in the mail leads to; ``None`` for the server's own address.
        code: the number of the one-time code that it carries, 0 for a payout link.
        to: the address that a code goes to, unless it is the item's.
        sent_at: when a code leaves, microseconds since the epoch; a link leaves when its order
            ends.
    """

    item: int
    relayed: str | None = None
    host: str | None = None
    code: int = 0
    to: str | None = None
    sent_at: int | None = None


class Commit(NamedTuple):
    """What one operation changes.

    Attributes:
        answer: what the caller is told; changes nothing.
        kindnesses: the settings without which strict mode would answer otherwise; changes nothing.
        key: an idempotency key and what it is answered with from now on.
        placed: a new order.
        changed: orders as they are from now on.
        balances: by currency the new balance, in cents; ``None`` where there is none any more.
        mails: by order id its mails, none if they are taken back.
        recipients: by reference the address of a recipient who is known from now on.
        attempt: the time of an attempt that counts against the rate limit.
    """

    answer: Answer | None = None
    key: tuple[str, KeptAnswer] | None = None
    placed: Order | None = None
    changed: Sequence[Order] = ()
    balances: Mapping[str, int | None] = {}
    mails: Mapping[str, Sequence[Mail]] = {}
    recipients: Mapping[str, str | None] = {}
    attempt: int | None = None
    kindnesses: Sequence[str] = ()


class AccountView(Protocol):
    """What a decision may read of an account."""

    @property
    def identity(self) -> Identity:
        """What its ids and tokens follow from."""

    @property
    def newest_id(self) -> str:
        """The id of its newest order, empty if it has none."""

    @property
    def in_progress(self) -> Collection[str]:
        """The idempotency keys whose first request is being held up."""

    @property
    def keys(self) -> Collection[str]:
        """The idempotency keys that were used."""

    @property
    def recipients(self) -> Mapping[str, str | None]:
        """By reference the recipients who have claimed a payout, with their address."""

    @property
    def order_count(self) -> int:
        """How many orders it has, which is the position of the next."""

    def order(self, order_id: str) -> Order | None:
        """The order with an id."""

    def order_at(self, position: int) -> Order | None:
        """The order that has ``position`` older ones."""

    def kept_answer(self, key: str) -> KeptAnswer | None:
        """What an idempotency key was answered with, whether it is in force or not."""

    def balance(self, currency: str) -> int:
        """What is there, in cents."""

    def mails(self, order_id: str) -> Sequence[Mail]:
        """The mails of an order."""

    def attempts_since(self, since: int) -> int:
        """How many attempts count against the rate limit that came after a time."""


Decision = Callable[[AccountView], Commit]
"""Looks, and says what is to change. It may raise to change nothing, and may run twice."""
