"""Effects, not calls: what the requests of an account have caused, key by key.

A client may call as often as it likes, as long as what it wanted happens once. Whether it did is
worked out here from the orders that exist; what the attempts were, the journal knows.

Equal bodies under different keys within the window are judged by what the client knew. If the
answer to the earlier order did not reach it, the later order may be a retry: ``duplicated``. If
the answer did, the client ordered again knowingly: ``repeated``, which is no duplicate.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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

Verdict = Literal["none", "exactly_once", "duplicated"]

DEFAULT_WINDOW = 600.0
"""Seconds within which two orders with the same body are compared."""

# A load test buys the same thing ten thousand times; a list of all their keys helps no reader.
_MOST_NAMED = 10


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
    undelivered: list[str] = Field(
        description="Those of them whose answer did not reach the client whole and with status "
        "2xx, neither the first answer nor a replay."
    )
    charged: list[Money] = Field(description="What those of them cost that did not fail.")
    balance_moved: list[Money] = Field(
        description="What the balance fell by; the playground's never does."
    )
    emails: int = Field(description="Mails sent, or to be sent when the order completes.")
    webhooks: int = Field(description="The orders of which a webhook has told somebody.")
    suspected_with: list[str] = Field(
        description="Other keys that ordered the same body within the window, where the answer to "
        "the earlier of the two orders did not reach the client: perhaps one purchase that was "
        "made twice. The verdict is duplicated. At most ten are named."
    )
    repeated_with: list[str] = Field(
        description="Other keys that ordered the same body within the window, where the answer to "
        "the earlier of the two orders reached the client: it ordered again knowingly. This does "
        "not change the verdict. At most ten are named."
    )
    attempts: list[Attempt] = Field(description="The attempts that the journal still holds.")
    attempts_complete: bool = Field(
        description="Whether the attempts that made the orders are among them; if not, the "
        "journal has forgotten the oldest attempts. No verdict depends on it."
    )


class Effects(BaseModel):
    """What the requests of an account, or of all accounts, have caused."""

    verdict: Verdict = Field(
        description="duplicated if any key is; none if nothing was ordered; else exactly_once."
    )
    complete: bool = Field(
        description="Whether everything that decides the verdicts is known. It does not depend on "
        "the size of the journal; false only if an imported state did not say under which keys "
        "its orders were placed."
    )
    repeated: list[str] = Field(
        description="The keys that ordered the same body as another key within the window, where "
        "the answer to the earlier order reached the client; see repeated_with."
    )
    orders: int
    charged: list[Money]
    balance_moved: list[Money]
    emails: int
    webhooks: int
    keys: list[KeyEffects] = Field(description="In the order in which they were first used.")


class _Made(NamedTuple):
    """An order, and the key under which it was placed; empty if that is not known.

    ``turn`` is how many orders there were when its request came, which may have been held up.
    """

    key: str
    id: str
    at: int
    fingerprint: str
    failed: bool
    price: Money
    is_answered: bool
    is_delivered: bool
    turn: int


class _Twins(NamedTuple):
    """The other keys that ordered the body of a key within the window."""

    suspected: list[str]
    repeated: list[str]


def effects_of(account: Account, window: float, only_key: str | None = None) -> Effects:
    """What the requests of one account have caused.

    Args:
        account: the account.
        window: seconds within which orders with equal bodies are compared; 0 compares none.
        only_key: the idempotency key to look at; by default all.
    """
    orders_made = list(_orders_made(account))
    # By the keys as they were sent: two of them can be shown alike.
    made: dict[str, list[_Made]] = {}
    for order in orders_made:
        made.setdefault(order.key, []).append(order)
    attempts: dict[str, list[Entry]] = {}
    for entry in sorted(account.journal, key=lambda entry: entry.number):
        key = entry.key_as_sent
        if key is not None:
            attempts.setdefault(key, []).append(entry)
    twins = _twins(orders_made, round(window * SECOND))
    # Orders first: of keys used at the same time, the journal may have forgotten the oldest.
    first_used = {key: orders[0].at for key, orders in made.items()}
    for key, entries in attempts.items():
        first_used[key] = min(entries[0].at, first_used.get(key, entries[0].at))
    show = account.redactor.text
    wanted = None if only_key is None else show(only_key)
    keys = [
        _key_effects(account, key, made.get(key, []), attempts.get(key, []), twins[key])
        for key in sorted(first_used, key=first_used.__getitem__)
        if wanted is None or show(key) == wanted
    ]
    return combined(keys, complete="" not in made)


def _orders_made(account: Account) -> Iterator[_Made]:
    """The orders that exist, oldest first.

    Neither what is kept for the keys nor the journal is a source for this: if an order was stored
    and its key was not, that is just what has to be found here.
    """
    now = account.clock.now()
    for order in account.state.orders():
        yield _Made(
            key=order.key or "",
            id=order.id,
            at=order.created_at,
            fingerprint=order.fingerprint,
            failed=order.failed,
            price=Money(currency=order.payment_currency, amount=cents_text(order.total_price)),
            is_answered=order.key is None or _is_answered(account, order, order.key, now),
            is_delivered=order.id not in account.undelivered,
            turn=account.undelivered.get(order.id, order.position),
        )


def _is_answered(account: Account, order: Order, key: str, now: int) -> bool:
    """Whether the key of an order is answered with the order, as long as the key is in force."""
    if now - order.created_at >= LIFETIME:
        return True
    kept = account.state.kept_answer(key)
    return kept is not None and order_id_in(kept.answer.body) == order.id


def combined(keys: Sequence[KeyEffects], *, complete: bool) -> Effects:
    """The effects of many keys together."""
    verdicts = {key.verdict for key in keys}
    verdict: Verdict = "exactly_once" if "exactly_once" in verdicts else "none"
    return Effects(
        verdict="duplicated" if "duplicated" in verdicts else verdict,
        complete=complete,
        repeated=[key.idempotency_key for key in keys if key.repeated_with],
        orders=sum(len(key.orders) for key in keys),
        charged=_sum(money for key in keys for money in key.charged),
        balance_moved=_sum(money for key in keys for money in key.balance_moved),
        emails=sum(key.emails for key in keys),
        webhooks=sum(key.webhooks for key in keys),
        keys=list(keys),
    )


def _key_effects(
    account: Account,
    key: str,
    made: Sequence[_Made],
    entries: Sequence[Entry],
    twins: _Twins,
) -> KeyEffects:
    verdict: Verdict = "none"
    unanswered = [order.id for order in made if not order.is_answered]
    if made:
        # Inferred: an order that failed has bought nothing, so it may be followed by another.
        bought = sum(not order.failed for order in made) if key else 0
        verdict = "duplicated" if bought > 1 or twins.suspected or unanswered else "exactly_once"
    charged = _sum(order.price for order in made if not order.failed)
    created = {entry.order_id for entry in entries if entry.outcome == "created"}
    return KeyEffects(
        account=account.name,
        idempotency_key=account.redactor.text(key),
        verdict=verdict,
        orders=[order.id for order in made],
        unanswered=unanswered,
        undelivered=[order.id for order in made if not order.is_delivered],
        charged=charged,
        balance_moved=charged if account.enforces_balances else [],
        emails=sum(len(account.state.mails(order.id)) for order in made),
        webhooks=sum(account.webhooks.has_told(order.id) for order in made),
        suspected_with=[account.redactor.text(other) for other in twins.suspected],
        repeated_with=[account.redactor.text(other) for other in twins.repeated],
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
        attempts_complete=created.issuperset(order.id for order in made),
    )


def _sum(amounts: Iterable[Money]) -> list[Money]:
    totals: dict[str, Decimal] = {}
    for money in amounts:
        totals[money.currency] = totals.get(money.currency, ZERO) + Decimal(money.amount)
    return [Money(currency=name, amount=show(total)) for name, total in sorted(totals.items())]


def _twins(made: Sequence[_Made], window: int) -> defaultdict[str, _Twins]:
    """By key the others whose orders had the same body within ``window`` microseconds."""
    twins: defaultdict[str, _Twins] = defaultdict(lambda: _Twins([], []))
    by_body: dict[str, list[_Made]] = {}
    for order in made if window else ():
        if not order.failed:
            by_body.setdefault(order.fingerprint, []).append(order)
    for orders in by_body.values():
        for cluster in _clusters(sorted(orders, key=lambda order: order.at), window):
            # A lost order that was held up came before the one that has the place of its turn.
            _compare(sorted(cluster, key=lambda order: (order.turn, order.is_delivered)), twins)
    return twins


def _clusters(orders: Sequence[_Made], window: int) -> Iterator[list[_Made]]:
    """The orders, split where one does not follow the one before within the window."""
    cluster = [orders[0]]
    for earlier, later in pairwise(orders):
        if later.at - earlier.at > window:
            yield cluster
            cluster = []
        cluster.append(later)
    yield cluster


def _compare(cluster: Sequence[_Made], twins: defaultdict[str, _Twins]) -> None:
    """Name for each key of a cluster the others.

    Args:
        cluster: orders in the order in which their requests came; of each two the earlier decides.
        twins: what is named for each key so far.
    """
    lost: list[str] = []  # the keys of the earlier orders whose answer did not reach the client
    told: list[str] = []
    for place, order in enumerate(cluster):
        suspected, repeated = twins[order.key]
        later = (cluster[index].key for index in range(place + 1, len(cluster)))
        if order.is_delivered:
            _name(suspected, order.key, lost)
            _name(repeated, order.key, chain(told, later))
            told.append(order.key)
        else:
            _name(suspected, order.key, chain(lost, later))
            _name(repeated, order.key, told)
            lost.append(order.key)


def _name(named: list[str], key: str, others: Iterable[str]) -> None:
    """Add the others to those that are named for a key, each once, up to the limit."""
    for other in others:
        if len(named) == _MOST_NAMED:
            return
        if other != key and other not in named:
            named.append(other)
