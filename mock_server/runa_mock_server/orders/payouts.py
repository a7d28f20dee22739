"""Payout links: finding the item behind one, and claiming it once.

Provider's pages "Redemption" and "Payout status". A link belongs to an order that has ended; its
token says where the item lies (``ids``), and counts only if the item really carries it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import orjson

from runa_mock_server.base.clock import Clock, timestamp, to_microseconds
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.ids import read_payout_token
from runa_mock_server.base.money import show
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.account_state import Holdings
from runa_mock_server.orders.order_store import OrderStore, StoredOrder


class ClaimError(Exception):
    """A payout cannot be claimed in this way; nothing was changed.

    Attributes:
        parts: what is wrong with single parts, by product code.
    """

    def __init__(self, message: str, parts: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.parts = parts


@dataclass(frozen=True, slots=True)
class Part:
    """A product and the share of the face value that goes into it."""

    code: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout link and the item behind it.

    Attributes:
        token: the secret part of the link.
        order_id: the order.
        order_status: ``COMPLETED`` or ``FAILED``.
        item: the item, as ``GET /order/{id}`` shows it.
    """

    token: str
    order_id: str
    order_status: str
    item: dict[str, Any]

    @property
    def status(self) -> str:
        """``ACTIVE``, ``CLAIMED``, ``CANCELLED`` or ``EXPIRED``."""
        return str(self.item["payout"]["status"])

    @property
    def status_updated_at(self) -> int:
        """When it took its status, microseconds since the epoch."""
        return to_microseconds(datetime.fromisoformat(self.item["payout"]["status_updated_at"]))

    @property
    def currency(self) -> str:
        """The currency of the face value."""
        return str(self.item["currency"])

    @property
    def face_value(self) -> Decimal:
        """What the recipient gets, in the item's currency."""
        return Decimal(self.item["face_value"])

    @property
    def codes(self) -> list[str]:
        """The products to choose from; one if there is no choice."""
        products = self.item["products"]
        return [products["value"]] if products["type"] == "SINGLE" else list(products["values"])


class _Opened(NamedTuple):
    """A payout whose order is at hand to be changed: the payout's item is part of the document."""

    order: StoredOrder
    document: dict[str, Any]
    payout: Payout


class PayoutService:
    """The payout links of one account.

    Args:
        catalogue: what could be ordered when the account began. What a payout turned into that
            nobody claimed by hand is read off it each time, and must not change with a product.
        clock: the account's time.
        holdings: what the account holds.

    Attributes:
        claims: what claimed payouts were turned into, by token.
    """

    def __init__(self, catalogue: Catalogue, clock: Clock, holdings: Holdings) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._holdings = holdings
        self.claims: dict[str, tuple[Part, ...]] = {}

    def find(self, token: str) -> Payout | None:
        """The payout of a link, or ``None`` if this account has none with that token."""
        opened = self._open(token)
        return None if opened is None else opened.payout

    def parts(self, payout: Payout) -> tuple[Part, ...]:
        """What a claimed payout was turned into."""
        chosen = self.claims.get(payout.token)
        if chosen is not None:
            return chosen
        # A repeat payout to a known recipient was never claimed by hand: it takes the first
        # product that comes in its value.
        fitting = [code for code in payout.codes if self._takes(code, payout.face_value)]
        return (Part((fitting or payout.codes)[0], payout.face_value),)

    def _takes(self, code: str, value: Decimal) -> bool:
        offer = self._catalogue.offer(code)
        return offer is not None and value in offer.denominations

    def end(
        self, order: StoredOrder, status: Literal["CANCELLED", "EXPIRED"], item_id: str | None
    ) -> None:
        """Take active payouts back, as the provider can, or let them expire before their time.

        Args:
            order: the order, which has ended; its links have expired if it is time.
            status: what they become.
            item_id: the item whose payout is meant, ``None`` for all of the order's.

        Raises:
            ClaimError: if none of them is active.
        """
        document = orjson.loads(order.document)
        active = [
            item
            for item in document["items"]
            if item_id in (None, item["id"]) and item["payout"]["status"] == "ACTIVE"
        ]
        if not active:
            raise ClaimError("no payout of this is active")
        now = self._clock.now()
        for item in active:
            _mark_now(item, status, now)
        self._holdings.orders.replace(order._replace(document=orjson.dumps(document)))

    def claim(self, payout: Payout, parts: Sequence[Part] = ()) -> Payout:
        """Turn an active payout into products; of two who try, one succeeds.

        Args:
            payout: what ``find`` gave.
            parts: how the face value is split; may be left out where there is no choice.

        Returns:
            The payout as it is now, ``CLAIMED``.

        Raises:
            ClaimError: if the payout is not active any more, or the parts do not fit it.
        """
        opened = self._active(payout.token)
        found = opened.payout
        if not parts and len(found.codes) == 1:
            parts = [Part(found.codes[0], found.face_value)]
        self._check(found, parts)
        self.claims[found.token] = tuple(parts)
        self._settle(opened, "CLAIMED")
        reference = found.item["distribution_method"].get("recipient_reference")
        if reference is not None:
            self._holdings.known_recipients.add(reference)
        return found

    def _active(self, token: str) -> _Opened:
        opened = self._open(token)
        if opened is None:
            raise ClaimError("There is no such payout.")
        if opened.payout.status != "ACTIVE":
            raise ClaimError(f"The payout is {opened.payout.status.lower()}, not active.")
        return opened

    def _settle(self, opened: _Opened, status: str) -> None:
        """Give an active payout its last status."""
        _mark_now(opened.payout.item, status, self._clock.now())
        document = orjson.dumps(opened.document)
        self._holdings.orders.replace(opened.order._replace(document=document))

    def _open(self, token: str) -> _Opened | None:
        place = read_payout_token(token)
        if place is None:
            return None
        now = self._clock.now()
        orders = self._holdings.orders
        order = orders.at(place.position)
        if order is None or now < order.ends_at or token.encode() not in order.document:
            return None
        order = with_expiry(orders, order, now)
        document = orjson.loads(order.document)
        items = document["items"]
        if place.item >= len(items) or not items[place.item]["payout"]["url"].endswith(token):
            return None
        item = items[place.item]
        payout = Payout(token, document["id"], document["status"], item)
        return _Opened(order, document, payout)

    def _check(self, payout: Payout, parts: Sequence[Part]) -> None:
        codes = [part.code for part in parts]
        if not parts or len(set(codes)) != len(codes):
            raise ClaimError("Choose one or more products, each once.")
        catalogue = self._holdings.terms.catalogue
        wrong = {}
        for part in parts:
            offer = catalogue.offer(part.code)
            if part.code not in payout.codes or offer is None:
                raise ClaimError(f"{quoted(part.code)} is not among the products of this payout.")
            if not catalogue.claimable(part.code, part.value):
                wrong[part.code] = f"{show(part.value)} does not fit: {offer.denominations}."
        if wrong:
            raise ClaimError("Not every product comes in its part.", wrong)
        left = payout.face_value - sum(part.value for part in parts)
        if left:
            amount = f"{show(abs(left))} {'left' if left > 0 else 'too much'}"
            total = show(payout.face_value - left)
            raise ClaimError(
                f"The parts add up to {total}, the payout is {show(payout.face_value)}: {amount}."
            )


def with_expiry(orders: OrderStore, order: StoredOrder, now: int) -> StoredOrder:
    """An order whose links have expired, if it is time; written down once, when first seen."""
    if now < order.expires_at:
        return order
    document = orjson.loads(order.document)
    for item in document["items"]:
        if item["payout"]["status"] == "ACTIVE":
            _mark(item, "EXPIRED", order.expires_at)
    expired = order._replace(document=orjson.dumps(document), expires_at=NEVER)
    orders.replace(expired)
    return expired


def _mark_now(item: dict[str, Any], status: str, now: int) -> None:
    # A synchronous order is said to complete a second after it can be claimed.
    before = datetime.fromisoformat(item["payout"]["status_updated_at"])
    _mark(item, status, max(now, to_microseconds(before)))


def _mark(item: dict[str, Any], status: str, moment: int) -> None:
    item["payout"]["status"] = status
    item["payout"]["status_updated_at"] = timestamp(moment)
