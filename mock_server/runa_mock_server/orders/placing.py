"""Placing an order: what is decided under its idempotency key, from the lookup to the balance.

The steps are named, and stand in their order, in ``web/checks.py``. Each looks at a ``Placing``,
adds what it finds out, and raises if it refuses; whatever comes out, 2xx, 4xx or 5xx, is the
answer to the key from then on. Nothing here changes anything: the result is a ``Commit``.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import repeat
from typing import Any

import orjson
from pydantic_core import ValidationError

from runa_mock_server.base import strict_json
from runa_mock_server.base.address import is_never_delivered, usable_host
from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.errors import ApiError, NeverStoredError, ServiceError, quoted
from runa_mock_server.base.ids import next_order_id
from runa_mock_server.base.money import CENT, HALF_UP, cents_text
from runa_mock_server.contract import triggers
from runa_mock_server.contract.request_models import VALIDATORS, NewOrder, refusal, validator
from runa_mock_server.contract.request_models import Distribution as SentDistribution
from runa_mock_server.orders.business_rules import (
    Line,
    draw_template,
    is_drawn,
    is_prepaid_visa,
    look_up,
)
from runa_mock_server.orders.commit import AccountView, Commit, Mail
from runa_mock_server.orders.documents import full_bytes
from runa_mock_server.orders.idempotency import Answer, KeptAnswer, in_progress
from runa_mock_server.orders.order import (
    Distribution,
    Item,
    Order,
    PayoutChange,
    Products,
    accepted,
    timing,
)
from runa_mock_server.orders.pricing import NO_DISCOUNT, Price, Quote, quote
from runa_mock_server.orders.terms import OrderOptions, OrderTerms
from runa_schemas.contract_data import PROCESSING_SECONDS

_ACCEPTED, _DONE = 202, 200
# A synchronous order answers at once and is said to have completed a second later (recorded).
_SYNCHRONOUS_DELAY = PROCESSING_SECONDS * SECOND


class OrderRequest:
    """A request to place an order, its headers checked and its body at hand.

    What follows from the body alone is worked out once, however often it is decided.

    Args:
        key: the idempotency key.
        raw: the body.
        options: what the headers ask for.
        terms: how the account's orders are carried out.
        now: when the request got to its key, microseconds since the epoch.

    Attributes:
        key: the idempotency key.
        options: what the headers ask for.
        terms: how the account's orders are carried out.
        now: when the request got to its key.
        accepted_at: when an order is accepted; later than ``now`` if the request is held up.
        digest: of the bytes of the body; 16 hexadecimal digits.
        fingerprint: equal for bodies that idempotency takes for the same, 32 hexadecimal digits;
            known once the body was read.
    """

    __slots__ = (
        "_body",
        "_document",
        "_error",
        "_raw",
        "accepted_at",
        "digest",
        "fingerprint",
        "key",
        "now",
        "options",
        "terms",
    )

    def __init__(
        self, key: str, raw: bytes, options: OrderOptions, terms: OrderTerms, now: int
    ) -> None:
        self.key = key
        self.options = options
        self.terms = terms
        self.now = self.accepted_at = now
        self.digest = blake2b(raw, digest_size=8).hexdigest()
        self._raw = raw
        self.fingerprint = ""
        self._document: Any = None
        self._body: NewOrder | None = None
        self._error: strict_json.MalformedJsonError | None = None

    def read(self) -> None:
        """Parse the body, unless that was done."""
        if self.fingerprint:
            return
        try:
            self._document = document = strict_json.parse(self._raw)
            self.fingerprint = strict_json.fingerprint(document).hex()
        except strict_json.MalformedJsonError as error:
            self._error = error
            self.fingerprint = strict_json.fingerprint_bytes(self._raw).hex()

    def replay(self, kept: KeptAnswer) -> Answer:
        """The stored answer. The same bytes are the same request, without reading them.

        Raises:
            NeverStoredError: ``idempotency_validation_error`` if the key was used with another
                body.
        """
        if kept.digest == self.digest:
            self.fingerprint = kept.fingerprint
        self.read()
        return kept.replay(self.key, self.fingerprint)

    @property
    def as_pydantic_1(self) -> bool:
        """Whether details are worded and located as production does."""
        return self.terms.profile.details_of_pydantic_1

    def check_syntax(self) -> None:
        """See whether the body is JSON.

        Raises:
            ApiError: ``bad_request`` if it is not.
        """
        self.read()
        if self._error is not None:
            raise strict_json.not_json(self._error)

    def body(self) -> NewOrder:
        """The body as an order; it is validated once.

        Raises:
            ApiError: ``bad_request`` if it is no JSON object, ``validation_error`` with a detail
                for each wrong field.
        """
        if self._body is None:
            validate = VALIDATORS.get(NewOrder) or validator(NewOrder)
            try:
                self._body = validate(self._document)
            except ValidationError as error:
                raise refusal(error, self._document, as_pydantic_1=self.as_pydantic_1) from None
        return self._body


class Placing:
    """An order on its way through the steps.

    Args:
        view: the account as it is.
        request: what was sent.

    Attributes:
        view: the account as it is.
        request: what was sent.
        terms: how the account's orders are carried out.
        kindnesses: the settings without which strict mode would answer otherwise.
        fails: whether the order is to end ``FAILED``.
        failure_reason: why it fails, unless it was asked to.
        body: the body as an order; known behind ``body_schema``.
        payment_currency: what is paid in; known behind ``body_schema``.
        synchronous: whether everything is answered at once.
        lines: the items with their products; known behind ``find_products``.
        product_currency: of the first product; one order has one currency.
        quote: what it costs; known behind ``price``.
    """

    __slots__ = (
        "body",
        "fails",
        "failure_reason",
        "kindnesses",
        "lines",
        "payment_currency",
        "product_currency",
        "quote",
        "request",
        "synchronous",
        "terms",
        "view",
    )

    body: NewOrder
    lines: Sequence[Line]
    payment_currency: str
    product_currency: str
    quote: Quote

    def __init__(self, view: AccountView, request: OrderRequest) -> None:
        self.view = view
        self.request = request
        self.terms = request.terms
        self.kindnesses: tuple[str, ...] = ()
        self.fails = False
        self.failure_reason: str | None = None
        self.synchronous = request.options.synchronous


Step = Callable[[Placing], Answer | None]
"""Looks at an order; returns the answer of the first time for a request that was seen before."""


def earlier_answer(view: AccountView, request: OrderRequest) -> Answer | None:
    """The stored answer for a request, if its key is in force.

    Raises:
        NeverStoredError: ``idempotency_in_progress`` while the first request is being handled,
            ``idempotency_validation_error`` if the key was used with another body.
    """
    key = request.key
    if key in view.in_progress:
        request.read()
        raise in_progress(key)
    kept = view.kept_answer(key) if key in view.keys else None
    if kept is None or not kept.in_force(request.now):
        return None
    return request.replay(kept)


def same_key(placing: Placing) -> Answer | None:
    """The stored answer; 400 for a key in progress, or used with another body."""
    answer = earlier_answer(placing.view, placing.request)
    if answer is None:
        return None
    return Answer(answer.status, answer.body, answer.content_type, "idem-replay")


def json_syntax(placing: Placing) -> None:
    """400 ``bad_request`` for a body that is no JSON."""
    placing.request.check_syntax()


def body_schema(placing: Placing) -> None:
    """400 ``bad_request`` for what is no object, 422 ``validation_error`` for wrong fields."""
    placing.body = body = placing.request.body()
    placing.payment_currency = body["payment_method"]["currency"].value


def trigger(placing: Placing) -> None:
    """The error that was asked for."""
    asked = placing.request.options.trigger
    if asked is not None:
        placing.fails = asked == triggers.ORDER_FAILED
        if placing.request.options.is_kind_trigger and not placing.fails:
            placing.kindnesses += ("all_triggers",)
        triggers.pull(asked)


def find_products(placing: Placing) -> None:
    """400 ``product_validation_error`` for products and templates that do not exist."""
    terms = placing.terms
    template = None
    if not terms.fixed_templates and terms.profile.name == "playground":
        seed = f"{placing.view.identity.secret.hex()}/{placing.view.order_count}"
        template = partial(draw_template, catalogue=terms.catalogue, seed=seed)
    placing.lines = lines = look_up(placing.body["items"], terms.catalogue, template)
    placing.product_currency = lines[0].offers[0].currency


def same_address(placing: Placing) -> None:
    """A known recipient with another address: 400 if sync, else the order fails (inferred).

    The card of a known recipient is topped up, which fails for another address than the first
    (provider's page "Reloadable cards").
    """
    known = placing.view.recipients
    if not known:
        return
    for index, line in enumerate(placing.lines):
        to = line.distribution
        if to is None or to["type"] != "RECIPIENT":
            continue
        address = known.get(to["recipient_reference"])
        if address is not None and address != to["email_address"]:
            reference = quoted(to["recipient_reference"])
            reason = f"items[{index}]: the recipient {reference} has another email_address."
            if placing.synchronous:
                raise ApiError("product_validation_error", reason, rule="recipient-address")
            placing.fails, placing.failure_reason = True, reason


def price(placing: Placing) -> None:
    """What the order costs: more or less than its face values only if ``quote`` says so."""
    lines, currency = placing.lines, placing.payment_currency
    discounts = placing.terms.profile.applies_discounts
    if discounts or currency != placing.product_currency:
        values = [(line.face_value, line.offers) for line in lines]
        placing.quote = quote(values, currency, discounts=discounts)
        return
    faces = [int(HALF_UP.quantize(line.face_value, CENT) * 100) for line in lines]
    prices = [*map(Price, faces, faces, repeat(NO_DISCOUNT))]
    value = sum(faces)
    placing.quote = Quote(prices, currency, currency, value, value, 0, None)


def enough_balance(placing: Placing) -> None:
    """400 ``insufficient_funds``; an order that fails costs nothing (inferred)."""
    if placing.fails or not placing.terms.profile.enforces_balances:
        return
    cost, currency = placing.quote.total_price, placing.payment_currency
    balance = placing.view.balance(currency)
    if cost > balance:
        raise ApiError(
            "insufficient_funds",
            f"The order costs {currency} {cents_text(cost)}, the balance is {cents_text(balance)}.",
            rule="insufficient-funds",
        )


def sync_completes(placing: Placing) -> None:
    """500 ``internal_server_error`` for a synchronous order that was made to fail.

    A synchronous 200 is always COMPLETED (provider's page "Create order"); the error is inferred.
    """
    if not placing.fails:
        return
    if placing.request.options.is_kind_trigger:  # the only one that lets an order get here
        placing.kindnesses += ("all_triggers",)
    if placing.synchronous:
        raise ApiError(
            "internal_server_error",
            "The order was made to fail by order_failed.",
            rule="trigger-failed",
        )


def place(request: OrderRequest, steps: Sequence[Step], view: AccountView) -> Commit:
    """Decide what a request to place an order changes, and how it is answered.

    Args:
        request: the request.
        steps: what is checked, in this order.
        view: the account.

    Raises:
        NeverStoredError: for a conflict with an earlier use of the key and for an unknown
            trigger.
    """
    placing = Placing(view, request)
    try:
        for step in steps:
            answer = step(placing)
            if answer is not None:
                return Commit(answer)
    except NeverStoredError:
        raise
    except ServiceError as error:
        answer = Answer(error.status, orjson.dumps(error.document()), rule=error.rule)
        kept = KeptAnswer(request.now, request.fingerprint, answer)
        return Commit(answer, (request.key, kept), kindnesses=placing.kindnesses)
    return _accept(placing)


def _accept(placing: Placing) -> Commit:
    terms, view, request = placing.terms, placing.view, placing.request
    if terms.fixed_templates and _has_drawn_template(placing):
        placing.kindnesses += ("fixed_templates",)
    order = _order(placing)
    if placing.synchronous:
        placed = order._replace(position=view.order_count)
        document = full_bytes(placed, view.identity, terms.payout_url, order.created_at)
        rule = "sync-order" if placing.quote.exchange is None else "fx-currencies"
        answer = Answer(_DONE, document, rule=rule)
    else:
        rule = "order-accepted"
        if placing.fails:
            rule = "trigger-failed" if placing.failure_reason is None else "recipient-address"
        answer = Answer(_ACCEPTED, accepted(order.id), rule=rule)
    balances = {}
    if terms.profile.enforces_balances and not placing.fails:
        currency = placing.payment_currency
        balances[currency] = view.balance(currency) - order.total_price
    always, asked = terms.profile.always_sends_email, request.options.email
    mails: Sequence[Mail] = ()
    if (always or asked) and not order.failed:
        to = [item.distribution for item in order.items]
        host = usable_host(request.options.host)
        mails = [Mail(i, host=host) for i in mailed_items(to, always=always, asked=asked)]
    return Commit(
        answer,
        (request.key, KeptAnswer(request.now, request.fingerprint, answer)),
        order,
        balances=balances,
        mails={order.id: mails} if mails else {},
        kindnesses=placing.kindnesses,
    )


def _has_drawn_template(placing: Placing) -> bool:
    """Whether strict mode would have had a template stand for other products."""
    terms = placing.terms
    if terms.profile.name != "playground":
        return False
    for line in placing.lines:
        products = line.products
        if products["type"] == "TEMPLATE" and is_drawn(products["template_id"], terms.catalogue):
            return True
    return False


def _order(placing: Placing) -> Order:
    request, terms, cost, body = placing.request, placing.terms, placing.quote, placing.body
    options, view, now = request.options, placing.view, request.accepted_at
    processing = options.processing or terms.processing
    delay = _SYNCHRONOUS_DELAY if options.synchronous else processing.delay
    items = [
        Item(face, paid, off, distribution_of(item["distribution_method"]), products_of(line))
        for item, line, (face, paid, off) in zip(
            body["items"], placing.lines, cost.prices, strict=True
        )
    ]
    order_id = next_order_id(view.newest_id, now, view.identity.secret)
    completed_at, ends_at, expires_at = timing(now, delay, terms.link_lifetime)
    return Order(
        order_id,
        request.key,
        request.fingerprint,
        now,
        completed_at,
        now if options.synchronous else ends_at,
        expires_at,
        placing.fails,
        cost.product_currency,
        cost.payment_currency,
        cost.total_price,
        cost.total_discount,
        terms.legacy_item_fields,
        items,
        body.get("description"),
        body.get("metadata"),
        cost.exchange,
        _claimed_at_once(placing) if view.recipients and not placing.fails else {},
        None if options.synchronous else processing.reads,
        placing.failure_reason,
        digest=request.digest,
    )


def distribution_of(sent: SentDistribution) -> Distribution:
    """How an item reaches its recipient, from what was sent."""
    template_id = sent.get("template_id")
    if sent["type"] == "EMAIL":
        return Distribution("EMAIL", None, sent["email_address"], template_id)
    if sent["type"] == "PAYOUT_LINK":
        return Distribution("PAYOUT_LINK", None, None, template_id)
    return Distribution(
        sent["type"], sent["recipient_reference"], sent["email_address"], template_id
    )


def products_of(line: Line) -> Products:
    """What the recipient of an item gets, from what was sent."""
    sent = line.products
    if sent["type"] == "SINGLE":
        usage = sent.get("usage_config")
        if usage is None or not is_prepaid_visa(sent["value"]):
            return _single(sent["value"])
        template_id = usage.get("spend_rules_template_id")
        echo = {} if template_id is None else {"spend_rules_template_id": template_id}
        return Products(sent["type"], (sent["value"],), None, echo)
    if sent["type"] == "MULTIPLE":
        return Products(sent["type"], sent["values"])
    return Products(sent["type"], [offer.code for offer in line.offers], sent["template_id"])


@lru_cache(maxsize=512)
def _single(code: str) -> Products:
    return Products("SINGLE", (code,))


def _claimed_at_once(placing: Placing) -> dict[int, PayoutChange]:
    """The payouts to recipients who were paid before: they need no claim."""
    known = placing.view.recipients
    return {
        index: PayoutChange("CLAIMED", None)
        for index, line in enumerate(placing.lines)
        if line.distribution is not None
        and line.distribution["type"] == "RECIPIENT"
        and line.distribution["recipient_reference"] in known
    }


def mailed_items(recipients: Sequence[Distribution], *, always: bool, asked: bool) -> list[int]:
    """The indexes of the items whose recipients get mail (provider's page "Playground").

    On the playground mail is sent only if the request asks for it, and only for the first item
    distributed by EMAIL; in production for each such item (inferred). Addresses that cannot
    exist get none.

    Args:
        recipients: how each item reaches its recipient.
        always: whether this environment mails without being asked.
        asked: whether ``X-Send-Email: true`` was sent.
    """
    if not (always or asked):
        return []
    by_email = [
        (index, to.email_address)
        for index, to in enumerate(recipients)
        if to.type == "EMAIL" and to.email_address is not None
    ]
    chosen = by_email if always else by_email[:1]
    return [index for index, to in chosen if not is_never_delivered(to)]
