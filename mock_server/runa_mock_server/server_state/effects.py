"""Effects, not calls: what the requests of an account have caused, key by key.

A client may call as often as it likes, as long as what it wanted happens once. Whether it did is
worked out here from the orders that exist; what the attempts were, the journal knows.

Equal bodies under different keys within the window are judged by what the client knew. If the
answer to the earlier order did not reach it, the later order may be a retry: ``duplicated``. If
the answer did, the client ordered again knowingly: ``repeated``, which is no duplicate.
"""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, pairwise
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from runa_mock_server.base.clock import SECOND, to_datetime
from runa_mock_server.base.money import cents_text, in_cents
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.idempotency import LIFETIME
from runa_mock_server.orders.order import Order
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.entry import Entry, Outcome
from runa_mock_server.store.memory import AccountState

Verdict = Literal["none", "exactly_once", "duplicated"]
_WORST_FIRST: tuple[Verdict, ...] = ("duplicated", "exactly_once", "none")

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
    currency: str
    cents: int
    is_answered: bool
    emails: int
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
    totals = Totals()
    keys = [key for key in effects_by_key(account, window, totals, only_key) if key is not None]
    return totals.effects(keys)


def effects_by_key(
    account: Account, window: float, totals: "Totals", only_key: str | None = None
) -> Iterator[KeyEffects | None]:
    """What each key of one account had caused when this began, with a bounded amount of work each.

    Args:
        account: the account.
        window: as for ``effects_of``.
        totals: what the keys are added to.
        only_key: the idempotency key to look at; by default all.

    Yields:
        The effects of the keys in the order in which they were first used; ``None`` for work that
        found nothing yet.
    """
    state, undelivered = account.state.snapshot(), dict(account.undelivered)
    entries = iter(account.journal)
    attempts: dict[str, list[Entry]] = {}
    for entry in entries:
        key = entry.key_as_sent  # two keys can be shown alike
        if key is not None:
            attempts.setdefault(key, []).append(entry)
        yield None
    made: dict[str, list[_Made]] = {}
    for order in _orders_made(account, state, undelivered):
        made.setdefault(order.key, []).append(order)
        yield None
    totals.complete &= "" not in made
    twins = yield from _twins(chain.from_iterable(made.values()), round(window * SECOND))
    # Orders first: of keys used at the same time, the journal may have forgotten the oldest.
    first_used = {key: orders[0].at for key, orders in made.items()}
    for key, of_key in attempts.items():
        of_key.sort(key=lambda entry: entry.number)
        first_used[key] = min(of_key[0].at, first_used.get(key, of_key[0].at))
        yield None
    show = account.redactor.text
    wanted = None if only_key is None else show(only_key)
    for key in sorted(first_used, key=first_used.__getitem__):
        if wanted is not None and show(key) != wanted:
            yield None
            continue
        effects = _key_effects(account, key, made.get(key, []), attempts.get(key, []), twins[key])
        totals.add(effects)
        yield effects


def _orders_made(
    account: Account, state: AccountState, undelivered: Mapping[str, int]
) -> Iterator[_Made]:
    """The orders that exist, oldest first.

    Neither what is kept for the keys nor the journal is a source for this: if an order was stored
    and its key was not, that is just what has to be found here.
    """
    now = account.clock.now()
    for order in state.orders():
        yield _Made(
            key=order.key or "",
            id=order.id,
            at=order.created_at,
            fingerprint=order.fingerprint,
            failed=order.failed,
            currency=order.payment_currency,
            cents=order.total_price,
            is_answered=order.key is None or _is_answered(state, order, order.key, now),
            emails=sum(not mail.code for mail in state.mails(order.id)),
            is_delivered=order.id not in undelivered,
            turn=undelivered.get(order.id, order.position),
        )


def _is_answered(state: AccountState, order: Order, key: str, now: int) -> bool:
    """Whether the key of an order is answered with the order, as long as the key is in force."""
    if now - order.created_at >= LIFETIME:
        return True
    kept = state.kept_answer(key)
    return kept is not None and order_id_in(kept.answer.body) == order.id


class Totals:
    """The effects of many keys together, added one by one.

    Attributes:
        complete: whether everything that decides the verdicts is known.
    """

    def __init__(self) -> None:
        self.complete = True
        self._verdicts: set[Verdict] = {"none"}
        self._repeated: list[str] = []
        self._orders = self._emails = self._webhooks = 0
        self._charged: Counter[str] = Counter()  # in cents, by currency
        self._moved: Counter[str] = Counter()

    def add(self, key: KeyEffects) -> None:
        """Add what a key has caused."""
        self._verdicts.add(key.verdict)
        if key.repeated_with:
            self._repeated.append(key.idempotency_key)
        self._orders += len(key.orders)
        self._emails += key.emails
        self._webhooks += key.webhooks
        _add(self._charged, key.charged)
        _add(self._moved, key.balance_moved)

    def effects(self, keys: Sequence[KeyEffects] = ()) -> Effects:
        """The totals, with the keys themselves where they are to be shown."""
        return Effects(
            verdict=next(verdict for verdict in _WORST_FIRST if verdict in self._verdicts),
            complete=self.complete,
            repeated=self._repeated,
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
    twins: _Twins,
) -> KeyEffects:
    verdict: Verdict = "none"
    unanswered = [order.id for order in made if not order.is_answered]
    if made:
        # Inferred: an order that failed has bought nothing, so it may be followed by another.
        bought = sum(not order.failed for order in made) if key else 0
        verdict = "duplicated" if bought > 1 or twins.suspected or unanswered else "exactly_once"
    cents: Counter[str] = Counter()
    for order in made:
        if not order.failed:
            cents[order.currency] += order.cents
    charged = _shown(cents)
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
        emails=sum(order.emails for order in made),
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


def _add(cents: Counter[str], amounts: Iterable[Money]) -> None:
    for money in amounts:
        cents[money.currency] += in_cents(Decimal(money.amount))


def _shown(cents: Counter[str]) -> list[Money]:
    return [Money(currency=name, amount=cents_text(total)) for name, total in sorted(cents.items())]


def _twins(made: Iterable[_Made], window: int) -> Generator[None, None, defaultdict[str, _Twins]]:
    """By key the others whose orders had the same body within ``window`` microseconds.

    Yields after each bounded amount of work.
    """
    twins: defaultdict[str, _Twins] = defaultdict(lambda: _Twins([], []))
    by_body: dict[str, list[_Made]] = {}
    for order in made if window else ():
        if not order.failed:
            by_body.setdefault(order.fingerprint, []).append(order)
        yield
    for orders in by_body.values():
        for cluster in _clusters(sorted(orders, key=lambda order: order.at), window):
            # A lost order that was held up came before the one that has the place of its turn.
            came = sorted(cluster, key=lambda order: (order.turn, order.is_delivered))
            yield from _compare(came, twins)
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


def _compare(cluster: Sequence[_Made], twins: defaultdict[str, _Twins]) -> Iterator[None]:
    """Name for each key of a cluster the others; yields after each order.

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
        yield


def _name(named: list[str], key: str, others: Iterable[str]) -> None:
    """Add the others to those that are named for a key, each once, up to the limit."""
    for other in others:
        if len(named) == _MOST_NAMED:
            return
        if other != key and other not in named:
            named.append(other)
