"""Payout links: finding the item behind one, and claiming it once.

Provider's pages "Redemption" and "Payout status". A link belongs to an order that has ended; its
token says where the item lies (``ids``), and counts only if the item really carries it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from runa_mock_server.base.errors import quoted
from runa_mock_server.base.ids import read_payout_token
from runa_mock_server.base.money import cents_text, from_cents
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders.commit import AccountView, Commit
from runa_mock_server.orders.documents import expiry_day, ids_of, tokens_of
from runa_mock_server.orders.order import Item, Order, Part, PayoutChange
from runa_schemas.contract_data import PayoutStatus


class ClaimError(Exception):
    """A payout cannot be claimed in this way; nothing was changed.

    Attributes:
        parts: what is wrong with single parts, by product code.
    """

    def __init__(self, message: str, parts: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.parts = parts


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout link and the item behind it, as they are at one time.

    Attributes:
        token: the secret part of the link.
        order: the order.
        index: the index of the item in its order.
        change: the status of the payout, and since when.
    """

    token: str
    order: Order
    index: int
    change: PayoutChange

    @property
    def status(self) -> PayoutStatus:
        """``ACTIVE``, ``CLAIMED``, ``CANCELLED`` or ``EXPIRED``."""
        return self.change.status

    @property
    def status_updated_at(self) -> int:
        """When it took its status, microseconds since the epoch."""
        return self.order.completed_at if self.change.at is None else self.change.at

    @property
    def item(self) -> Item:
        """The item."""
        return self.order.items[self.index]

    @property
    def item_id(self) -> str:
        """The id of the item."""
        return ids_of(self.order)[self.index]

    @property
    def currency(self) -> str:
        """The currency of the face value."""
        return self.order.currency

    @property
    def face_value(self) -> str:
        """What the recipient gets, in the item's currency, as it is printed."""
        return cents_text(self.item.face_value)

    @property
    def expiry_date(self) -> str | None:
        """The day on which the link expires, ``None`` if it does not."""
        return expiry_day(self.order)

    @property
    def codes(self) -> Sequence[str]:
        """The products to choose from; one if there is no choice."""
        return self.item.products.codes


def find_payout(view: AccountView, token: str, now: int) -> Payout | None:
    """The payout of a link, or ``None`` if an account has none with that token by now."""
    place = read_payout_token(token)
    if place is None:
        return None
    order = view.order_at(place.position)
    if order is None or now < order.ends_at or place.item >= len(order.items):
        return None
    if tokens_of(order, view.identity)[place.item] != token:
        return None
    return Payout(token, order, place.item, order.payout(place.item, now))


def parts_of(payout: Payout, catalogue: Catalogue) -> Sequence[Part]:
    """What a claimed payout was turned into.

    Args:
        payout: the payout.
        catalogue: what could be ordered when the account began: what a payout turned into that
            nobody claimed by hand must not change with a product.
    """
    if payout.change.parts:
        return payout.change.parts
    # A repeat payout to a known recipient was never claimed by hand: it takes the first product
    # that comes in its value.
    value = payout.item.face_value
    fitting = [code for code in payout.codes if _takes(catalogue, code, value)]
    return (Part((fitting or payout.codes)[0], value),)


def _takes(catalogue: Catalogue, code: str, value: int) -> bool:
    offer = catalogue.offer(code)
    return offer is not None and from_cents(value) in offer.denominations


def claim(
    view: AccountView, token: str, parts: Sequence[Part], catalogue: Catalogue, now: int
) -> Commit:
    """Turn an active payout into products; of two who try, one succeeds.

    Args:
        view: the account.
        token: of the link.
        parts: how the face value is split; may be left out where there is no choice.
        catalogue: what can be ordered now.
        now: microseconds since the epoch.

    Raises:
        ClaimError: if the payout is not active any more, or the parts do not fit it.
    """
    payout = find_payout(view, token, now)
    if payout is None:
        raise ClaimError("There is no such payout.")
    if payout.status != "ACTIVE":
        raise ClaimError(f"The payout is {payout.status.lower()}, not active.")
    if not parts and len(payout.codes) == 1:
        parts = [Part(payout.codes[0], payout.item.face_value)]
    _check(payout, parts, catalogue)
    to = payout.item.distribution
    known = {} if to.recipient_reference is None else {to.recipient_reference: to.email_address}
    claimed = _changed(payout.order, [payout.index], "CLAIMED", now, parts)
    return Commit(changed=[claimed], recipients=known)


def end(
    order: Order, status: Literal["CANCELLED", "EXPIRED"], item_id: str | None, now: int
) -> Commit:
    """Take active payouts back, as the provider can, or let them expire before their time.

    Args:
        order: the order, which has ended.
        status: what they become.
        item_id: the item whose payout is meant, ``None`` for all of the order's.
        now: microseconds since the epoch.

    Raises:
        ClaimError: if none of them is active.
    """
    active = [
        index
        for index, each in enumerate(ids_of(order))
        if item_id in (None, each) and order.payout(index, now).status == "ACTIVE"
    ]
    if not active:
        raise ClaimError("no payout of this is active")
    return Commit(changed=[_changed(order, active, status, now)])


def _changed(
    order: Order,
    indexes: Sequence[int],
    status: PayoutStatus,
    now: int,
    parts: Sequence[Part] = (),
) -> Order:
    # A synchronous order is said to complete a second after it can be claimed.
    change = PayoutChange(status, max(now, order.completed_at), tuple(parts))
    return order._replace(payouts={**order.payouts, **dict.fromkeys(indexes, change)})


def _check(payout: Payout, parts: Sequence[Part], catalogue: Catalogue) -> None:
    codes = [part.code for part in parts]
    if not parts or len(set(codes)) != len(codes):
        raise ClaimError("Choose one or more products, each once.")
    wrong = {}
    for part in parts:
        offer = catalogue.known_offer(part.code)
        if part.code not in payout.codes or offer is None:
            raise ClaimError(f"{quoted(part.code)} is not among the products of this payout.")
        if not catalogue.claimable(part.code, from_cents(part.value)):
            wrong[part.code] = f"{cents_text(part.value)} does not fit: {offer.denominations}."
    if wrong:
        raise ClaimError("Not every product comes in its part.", wrong)
    left = payout.item.face_value - sum(part.value for part in parts)
    if left:
        amount = f"{cents_text(abs(left))} {'left' if left > 0 else 'too much'}"
        total = cents_text(payout.item.face_value - left)
        value = payout.face_value
        raise ClaimError(f"The parts add up to {total}, the payout is {value}: {amount}.")
