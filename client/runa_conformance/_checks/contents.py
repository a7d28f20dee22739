"""What is in an order: what was sent, what it costs, and what its items stand for."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from runa_client import Product, email, item, multiple, recipient, single, template
from runa_conformance._bodies import ADDRESS, link, order
from runa_conformance._catalogue_sample import CENT, TEN
from runa_conformance._checks.orders import FULL
from runa_conformance._expect import (
    ACCEPTED,
    at,
    distinct,
    entries,
    equal,
    keys,
    success,
)
from runa_conformance._failures import SkippedError
from runa_conformance._registry import Group
from runa_conformance._service import Service, new_key
from runa_schemas.contract_data import (
    MAX_DESCRIPTION_LENGTH,
    MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_PAIRS,
    MAX_METADATA_VALUE_LENGTH,
    MAX_ORDER_ITEMS,
    PRODUCT_TEMPLATES,
    PRODUCTS_PER_TEMPLATE,
)

GROUP = Group("contents")


@GROUP.check("order-echo", orders=True)
def an_order_repeats_what_was_sent(service: Service) -> None:
    """Description, metadata, items in their order, their distribution and products come back."""
    sent, document = service.story.sent, service.story.order
    equal(at(document, "description"), sent["description"], "description")
    equal(at(document, "metadata"), sent["metadata"], "metadata")
    items = entries(document, "items")
    equal(len(items), len(sent["items"]), "the number of items")
    for entry, asked in zip(items, sent["items"], strict=True):
        equal(at(entry, "distribution_method"), asked["distribution_method"], "distribution")
        equal(at(entry, "products"), asked["products"], "products")
        equal(at(entry, "face_value"), f"{Decimal(asked['face_value']):.2f}", "face_value")


@GROUP.check("order-echo", orders=True)
def what_was_not_sent_is_null(service: Service) -> None:
    """Without a description and metadata, or with null, both are null; unknown fields are gone."""
    card = service.catalogue.card
    body = order(card.currency, {**link(card.code), "unknown": 1}, description=None, unknown=1)
    document = service.finished(body)
    keys(document, FULL, "an order")
    equal([at(document, "description"), at(document, "metadata")], [None, None], "what was null")


@GROUP.check("order-money", orders=True)
def money_is_a_string_that_adds_up(service: Service) -> None:
    """Prices, totals and the transaction detail are strings of two decimals that add up."""
    document = service.story.order
    items = entries(document, "items")
    currency = at(document, "currency")
    prices = sum(Decimal(at(entry, "price")) for entry in items)
    values = sum(Decimal(at(entry, "face_value")) for entry in items)
    equal(at(document, "total_price"), f"{prices:.2f}", "total_price")
    equal(at(document, "total_discount"), f"{values - prices:.2f}", "total_discount")
    detail = {currency: {"value": f"{prices:.2f}", "fx": None}}
    equal(at(document, "transaction_detail"), detail, "transaction_detail")
    equal([at(entry, "currency") for entry in items], [currency] * len(items), "currencies")
    equal(at(document, "payment_method"), {"type": "ACCOUNT_BALANCE"}, "payment_method")


@GROUP.check("order-discount", orders=True, profile="playground")
def the_playground_gives_no_discount(service: Service) -> None:
    """Price is face value there, also for a product whose catalogue entry has a discount."""
    catalogue = service.catalogue
    given = {product.code: product.discount_multiplier or 0 for product in catalogue.products}
    card = next((card for card in catalogue.cards if card.is_usual and given[card.code]), None)
    if card is None:
        raise SkippedError("the catalogue has no card with a discount")
    document = service.finished(order(card.currency, link(card.code)))
    equal(at(document, "total_price"), "10.00", "total_price")
    equal(at(document, "total_discount"), "0.00", "total_discount")
    equal(at(document, "items", 0, "price"), "10.00", "price")
    multiplier = at(document, "items", 0).get("discount_multiplier", "0.0")
    equal(multiplier, "0.0", "discount_multiplier")


@GROUP.check("order-discount-production", orders=True, profile="production")
def production_gives_the_discount_of_the_catalogue(service: Service) -> None:
    """Price is face value less the product's discount, rounded half-up."""
    card = service.catalogue.card
    product = service.catalogue.get(card.code)
    price = (TEN * (1 - (product.discount_multiplier or 0))).quantize(CENT, ROUND_HALF_UP)
    document = service.finished(order(card.currency, link(card.code)))
    equal(at(document, "total_price"), str(price), "total_price")
    equal(at(document, "total_discount"), str(TEN - price), "total_discount")


@GROUP.check("money-rounding", orders=True)
def fractions_of_a_cent_are_rounded_half_up(service: Service) -> None:
    """10.005 is 10.01: neither cut, nor rounded to even, nor a binary fraction; 10.004 is 10.00."""
    card = service.catalogue.card
    values = [Decimal("10.005"), Decimal("10.004"), Decimal("10.015")]
    document = service.finished(order(card.currency, *(link(card.code, v) for v in values)))
    found = [at(entry, "face_value") for entry in entries(document, "items")]
    equal(found, ["10.01", "10.00", "10.02"], "face values")


@GROUP.check("order-largest", orders=True, profile="playground")
def the_largest_order_makes_200_links(service: Service) -> None:
    """200 items make 200 payout links in the order in which they were sent."""
    card = service.catalogue.card
    values = [TEN + number * CENT / 2 for number in range(MAX_ORDER_ITEMS)]
    body = order(
        card.currency,
        *(link(card.code, value) for value in values),
        description="x" * MAX_DESCRIPTION_LENGTH,
        metadata={
            f"{number:0{MAX_METADATA_KEY_LENGTH}d}": "v" * MAX_METADATA_VALUE_LENGTH
            for number in range(MAX_METADATA_PAIRS)
        },
    )
    document = service.finished(body)
    items = entries(document, "items")
    equal(len(items), len(values), "the number of items")
    rounded = [value.quantize(CENT, ROUND_HALF_UP) for value in values]
    found = [at(entry, "face_value") for entry in items]
    equal(found, [*map(str, rounded)], "face values")
    equal(at(document, "total_price"), str(sum(rounded)), "total_price")
    distinct([at(entry, "payout", "url") for entry in items], "links")
    distinct([at(entry, "id") for entry in items], "item ids")
    equal(at(document, "metadata"), body["metadata"], "metadata")
    equal(at(document, "description"), body["description"], "description")


@GROUP.check("email-header", orders=True)
def mail_is_sent_when_asked_for(service: Service) -> None:
    """An order by e-mail is accepted; the answer repeats X-Send-Email: true and nothing else."""
    card = service.catalogue.card
    by_mail = item(10, products=single(card.code), distribution=email(ADDRESS))
    body = order(card.currency, by_mail)
    asked = service.order(body, headers={"X-Send-Email": "true"})
    equal(asked.headers.get("x-send-email"), "true", f"{asked}, X-Send-Email")
    placed = service.ended(at(success(asked, ACCEPTED), "id")).document
    equal(at(placed, "items", 0, "distribution_method"), email(ADDRESS), "distribution")
    plain = service.sync_order
    equal(plain.headers.get("x-send-email"), None, f"{plain}, X-Send-Email")


@GROUP.check("product-selection", orders=True)
def a_choice_of_products_comes_back(service: Service) -> None:
    """An item of several products keeps them, in the order in which they were sent."""
    first, second = service.catalogue.pair
    chosen = multiple(second.code, first.code)
    document = service.finished(order(first.currency, item(10, products=chosen)))
    equal(at(document, "items", 0, "products"), chosen, "products")


@GROUP.check("template-values", orders=True, profile="playground")
def a_template_stands_for_ten_products(service: Service) -> None:
    """An item of a product template comes back with the ten codes that it stands for."""
    home = service.catalogue.home
    if home not in PRODUCT_TEMPLATES:
        raise SkippedError(f"the playground has no template for {home}")
    if sum(card.currency == home for card in _gift_cards(service)) < PRODUCTS_PER_TEMPLATE:
        raise SkippedError(f"the catalogue has too few orderable gift cards of {home}")
    products = template(PRODUCT_TEMPLATES[home])
    document = service.finished(order(home, item(100, products=products)))
    found = at(document, "items", 0, "products")
    codes = at(found, "values")
    equal({key: value for key, value in found.items() if key != "values"}, products, "products")
    equal(len(codes), PRODUCTS_PER_TEMPLATE, "the number of products")
    distinct(codes, "the products of a template")
    known = {p.code: p.currency for p in service.catalogue.products if p.is_orderable}
    equal({known.get(code) for code in codes}, {home}, "their currencies")


def _gift_cards(service: Service) -> Iterable[Product]:
    """Every gift card that can be ordered now."""
    products = service.catalogue.products
    return (p for p in products if p.is_orderable and p.payout_type == "gift_card")


@GROUP.check("subscription-price", orders=True)
def a_subscription_is_ordered_by_its_plan(service: Service) -> None:
    """A plan's code with the plan's price makes an order."""
    product = service.catalogue.find_payable(
        lambda p: bool(p.is_orderable and p.payout_type == "subscription" and p.subscription_plans),
        "orderable subscription",
    )
    plan = product.subscription_plans[0]
    body = order(str(product.currency), link(str(plan.code), plan.price or 0))
    document = service.finished(body)
    equal(at(document, "items", 0, "products", "value"), plan.code, "the plan")
    equal(at(document, "items", 0, "face_value"), f"{plan.price:.2f}", "face_value")


@GROUP.check("recipient-payment", orders=True)
def a_payment_goes_to_a_recipient(service: Service) -> None:
    """A payment product can be ordered for a RECIPIENT."""
    product = service.catalogue.find_payable(
        lambda p: bool(p.is_orderable and p.payout_type == "payment" and p.denominations),
        "orderable payment product",
    )
    to = recipient(new_key(), email_address=ADDRESS)
    least = product.denominations.minimum if product.denominations else None
    value = max(least or TEN, TEN)
    body = order(str(product.currency), item(value, products=single(product.code), distribution=to))
    document = service.finished(body)
    equal(at(document, "items", 0, "distribution_method"), to, "distribution")
