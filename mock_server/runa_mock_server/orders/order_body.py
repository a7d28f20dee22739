"""A body of ``POST /order``, read step by step, and remembered once it has made an order.

Syntax, validation, business rules, price and text follow from the bytes alone, as long as
profile and catalogue stay; a catalogue that changes is another one. So a body that comes again, in
tests and under load nearly every one, need not go through them again. What depends on the moment,
like the balance, is checked for each order.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from runa_mock_server.base import strict_json
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.mail.outbox import addresses
from runa_mock_server.orders.account_state import OrderTerms
from runa_mock_server.orders.business_rules import order_basket
from runa_mock_server.orders.order_template import OrderTemplate, order_template
from runa_mock_server.orders.pricing import quote

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import NewOrder

_MOST_BODIES = 256
_MOST_BYTES = 1024 * 1024


class OrderPlan(NamedTuple):
    """An order that breaks no rule: what it costs, how it reads and who may get mail.

    Attributes:
        payment_currency: what it is paid in.
        total_price: what is paid.
        template: its text.
        addresses: the items that are distributed by EMAIL, by index, each with its address.
    """

    payment_currency: str
    total_price: Decimal
    template: OrderTemplate
    addresses: tuple[tuple[int, str], ...]


class OrderBody:
    """One body.

    Args:
        raw: the bytes.

    Attributes:
        raw: the bytes.
        fingerprint: 16 bytes, equal for bodies that idempotency takes for the same.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._document: Any = None
        self._error: strict_json.MalformedJsonError | None = None
        try:
            self._document = strict_json.parse(raw)
            self.fingerprint = strict_json.fingerprint(self._document)
        except strict_json.MalformedJsonError as error:
            self._error = error
            self.fingerprint = strict_json.fingerprint_bytes(raw)
        self._valid: NewOrder | None = None
        self._plans: dict[tuple[bool, bool, str, Catalogue], OrderPlan] = {}

    def validate(self, *, as_pydantic_1: bool) -> None:
        """See whether the body is an order at all.

        Raises:
            ApiError: ``bad_request`` if it is no JSON object, ``validation_error`` with a detail
                for each wrong field.
        """
        if self._valid is not None or self._plans:  # it has passed
            return
        if self._error is not None:
            raise strict_json.not_json(self._error)
        self._valid = _order(self._document, as_pydantic_1=as_pydantic_1)
        self._document = None

    def plan(self, terms: OrderTerms, *, synchronous: bool) -> OrderPlan:
        """The order that a valid body makes.

        Args:
            terms: how the account's orders are carried out.
            synchronous: whether the order is answered at once.

        Raises:
            ApiError: for the first business rule that it breaks.
        """
        # The rest is the same for all of a server.
        wanted = (synchronous, terms.legacy_item_fields, terms.payout_url, terms.catalogue)
        plan = self._plans.get(wanted)
        if plan is None:
            # What has passed is read again only for another mode or another catalogue.
            body = self._valid or _order(strict_json.parse(self.raw), as_pydantic_1=True)
            basket = order_basket(body, terms.catalogue, synchronous=synchronous)
            cost = quote(
                basket.values, basket.payment_currency, discounts=terms.profile.applies_discounts
            )
            plan = self._plans[wanted] = OrderPlan(
                cost.payment_currency,
                cost.total_price,
                order_template(body, basket, cost, terms),
                addresses(body["items"]),
            )
            # A large body is thousands of objects, which are not needed again.
            self._valid = None
        return plan


def _order(document: Any, *, as_pydantic_1: bool) -> "NewOrder":
    from runa_mock_server.contract.request_models import NewOrder, validate_body  # noqa: PLC0415 - loads pydantic

    return validate_body(NewOrder, document, as_pydantic_1=as_pydantic_1)


class OrderBodies:
    """The bodies of one server's orders; those that made one lately are remembered."""

    def __init__(self) -> None:
        self._known: dict[bytes, OrderBody] = {}
        self._bytes = 0

    def read(self, raw: bytes) -> OrderBody:
        """The body in ``raw``."""
        return self._known.get(raw) or OrderBody(raw)

    def remember(self, body: OrderBody) -> None:
        """Keep a body that made an order, and forget the oldest beyond the limits."""
        if body.raw in self._known:
            return
        self._known[body.raw] = body
        self._bytes += len(body.raw)
        while len(self._known) > _MOST_BODIES or self._bytes > _MOST_BYTES:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._bytes -= len(oldest)
