"""Both clients against the server: catalogue, estimates, balances and redemption."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import requests

from runa_client import (
    BadRequestError,
    NotFoundError,
    Order,
    Product,
    RedemptionError,
    RunaClient,
    ValidationError,
    item,
    multiple,
    recipient,
    single,
    template,
)
from runa_mock_server import ManualClock, MockServer
from runa_schemas.contract_data import ProfileName
from runa_schemas.strategies import PRODUCT_TEMPLATES
from support.api import TIMEOUT
from support.clients import make_client

DAY = 24 * 60 * 60
PRODUCTION_KEY = "wg-test.secret"
Serve = Callable[..., RunaClient]


@pytest.fixture(params=["sync", "async"])
def serve(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Serve]:
    """Starts a server with the settings given, and makes a client of it."""
    with ExitStack() as stack:

        def start(profile: ProfileName = "playground", **settings: Any) -> RunaClient:
            server = stack.enter_context(MockServer(clock=clock, profile=profile, **settings))
            make = partial(make_client, request.param, server, clock, stack)
            return make(api_key=PRODUCTION_KEY) if profile == "production" else make()

        yield start


@pytest.fixture
def client(serve: Serve) -> RunaClient:
    """A client of a server with the playground's ways."""
    return serve()


def _placed(client: RunaClient, *items: Any, **options: Any) -> Order:
    return client.wait_for_order(client.create_order(items, **options))


def _refused(client: RunaClient, url: str | None) -> RedemptionError:
    assert url is not None
    with pytest.raises(RedemptionError) as caught:
        client.redeem(url)
    assert caught.value.message
    return caught.value


def _opened(method: str, url: str, **options: Any) -> requests.Response:
    with requests.Session() as browser:
        browser.trust_env = False
        return browser.request(method, url, timeout=TIMEOUT, **options)


def test_the_catalogue_is_walked(client: RunaClient) -> None:
    """Each product comes once, by code, whatever the size of a page; one alone is the same."""
    met = list(client.iter_products())
    codes = [product.code for product in met]

    assert len(codes) >= 120
    assert codes == sorted(set(codes))
    for page_size in (7, len(codes), 500):
        assert list(client.iter_products(page_size=page_size)) == met
    assert {product.payout_type for product in met} == {"gift_card", "subscription", "payment"}
    for product in met[::20]:
        assert client.get_product(product.code).raw == product.raw

    page = client.list_products(limit=5, after=codes[9])
    assert [product.code for product in page.items] == codes[10:15]
    back = client.list_products(limit=5, before=page.before)
    assert [product.code for product in back.items] == codes[5:10]
    assert client.list_products(after=codes[-1]).items == ()


def test_every_product_says_what_it_costs(client: RunaClient) -> None:
    """Typed fields are there for every product: plans of a subscription, else denominations."""
    for product in client.iter_products():
        assert product.name
        assert product.currency
        assert product.discount_multiplier is not None
        assert product.content_resources["description_markdown_url"].startswith("http://127.")
        if product.payout_type == "subscription":
            assert all(plan.code and plan.price for plan in product.subscription_plans)
            assert product.subscription_plans
            continue
        assert product.denominations is not None
        assert product.denominations.minimum is not None
        assert product.denominations.maximum is not None
        assert product.denominations.minimum <= product.denominations.maximum
        assert product.denominations.type != "fixed" or product.denominations.available


FILTERS: dict[str, tuple[dict[str, Any], Callable[[Product], object]]] = {
    "orderable": ({"is_orderable": True}, lambda p: p.is_orderable),
    "orderable or not": ({"is_orderable": False}, lambda p: p.code),
    "one country": ({"countries": "FR"}, lambda p: "FR" in p.countries_redeemable_in),
    "countries": (
        {"countries": ["US", "DE"]},
        lambda p: {"US", "DE"} & {*p.countries_redeemable_in},
    ),
    "categories": (
        {"categories": ["travel", "fashion"]},
        lambda p: {"travel", "fashion"} & {*p.categories},
    ),
    "all of them": (
        {"is_orderable": True, "countries": "US", "categories": "food-and-drink"},
        lambda p: (
            p.is_orderable
            and "US" in p.countries_redeemable_in
            and "food-and-drink" in p.categories
        ),
    ),
    "code": ({"code": "AMZ-US"}, lambda p: p.code == "AMZ-US"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(client: RunaClient, name: str) -> None:
    """A filter leaves what a look at each product would leave, on small pages too."""
    filters, passes = FILTERS[name]
    expected = [product for product in client.iter_products() if passes(product)]

    assert expected
    assert list(client.iter_products(page_size=3, **filters)) == expected


def test_filters_that_the_service_refuses(client: RunaClient) -> None:
    """A code that nothing has is an empty list; what is no value of a filter is refused by name."""
    assert list(client.iter_products(code="NOTHING-US")) == []
    wrong: list[tuple[str, Any, str]] = [
        ("countries", "us", "bad_request"),
        ("categories", "flowers", "bad_request"),
        ("limit", 501, "pagination_error"),
        ("after", "NOTHING-US", "pagination_error"),
    ]
    for name, value, kind in wrong:
        with pytest.raises(BadRequestError) as caught:
            client.list_products(**{name: value})
        assert caught.value.type == kind
        assert name in caught.value.message


def test_texts_of_a_product(client: RunaClient) -> None:
    """The texts come as URLs that open without a key, as Markdown or as HTML."""
    urls = client.get_product("AMZ-US", content="url").content_resources
    as_text = client.get_product("AMZ-US", content="md").content_resources
    as_html = client.get_product("AMZ-US", content="html").content_resources

    assert _opened("GET", urls["description_markdown_url"]).text == as_text["description_md"]
    assert "<p>" in as_html["description_html"]
    with pytest.raises(BadRequestError, match="content"):
        client.get_product("AMZ-US", content="pdf")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(NotFoundError):
        client.get_product("NOTHING-US")


def test_countries_and_categories(client: RunaClient) -> None:
    """Both lists know every value that a product has."""
    met = list(client.iter_products())

    assert set(client.countries()) == {c for p in met for c in p.countries_redeemable_in}
    assert set(client.categories()) >= {c for p in met for c in p.categories}


@pytest.mark.parametrize(
    ("paid", "code", "value", "total"),
    [("GBP", "1800FL-US", 10, "8.49"), ("USD", "BAW-GB", 10, "12.23")],
)
def test_the_estimate_of_an_exchange(
    client: RunaClient, paid: str, code: str, value: int, total: str
) -> None:
    """Both directions of the documented exchange cost what their estimate says, to the cent."""
    items = [item(value, products=single(code))]

    estimate = client.estimate_order(items, currency=paid)
    order = client.create_order(items, currency=paid, execution_mode="sync").order

    assert estimate.currency == order.currency == paid
    assert str(estimate.total_price) == str(order.total_price) == total
    assert estimate.raw["transaction_detail"] == order.raw["transaction_detail"]


@pytest.mark.parametrize("profile", ["playground", "production"])
def test_the_estimate_of_several_items(serve: Serve, profile: str) -> None:
    """What an order of any builders costs is what its estimate said, discounts included."""
    client = serve(profile, balances={"USD": "500"})
    items = [
        item("10.10", products=single("1800FL-US")),
        item(50, products=multiple("1800FL-US", "AMZ-US")),
        *[item(value, products=single("1800FL-US")) for value in (11, "12.34", 99.99)],
    ]

    estimate = client.estimate_order(items)
    order = _placed(client, *items)

    assert estimate.total_price == order.total_price
    assert estimate.total_discount == order.total_discount
    assert [(line.face_value, line.price) for line in estimate.items] == [
        (line.face_value, line.price) for line in order.items
    ]
    assert bool(order.total_discount) == (profile == "production")

    from_usd = {"type": "ACCOUNT_BALANCE", "currency": "USD"}
    whole = {"payment_method": from_usd, "items": items, "description": "a", "metadata": {"b": "c"}}
    assert client.estimate_order(whole) == estimate


def test_estimates_that_the_service_refuses(client: RunaClient) -> None:
    """An estimate fails by the rules of an order, and places none."""
    with pytest.raises(BadRequestError) as caught:
        client.estimate_order([item(1000, products=single("1800FL-US"))])
    assert caught.value.type == "product_validation_error"
    with pytest.raises(ValidationError) as invalid:
        client.estimate_order([item(0, products=single("1800FL-US"))], currency="EURO")
    assert ("body", "items", "0", "face_value") in {d.location for d in invalid.value.details}
    with pytest.raises(ValidationError):
        client.estimate_order([item(10, products=template(PRODUCT_TEMPLATES["USD"]))])
    assert list(client.iter_orders()) == []


def test_balances_of_the_playground(client: RunaClient) -> None:
    """Four balances, of which no order takes anything, and nothing in other currencies."""
    before = client.balances()
    _placed(client, item(10, products=single("1800FL-US")))

    assert [balance.currency for balance in before] == ["CAD", "EUR", "GBP", "USD"]
    assert client.balances() == before
    assert client.balance("GBP") == before[2]
    assert client.balance("JPY").amount == 0
    with pytest.raises(BadRequestError, match="currency"):
        client.balance("usd")


def test_balances_of_production(serve: Serve) -> None:
    """An order takes its price once, however often it is sent; too dear a one takes nothing."""
    client = serve("production", balances={"USD": "100", "GBP": "1.50"})
    items = [item(60, products=single("1800FL-US"))]

    assert [(b.currency, b.amount) for b in client.balances()] == [
        ("GBP", Decimal("1.50")),
        ("USD", Decimal(100)),
    ]
    price = client.estimate_order(items).total_price
    assert 50 <= price < 60
    for _ in range(3):
        _placed(client, *items, idempotency_key="mine")
    assert client.balance("USD").amount == 100 - price
    with pytest.raises(BadRequestError) as caught:
        client.create_order(items)
    assert caught.value.type == "insufficient_funds"
    assert client.balance("USD").amount == 100 - price


SHAPES = {
    "BAW-GB": (5, "GBP", ("code", False, None)),
    "FIVEG-US": (5, "USD", ("code", True, None)),
    "CDISC-FR": (20, "EUR", ("code", False, "code-128")),
    "AUCHAN-FR": (10, "EUR", ("code", True, "code-128")),
    "ABO-GB": (5, "GBP", ("code", True, "QR")),
    "LUSH-CA": (10, "CAD", ("url", False, None)),
}


@pytest.mark.parametrize("code", SHAPES)
def test_every_shape_of_an_e_code(client: RunaClient, code: str) -> None:
    """Each product of the documented table gives an e-code of its shape."""
    value, currency, shape = SHAPES[code]
    order = _placed(client, item(value, products=single(code)), currency=currency)

    redemption = client.redeem(order.items[0])

    e_code = redemption.e_code
    assert redemption.e_codes == (e_code,)
    assert redemption.order_id not in {None, order.id}  # a short id of its own
    assert (e_code.type, e_code.pin is not None, e_code.barcode_format) == shape
    assert (e_code.status, e_code.amount) == ("SUCCESS", Decimal(value))
    assert e_code.code
    assert e_code.expiry_date
    assert (e_code.barcode_string is None) is (e_code.barcode_format is None)
    assert e_code.url == (e_code.code if e_code.type == "url" else order.urls[0])
    assert (e_code.error_code, e_code.error_string) == (None, None)


def test_redeeming_claims_once(client: RunaClient) -> None:
    """The order shows the claim, and asking again gives the same e-code."""
    order = _placed(client, item(10, products=single("1800FL-US")))
    [line] = order.items
    assert line.payout is not None
    assert line.payout.status == "ACTIVE"

    first = client.redeem(line.payout)
    assert client.redeem(order.urls[0]) == client.redeem(line) == first

    [claimed] = client.get_order(order.id).items
    assert claimed.payout is not None
    assert claimed.payout.status == "CLAIMED"


def test_a_link_of_an_order_with_several_items(client: RunaClient) -> None:
    """Each item has a link and an e-code of its own."""
    order = _placed(client, *[item(10, products=single("1800FL-US")) for _ in range(5)])
    codes = {client.redeem(line).e_code.code for line in order.items}
    assert len(codes) == 5


def test_a_choice_is_made_on_the_page(client: RunaClient) -> None:
    """A link with a choice gives nothing until the recipient has chosen, then a code a part."""
    order = _placed(client, item(50, products=multiple("1800FL-US", "AMZ-US")))
    [url] = order.urls
    assert _refused(client, url).code == "RE012"

    chosen = _opened("POST", url, data={"1800FL-US": "20", "AMZ-US": "30"})
    assert chosen.status_code == 200

    redemption = client.redeem(url)
    assert [e_code.amount for e_code in redemption.e_codes] == [20, 30]
    assert redemption.e_code == redemption.e_codes[0]


def test_a_payment_is_redeemed(client: RunaClient) -> None:
    """A payout to a known recipient is redeemed as any other."""
    paid = recipient("user-1", email_address="a@example.test")
    order = _placed(client, item(20, products=single("EXBANK-US"), distribution=paid))
    assert client.redeem(order.items[0]).e_code.amount == 20


def test_an_expired_link(serve: Serve, clock: ManualClock) -> None:
    """A link that has run out is refused, with the order that it belongs to."""
    client = serve(link_lifetime_days=1)
    order = _placed(client, item(10, products=single("1800FL-US")))
    clock.advance(DAY)

    error = _refused(client, order.urls[0])

    assert (error.code, error.retry_after) == ("RE004", None)
    [line] = client.get_order(order.id).items
    assert line.payout is not None
    assert line.payout.status == "EXPIRED"


def test_other_links_that_give_nothing(serve: Serve) -> None:
    """An unknown link, a failed order's and one of a server that redeems nothing say so."""
    client = serve()
    placed = item(10, products=single("1800FL-US"))
    [url] = _placed(client, placed).urls
    unknown = _refused(client, url.rpartition("/")[0] + "/4c77f610-fda9-4b7f-a06e-0c6feb10f604")
    assert (unknown.code, unknown.order_id) == ("RE011", None)

    failed = _placed(client, placed, trigger_error="order_failed")
    refused = _refused(client, failed.urls[0])
    assert refused.code == "RE012"
    assert refused.details

    silent = serve(redemption_api=False)
    assert _refused(silent, _placed(silent, placed).urls[0]).code == "RE013"
