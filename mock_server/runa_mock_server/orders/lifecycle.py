"""Ending an order otherwise than by time: on a read, or when it is told to.

An order that only waits for its time needs nothing of this: its status is worked out when it is
read. Whatever is decided here leaves an order that has ended as it is.
"""

from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.commit import AccountView, Commit
from runa_mock_server.orders.order import Order, timing
from runa_mock_server.orders.terms import OrderTerms


class TransitionError(Exception):
    """An order cannot take this step; nothing was changed."""


def counted_read(order: Order, terms: OrderTerms, now: int) -> Commit | None:
    """Count a read of an order that is ``PROCESSING``; the last that it waits for ends it.

    Returns:
        What that changes; ``None`` for an order whose reads do not count.
    """
    if order.reads_left is None:
        return None
    if order.reads_left > 0:
        return Commit(changed=[order._replace(reads_left=order.reads_left - 1)])
    return Commit(changed=[_ended(order, terms, now)])


def complete(order: Order, terms: OrderTerms, now: int) -> Commit:
    """End an order now, in the way in which it was going to end.

    Raises:
        TransitionError: if it has ended already.
    """
    _check_processing(order, now)
    return Commit(changed=[_ended(order, terms, now)])


def fail(order: Order, terms: OrderTerms, now: int, reason: str, view: AccountView) -> Commit:
    """End an order now as ``FAILED``: its price is given back, its mails are not sent.

    Raises:
        TransitionError: if it has ended already.
    """
    _check_processing(order, now)
    balances = {}
    if terms.profile.enforces_balances and not order.failed:
        currency = order.payment_currency
        balances[currency] = view.balance(currency) + order.total_price
    failed = _ended(order, terms, now)._replace(failed=True, payouts={}, failure_reason=reason)
    return Commit(changed=[failed], balances=balances, mails={order.id: ()})


def hold(order: Order, now: int) -> Commit:
    """Keep an order ``PROCESSING`` until it is told to end.

    Raises:
        TransitionError: if it has ended already.
    """
    _check_processing(order, now)
    return Commit(changed=[order._replace(ends_at=NEVER, reads_left=None)])


def _check_processing(order: Order, now: int) -> None:
    if now >= order.ends_at:
        raise TransitionError(f"the order has ended, it is {order.outcome}")


def _ended(order: Order, terms: OrderTerms, now: int) -> Order:
    completed_at, ends_at, expires_at = timing(now, 0, terms.link_lifetime)
    return order._replace(
        completed_at=completed_at, ends_at=ends_at, expires_at=expires_at, reads_left=None
    )
