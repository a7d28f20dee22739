"""Placing, reading and listing the orders of one account."""

from runa_mock_server.bodies import NewOrder
from runa_mock_server.catalogue import Catalogue
from runa_mock_server.clock import SECOND, Clock
from runa_mock_server.errors import ApiError, quoted
from runa_mock_server.idempotency import Answer
from runa_mock_server.order_document import Outcome, Renderer, Timing, accepted, incomplete
from runa_mock_server.order_rules import checked
from runa_mock_server.order_store import OrderStore, StoredOrder
from runa_mock_server.paging import PageRequest, bad_cursor

_ACCEPTED = 202
_DONE = 200
# A synchronous order answers at once and is said to have completed a second later (recorded).
_SYNCHRONOUS_DELAY = 1 * SECOND


class OrderService:
    """The orders of one account.

    Status is worked out when an order is read: no timer runs while it is processed.

    Args:
        catalogue: what can be ordered.
        clock: tells when an order was made and whether it has ended.
        renderer: makes the documents.
        processing_delay: microseconds for which an async order is ``PROCESSING``.
    """

    def __init__(
        self, catalogue: Catalogue, clock: Clock, renderer: Renderer, processing_delay: int
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._renderer = renderer
        self._processing_delay = processing_delay
        self._store = OrderStore()

    def place(self, body: NewOrder, *, synchronous: bool, fails: bool = False) -> Answer:
        """Make an order.

        Args:
            body: a body that has passed validation.
            synchronous: whether the whole order is answered at once.
            fails: whether it ends ``FAILED`` instead of ``COMPLETED``.

        Returns:
            202 with id and status, or 200 with the full order.

        Raises:
            ApiError: if a business rule is broken; nothing was stored.
        """
        request = checked(body, self._catalogue, synchronous=synchronous)
        now = self._clock.now()
        outcome: Outcome = "FAILED" if fails else "COMPLETED"
        if synchronous:
            timing = Timing(now, now + _SYNCHRONOUS_DELAY, now)
        else:
            ends_at = now + self._processing_delay
            timing = Timing(now, ends_at, ends_at)
        order = self._renderer.order(request, timing, outcome)
        self._store.add(order)
        if synchronous:
            return Answer(_DONE, order.document)
        return Answer(_ACCEPTED, accepted(order.id))

    def read(self, order_id: str) -> bytes:
        """The order as it stands now: full once it has ended, three keys before.

        Raises:
            ApiError: ``not_found`` if this account has no such order.
        """
        order = self._store.get(order_id)
        if order is None:
            raise ApiError("not_found", f"There is no order {quoted(order_id)}.")
        return order.document if self._has_ended(order) else incomplete(order.id)

    def page(self, wanted: PageRequest) -> bytes:
        """A page of orders in basic form, newest first (inferred).

        Raises:
            ApiError: ``pagination_error`` for a cursor that is no order of this account.
        """
        start, stop = self._span(wanted)
        orders = self._store.between(start, stop)
        entries = b",".join(
            [order.basic if self._has_ended(order) else incomplete(order.id) for order in orders]
        )
        after = b'"%s"' % orders[-1].id.encode() if orders else b"null"
        before = b'"%s"' % orders[0].id.encode() if orders else b"null"
        return (
            b'{"items":[%s],"pagination":{"cursors":{"after":%s,"before":%s},'
            b'"page":{"limit":%d}}}' % (entries, after, before, wanted.limit)
        )

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

    def _has_ended(self, order: StoredOrder) -> bool:
        return self._clock.now() >= order.ends_at
