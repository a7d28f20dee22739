"""The business rules of an order (provider's pages "Create order" and "Errors").

They run on a body that has passed validation, in the order in which they stand in
``ORDER_RULES``; the first that is broken answers. Amounts are in the currency of the products.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.catalogue.catalogue import Catalogue, Selection
from runa_mock_server.contract.fx import can_exchange, exchange
from runa_schemas.contract_data import MAX_CHOICE_FACE_VALUE, MAX_DISTINCT_TEMPLATES

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import (
        Distribution,
        EstimateItem,
        NewEstimate,
        NewItem,
        NewOrder,
        Products,
    )

# Inferred: a ceiling for links that no product's maximum bounds, so that sums stay printable.
REDEMPTION_TEMPLATE = r"^DT-[0-9A-HJKMNP-TV-Z]{26}$"
"""Ids of redemption templates; these are the customer's own, so any such id is known (inferred)."""


class Line(NamedTuple):
    """One item of a request with the offers behind it; an estimate has no distribution."""

    face_value: Decimal
    products: "Products"
    selection: Selection
    distribution: "Distribution | None"


class Basket(NamedTuple):
    """A valid body, what it refers to, and how it is to be carried out.

    Attributes:
        payment_currency: what it is paid in.
        lines: the items, in the order of the basket.
        synchronous: whether everything is answered at once.
    """

    payment_currency: str
    lines: tuple[Line, ...]
    synchronous: bool

    @property
    def values(self) -> list[tuple[Decimal, Selection]]:
        """For each line its face value and the offers behind it, which make its price."""
        return [(line.face_value, line.selection) for line in self.lines]

    @property
    def product_currency(self) -> str:
        """The currency of the products; one basket has one."""
        return self.lines[0].selection.offers[0].currency


Rule = Callable[[Basket], None]


def order_basket(body: "NewOrder", catalogue: Catalogue, *, synchronous: bool) -> Basket:
    """The basket of a new order, all rules passed.

    Raises:
        ApiError: for the first broken rule, with the type that the rule names.
    """
    distributions = [item["distribution_method"] for item in body["items"]]
    basket = _basket(body, distributions, catalogue, synchronous=synchronous)
    return _checked(basket, ORDER_RULES)


def estimate_basket(body: "NewEstimate", catalogue: Catalogue) -> Basket:
    """The basket of an estimate, all rules passed that can apply to one.

    Raises:
        ApiError: for the first broken rule, with the type that the rule names.
    """
    basket = _basket(body, [None] * len(body["items"]), catalogue, synchronous=True)
    return _checked(basket, ESTIMATE_RULES)


def _basket(
    body: "NewOrder | NewEstimate",
    distributions: "Sequence[Distribution | None]",
    catalogue: Catalogue,
    *,
    synchronous: bool,
) -> Basket:
    items: Sequence[NewItem | EstimateItem] = body["items"]
    known: dict[int, Line] = {}  # by item, for one can stand in many places
    for index, item in enumerate(items):
        if id(item) not in known:
            known[id(item)] = Line(
                item["face_value"],
                item["products"],
                _selection(item["products"], catalogue, index),
                distributions[index],
            )
    lines = tuple([known[id(item)] for item in items])
    return Basket(body["payment_method"]["currency"].value, lines, synchronous)


def _checked(basket: Basket, rules: tuple[Rule, ...]) -> Basket:
    for rule in rules:
        rule(basket)
    return basket


def _selection(products: "Products", catalogue: Catalogue, index: int) -> Selection:
    """The offers an item names; a code or template that is unknown breaks the first rule."""
    if products["type"] == "SINGLE":
        return _single(products["value"], catalogue, index)
    if products["type"] == "MULTIPLE":
        singles = [_single(code, catalogue, index) for code in products["values"]]
        return Selection(tuple([offer for single in singles for offer in single.offers]))
    selection = catalogue.template(products["template_id"])
    if selection is None:
        raise _refused(index, f"there is no product template {quoted(products['template_id'])}")
    return selection


def _single(code: str, catalogue: Catalogue, index: int) -> Selection:
    selection = catalogue.single(code)
    if selection is None:
        raise _refused(index, f"there is no product {quoted(code)}")
    return selection


def _orderable(basket: Basket) -> None:
    for index, line in enumerate(basket.lines):
        for offer in line.selection.offers:
            if not offer.is_orderable:
                raise _refused(index, f"the product {quoted(offer.code)} cannot be ordered now")


def _face_values(basket: Basket) -> None:
    for index, line in enumerate(basket.lines):
        value = line.face_value
        if line.products["type"] == "SINGLE":
            offer = line.selection.offers[0]
            if value not in offer.denominations:
                reason = f"{quoted(offer.code)} comes {offer.denominations}"
                raise _refused(index, f"face value {quoted(value)}: {reason}")
        elif value != value.to_integral_value():
            raise _refused(
                index,
                f"face value {quoted(value)}: several products to choose from need a whole number",
            )
        elif not line.selection.minimum <= value <= MAX_CHOICE_FACE_VALUE:
            reason = f"must be from {line.selection.minimum} to {MAX_CHOICE_FACE_VALUE}"
            raise _refused(index, f"face value {quoted(value)}: {reason}")


def _redemption_templates_exist(basket: Basket) -> None:
    for index, line in enumerate(basket.lines):
        template_id = _redemption_template(line)
        if template_id is not None and not re.fullmatch(REDEMPTION_TEMPLATE, template_id):
            raise _refused(index, f"there is no redemption template {quoted(template_id)}")


def _template_limits(basket: Basket) -> None:
    if len(basket.lines) <= MAX_DISTINCT_TEMPLATES:
        return
    used: dict[str, set[str | None]] = {
        "product": {
            line.products["template_id"]
            for line in basket.lines
            if line.products["type"] == "TEMPLATE"
        },
        "redemption": {_redemption_template(line) for line in basket.lines} - {None},
    }
    for kind, ids in used.items():
        if len(ids) > MAX_DISTINCT_TEMPLATES:
            raise ApiError(
                "product_validation_error",
                f"An order can use {MAX_DISTINCT_TEMPLATES} {kind} templates; "
                f"this one uses {len(ids)}.",
            )


def _redemption_template(line: Line) -> str | None:
    return line.distribution.get("template_id") if line.distribution is not None else None


def _one_currency(basket: Basket) -> None:
    currencies = {offer.currency for line in basket.lines for offer in line.selection.offers}
    if len(currencies) > 1:
        raise ApiError(
            "product_validation_error",
            f"An order has products of one currency; this one has {', '.join(sorted(currencies))}.",
        )


def _recipients_get_payments(basket: Basket) -> None:
    for index, line in enumerate(basket.lines):
        if line.distribution is not None and line.distribution["type"] == "RECIPIENT":
            for offer in line.selection.offers:
                if offer.payout_type != "payment":
                    raise _refused(
                        index, f"RECIPIENT is for payment products; {quoted(offer.code)} is none"
                    )


def _synchronous_is_single(basket: Basket) -> None:
    if basket.synchronous and len(basket.lines) > 1:
        raise ApiError(
            "invalid_execution_mode", "A synchronous order has one item; use async for several."
        )


def _payment_currency(basket: Basket) -> None:
    payment, product = basket.payment_currency, basket.product_currency
    if payment == product:
        return
    if not basket.synchronous or len(basket.lines) > 1:
        reason = "only a synchronous order of one item exchanges currencies"
    elif not can_exchange(payment, product):
        reason = f"products in {product} cannot be paid in {payment}"
    else:
        return
    raise ApiError(
        "currency_mismatch",
        f"The products are in {product}, the payment is in {payment}: {reason}.",
    )


def _nothing_is_free(basket: Basket) -> None:
    payment, product = basket.payment_currency, basket.product_currency
    if payment == product:
        return
    value = basket.lines[0].face_value  # an exchange has one item
    if not exchange(value, product, payment).converted:
        raise _refused(0, f"{product} {value} is less than a cent in {payment}")


ORDER_RULES: tuple[Rule, ...] = (
    _orderable,  # product_validation_error
    _face_values,  # product_validation_error
    _redemption_templates_exist,  # product_validation_error
    _template_limits,  # product_validation_error
    _one_currency,  # product_validation_error
    _recipients_get_payments,  # product_validation_error
    _synchronous_is_single,  # invalid_execution_mode
    _payment_currency,  # currency_mismatch
    _nothing_is_free,  # product_validation_error
)
"""The rules of ``POST /order``; behind them all stands the balance, in ``balances``."""

ESTIMATE_RULES: tuple[Rule, ...] = (
    _orderable,
    _face_values,
    _one_currency,
    _payment_currency,
    _nothing_is_free,
)
"""The rules of ``POST /order/estimate``: those that need no distribution and no order."""


def _refused(index: int, reason: str) -> ApiError:
    return ApiError("product_validation_error", f"items[{index}]: {reason}.")
