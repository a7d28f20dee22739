"""The business rules of an order (provider's pages "Create order" and "Errors").

They run on a body that has passed validation, in the order in which ``web/checks.py`` names them
for orders and ``ESTIMATE_RULES`` for estimates; the first that is broken answers. Amounts are in
the currency of the products.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.catalogue.catalogue import Catalogue, Offer
from runa_mock_server.contract.fx import can_exchange, exchange
from runa_mock_server.orders.terms import OrderTerms
from runa_schemas.contract_data import (
    MAX_CHOICE_FACE_VALUE,
    MAX_DISTINCT_TEMPLATES,
    PRODUCT_TEMPLATES,
    PRODUCTS_PER_TEMPLATE,
)

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import (
        Distribution,
        EstimateItem,
        NewItem,
        Products,
    )

REDEMPTION_TEMPLATE = r"^DT-[0-9A-HJKMNP-TV-Z]{26}$"
"""Ids of redemption templates; these are the customer's own, so any such id is known (inferred)."""

_PREPAID_VISA = "VISASL-"


def is_prepaid_visa(code: str) -> bool:
    """Whether a product is a prepaid Visa card, which alone has spend rules.

    No field of the catalogue says so; the provider's codes do: ``VISASL-3M-USD`` (inferred).
    """
    return code.startswith(_PREPAID_VISA)


class Line(NamedTuple):
    """One item of a request with the offers behind it; an estimate has no distribution."""

    face_value: Decimal
    products: "Products"
    offers: Sequence[Offer]
    distribution: "Distribution | None"


class Basket(Protocol):
    """What the rules look at: an order, or an estimate."""

    @property
    def payment_currency(self) -> str:
        """What it is paid in."""

    @property
    def lines(self) -> Sequence[Line]:
        """The items, in the order of the request."""

    @property
    def synchronous(self) -> bool:
        """Whether everything is answered at once."""

    @property
    def product_currency(self) -> str:
        """The currency of the products; one basket has one."""


class OrderBasket(Basket, Protocol):
    """What the rules look at that are for orders alone.

    Attributes:
        kindnesses: the settings without which strict mode would answer otherwise.
    """

    kindnesses: tuple[str, ...]

    @property
    def terms(self) -> OrderTerms:
        """How the account's orders are carried out."""


Rule = Callable[[Basket], None]

_PLAYGROUND_CURRENCIES = {each: currency for currency, each in PRODUCT_TEMPLATES.items()}


Template = Callable[[str], Sequence[Offer] | None]
"""The offers of a product template, ``None`` for one that does not exist."""


def look_up(
    items: "Sequence[NewItem | EstimateItem]",
    catalogue: Catalogue,
    template: Template | None = None,
) -> list[Line]:
    """The items of a request with the offers behind them; an estimate has no distribution.

    Args:
        items: of the request.
        catalogue: what can be ordered.
        template: what templates stand for, unless it is what the catalogue says.

    Raises:
        ApiError: ``product_validation_error`` for a product or a template that does not exist.
    """
    lines = []
    for index, item in enumerate(items):
        products = item["products"]
        offers: Sequence[Offer] | None = None
        if products["type"] == "SINGLE":
            offers = catalogue.single.get(products["value"])
        if offers is None:
            offers = _offers(products, catalogue, template, index)
        # An estimate's item has no distribution.
        distribution = cast("NewItem", item).get("distribution_method")
        lines.append(Line(item["face_value"], products, offers, distribution))
    return lines


def _offers(
    products: "Products", catalogue: Catalogue, template: Template | None, index: int
) -> Sequence[Offer]:
    """The offers an item names; a code or template that is unknown breaks the first rule."""
    if products["type"] == "TEMPLATE":
        template_id = products["template_id"]
        drawn = None if template is None else template(template_id)
        if drawn is not None:
            return drawn
        selection = catalogue.template(template_id)
        if selection is None:
            reason = f"there is no product template {quoted(template_id)}"
            raise _refused(index, reason, "template-known")
        return selection.offers
    codes = (products["value"],) if products["type"] == "SINGLE" else products["values"]
    offers = []
    for code in codes:
        offer = catalogue.offer(code)
        if offer is None:
            rule = "product-known" if products["type"] == "SINGLE" else "choice-products"
            raise _refused(index, f"there is no product {quoted(code)}", rule)
        offers.append(offer)
    return offers


def orderable(basket: Basket) -> None:
    """400 ``product_validation_error`` for a product that cannot be ordered now."""
    for index, line in enumerate(basket.lines):
        for offer in line.offers:
            if not offer.is_orderable:
                reason = f"the product {quoted(offer.code)} cannot be ordered now"
                raise _refused(index, reason, "product-orderable")


def face_values(basket: Basket) -> None:
    """400 ``product_validation_error`` for a face value in which the products do not come."""
    for index, line in enumerate(basket.lines):
        value = line.face_value
        if line.products["type"] == "SINGLE":
            offer = line.offers[0]
            comes = offer.denominations
            # Not `value in comes`, which would call a function for each of 200 items.
            if (
                not comes.minimum <= value <= comes.maximum
                or (comes.fixed is not None and value not in comes.fixed)
                or value > MAX_CHOICE_FACE_VALUE
            ):
                reason = f"{quoted(offer.code)} comes {offer.denominations}"
                is_plan = offer.payout_type == "subscription"
                rule = "subscription-price" if is_plan else "face-value-range"
                raise _refused(index, f"face value {quoted(value)}: {reason}", rule)
        elif value != value.to_integral_value():
            raise _refused(
                index,
                f"face value {quoted(value)}: several products to choose from need a whole number",
                "choice-value",
            )
        else:
            minimum = min(offer.denominations.minimum for offer in line.offers)
            if minimum <= value <= MAX_CHOICE_FACE_VALUE:
                continue
            reason = f"must be from {minimum} to {MAX_CHOICE_FACE_VALUE}"
            raise _refused(index, f"face value {quoted(value)}: {reason}", "choice-value")


def redemption_templates_exist(basket: Basket) -> None:
    """400 ``product_validation_error`` for a redemption template that does not exist."""
    for index, (_, _, _, distribution) in enumerate(basket.lines):
        template_id = None if distribution is None else distribution.get("template_id")
        if template_id is not None and not re.fullmatch(REDEMPTION_TEMPLATE, template_id):
            reason = f"there is no redemption template {quoted(template_id)}"
            raise _refused(index, reason, "redemption-template")


def template_limits(basket: Basket) -> None:
    """400 ``product_validation_error`` for more than ten different templates of a kind."""
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
                rule="template-count" if kind == "redemption" else "product-template-count",
            )


def _redemption_template(line: Line) -> str | None:
    return line.distribution.get("template_id") if line.distribution is not None else None


def one_currency(basket: Basket) -> None:
    """400 ``product_validation_error`` for products of several currencies."""
    currencies = {offer.currency for line in basket.lines for offer in line.offers}
    if len(currencies) > 1:
        raise ApiError(
            "product_validation_error",
            f"An order has products of one currency; this one has {', '.join(sorted(currencies))}.",
            rule="one-currency",
        )


def one_country(order: OrderBasket) -> None:
    """400 ``product_validation_error`` in strict mode; see ``common_country``."""
    lines, terms = order.lines, order.terms
    if len(lines) == 1 and len(lines[0].offers) == 1:
        return
    try:
        common_country(lines, terms.catalogue)
    except ApiError:
        if not terms.several_countries:
            raise
        order.kindnesses += ("several_countries",)


def common_country(lines: Sequence[Line], catalogue: Catalogue) -> None:
    """400 ``product_validation_error`` for chosen products that share no country.

    Two of the provider's guides ask for one country; templates are exempt (inferred).
    """
    codes = {
        offer.code for line in lines if line.products["type"] != "TEMPLATE" for offer in line.offers
    }
    countries = [frozenset(catalogue.product_of(code)["countries_redeemable_in"]) for code in codes]
    if countries and not frozenset.intersection(*countries):
        raise ApiError(
            "product_validation_error",
            "No country is common to all products of the order.",
            rule="several-countries",
        )


def draw_template(template_id: str, catalogue: Catalogue, seed: str) -> Sequence[Offer] | None:
    """Ten gift cards for a template of the playground, others for each seed.

    Returns:
        ``None`` for a template of which the provider does not say that it changes.
    """
    if not is_drawn(template_id, catalogue):
        return None
    cards = catalogue.gift_cards[_PLAYGROUND_CURRENCIES[template_id]]
    random = Random(f"{seed}/{template_id}")  # noqa: S311 - repeatable on purpose
    return random.sample(cards, PRODUCTS_PER_TEMPLATE)


def is_drawn(template_id: str, catalogue: Catalogue) -> bool:
    """Whether strict mode draws the products of a template anew for each order."""
    currency = _PLAYGROUND_CURRENCIES.get(template_id, "")
    return len(catalogue.gift_cards.get(currency, ())) >= PRODUCTS_PER_TEMPLATE


def recipients_get_payments(basket: Basket) -> None:
    """400 ``product_validation_error`` for a RECIPIENT of what is no payment product."""
    for index, line in enumerate(basket.lines):
        if line.distribution is not None and line.distribution["type"] == "RECIPIENT":
            for offer in line.offers:
                if offer.payout_type != "payment":
                    reason = f"RECIPIENT is for payment products; {quoted(offer.code)} is none"
                    raise _refused(index, reason, "recipient-payment")


def synchronous_is_single(basket: Basket) -> None:
    """400 ``invalid_execution_mode`` for a synchronous order of several items."""
    if basket.synchronous and len(basket.lines) > 1:
        raise ApiError(
            "invalid_execution_mode",
            "A synchronous order has one item; use async for several.",
            rule="sync-single",
        )


def payment_currency(basket: Basket) -> None:
    """400 ``currency_mismatch`` for a payment that cannot be exchanged."""
    payment, product = basket.payment_currency, basket.product_currency
    if payment == product:
        return
    if not basket.synchronous or len(basket.lines) > 1:
        reason = "only a synchronous order of one item exchanges currencies"
        rule = "currency-mismatch"
    elif not can_exchange(payment, product):
        reason = f"products in {product} cannot be paid in {payment}"
        rule = "currency-usd-only"
    else:
        return
    raise ApiError(
        "currency_mismatch",
        f"The products are in {product}, the payment is in {payment}: {reason}.",
        rule=rule,
    )


def nothing_is_free(basket: Basket) -> None:
    """400 ``product_validation_error`` for products worth less than a cent of the payment."""
    payment, product = basket.payment_currency, basket.product_currency
    if payment == product:
        return
    value = basket.lines[0].face_value  # an exchange has one item
    if not exchange(value, product, payment).price:
        reason = f"{product} {value} is less than a cent in {payment}"
        raise _refused(0, reason, "exchange-minimum")


ESTIMATE_RULES: tuple[Rule, ...] = (
    orderable,
    face_values,
    one_currency,
    payment_currency,
    nothing_is_free,
)
"""The rules of ``POST /order/estimate``: those that need no distribution and no order."""


def _refused(index: int, reason: str, rule: str) -> ApiError:
    return ApiError("product_validation_error", f"items[{index}]: {reason}.", rule=rule)
