"""The JSON documents of an order, as bytes (provider's pages "Create order" and "Get order").

Keys stand in the order of recorded traffic. In the full document all that belongs to the basic
form comes first, so that the basic form is a prefix of the full one.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, NamedTuple

import orjson

from runa_mock_server.bodies import NewOrder, RecipientDistribution, TemplateProducts
from runa_mock_server.clock import timestamp
from runa_mock_server.ids import IdSource
from runa_mock_server.order_rules import Basket, Line
from runa_mock_server.order_store import StoredOrder
from runa_mock_server.pricing import Price, Quote
from runa_mock_server.processing import NEVER

Outcome = Literal["COMPLETED", "FAILED"]

BASIC_KEYS = (
    "id",
    "status",
    "created_at",
    "completed_at",
    "description",
    "payment_method",
    "currency",
    "total_discount",
    "total_price",
)
"""What lists show of an order, in the order in which every document has it."""

_ID_AT = len(b'{"id":"')
_ID_SIZE = len("O-") + 26


class Timing(NamedTuple):
    """The moments of an order, in microseconds since the epoch.

    Attributes:
        created_at: when it was accepted.
        completed_at: the moment printed as its completion.
        ends_at: from when on it is shown as ended.
        expires_at: when its payout links expire, or ``NEVER``.
    """

    created_at: int
    completed_at: int
    ends_at: int
    expires_at: int = NEVER


class Draft(NamedTuple):
    """All that is known of an order before it has a document.

    Attributes:
        body: what was asked for.
        basket: the same with its products looked up.
        quote: what it costs.
        timing: its moments.
        outcome: how it will end.
        position: how many orders of the account are older.
        known_recipients: references that were paid before; their payouts need no claim.
        legacy_item_fields: whether items carry ``redemption_url`` and ``discount_multiplier``.
    """

    body: NewOrder
    basket: Basket
    quote: Quote
    timing: Timing
    outcome: Outcome
    position: int
    known_recipients: Collection[str]
    legacy_item_fields: bool


class Renderer:
    """Makes the documents of one account's orders.

    Args:
        ids: where ids and tokens come from.
        payout_url: turns a payout token into the link that opens it.
    """

    def __init__(self, ids: IdSource, payout_url: Callable[[str], str]) -> None:
        self._ids = ids
        self._payout_url = payout_url

    def order(self, draft: Draft) -> StoredOrder:
        """A new order in its final form, with fresh ids for it and for its items."""
        timing, quote = draft.timing, draft.quote
        completed_at = timestamp(timing.completed_at)
        order_id = self._ids.order_id(timing.created_at)
        # Written as text: dumping dicts takes three times as long, and is done for every order.
        # What comes from the caller goes through `_json`, the rest needs no escaping.
        basic = (
            f'{{"id":"{order_id}","status":"{draft.outcome}",'
            f'"created_at":"{timestamp(timing.created_at)}","completed_at":"{completed_at}",'
            f'"description":{_json(draft.body.description)},'
            f'"payment_method":{_json(payment_method(quote))},'
            f'"currency":"{quote.payment_currency}",'
            f'"total_discount":"{quote.total_discount}","total_price":"{quote.total_price}"'
        ).encode()
        pairs = zip(draft.basket.lines, quote.prices, strict=True)
        items = ",".join(
            [
                self._item(draft, index, line, price, completed_at)
                for index, (line, price) in enumerate(pairs)
            ]
        )
        rest = (
            f',"items":[{items}],"transaction_detail":{_json(transaction_detail(quote))},'
            f'"metadata":{_json(draft.body.metadata)}}}'
        ).encode()
        return StoredOrder(order_id, timing.ends_at, timing.expires_at, basic + rest, len(basic))

    def _item(self, draft: Draft, index: int, line: Line, price: Price, completed_at: str) -> str:
        url = _json(self._payout_url(self._ids.payout_token(draft.position, index)))
        legacy = (
            f'"discount_multiplier":"{price.discount_multiplier}","redemption_url":{url},'
            if draft.legacy_item_fields
            else ""
        )
        distribution = line.distribution.echo() if line.distribution else None
        return (
            f'{{"id":"{self._ids.item_id(draft.timing.created_at)}",'
            f'"distribution_method":{_json(distribution)},"products":{_json(products(line))},'
            f'"face_value":"{price.face_value}","price":"{price.price}",{legacy}'
            f'"payout":{{"status":"{_payout_status(draft, line)}",'
            f'"status_updated_at":"{completed_at}","url":{url},'
            f'"expiry_date":{_expiry_date(draft.timing.expires_at)}}},'
            f'"currency":"{draft.quote.product_currency}"}}'
        )


def ended(order: StoredOrder, outcome: Outcome, timing: Timing) -> StoredOrder:
    """An order that ends in another way, or at another moment, than it was rendered with."""
    document = orjson.loads(order.document)
    stamp = timestamp(timing.completed_at)
    document |= {"status": outcome, "completed_at": stamp}
    for item in document["items"]:
        payout = item["payout"]
        payout["status_updated_at"] = stamp
        payout["expiry_date"] = orjson.loads(_expiry_date(timing.expires_at))
        if outcome == "FAILED":
            payout["status"] = "CANCELLED"
    return StoredOrder(
        id=order.id,
        ends_at=timing.ends_at,
        expires_at=timing.expires_at,
        document=orjson.dumps(document),
        basic_size=basic_size(document),
    )


def basic_size(document: Mapping[str, Any]) -> int:
    """How many bytes of a full document make up its basic form, without the last brace."""
    return len(orjson.dumps({key: document[key] for key in BASIC_KEYS})) - len("}")


def _json(value: Any) -> str:
    if value is None:
        return "null"
    return orjson.dumps(value).decode()


def _expiry_date(expires_at: int) -> str:
    return "null" if expires_at == NEVER else f'"{timestamp(expires_at)[:10]}"'


def _payout_status(draft: Draft, line: Line) -> str:
    if draft.outcome == "FAILED":
        return "CANCELLED"
    recipient = line.distribution
    if isinstance(recipient, RecipientDistribution):
        repeated = recipient.recipient_reference in draft.known_recipients
        return "CLAIMED" if repeated else "ACTIVE"
    return "ACTIVE"


def payment_method(quote: Quote) -> dict[str, str]:
    """How an order was paid; the currency is told only where it was exchanged."""
    if quote.exchange is None:
        return {"type": "ACCOUNT_BALANCE"}
    return {"type": "ACCOUNT_BALANCE", "currency": quote.payment_currency}


def products(line: Line) -> dict[str, Any]:
    """The products of an item as they were sent; a template with the codes it stands for."""
    echo = line.products.echo()
    if isinstance(line.products, TemplateProducts):
        echo["values"] = line.selection.codes
    return echo


def transaction_detail(quote: Quote) -> dict[str, Any]:
    """The value of the products in their currency, and the exchange, if there was one.

    The keys of ``fx`` beside ``rate`` and ``rate_symbol`` are inferred.
    """
    exchange = quote.exchange
    fx = (
        None
        if exchange is None
        else {
            "rate": f"{exchange.rate.normalize():f}",
            "rate_symbol": exchange.rate_symbol,
            "converted": str(exchange.converted),
            "fee": str(exchange.fee),
            "currency": quote.payment_currency,
        }
    )
    return {quote.product_currency: {"value": str(quote.value), "fx": fx}}


def accepted(order_id: str) -> bytes:
    """The answer to a new async order: exactly ``id`` and ``status``."""
    return b'{"id":"%s","status":"PROCESSING"}' % order_id.encode()


def incomplete(order_id: str) -> bytes:
    """All that is shown of an order while it is processed."""
    return (
        b'{"id":"%s","status":"PROCESSING",'
        b'"message":"The order is being processed; ask again in a moment."}' % order_id.encode()
    )


def order_id_in(document: bytes) -> str:
    """The id of the order that one of the documents above is about."""
    return document[_ID_AT : _ID_AT + _ID_SIZE].decode()
