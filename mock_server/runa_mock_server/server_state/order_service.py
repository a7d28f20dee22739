"""What can be done with the orders of one account: each is decided first, and then committed."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Literal

import orjson

from runa_mock_server.base.clock import Clock
from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.ids import Identity
from runa_mock_server.base.paging import PageRequest, bad_cursor, envelope
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders import lifecycle, payouts
from runa_mock_server.orders.commit import AccountView, Commit
from runa_mock_server.orders.documents import basic, full_bytes, incomplete, tokens_of
from runa_mock_server.orders.order import Order, Part, from_row, head_of
from runa_mock_server.orders.payouts import Payout
from runa_mock_server.orders.terms import OrderTerms
from runa_mock_server.store.memory import AccountState


class OrderService:
    """The orders of one account, apart from placing them (``placing``).

    Args:
        clock: the account's time.
        state: what the account has.
        terms: how its orders are carried out from now on.
        catalogue: what could be ordered when the account began.

    Attributes:
        terms: how its orders are carried out from now on.
    """

    __slots__ = ("_clock", "_first_catalogue", "_state", "terms")

    def __init__(
        self, clock: Clock, state: AccountState, terms: OrderTerms, catalogue: Catalogue
    ) -> None:
        self._clock = clock
        self._state = state
        self._first_catalogue = catalogue
        self.terms = terms

    def document(self, order: Order, links: str) -> bytes:
        """The full order as it is now, or will be once it has ended; JSON bytes.

        Args:
            order: the order.
            links: what payout links begin with; a token follows.
        """
        return full_bytes(order, self._state.identity, links, self._clock.now())

    def read(self, order_id: str, links: str) -> bytes:
        """What ``GET /order/{id}`` answers: full once it has ended, three keys before.

        Args:
            order_id: of the order.
            links: what payout links begin with; a token follows.

        Raises:
            ApiError: ``not_found`` if this account has no such order.
        """
        row = self._state.row(order_id)
        if row is None:
            reason = f"There is no order {quoted(order_id)}."
            raise ApiError("not_found", reason, rule="not-found")
        now, (_, ends_at, expires_at, *_) = self._clock.now(), head_of(row)
        if now >= ends_at:
            return _document(order_id, row, self._state.identity, links, now >= expires_at)
        order = from_row(order_id, row)
        if order.reads_left is None:
            return incomplete(order_id)
        order = self._change(order_id, lifecycle.counted_read)
        return incomplete(order_id) if order.on_hold else self.document(order, links)

    def page(self, wanted: PageRequest) -> bytes:
        """A page of orders in basic form, newest first (inferred).

        Raises:
            ApiError: ``pagination_error`` for a cursor that is no order of this account.
        """
        start, stop = self._span(wanted)
        now = self._clock.now()
        shown = []
        first = last = ""
        for order in self._state.newest(stop, start):
            first, last = first or order.id, order.id
            ended = now >= order.ends_at
            shown.append(orjson.dumps(basic(order)) if ended else incomplete(order.id))
        return envelope("items", shown, (first, last) if shown else None, wanted.limit)

    def _span(self, wanted: PageRequest) -> tuple[int, int]:
        """The positions, oldest first, of the orders on a page."""
        count = self._state.order_count
        if wanted.before is not None:
            start = self._position("before", wanted.before) + 1
            return start, min(start + wanted.limit, count)
        stop = count if wanted.after is None else self._position("after", wanted.after)
        return max(0, stop - wanted.limit), stop

    def _position(self, name: str, cursor: str) -> int:
        position = self._state.position(cursor)
        if position is None:
            raise bad_cursor(name, cursor)
        return position

    def complete(self, order_id: str) -> Order:
        """End an order now, in the way in which it was going to end.

        Raises:
            TransitionError: if it has ended already.
        """
        return self._change(order_id, lifecycle.complete)

    def fail(self, order_id: str, reason: str) -> Order:
        """End an order now as ``FAILED``.

        Raises:
            TransitionError: if it has ended already.
        """

        def decide(order: Order, terms: OrderTerms, now: int) -> Commit:
            return lifecycle.fail(order, terms, now, reason, self._state)

        return self._change(order_id, decide)

    def hold(self, order_id: str) -> Order:
        """Keep an order ``PROCESSING`` until it is told to end.

        Raises:
            TransitionError: if it has ended already.
        """
        return self._change(order_id, lambda order, _terms, now: lifecycle.hold(order, now))

    def end_payouts(
        self, order_id: str, status: Literal["CANCELLED", "EXPIRED"], item_id: str | None
    ) -> Order:
        """Take active payouts of an order back, or let them expire before their time.

        Raises:
            ClaimError: if none of them is active.
        """
        return self._change(
            order_id, lambda order, _terms, now: payouts.end(order, status, item_id, now)
        )

    def _change(
        self, order_id: str, decide: Callable[[Order, OrderTerms, int], Commit | None]
    ) -> Order:
        """Change one order, which exists; the order as it is then."""
        now = self._clock.now()

        def decide_for(view: AccountView) -> Commit:
            order = _existing(view, order_id)
            return decide(order, self.terms, now) or Commit()

        self._state.commit(decide_for)
        return _existing(self._state, order_id)

    def find_payout(self, token: str) -> Payout | None:
        """The payout of a link, or ``None`` if this account has none with that token."""
        return payouts.find_payout(self._state, token, self._clock.now())

    def payouts_of(self, order: Order) -> list[Payout]:
        """The payouts of an order, as they are now or will be once it has ended."""
        tokens, now = tokens_of(order, self._state.identity), self._clock.now()
        return [
            Payout(token, order, index, order.payout(index, now))
            for index, token in enumerate(tokens)
        ]

    def parts(self, payout: Payout) -> Sequence[Part]:
        """What a claimed payout was turned into."""
        return payouts.parts_of(payout, self._first_catalogue)

    def claim(self, token: str, parts: Sequence[Part] = ()) -> Payout:
        """Turn an active payout into products; of two who try, one succeeds.

        Args:
            token: of the link.
            parts: how the face value is split; may be left out where there is no choice.

        Returns:
            The payout as it is now, ``CLAIMED``.

        Raises:
            ClaimError: if the payout is not active any more, or the parts do not fit it.
        """
        decide = partial(
            payouts.claim,
            token=token,
            parts=parts,
            catalogue=self.terms.catalogue,
            now=self._clock.now(),
        )
        self._state.commit(decide)
        payout = self.find_payout(token)
        if payout is None:
            raise payouts.ClaimError("There is no such payout.")
        return payout


@lru_cache(maxsize=512)
def _document(
    order_id: str,
    row: bytes,
    identity: Identity,
    links: str,
    is_expired: bool,  # noqa: FBT001 - part of the key of the cache
) -> bytes:
    """The full order of a row. Clients ask for the same order several times in a row."""
    order = from_row(order_id, row)
    return full_bytes(order, identity, links, order.expires_at if is_expired else order.ends_at)


def _existing(view: AccountView, order_id: str) -> Order:
    order = view.order(order_id)
    if order is None:
        raise KeyError(order_id)
    return order
