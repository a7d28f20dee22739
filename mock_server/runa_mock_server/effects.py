"""Effects, not calls: what the requests of an account have caused, key by key.

A client may call as often as it likes, as long as what it wanted happens once. Whether it did is
worked out here, from the journal and from the orders that exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import orjson
from pydantic import BaseModel, Field

from runa_mock_server.clock import SECOND, to_datetime
from runa_mock_server.holdings import Holdings
from runa_mock_server.journal import Entry, Journal, Outcome
from runa_mock_server.money import ZERO, show

Verdict = Literal["none", "exactly_once", "duplicated"]

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
    charged: list[Money] = Field(description="What those of them cost that did not fail.")
    balance_moved: list[Money] = Field(
        description="What the balance fell by; the playground's never does."
    )
    emails: int = Field(description="Mails sent, or to be sent when the order completes.")
    webhooks: int = Field(default=0, description="Always 0: webhooks are not sent yet.")
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
        description="Whether the journal still holds every request; if not, this is a part."
    )
    orders: int
    charged: list[Money]
    balance_moved: list[Money]
    emails: int
    webhooks: int = 0
    keys: list[KeyEffects] = Field(description="In the order in which they were first used.")


def effects_of(account: str, journal: Journal, holdings: Holdings, window: float) -> Effects:
    """What the requests of one account have caused.

    Args:
        account: the name of the account.
        journal: its requests.
        holdings: its orders, mails and balances.
        window: seconds within which orders with equal bodies are suspected; 0 suspects none.
    """
    attempts: dict[str, list[Entry]] = {}
    for entry in sorted(journal):
        if entry.idempotency_key is not None:
            attempts.setdefault(entry.idempotency_key, []).append(entry)
    suspects = _suspects(attempts, window)
    keys = [
        _key_effects(account, key, entries, suspects.get(key, []), holdings)
        for key, entries in attempts.items()
    ]
    return combined(keys, complete=not journal.dropped)


def combined(keys: Sequence[KeyEffects], *, complete: bool) -> Effects:
    """The effects of many keys together."""
    verdicts = {key.verdict for key in keys}
    verdict: Verdict = "exactly_once" if "exactly_once" in verdicts else "none"
    return Effects(
        verdict="duplicated" if "duplicated" in verdicts else verdict,
        complete=complete,
        orders=sum(len(key.orders) for key in keys),
        charged=_sum(money for key in keys for money in key.charged),
        balance_moved=_sum(money for key in keys for money in key.balance_moved),
        emails=sum(key.emails for key in keys),
        keys=list(keys),
    )


def _key_effects(
    account: str, key: str, entries: Sequence[Entry], suspects: list[str], holdings: Holdings
) -> KeyEffects:
    orders = [entry.order_id for entry in entries if entry.outcome == "created" and entry.order_id]
    verdict: Verdict = "none"
    if orders:
        verdict = "duplicated" if len(orders) > 1 or suspects else "exactly_once"
    charged = _sum(money for order in orders for money in _charge(order, holdings))
    return KeyEffects(
        account=account,
        idempotency_key=key,
        verdict=verdict,
        orders=orders,
        charged=charged,
        balance_moved=charged if holdings.balances.enforced else [],
        emails=sum(len(holdings.outbox.of(order)) for order in orders),
        suspected_with=suspects,
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


def _charge(order_id: str, holdings: Holdings) -> Iterable[Money]:
    order = holdings.orders.get(order_id)
    if order is not None:
        document = orjson.loads(order.basic)
        if document["status"] == "COMPLETED":
            yield Money(currency=document["currency"], amount=document["total_price"])


def _sum(amounts: Iterable[Money]) -> list[Money]:
    totals: dict[str, Decimal] = {}
    for money in amounts:
        totals[money.currency] = totals.get(money.currency, ZERO) + Decimal(money.amount)
    return [Money(currency=name, amount=show(total)) for name, total in sorted(totals.items())]


def _suspects(attempts: Mapping[str, Sequence[Entry]], window: float) -> dict[str, list[str]]:
    """For each key the others whose orders had the same body at about the same time."""
    made: dict[bytes, list[tuple[int, str]]] = {}
    for key, entries in attempts.items():
        for entry in entries:
            if entry.outcome == "created" and entry.fingerprint is not None:
                made.setdefault(entry.fingerprint, []).append((entry.at, key))
    suspects: dict[str, list[str]] = {}
    for orders in made.values():
        for cluster in _clusters(sorted(orders), round(window * SECOND)):
            for key in cluster:
                others = [other for other in cluster[: _SUSPECTS_NAMED + 1] if other != key]
                suspects[key] = others[:_SUSPECTS_NAMED]
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
