"""What cannot be ordered although its body is valid."""

from decimal import Decimal
from itertools import combinations

from runa_client import item, multiple, payout_link, recipient, single, template
from runa_conformance._bodies import (
    ADDRESS,
    NO_PRODUCT,
    SPEND_RULES,
    Document,
    link,
    nothing,
    order,
)
from runa_conformance._catalogue_sample import CENT, TEN, Card
from runa_conformance._expect import ACCEPTED, at, equal, refused, success
from runa_conformance._failures import SkippedError
from runa_conformance._registry import Group
from runa_conformance._service import Service, new_key
from runa_schemas.contract_data import MAX_DISTINCT_TEMPLATES, PRODUCT_TEMPLATES

GROUP = Group("business")

SYNC = {"X-Execution-Mode": "sync"}
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@GROUP.check("product-known")
def an_unknown_product_cannot_be_ordered(service: Service) -> None:
    """A code that no product has is 400 product_validation_error, alone and among others."""
    refused(service.order(nothing()), "product_validation_error")
    several = multiple(NO_PRODUCT, "NEITHER")
    refused(service.order(order("USD", item(10, products=several))), "product_validation_error")


@GROUP.check("template-known")
def an_unknown_template_cannot_be_ordered(service: Service) -> None:
    """An id that no product-selection template has is 400 product_validation_error."""
    for template_id in ("PT-01HQ12PV4B8XMBRTK281JM54K0", "unknown", ""):
        body = order("USD", item(10, products=template(template_id)))
        refused(service.order(body), "product_validation_error")


@GROUP.check("product-orderable", orders=True)
def a_product_that_is_off_cannot_be_ordered(service: Service) -> None:
    """A product that is not orderable is 400 product_validation_error."""
    product = service.catalogue.find_payable(
        lambda p: bool(
            p.is_orderable is False and p.payout_type == "gift_card" and p.denominations
        ),
        "product that cannot be ordered",
    )
    denominations = product.denominations
    value = denominations.minimum if denominations is not None else None
    body = order(str(product.currency), link(product.code, value or TEN))
    refused(service.order(body), "product_validation_error")


@GROUP.check("face-value-range", orders=True)
def an_open_product_has_two_ends(service: Service) -> None:
    """A cent below the minimum and a cent above the maximum are refused."""
    for card in service.catalogue.cards[:3]:
        low, high = card.minimum - CENT, card.maximum + CENT
        for value in (low, high) if low > 0 else (high,):
            body = order(card.currency, link(card.code, value))
            refused(service.order(body), "product_validation_error")


@GROUP.check("face-value-range", orders=True, profile="playground")
def the_ends_of_an_open_product_can_be_ordered(service: Service) -> None:
    """The minimum and the maximum themselves are accepted."""
    card = service.catalogue.card
    items = [link(card.code, value) for value in (card.minimum, card.maximum)]
    document = service.finished(order(card.currency, *items))
    found = [Decimal(at(entry, "face_value")) for entry in at(document, "items")]
    equal(found, [card.minimum, card.maximum], "face values")


@GROUP.check("face-value-range", orders=True)
def a_fixed_product_comes_in_its_values(service: Service) -> None:
    """A value of the list is accepted, one between two of them is refused."""
    product = service.catalogue.find_payable(
        lambda p: bool(
            p.is_orderable
            and p.payout_type == "gift_card"
            and p.denominations
            and p.denominations.type == "fixed"
            and len({*p.denominations.available}) > 1
        ),
        "orderable product of fixed values",
    )
    values = product.denominations.available if product.denominations else ()
    first, second = sorted(set(values))[:2]
    currency = str(product.currency)
    service.place(order(currency, link(product.code, first)))
    between = order(currency, link(product.code, (first + second) / 2))
    refused(service.order(between), "product_validation_error")
    beyond = order(currency, link(product.code, max(values) + 1))
    refused(service.order(beyond), "product_validation_error")


@GROUP.check("subscription-price", orders=True)
def a_plan_has_one_price(service: Service) -> None:
    """A subscription's plan is refused at any other value, and so is its product's own code."""
    product = service.catalogue.find_payable(
        lambda p: bool(p.is_orderable and p.subscription_plans), "orderable subscription"
    )
    plan = product.subscription_plans[0]
    price = plan.price or TEN
    for value in (price - CENT, price + CENT):
        body = order(str(product.currency), link(str(plan.code), value))
        refused(service.order(body), "product_validation_error")


def _two_cards(service: Service) -> tuple[Card, Card]:
    """Two cards of one currency, the first with a whole minimum below that of the second."""
    cards = [card for card in service.catalogue.cards if card.currency == service.catalogue.home]
    for low in cards:
        for high in cards:
            is_whole = low.minimum == low.minimum.to_integral_value()
            if is_whole and 1 < low.minimum < high.minimum:
                return low, high
    raise SkippedError(f"the catalogue has no two cards of {service.catalogue.home} that fit")


@GROUP.check("choice-value", orders=True)
def a_choice_has_a_whole_value(service: Service) -> None:
    """An item of several products, or of a template, has a whole face value."""
    low, high = _two_cards(service)
    several = multiple(high.code, low.code)
    body = order(low.currency, item(low.minimum + Decimal("0.5"), products=several))
    refused(service.order(body), "product_validation_error")
    if service.profile == "playground" and low.currency in PRODUCT_TEMPLATES:
        chosen = template(PRODUCT_TEMPLATES[low.currency])
        body = order(low.currency, item(Decimal("100.50"), products=chosen))
        refused(service.order(body), "product_validation_error")


@GROUP.check("choice-value", orders=True)
def a_choice_starts_at_the_lowest_minimum(service: Service) -> None:
    """A value that one of the products takes is enough; one below all of them is refused."""
    low, high = _two_cards(service)
    several = multiple(high.code, low.code)
    service.place(order(low.currency, item(low.minimum, products=several)))
    body = order(low.currency, item(low.minimum - 1, products=several))
    refused(service.order(body), "product_validation_error")


@GROUP.check("choice-products", orders=True)
def every_product_of_a_choice_is_known(service: Service) -> None:
    """One unknown product among several is enough to refuse the order."""
    card = service.catalogue.card
    for codes in ((card.code, NO_PRODUCT), (NO_PRODUCT, card.code)):
        body = order(card.currency, item(10, products=multiple(*codes)))
        refused(service.order(body), "product_validation_error")
    body = order(card.currency, link(card.code), link(NO_PRODUCT))
    refused(service.order(body), "product_validation_error")


@GROUP.check("redemption-template", orders=True)
def an_unknown_redemption_template_is_refused(service: Service) -> None:
    """A redemption template that is none is 400 product_validation_error."""
    card = service.catalogue.card
    way = payout_link(template_id="DT-UNKNOWN")
    body = order(card.currency, item(10, products=single(card.code), distribution=way))
    refused(service.order(body), "product_validation_error")


@GROUP.check("template-count", orders=True)
def an_order_uses_ten_redemption_templates(service: Service) -> None:
    """Ten different redemption templates are accepted in one order, eleven are refused."""
    card = service.catalogue.card
    items = [
        item(
            10,
            products=single(card.code),
            distribution=payout_link(template_id=f"DT-01HPSF51G0ZWHJ3JTNWRH0WDY{digit}"),
        )
        for digit in _CROCKFORD[: MAX_DISTINCT_TEMPLATES + 1]
    ]
    service.place(order(card.currency, *items[:MAX_DISTINCT_TEMPLATES], items[0]))
    refused(service.order(order(card.currency, *items)), "product_validation_error")


@GROUP.check("one-currency", orders=True)
def an_order_has_products_of_one_currency(service: Service) -> None:
    """Products of two currencies are refused, in two items and in one."""
    home = service.catalogue.card
    foreign = service.catalogue.card_in(_other_currency(service))
    body = order(home.currency, link(home.code), link(foreign.code))
    refused(service.order(body), "product_validation_error")
    mixed = multiple(home.code, foreign.code)
    refused(
        service.order(order(home.currency, item(10, products=mixed))), "product_validation_error"
    )


def _other_currency(service: Service) -> str:
    home = service.catalogue.home
    for card in service.catalogue.cards:
        if card.currency != home and card.is_usual:
            return card.currency
    raise SkippedError("the catalogue has cards of one currency only")


@GROUP.check("several-countries", orders=True)
def products_of_several_countries(service: Service) -> int:
    """Products of one currency without a common country are accepted, or refused as such."""
    places: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for card in service.catalogue.cards:
        if card.is_usual:
            countries = service.catalogue.get(card.code).countries_redeemable_in
            places.setdefault(card.currency, []).append((card.code, frozenset(countries)))
    for currency, found in places.items():
        for (first, here), (second, there) in combinations(found, 2):
            if here and there and not here & there:
                answer = service.order(order(currency, link(first), link(second)))
                if answer.status == ACCEPTED:
                    return 0
                refused(answer, "product_validation_error")
                return 1
    raise SkippedError("the catalogue has no two such products of one currency")


@GROUP.check("recipient-payment", orders=True)
def a_recipient_gets_no_gift_card(service: Service) -> None:
    """RECIPIENT with a product that is no payment is 400 product_validation_error."""
    card = service.catalogue.card
    to = recipient("conformance", email_address=ADDRESS)
    body = order(card.currency, item(10, products=single(card.code), distribution=to))
    refused(service.order(body), "product_validation_error")


@GROUP.check("recipient-address", orders=True, profile="playground")
def a_known_recipient_keeps_the_address(service: Service) -> None:
    """A sync order to a known recipient with another address is 400 product_validation_error."""
    product = service.catalogue.find(
        lambda p: bool(p.is_orderable and p.payout_type == "payment" and p.denominations),
        "orderable payment product",
    )
    reference = f"conformance-{new_key()}"
    currency = str(product.currency)
    value = (product.denominations and product.denominations.minimum) or TEN

    def body(address: str) -> Document:
        to = recipient(reference, email_address=address)
        return order(currency, item(value, products=single(product.code), distribution=to))

    first = service.finished(body(ADDRESS))
    url = str(at(first, "items", 0, "payout", "url"))
    redeemed = service.open_link(url, "?format=json")
    if at(success(redeemed), "status") != "SUCCESS":
        raise SkippedError("the redemption API does not redeem payments for this account")
    success(service.order(body(ADDRESS), headers=SYNC))
    refused(service.order(body(f"other-{ADDRESS}"), headers=SYNC), "product_validation_error")


@GROUP.check("usage-config-prepaid-visa", orders=True, profile="playground")
def spend_rules_are_repeated_for_prepaid_visa_only(service: Service) -> None:
    """A gift card's usage_config is ignored; that of a prepaid Visa product comes back."""
    card = service.catalogue.card
    config = {"spend_rules_template_id": SPEND_RULES}
    chosen = {"type": "SINGLE", "value": card.code, "usage_config": config}
    document = service.finished(order(card.currency, item(10, products=chosen)))
    plain = {"type": "SINGLE", "value": card.code}
    equal(at(document, "items", 0, "products"), plain, "products of a gift card")
    visa = service.catalogue.find(
        lambda p: bool(p.is_orderable and p.code.startswith("VISASL-") and p.denominations),
        "orderable prepaid Visa product",
    )
    value = (visa.denominations and visa.denominations.minimum) or TEN
    chosen = {"type": "SINGLE", "value": visa.code, "usage_config": config}
    body = order(str(visa.currency), item(value, products=chosen))
    document = service.finished(body)
    equal(at(document, "items", 0, "products"), chosen, "products of a prepaid Visa")


@GROUP.check("sync-single", orders=True)
def a_sync_order_has_one_item(service: Service) -> None:
    """A synchronous order of two items is 400 invalid_execution_mode."""
    card = service.catalogue.card
    body = order(card.currency, link(card.code), link(card.code))
    refused(service.order(body, headers=SYNC), "invalid_execution_mode")


@GROUP.check("insufficient-funds", orders=True, profile="production")
def an_order_needs_a_balance(service: Service) -> None:
    """An order in a currency without funds is 400 insufficient_funds."""
    funded = {at(entry, "currency") for entry in success(service.get("/balance"))}
    card = next((card for card in service.catalogue.cards if card.currency not in funded), None)
    if card is None:
        raise SkippedError("the account has funds in every currency of the catalogue")
    value = min(card.maximum, max(card.minimum, TEN))
    body = order(card.currency, link(card.code, value))
    refused(service.order(body, needs_funds=False), "insufficient_funds")
