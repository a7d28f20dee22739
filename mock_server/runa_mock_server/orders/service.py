"""Placing, reading and listing the orders of one account."""

from typing import NamedTuple

import orjson

from runa_mock_server.base.clock import SECOND, Clock
from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.paging import PageRequest, bad_cursor, envelope
from runa_mock_server.contract.processing import NEVER, Processing
from runa_mock_server.mail.outbox import email_for, mailed_items
from runa_mock_server.orders.account_state import Holdings
from runa_mock_server.orders.documents import Renderer, accepted, incomplete
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.lifecycle import Progress
from runa_mock_server.orders.order_body import OrderPlan
from runa_mock_server.orders.order_store import Draft, StoredOrder
from runa_mock_server.orders.order_template import OrderTemplate
from runa_mock_server.orders.payouts import with_expiry
from runa_schemas.contract_data import PROCESSING_SECONDS

_ACCEPTED = 202
_DONE = 200
# A synchronous order answers at once and is said to have completed a second later (recorded).
_SYNCHRONOUS_DELAY = PROCESSING_SECONDS * SECOND


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
        self._ids = renderer.ids
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
        holdings = self._holdings
        draft = self._draft(plan.template, wishes, now)
        if not draft.failed:  # inferred: an order that fails costs nothing
            holdings.balances.debit(plan.payment_currency, plan.total_price)
        written = self._written_now(plan.template, wishes, draft)
        if written is None:
            self._store.accept(draft)
        else:
            self._store.add(written)
        if draft.ends_at == NEVER:
            holdings.held[draft.id] = (wishes.processing or holdings.terms.processing).reads
        if not draft.failed and (wishes.email or holdings.terms.profile.always_sends_email):
            self._mail(plan, draft, wishes)
        if holdings.order_changed is not None:
            holdings.order_changed(draft.id, draft.ends_at)
        if wishes.synchronous and written is not None:
            return Answer(_DONE, written.document)
        return Answer(_ACCEPTED, accepted(draft.id))

    def _draft(self, template: OrderTemplate, wishes: Wishes, now: int) -> Draft:
        processing = wishes.processing or self._holdings.terms.processing
        delay = _SYNCHRONOUS_DELAY if wishes.synchronous else processing.delay
        created_at, completed_at, ends_at, expires_at = self._progress.timing(now, delay)
        return Draft(
            self._ids.order_id(created_at),
            template.text,
            wishes.fails,
            now if wishes.synchronous else ends_at,
            expires_at,
            created_at,
            completed_at,
            len(self._store),
            template.items,
        )

    def _written_now(
        self, template: OrderTemplate, wishes: Wishes, draft: Draft
    ) -> StoredOrder | None:
        """The order with its document, if that cannot wait until it is read."""
        known = self._holdings.known_recipients
        # Payouts to recipients who were paid before need no claim, and who is known changes.
        claimed = [
            item
            for item, recipient in (template.recipients if known and not draft.failed else ())
            if recipient in known
        ]
        return self._renderer.write(draft, claimed) if claimed or wishes.synchronous else None

    def _mail(self, plan: OrderPlan, draft: Draft, wishes: Wishes) -> None:
        always = self._holdings.terms.profile.always_sends_email
        chosen = mailed_items(plan.addresses, always=always, requested=wishes.email)
        order = self._store.get(draft.id) if chosen else None
        if order is not None:
            document = orjson.loads(order.document)
            mails = [email_for(document, index, order.ends_at) for index in chosen]
            self._holdings.outbox.add(order.id, mails)

    def read(self, order_id: str) -> bytes:
        """The order as it stands now: full once it has ended, three keys before.

        Raises:
            ApiError: ``not_found`` if this account has no such order.
        """
        ends_at = self._store.ends_at(order_id)
        processing = ends_at is not None and self._clock.now() < ends_at
        if processing and not self._progress.after_read(order_id):
            return incomplete(order_id)
        order = self._store.get(order_id)
        if order is None:
            raise ApiError("not_found", f"There is no order {quoted(order_id)}.")
        return with_expiry(self._store, order, self._clock.now()).document

    def page(self, wanted: PageRequest) -> bytes:
        """A page of orders in basic form, newest first (inferred).

        Raises:
            ApiError: ``pagination_error`` for a cursor that is no order of this account.
        """
        found = self._store.basics(*self._span(wanted), self._clock.now(), incomplete)
        ends = (found[0][0], found[-1][0]) if found else None
        return envelope("items", [basic for _, basic in found], ends, wanted.limit)

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
