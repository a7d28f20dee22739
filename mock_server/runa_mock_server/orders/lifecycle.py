"""Ending the orders of one account otherwise than by time: on a read, or when somebody says so.

An order that only waits for its moment needs nothing of this: its status is worked out when it is
read. Whatever is done here leaves an order that has ended as it is.
"""

from decimal import Decimal

import orjson

from runa_mock_server.base.clock import Clock
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.account_state import Holdings
from runa_mock_server.orders.documents import Timing, ended
from runa_mock_server.orders.order_store import Outcome, StoredOrder


class TransitionError(Exception):
    """An order cannot take this step; nothing was changed."""


class Progress:
    """The orders of one account that are still ``PROCESSING``."""

    def __init__(self, clock: Clock, holdings: Holdings) -> None:
        self._clock = clock
        self._holdings = holdings

    def timing(self, created_at: int, delay: int) -> Timing:
        """The moments of an order that ends ``delay`` microseconds after ``created_at``."""
        if delay == NEVER:  # its documents are rendered anew when it ends
            return Timing(created_at, created_at, NEVER)
        lifetime = self._holdings.terms.link_lifetime
        completed_at = created_at + delay
        expires_at = NEVER if lifetime is None else completed_at + lifetime
        return Timing(created_at, completed_at, completed_at, expires_at)

    def after_read(self, order_id: str) -> bool:
        """Count a read of an order that is ``PROCESSING``; the last that it waits for ends it.

        Returns:
            Whether it has ended by that.
        """
        reads_left = self._holdings.held.get(order_id)
        if reads_left is None:
            return False
        if reads_left > 0:
            self._holdings.held[order_id] = reads_left - 1
            return False
        order = self._holdings.orders.get(order_id)
        if order is not None:
            self.complete(order)
        return order is not None

    def complete(self, order: StoredOrder) -> StoredOrder:
        """End an order now, in the way in which it was going to end.

        Raises:
            TransitionError: if it has ended already.
        """
        self._check_processing(order)
        return self._end(order, order.outcome)

    def fail(self, order: StoredOrder, reason: str) -> StoredOrder:
        """End an order now as ``FAILED``: its price is given back, its mails are not sent.

        Raises:
            TransitionError: if it has ended already.
        """
        self._check_processing(order)
        if not order.failed:
            document = orjson.loads(order.basic)
            price = Decimal(document["total_price"])
            self._holdings.balances.credit(document["currency"], price)
        self._holdings.failure_reasons[order.id] = reason
        self._holdings.outbox.drop(order.id)
        return self._end(order, "FAILED")

    def hold(self, order: StoredOrder) -> StoredOrder:
        """Keep an order ``PROCESSING`` until it is told to end.

        Raises:
            TransitionError: if it has ended already.
        """
        self._check_processing(order)
        held = order._replace(ends_at=NEVER)
        self._holdings.held[order.id] = None
        self._holdings.outbox.move(order.id, NEVER)
        self._holdings.keep(held)
        return held

    def _check_processing(self, order: StoredOrder) -> None:
        if self._clock.now() >= order.ends_at:
            raise TransitionError(f"the order has ended, it is {order.outcome}")

    def _end(self, order: StoredOrder, outcome: Outcome) -> StoredOrder:
        now = self._clock.now()
        done = ended(order, outcome, self.timing(now, 0))
        self._holdings.held.pop(order.id, None)
        self._holdings.outbox.move(order.id, now)
        self._holdings.keep(done)
        return done
