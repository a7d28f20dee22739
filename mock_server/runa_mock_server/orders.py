"""Placing, reading and listing the orders of one account."""

from typing import NamedTuple

import orjson

from runa_mock_server.bodies import NewOrder
from runa_mock_server.clock import SECOND, Clock
from runa_mock_server.emails import email_for, mailed_items
from runa_mock_server.errors import ApiError, quoted
from runa_mock_server.holdings import Holdings
from runa_mock_server.idempotency import Answer
from runa_mock_server.order_body import OrderPlan
from runa_mock_server.order_document import Draft, Outcome, Renderer, Timing, accepted, incomplete
from runa_mock_server.order_store import StoredOrder
from runa_mock_server.paging import PageRequest, bad_cursor, envelope
from runa_mock_server.payouts import with_expiry
from runa_mock_server.processing import NEVER, Processing
from runa_mock_server.progress import Progress

_ACCEPTED = 202
_DONE = 200
# A synchronous order answers at once and is said to have completed a second later (recorded).
_SYNCHRONOUS_DELAY = 1 * SECOND


class Wishes(NamedTuple):
    """What the headers of a request ask for.

    Attributes:
        synchronous: whether the whole order is answered at once.
        fails: whether it ends ``FAILED`` instead of ``COMPLETED``.
        email: whether mail is to be sent where the environment does not send it anyway.
        processing: how long it is to stay ``PROCESSING``; ``None`` leaves that to the settings.
    """

    synchronous: bool = False
    fails: bool = False
    email: bool = False
    processing: Processing | None = None


class OrderService:
    """The orders of one account.

    Status is worked out when an order is read: no timer runs while it is processed.
    """

    def __init__(
        self, clock: Clock, renderer: Renderer, holdings: Holdings, progress: Progress
    ) -> None:
        self._clock = clock
        self._renderer = renderer
        self._holdings = holdings
        self._progress = progress
        self._store = holdings.orders

    def place(self, plan: OrderPlan, wishes: Wishes, now: int) -> Answer:
        """Make an order.

        Args:
            plan: an order that breaks no business rule.
            wishes: what the headers ask for.
            now: the moment at which it is accepted, microseconds since the epoch.

        Returns:
            202 with id and status, or 200 with the full order.

        Raises:
            ApiError: ``insufficient_funds``; nothing was stored, debited or mailed.
        """
        outcome: Outcome = "FAILED" if wishes.fails else "COMPLETED"
        processing = wishes.processing or self._holdings.terms.processing
        order = self._renderer.order(
            plan.template,
            Draft(
                self._timing(now, wishes, processing),
                outcome,
                len(self._store),
                self._holdings.known_recipients,
            ),
        )
        if outcome == "COMPLETED":  # inferred: an order that fails costs nothing
            self._holdings.balances.debit(plan.payment_currency, plan.total_price)
        self._store.add(order)
        if order.ends_at == NEVER:
            self._holdings.held[order.id] = processing.reads
        if outcome == "COMPLETED":
            self._mail(plan.body, order, wishes)
        if self._holdings.order_changed is not None:
            self._holdings.order_changed(order)
        if wishes.synchronous:
            return Answer(_DONE, order.document)
        return Answer(_ACCEPTED, accepted(order.id))

    def _timing(self, now: int, wishes: Wishes, processing: Processing) -> Timing:
        if wishes.synchronous:
            return self._progress.timing(now, _SYNCHRONOUS_DELAY)._replace(ends_at=now)
        return self._progress.timing(now, processing.delay)

    def _mail(self, body: NewOrder, order: StoredOrder, wishes: Wishes) -> None:
        always = self._holdings.terms.profile.always_sends_email
        chosen = mailed_items(body.items, always=always, requested=wishes.email)
        if chosen:
            document = orjson.loads(order.document)
            mails = [email_for(document, index, order.ends_at) for index in chosen]
            self._holdings.outbox.add(order.id, mails)

    def read(self, order_id: str) -> bytes:
        """The order as it stands now: full once it has ended, three keys before.

        Raises:
            ApiError: ``not_found`` if this account has no such order.
        """
        order = self._store.get(order_id)
        if order is None:
            raise ApiError("not_found", f"There is no order {quoted(order_id)}.")
        now = self._clock.now()
        if now < order.ends_at:
            order = self._progress.after_read(order)
            now = self._clock.now()
            if now < order.ends_at:
                return incomplete(order.id)
        return with_expiry(self._store, order, now).document

    def page(self, wanted: PageRequest) -> bytes:
        """A page of orders in basic form, newest first (inferred).

        Raises:
            ApiError: ``pagination_error`` for a cursor that is no order of this account.
        """
        now = self._clock.now()
        orders = self._store.between(*self._span(wanted))
        entries = [
            order.basic if now >= order.ends_at else incomplete(order.id) for order in orders
        ]
        ends = (orders[0].id, orders[-1].id) if orders else None
        return envelope("items", entries, ends, wanted.limit)

    def _span(self, wanted: PageRequest) -> tuple[int, int]:
        """The positions, oldest first, of the orders on a page."""
        if wanted.before is not None:
            start = self._position("before", wanted.before) + 1
            return start, min(start + wanted.limit, len(self._store))
        stop = len(self._store)
        if wanted.after is not None:
            stop = self._position("after", wanted.after)
        return max(0, stop - wanted.limit), stop

    def _position(self, name: str, cursor: str) -> int:
        position = self._store.position(cursor)
        if position is None:
            raise bad_cursor(name, cursor)
        return position
