"""The business rules of an order (provider's pages "Create order" and "Errors").

They run on a body that has passed validation, in the order in which they stand in ``RULES``; the
first that is broken answers. Amounts are in the currency of the products.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from runa_mock_server.bodies import (
    MultipleProducts,
    NewItem,
    NewOrder,
    RecipientDistribution,
    SingleProduct,
)
from runa_mock_server.catalogue import Catalogue, Offer, Selection
from runa_mock_server.errors import ApiError, quoted

_MAX_TEMPLATES = 10
# Inferred: a ceiling for links that no product's maximum bounds, so that sums stay printable.
_LARGEST_FACE_VALUE = Decimal(10) ** 12
# Inferred: redemption templates are the customer's own, so any well-formed id is known.
_REDEMPTION_TEMPLATE = re.compile(r"DT-[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the request with the offers behind it."""

    item: NewItem
    selection: Selection


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A valid body, what it refers to, and how it is to be carried out."""

    body: NewOrder
    lines: tuple[Line, ...]
    synchronous: bool

    @property
    def product_currency(self) -> str:
        """The currency of the products; one order has one."""
        return self.lines[0].selection.offers[0].currency


def checked(body: NewOrder, catalogue: Catalogue, *, synchronous: bool) -> OrderRequest:
    """The request with its products looked up, all rules passed.

    Raises:
        ApiError: for the first broken rule, with the type that the rule names.
    """
    lines = tuple(
        Line(item, _selection(item, catalogue, index)) for index, item in enumerate(body.items)
    )
    request = OrderRequest(body, lines, synchronous)
    for rule in RULES:
        rule(request)
    return request


def _selection(item: NewItem, catalogue: Catalogue, index: int) -> Selection:
    """The offers an item names; a code or template that is unknown breaks the first rule."""
    products = item.products
    if isinstance(products, SingleProduct):
        return Selection((_offer(products.value, catalogue, index),))
    if isinstance(products, MultipleProducts):
        return Selection(tuple(_offer(code, catalogue, index) for code in products.values))
    selection = catalogue.template(products.template_id)
    if selection is None:
        raise _refused(index, f"there is no product template {quoted(products.template_id)}")
    return selection


def _offer(code: str, catalogue: Catalogue, index: int) -> Offer:
    offer = catalogue.offer(code)
    if offer is None:
        raise _refused(index, f"there is no product {quoted(code)}")
    return offer


def _orderable(request: OrderRequest) -> None:
    for index, line in enumerate(request.lines):
        for offer in line.selection.offers:
            if not offer.is_orderable:
                raise _refused(index, f"the product {quoted(offer.code)} cannot be ordered now")


def _face_values(request: OrderRequest) -> None:
    for index, line in enumerate(request.lines):
        value = line.item.face_value
        if isinstance(line.item.products, SingleProduct):
            offer = line.selection.offers[0]
            if value not in offer.denominations:
                reason = f"{quoted(offer.code)} comes {offer.denominations}"
                raise _refused(index, f"face value {quoted(value)}: {reason}")
        elif value != value.to_integral_value():
            raise _refused(
                index,
                f"face value {quoted(value)}: several products to choose from need a whole number",
            )
        elif not line.selection.minimum <= value <= _LARGEST_FACE_VALUE:
            reason = f"the products take {line.selection.minimum} and more"
            raise _refused(index, f"face value {quoted(value)}: {reason}")


def _template_limits(request: OrderRequest) -> None:
    redemption = {line.item.distribution_method.template_id for line in request.lines} - {None}
    for template_id in redemption:
        if template_id is not None and not _REDEMPTION_TEMPLATE.fullmatch(template_id):
            raise ApiError(
                "product_validation_error",
                f"There is no redemption template {quoted(template_id)}.",
            )
    products = {
        line.item.products.template_id
        for line in request.lines
        if line.item.products.type == "TEMPLATE"
    }
    for kind, used in (("product", products), ("redemption", redemption)):
        if len(used) > _MAX_TEMPLATES:
            raise ApiError(
                "product_validation_error",
                f"An order can use {_MAX_TEMPLATES} {kind} templates; this one uses {len(used)}.",
            )


def _one_currency(request: OrderRequest) -> None:
    currencies = {offer.currency for line in request.lines for offer in line.selection.offers}
    if len(currencies) > 1:
        raise ApiError(
            "product_validation_error",
            f"An order has products of one currency; this one has {', '.join(sorted(currencies))}.",
        )


def _recipients_get_payments(request: OrderRequest) -> None:
    for index, line in enumerate(request.lines):
        if isinstance(line.item.distribution_method, RecipientDistribution):
            for offer in line.selection.offers:
                if offer.payout_type != "payment":
                    raise _refused(
                        index, f"RECIPIENT is for payment products; {quoted(offer.code)} is none"
                    )


def _synchronous_is_single(request: OrderRequest) -> None:
    if request.synchronous and len(request.lines) > 1:
        raise ApiError(
            "invalid_execution_mode", "A synchronous order has one item; use async for several."
        )


def _payment_currency(request: OrderRequest) -> None:
    payment = request.body.payment_method.currency
    if payment != request.product_currency:
        raise ApiError(
            "currency_mismatch",
            f"The products are in {request.product_currency}, the payment is in {payment}.",
        )


RULES: tuple[Callable[[OrderRequest], None], ...] = (
    _orderable,  # product_validation_error
    _face_values,  # product_validation_error
    _template_limits,  # product_validation_error
    _one_currency,  # product_validation_error
    _recipients_get_payments,  # product_validation_error
    _synchronous_is_single,  # invalid_execution_mode
    _payment_currency,  # currency_mismatch
)


def _refused(index: int, reason: str) -> ApiError:
    return ApiError("product_validation_error", f"items[{index}]: {reason}.")
