"""An order as data: the one shape in which orders are kept.

Everything shown of an order is rendered from this (``documents``), and nothing else is kept of
it. Times are microseconds since the epoch, amounts are whole cents of the currency. An order is
kept as one row of JSON: flat, so that a million orders cost the garbage collector nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson

from runa_mock_server.base.text import escaped, unescaped
from runa_mock_server.contract.fx import Exchanged
from runa_mock_server.contract.processing import NEVER
from runa_schemas.contract_data import OrderStatus, PayoutStatus

Outcome = Literal["COMPLETED", "FAILED"]


class Distribution(NamedTuple):
    """How an item reaches its recipient, as it was sent; see ``distribution_method``.

    Attributes:
        type: ``EMAIL``, ``PAYOUT_LINK`` or ``RECIPIENT``.
        recipient_reference: of a RECIPIENT.
        email_address: of an EMAIL or a RECIPIENT.
        template_id: the redemption template.
    """

    type: str
    recipient_reference: str | None = None
    email_address: str | None = None
    template_id: str | None = None


class Products(NamedTuple):
    """The products that a recipient gets or can choose from.

    Attributes:
        type: ``SINGLE``, ``MULTIPLE`` or ``TEMPLATE``.
        codes: the product or plan codes; for a TEMPLATE those that it stood for.
        template_id: of a TEMPLATE.
        usage_config: of a SINGLE, as it was sent.
    """

    type: str
    codes: Sequence[str]
    template_id: str | None = None
    usage_config: Mapping[str, str] | None = None


class Item(NamedTuple):
    """One item, which is one payout link.

    Attributes:
        face_value: what the recipient gets, in cents of the products' currency.
        price: what is paid for it, in the same.
        discount_multiplier: the share that is let off, as it is printed.
        distribution: how it reaches the recipient.
        products: what the recipient gets.
    """

    face_value: int
    price: int
    discount_multiplier: str
    distribution: Distribution
    products: Products


class Part(NamedTuple):
    """A product and the share of the face value that goes into it, in cents."""

    code: str
    value: int


class PayoutChange(NamedTuple):
    """What happened to a payout.

    Attributes:
        status: what it became.
        at: when; ``None``: when its order completed.
        parts: what a claimed payout was turned into; empty if nobody chose.
    """

    status: PayoutStatus
    at: int | None
    parts: Sequence[Part] = ()


class RecipientState(NamedTuple):
    """What the recipient of a payout has done so far, beside claiming it.

    Attributes:
        codes: how many one-time codes were sent to the recipient.
        sent: when those of the latest hour were sent; the last is that of the latest code.
        address: where the latest was sent.
        refused: how many wrong codes and refused cards there were since then.
        card: the last four digits of the card that the payout went to.
        failed_at: when a redemption was last answered with a processing error (RE008).
    """

    codes: int = 0
    sent: Sequence[int] = ()
    address: str | None = None
    refused: int = 0
    card: str | None = None
    failed_at: int | None = None


class Order(NamedTuple):
    """An order.

    Attributes:
        id: ``O-`` and a ULID.
        key: the idempotency key under which it was placed; ``None`` only for an order imported
            from a state that did not say.
        fingerprint: equal for equal bodies; 32 hexadecimal digits.
        created_at: when it was accepted.
        completed_at: the time printed as its completion.
        ends_at: from when on it is shown as ended; ``NEVER`` while it does not end by itself.
        expires_at: when its payout links expire, or ``NEVER``.
        failed: whether it ends ``FAILED``.
        currency: of its products.
        payment_currency: of its totals.
        total_price: in cents.
        total_discount: in cents.
        legacy_fields: whether its items show ``redemption_url`` and ``discount_multiplier``.
        items: at least one.
        description: as it was sent.
        metadata: as it was sent.
        exchange: where its two currencies differ.
        payouts: what happened to its payouts, by the index of the item.
        reads_left: how many reads still show it ``PROCESSING``; ``None`` where reads do not count.
        failure_reason: why it was made to fail, if it was.
        item_ids: of an imported order whose ids do not follow from its own; else empty.
        tokens: of an imported order whose links do not follow from its place; else empty.
        recipients: what the recipients of its payouts have done, by the index of the item.
        position: how many orders of the account are older; given by the commit.
        digest: of the bytes of the body, 16 hexadecimal digits; empty where it was not kept.
    """

    id: str
    key: str | None
    fingerprint: str
    created_at: int
    completed_at: int
    ends_at: int
    expires_at: int
    failed: bool
    currency: str
    payment_currency: str
    total_price: int
    total_discount: int
    legacy_fields: bool
    items: Sequence[Item]
    description: str | None = None
    metadata: Mapping[str, str] | None = None
    exchange: Exchanged | None = None
    payouts: Mapping[int, PayoutChange] = {}
    reads_left: int | None = None
    failure_reason: str | None = None
    item_ids: Sequence[str] = ()
    tokens: Sequence[str] = ()
    recipients: Mapping[int, RecipientState] = {}
    position: int = -1
    digest: str = ""

    @property
    def outcome(self) -> Outcome:
        """How it ends, or ended."""
        return "FAILED" if self.failed else "COMPLETED"

    @property
    def on_hold(self) -> bool:
        """Whether it does not end by itself."""
        return self.ends_at == NEVER

    @property
    def value(self) -> int:
        """The sum of its items' prices, in cents of the products' currency."""
        return sum(item.price for item in self.items)

    def status(self, now: int) -> OrderStatus:
        """What it is shown as."""
        return "PROCESSING" if now < self.ends_at else self.outcome

    def recipient(self, index: int) -> RecipientState:
        """What the recipient of an item's payout has done."""
        return self.recipients.get(index, _NOTHING_DONE)

    def with_recipient(self, index: int, state: RecipientState) -> "Order":
        """The order with another state of an item's recipient."""
        return self._replace(recipients={**self.recipients, index: state})

    def payout(self, index: int, now: int) -> PayoutChange:
        """What the payout of an item is, and since when.

        The payouts of a FAILED order are CANCELLED (inferred); links that nobody claimed expire.
        """
        if self.failed:
            return PayoutChange("CANCELLED", self.completed_at)
        change = self.payouts.get(index)
        if change is not None:
            return change if change.at is not None else change._replace(at=self.completed_at)
        if now >= self.expires_at:
            return PayoutChange("EXPIRED", self.expires_at)
        return PayoutChange("ACTIVE", self.completed_at)


_NOTHING_DONE = RecipientState()


def accepted(order_id: str) -> bytes:
    """The answer to a new async order: exactly ``id`` and ``status``."""
    return b'{"id":"%s","status":"PROCESSING"}' % order_id.encode()


class Timing(NamedTuple):
    """The times of an order's end, in microseconds since the epoch.

    Attributes:
        completed_at: the time printed as its completion.
        ends_at: from when on it is shown as ended, or ``NEVER``.
        expires_at: when its payout links expire, or ``NEVER``.
    """

    completed_at: int
    ends_at: int
    expires_at: int


def timing(now: int, delay: int, link_lifetime: int | None) -> Timing:
    """The times of an order that ends ``delay`` microseconds after ``now``.

    Args:
        now: microseconds since the epoch.
        delay: in microseconds, or ``NEVER``.
        link_lifetime: microseconds until its payout links expire; ``None`` if they do not.
    """
    if delay == NEVER:  # what is printed as its completion changes when it ends
        return Timing(now, NEVER, NEVER)
    completed_at = now + delay
    expires_at = NEVER if link_lifetime is None else completed_at + link_lifetime
    return Timing(completed_at, completed_at, expires_at)


def to_row(order: Order, position: int | None = None) -> bytes:
    """An order as one row of JSON, without its id, which is the name of the row.

    Args:
        order: the order.
        position: how many orders of the account are older; by default what the order says.
    """
    created_at, key = order.created_at, order.key
    return orjson.dumps(
        [
            order.position if position is None else position,
            created_at,
            order.completed_at - created_at,
            None if order.ends_at == NEVER else order.ends_at - created_at,
            None if order.expires_at == NEVER else order.expires_at - created_at,
            order.failed,
            order.fingerprint + order.digest,
            key if key is None else escaped(key),
            order.currency,
            order.payment_currency,
            order.total_price,
            order.total_discount,
            order.legacy_fields,
            [
                (face, price, off, tuple(distribution), tuple(products))
                for face, price, off, distribution, products in order.items
            ],
            order.description,
            order.metadata,
            *_rare(order),
        ]
    )


def _rare(order: Order) -> list[Any]:
    """What few orders have; nothing for the others, since a row is kept for each."""
    exchange, payouts, recipients = order.exchange, order.payouts, order.recipients
    reads_left, failure_reason = order.reads_left, order.failure_reason
    ids, tokens = order.item_ids, order.tokens
    if (
        exchange is None
        and reads_left is None
        and failure_reason is None
        and not (payouts or ids or tokens or recipients)
    ):
        return []
    changes = [(i, status, at, [*map(tuple, parts)]) for i, (status, at, parts) in payouts.items()]
    states = [(index, *state) for index, state in recipients.items()]
    return [exchange and tuple(exchange), changes, reads_left, failure_reason, ids, tokens, states]


_FINGERPRINT = 32  # digits


class RowHead(NamedTuple):
    """What a row begins with; see ``Order``."""

    created_at: int
    ends_at: int
    expires_at: int
    fingerprint: str
    digest: str


def head_of(row: bytes) -> RowHead:
    """What a row begins with, without reading the rest of it."""
    _, created, _, ends, expires, _, prints, _ = row[1:].split(b",", 7)
    created_at, fingerprint = int(created), prints[1:-1].decode()  # with the digest behind it
    return RowHead(
        created_at,
        NEVER if ends == b"null" else created_at + int(ends),
        NEVER if expires == b"null" else created_at + int(expires),
        fingerprint[:_FINGERPRINT],
        fingerprint[_FINGERPRINT:],
    )


def from_row(order_id: str, row: bytes) -> Order:
    """The order that a row holds."""
    start, rest = (fields := orjson.loads(row))[:8], fields[8:]
    position, created_at, completed, ends, expires, failed, prints, key = start
    currency, payment_currency, price, discount, legacy, items, description, metadata, *rare = rest
    order = Order(
        order_id,
        key if key is None else unescaped(key),
        prints[:_FINGERPRINT],
        created_at,
        created_at + completed,
        NEVER if ends is None else created_at + ends,
        NEVER if expires is None else created_at + expires,
        failed,
        currency,
        payment_currency,
        price,
        discount,
        legacy,
        [
            Item(face, cost, off, Distribution(*distribution), Products(*products))
            for face, cost, off, distribution, products in items
        ],
        description,
        metadata,
        position=position,
        digest=prints[_FINGERPRINT:],
    )
    if not rare:
        return order
    exchange, payouts, reads_left, failure_reason, ids, tokens, recipients = rare
    return order._replace(
        exchange=exchange and Exchanged(*exchange),
        payouts={
            index: PayoutChange(status, at, [Part(*part) for part in parts])
            for index, status, at, parts in payouts
        },
        reads_left=reads_left,
        failure_reason=failure_reason,
        item_ids=ids,
        tokens=tokens,
        recipients={index: RecipientState(*state) for index, *state in recipients},
    )
