"""What an order would cost; the real playground does not have it."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from runa_client import multiple, single
from runa_conformance._bodies import ABSENT, NO_PRODUCT, Document, edit
from runa_conformance._brief import shown
from runa_conformance._catalogue_sample import CENT, TEN
from runa_conformance._checks.details import invalid_at
from runa_conformance._checks.exchange import worked_example
from runa_conformance._expect import at, entries, equal, expect, keys, refused, success
from runa_conformance._failures import SkippedError
from runa_conformance._messages import Answer
from runa_conformance._registry import Group
from runa_conformance._service import Service
from runa_schemas.contract_data import MAX_ESTIMATE_ITEMS

GROUP = Group("estimates")

NOT_THERE = {404, 405}
ESTIMATE = (
    *("payment_method", "currency", "total_price", "total_discount"),
    *("items", "transaction_detail"),
)


def _part(products: Mapping[str, object], value: object) -> Document:
    return {"face_value": value, "products": dict(products)}


def _body(currency: str, *items: Document) -> Document:
    return {"payment_method": {"type": "ACCOUNT_BALANCE", "currency": currency}, "items": [*items]}


def _estimate(service: Service, body: Document) -> Answer:
    answer = service.estimate(body)
    if answer.status in NOT_THERE:
        raise SkippedError("the server has no POST /order/estimate")
    return answer


def _amount(document: Any, *path: str | int) -> Decimal:
    """An amount of an estimate: a JSON number with at most two decimals, or money as a string."""
    value = at(document, *path)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    is_money = isinstance(value, str) and re.fullmatch(r"\d+\.\d\d", value)
    expect(is_number or is_money, f"{path[-1]}: {shown(value)} is no amount")
    amount = Decimal(value)
    equal(amount, amount.quantize(CENT), str(path[-1]))
    return amount


@GROUP.check("estimate-answer")
def an_estimate_adds_up(service: Service) -> None:
    """Totals are the sums of the items, multipliers are strings."""
    card = service.catalogue.card
    values = (TEN, TEN + CENT)
    body = _body(card.currency, *(_part(single(card.code), value) for value in values))
    document = success(_estimate(service, body))
    keys(document, ESTIMATE, "an estimate")
    equal(at(document, "payment_method"), {"type": "ACCOUNT_BALANCE"}, "payment_method")
    equal(at(document, "currency"), card.currency, "currency")
    items = entries(document, "items")
    equal([_amount(entry, "face_value") for entry in items], [*values], "face values")
    equal([at(entry, "products") for entry in items], [single(card.code)] * 2, "products")
    prices = [_amount(entry, "price") for entry in items]
    equal(_amount(document, "total_price"), sum(prices), "total_price")
    let_off = sum(values) - sum(prices)
    equal(_amount(document, "total_discount"), let_off, "total_discount")
    detail = {card.currency: {"value": f"{sum(prices):.2f}", "fx": None}}
    equal(at(document, "transaction_detail"), detail, "transaction_detail")


@GROUP.check("estimate-amounts")
def amounts_have_one_type(service: Service) -> int:
    """The amounts of an estimate are all JSON numbers, or all strings."""
    card = service.catalogue.card
    part = _part(single(card.code), TEN)
    document = success(_estimate(service, _body(card.currency, part)))
    (entry,) = entries(document, "items")
    amounts = [at(document, "total_price"), at(document, "total_discount")]
    amounts += [at(entry, "face_value"), at(entry, "price")]
    strings = [isinstance(amount, str) for amount in amounts]
    equal(len(set(strings)), 1, "the number of types of amounts")
    return int(strings[0])


@GROUP.check("estimate-answer", profile="playground")
def an_estimate_has_no_discount_on_the_playground(service: Service) -> None:
    """Prices are the face values, as for orders there, whatever the catalogue says."""
    card = service.catalogue.card
    document = success(_estimate(service, _body(card.currency, _part(single(card.code), 10))))
    equal(_amount(document, "total_price"), Decimal(10), "total_price")
    equal(_amount(document, "total_discount"), Decimal(0), "total_discount")
    equal(at(document, "items", 0, "discount_multiplier"), "0.0", "discount_multiplier")


@GROUP.check("order-discount-production", profile="production")
def an_estimate_has_the_discount_in_production(service: Service) -> None:
    """Prices are the face values less the discount of the catalogue, rounded half-up."""
    cards = {card.code for card in service.catalogue.cards}
    product = service.catalogue.find_payable(
        lambda p: p.code in cards and bool(p.discount_multiplier),
        "orderable gift card with a discount",
    )
    denominations = product.denominations
    value = denominations.maximum if denominations is not None else None
    value = TEN if value is None else value
    price = (value * (1 - (product.discount_multiplier or 0))).quantize(CENT, ROUND_HALF_UP)
    part = _part(single(product.code), value)
    document = success(_estimate(service, _body(str(product.currency), part)))
    equal(_amount(document, "total_price"), price, "total_price")
    equal(_amount(document, "total_discount"), value - price, "total_discount")
    multiplier = Decimal(str(at(document, "items", 0, "discount_multiplier")))
    equal(multiplier, product.discount_multiplier, "discount_multiplier")


@GROUP.check("estimate-limits")
def an_estimate_has_1_to_500_items(service: Service) -> None:
    """1 and 500 items pass, none and 501 do not."""
    nothing = _part(single(NO_PRODUCT), 10)
    for count in (1, MAX_ESTIMATE_ITEMS):
        refused(_estimate(service, _body("USD", *[nothing] * count)), "product_validation_error")
    for count in (0, MAX_ESTIMATE_ITEMS + 1):
        refused(_estimate(service, _body("USD", *[nothing] * count)), "validation_error")


@GROUP.check("estimate-limits")
def an_estimate_is_validated_as_an_order(service: Service) -> None:
    """Amounts, products and the payment method have the limits of an order; templates are none."""
    good = _body("USD", _part(single(NO_PRODUCT), 10))
    refused(_estimate(service, good), "product_validation_error")
    for path, value in (
        ("payment_method", ABSENT),
        ("payment_method.currency", "XXX"),
        ("items.0.face_value", Decimal("0.009")),
        ("items.0.face_value", "10"),
        ("items.0.products", {"type": "TEMPLATE", "template_id": "PT-X"}),
        ("items.0.products.value", ""),
        ("items.0.products", multiple(NO_PRODUCT)),
    ):
        invalid_at(service, _estimate(service, edit(good, path, value)), path)


@GROUP.check("estimate-rules")
def an_estimate_keeps_the_rules_of_an_order(service: Service) -> None:
    """What the business rules refuse in an order, they refuse in an estimate, alike."""
    card = service.catalogue.card
    low, high = card.minimum - CENT, card.maximum + CENT
    for value in (low, high) if low > 0 else (high,):
        body = _body(card.currency, _part(single(card.code), value))
        refused(_estimate(service, body), "product_validation_error")
    for value in (card.minimum, card.maximum):
        body = _body(card.currency, _part(single(card.code), value))
        equal(_amount(success(_estimate(service, body)), "items", 0, "face_value"), value, "value")


@GROUP.check("currency-mismatch")
def several_items_are_not_exchanged(service: Service) -> None:
    """An estimate of two items in a foreign currency is 400 currency_mismatch, as an order is."""
    card = service.catalogue.card
    foreign = "GBP" if card.currency != "GBP" else "USD"
    part = _part(single(card.code), 10)
    refused(_estimate(service, _body(foreign, part, part)), "currency_mismatch")


@GROUP.check("fx-example", profile="playground")
def an_estimate_exchanges_currencies(service: Service) -> None:
    """USD 10 from GBP is 8.33 and a fee of 0.16; GBP 10 from USD is 12.00 and 0.23."""
    for product, payment, total in (("USD", "GBP", "8.49"), ("GBP", "USD", "12.23")):
        card = service.catalogue.card_in(product)
        document = success(_estimate(service, _body(payment, _part(single(card.code), 10))))
        equal(_amount(document, "total_price"), Decimal(total), "total_price")
        method = {"type": "ACCOUNT_BALANCE", "currency": payment}
        equal(at(document, "payment_method"), method, "payment_method")
        fx = worked_example(payment)
        equal(at(document, "transaction_detail", product, "fx"), fx, "fx")
