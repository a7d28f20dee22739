"""Products of another currency than the payment: embedded FX and its limits."""

from runa_conformance._bodies import link, order
from runa_conformance._expect import at, entries, equal, refused, success
from runa_conformance._failures import SkippedError
from runa_conformance._registry import Group
from runa_conformance._service import Service
from runa_schemas.contract_data import FROM_USD_ONLY

GROUP = Group("exchange")

SYNC = {"X-Execution-Mode": "sync"}


def worked_example(payment: str) -> dict[str, object]:
    """Build the `fx` of the worked example, exactly its three keys, for GBP or USD as payment."""
    fee = {"value": {"GBP": "0.16", "USD": "0.23"}[payment], "currency": payment}
    return {"rate": "1.2", "rate_symbol": "GBPUSD", "fee": fee}


@GROUP.check("fx-example", orders=True, profile="playground")
def the_worked_example_comes_out(service: Service) -> None:
    """USD 10 from GBP costs 8.49, GBP 10 from USD 12.23, both at GBPUSD 1.2."""
    for product, payment, total in (("USD", "GBP", "8.49"), ("GBP", "USD", "12.23")):
        card = service.catalogue.card_in(product)
        document = success(service.order(order(payment, link(card.code)), headers=SYNC))
        equal(at(document, "total_price"), total, "total_price")
        equal(at(document, "total_discount"), "0.00", "total_discount")
        equal(at(document, "currency"), payment, "currency")
        fx = at(document, "transaction_detail", product, "fx")
        equal(fx, worked_example(payment), "fx")


@GROUP.check("fx-currencies", orders=True, profile="playground")
def an_exchange_tells_both_currencies(service: Service) -> None:
    """The payment method tells what pays; items and their value stay in the product's currency."""
    card = service.catalogue.card_in("USD")
    document = success(service.order(order("GBP", link(card.code)), headers=SYNC))
    method = {"type": "ACCOUNT_BALANCE", "currency": "GBP"}
    equal(at(document, "payment_method"), method, "payment_method")
    (entry,) = entries(document, "items")
    equal([at(entry, "face_value"), at(entry, "price")], ["10.00", "10.00"], "value and price")
    equal(at(entry, "currency"), "USD", "currency of the item")
    equal(list(at(document, "transaction_detail")), ["USD"], "transaction_detail")
    equal(at(document, "transaction_detail", "USD", "value"), "10.00", "its value")


@GROUP.check("currency-mismatch", orders=True)
def an_async_order_is_not_exchanged(service: Service) -> None:
    """An asynchronous order in a foreign currency is 400 currency_mismatch."""
    card = service.catalogue.card
    foreign = "GBP" if card.currency != "GBP" else "USD"
    for mode in (None, "async"):
        answer = service.order(order(foreign, link(card.code)), headers={"X-Execution-Mode": mode})
        refused(answer, "currency_mismatch")


@GROUP.check("currency-mismatch", orders=True)
def several_items_are_not_exchanged(service: Service) -> None:
    """An order of two items in a foreign currency is 400 currency_mismatch."""
    card = service.catalogue.card
    foreign = "GBP" if card.currency != "GBP" else "USD"
    body = order(foreign, link(card.code), link(card.code))
    refused(service.order(body), "currency_mismatch")


@GROUP.check("currency-usd-only", orders=True)
def some_currencies_are_paid_in_usd_only(service: Service) -> None:
    """A product of a 'from USD only' currency cannot be paid in a third one, but in USD."""
    card = next((card for card in service.catalogue.cards if card.currency in FROM_USD_ONLY), None)
    if card is None:
        raise SkippedError("the catalogue has no product of a 'from USD only' currency")
    answer = service.order(order("EUR", link(card.code, card.minimum)), headers=SYNC)
    refused(answer, "currency_mismatch")
    success(service.order(order("USD", link(card.code, card.minimum)), headers=SYNC))
