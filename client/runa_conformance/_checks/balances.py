"""What the account has."""

from decimal import Decimal

from runa_conformance._bodies import link, order
from runa_conformance._catalogue_sample import CENT
from runa_conformance._expect import at, distinct, entries, equal, expect, refused, success
from runa_conformance._failures import SkippedError
from runa_conformance._registry import Group
from runa_conformance._service import Service

GROUP = Group("balances")

MOST_SPENT = Decimal(50)
SUPPORTED = ("USD", "GBP", "EUR", "CAD", "JPY", "ZAR", "AED")


def _listed(service: Service) -> dict[str, str]:
    found = entries({"balances": success(service.get("/balance"))}, "balances")
    distinct([at(entry, "currency") for entry in found], "GET /balance, currencies")
    return {str(at(entry, "currency")): str(at(entry, "balance")) for entry in found}


@GROUP.check("balance-list")
def balances_above_zero_are_listed(service: Service) -> None:
    """The list has each balance once, and none that is not above zero."""
    for currency, balance in _listed(service).items():
        expect(Decimal(balance) > 0, f"GET /balance, {currency}: {balance}")


@GROUP.check("balance-single")
def a_balance_is_read_by_its_currency(service: Service) -> None:
    """One currency is one object; one without funds is 0.00."""
    listed = _listed(service)
    for currency in dict.fromkeys((*listed, *SUPPORTED)):
        answer = service.query("/balance", currency=currency)
        expected = {"balance": listed.get(currency, "0.00"), "currency": currency}
        equal(success(answer), expected, f"{answer}")


@GROUP.check("balance-unsupported")
def an_unsupported_currency_is_refused(service: Service) -> None:
    """A currency that is not supported, or none, is 400 bad_request."""
    for currency in ("XXX", "usd", "", "US"):
        refused(service.query("/balance", currency=currency), "bad_request")


@GROUP.check("balance-playground", orders=True, profile="playground")
def orders_cost_nothing_on_the_playground(service: Service) -> None:
    """The balances of the playground are the same after an order."""
    before = _listed(service)
    card = service.catalogue.card
    service.finished(order(card.currency, link(card.code)))
    equal(_listed(service), before, "GET /balance after an order")


@GROUP.check("balance-production", orders=True, profile="production")
def orders_cost_their_price_in_production(service: Service) -> None:
    """An order takes its total price from the balance, once."""
    card = service.catalogue.card
    before = Decimal(_listed(service).get(card.currency, "0.00"))
    placed = service.finished(order(card.currency, link(card.code)))
    after = Decimal(_listed(service).get(card.currency, "0.00"))
    equal(before - after, Decimal(str(at(placed, "total_price"))), "what the balance fell by")


@GROUP.check("insufficient-funds", orders=True, profile="production")
def the_last_cent_can_be_spent(service: Service) -> None:
    """An order of exactly the balance is accepted, and leaves none; a cent more is refused.

    It spends a whole balance, so only one of at most the price of a few other checks.
    """
    discounts = {
        product.code: product.discount_multiplier for product in service.catalogue.products
    }
    cards = {card.currency: card for card in service.catalogue.cards if not discounts[card.code]}
    for currency, text in _listed(service).items():
        balance, card = Decimal(text), cards.get(currency)
        if card is None or not card.minimum <= balance < min(card.maximum, MOST_SPENT):
            continue
        more = order(currency, link(card.code, balance + CENT))
        refused(service.order(more, needs_funds=False), "insufficient_funds")
        service.place(order(currency, link(card.code, balance)))
        equal(_listed(service).get(currency), None, f"the balance of {currency}")
        return
    raise SkippedError(f"no balance of at most {MOST_SPENT} can be spent to the last cent")
