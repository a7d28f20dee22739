"""Effects, not calls: what the requests of an account have caused, key by key.

A client may call as often as it likes, as long as what it wanted happens once. Whether it did is
worked out here from the orders that exist; what the attempts were, the journal knows.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, pairwise
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from runa_mock_server.base.clock import SECOND, to_datetime
from runa_mock_server.base.money import ZERO, cents_text, show
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.idempotency import LIFETIME
from runa_mock_server.orders.order import Order
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.journal import Entry, Outcome
from runa_mock_server.store.memory import AccountState

Verdict = Literal["none", "exactly_once", "duplicated"]
_WORST_FIRST: tuple[Verdict, ...] = ("duplicated", "exactly_once", "none")

DEFAULT_WINDOW = 600.0
"""Seconds within which two orders with the same body are suspected to be one purchase."""

# A load test buys the same thing ten thousand times; nobody reads all of their names.
_SUSPECTS_NAMED = 10


class Money(BaseModel):
    """An amount of money."""

    currency: str
    amount: str


class Attempt(BaseModel):
    """One request to place an order, and what became of it."""

    number: int = Field(description="The number of the request in the journal.")
    at: datetime
    status: int | None = Field(description="What the client was told; null if nothing.")
    faults: list[str] = Field(description="The faults that hit it: id, kind and place.")
    outcome: Outcome | None = Field(
        description="What the service did; null if it never saw the request."
    )
    order_id: str | None


class KeyEffects(BaseModel):
    """What one idempotency key has caused."""

    account: str
    idempotency_key: str
    verdict: Verdict
    orders: list[str] = Field(description="The ids of the orders that were made.")
    unanswered: list[str] = Field(
        description="Those of them that are not what the key is answered with, though it is "
        "within its 30 days: the same request can order again. The verdict is duplicated."
    )
    charged: list[Money] = Field(description="What those of them cost that did not fail.")
    balance_moved: list[Money] = Field(
        description="What the balance fell by; the playground's never does."
    )
    emails: int = Field(description="Mails sent, or to be sent when the order completes.")
    webhooks: int = Field(description="The orders of which a webhook has told somebody.")
    suspected_with: list[str] = Field(
        description="Other keys that ordered the same body within the window: a purchase that "
        "was perhaps made twice. At most ten are named."
    )
    attempts: list[Attempt]


class Effects(BaseModel):
    """What the requests of an account, or of all accounts, have caused."""

    verdict: Verdict = Field(
        description="duplicated if any key is; none if nothing was ordered; else exactly_once."
    )
    complete: bool = Field(
        description="Whether the journal still holds every request; if not, attempts are missing, "
        "but no order is."
    )
    orders: int
    charged: list[Money]
    balance_moved: list[Money]
    emails: int
    webhooks: int
    keys: list[KeyEffects] = Field(description="In the order in which they were first used.")


class _Made(NamedTuple):
    """An order, and the key under which it was placed; empty if that is not known."""

    key: str
    id: str
    at: int
    fingerprint: str
    failed: bool
    price: Money
    is_answered: bool
    emails: int


def effects_of(account: Account, window: float, only_key: str | None = None) -> Effects:
    """What the requests of one account have caused.

    Args:
        account: the account.
        window: seconds within which orders with equal bodies are suspected; 0 suspects none.
        only_key: the idempotency key to look at; by default all.
    """
    keys = [key for key in effects_by_key(account, window, only_key) if key is not None]
    return combined(keys, complete=not account.journal.dropped)


def effects_by_key(
    account: Account, window: float, only_key: str | None = None
) -> Iterator[KeyEffects | None]:
    """What each key of one account had caused when this began, with a bounded amount of work each.

    Args:
        account: the account.
        window: seconds within which orders with equal bodies are suspected; 0 suspects none.
        only_key: the idempotency key to look at; by default all.

    Yields:
        The effects of the keys in the order in which they were first used; ``None`` for work that
        found nothing yet.
    """
    state, entries = account.state.snapshot(), iter(account.journal)
    attempts: dict[str, list[Entry]] = {}
    for entry in entries:
        key = entry.idempotency_key
        if key is not None:
            attempts.setdefault(key, []).append(entry)
        yield None
    made: dict[str, list[_Made]] = {}
    for order in _orders_made(account, state):
        made.setdefault(order.key, []).append(order)
        yield None
    suspects = yield from _suspects(made.values(), window)
    for of_key in attempts.values():
        of_key.sort(key=lambda entry: entry.number)
        yield None
    first_used = {key: of_key[0].at for key, of_key in attempts.items()}
    first_used |= {key: orders[0].at for key, orders in made.items()}
    wanted = None if only_key is None else account.redactor.text(only_key)
    for key in sorted(first_used, key=first_used.__getitem__):
        if wanted not in (None, key):
            yield None
            continue
        yield _key_effects(
            account, key, made.get(key, []), attempts.get(key, []), suspects.get(key, [])
        )


def _orders_made(account: Account, state: AccountState) -> Iterator[_Made]:
    """The orders that exist, oldest first.

    Neither what is kept for the keys nor the journal is a source for this: if an order was stored
    and its key was not, that is just what has to be found here.
    """
    now = account.clock.now()
    redactor = account.redactor
    for order in state.orders():
        yield _Made(
            key="" if order.key is None else redactor.text(order.key),
            id=order.id,
            at=order.created_at,
            fingerprint=order.fingerprint,
            failed=order.failed,
            price=Money(currency=order.payment_currency, amount=cents_text(order.total_price)),
            is_answered=order.key is None or _is_answered(state, order, order.key, now),
            emails=len(state.mails(order.id)),
        )


def _is_answered(state: AccountState, order: Order, key: str, now: int) -> bool:
    """Whether the key of an order is answered with the order, as long as the key is in force."""
    if now - order.created_at >= LIFETIME:
        return True
    kept = state.kept_answer(key)
    return kept is not None and order_id_in(kept.answer.body) == order.id


def combined(keys: Iterable[KeyEffects], *, complete: bool) -> Effects:
    """The effects of many keys together."""
    totals = Totals()
    totals.complete = complete
    keys = list(keys)
    for key in keys:
        totals.add(key)
    return totals.effects(keys)


class Totals:
    """The effects of many keys together, added one by one.

    Attributes:
        complete: whether the journals still hold every request.
    """

    def __init__(self) -> None:
        self.complete = True
        self._verdicts: set[Verdict] = {"none"}
        self._orders = self._emails = self._webhooks = 0
        self._charged: dict[str, Decimal] = {}
        self._moved: dict[str, Decimal] = {}

    def add(self, key: KeyEffects) -> None:
        """Add what a key has caused."""
        self._verdicts.add(key.verdict)
        self._orders += len(key.orders)
        self._emails += key.emails
        self._webhooks += key.webhooks
        _add(self._charged, key.charged)
        _add(self._moved, key.balance_moved)

    def effects(self, keys: Sequence[KeyEffects] = ()) -> Effects:
        """The totals, with the keys themselves where they are to be shown."""
        return Effects(
            verdict=next(v for v in _WORST_FIRST if v in self._verdicts),
            complete=self.complete,
            orders=self._orders,
            charged=_shown(self._charged),
            balance_moved=_shown(self._moved),
            emails=self._emails,
            webhooks=self._webhooks,
            keys=list(keys),
        )


def _key_effects(
    account: Account,
    key: str,
    made: Sequence[_Made],
    entries: Sequence[Entry],
    suspects: Sequence[str],
) -> KeyEffects:
    verdict: Verdict = "none"
    unanswered = [order.id for order in made if not order.is_answered]
    if made:
        # Inferred: an order that failed has bought nothing, so it may be followed by another.
        bought = sum(not order.failed for order in made) if key else 0
        verdict = "duplicated" if bought > 1 or suspects or unanswered else "exactly_once"
    charged = _sum(order.price for order in made if not order.failed)
    return KeyEffects(
        account=account.name,
        idempotency_key=key,
        verdict=verdict,
        orders=[order.id for order in made],
        unanswered=unanswered,
        charged=charged,
        balance_moved=charged if account.enforces_balances else [],
        emails=sum(order.emails for order in made),
        webhooks=sum(account.webhooks.has_told(order.id) for order in made),
        suspected_with=list(suspects),
        attempts=[
            Attempt(
                number=entry.number,
                at=to_datetime(entry.at),
                status=entry.status,
                faults=[" ".join(fault) for fault in entry.faults],
                outcome=entry.outcome,
                order_id=entry.order_id,
            )
            for entry in entries
        ],
    )


def _sum(amounts: Iterable[Money]) -> list[Money]:
    totals: dict[str, Decimal] = {}
    _add(totals, amounts)
    return _shown(totals)


def _add(totals: dict[str, Decimal], amounts: Iterable[Money]) -> None:
    for money in amounts:
        totals[money.currency] = totals.get(money.currency, ZERO) + Decimal(money.amount)


def _shown(totals: Mapping[str, Decimal]) -> list[Money]:
    return [Money(currency=name, amount=show(total)) for name, total in sorted(totals.items())]


def _suspects(
    made: Iterable[Sequence[_Made]], window: float
) -> Generator[None, None, dict[str, list[str]]]:
    """For each key the others whose orders had the same body at about the same time.

    Yields after a bounded amount of work.
    """
    by_body: dict[str, list[tuple[int, str]]] = {}
    for order in chain.from_iterable(made):
        if not order.failed:
            by_body.setdefault(order.fingerprint, []).append((order.at, order.key))
        yield
    suspects: dict[str, list[str]] = {}
    for orders in by_body.values():
        for cluster in _clusters(sorted(orders), round(window * SECOND)):
            for key in cluster:
                others = [other for other in cluster[: _SUSPECTS_NAMED + 1] if other != key]
                # A key can have made two orders, each with suspects of its own.
                named = dict.fromkeys([*suspects.get(key, ()), *others])
                suspects[key] = list(named)[:_SUSPECTS_NAMED]
                yield
        yield
    return suspects


def _clusters(orders: Sequence[tuple[int, str]], window: int) -> Iterable[list[str]]:
    """The keys of orders that follow one another within the window, where there are several."""
    cluster = [orders[0][1]]
    for (earlier, _), (later, key) in pairwise(orders):
        if not window or later - earlier > window:
            yield from [cluster] if len(cluster) > 1 else []
            cluster = []
        if key not in cluster[-1:]:
            cluster.append(key)
    yield from [cluster] if len(cluster) > 1 else []
