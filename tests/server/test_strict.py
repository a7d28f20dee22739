"""Strict mode: every kindness of the mock is off, unless a setting turns it on explicitly."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import built_in, denominations_of
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.kindnesses import KINDNESSES, Kindness, kindnesses_on
from runa_schemas.contract_data import PRODUCT_TEMPLATES
from support.answers import refusal
from support.money import PRODUCTION_KEY, MoneyApi, paid_in, refusal_code, single


def test_strict_decides_every_kindness() -> None:
    """All kindnesses are on by default, and none with strict."""
    assert kindnesses_on(make_settings()) == list(KINDNESSES)
    assert kindnesses_on(make_settings(strict=True)) == []


@pytest.mark.parametrize("kindness", KINDNESSES, ids=lambda each: each.setting)
def test_an_explicit_setting_beats_strict(kindness: Kindness) -> None:
    """Each kindness can be switched on alone in strict mode, and off alone without."""
    name, kind, strict, _ = kindness
    assert kindnesses_on(make_settings(**{"strict": True, name: kind})) == [kindness]
    others = [each for each in KINDNESSES if each != kindness]
    assert kindnesses_on(make_settings(**{name: strict})) == others


def test_settings_changed_later_beat_strict_too() -> None:
    """A change at run time leaves the other kindnesses off."""
    with MockServer(strict=True) as server:
        server.configure(redemption_api=True)
        assert [each.setting for each in kindnesses_on(server.settings)] == ["redemption_api"]


@pytest.fixture
def strict() -> Iterator[MoneyApi]:
    """A caller of a strict playground whose redemption API is enabled."""
    with MockServer(strict=True, clock=ManualClock(), seed=1) as server:
        caller = MoneyApi(server.url)
        yield caller
        caller.close()


def test_the_playground_has_no_estimates(strict: MoneyApi) -> None:
    """404 on the playground; production answers."""
    document = paid_in("USD", single("AMZ-US", 10))
    assert refusal(strict.estimate(document)) == (404, "not_found")
    with MockServer(strict=True, profile="production") as server:
        caller = MoneyApi(server.url, PRODUCTION_KEY)
        assert caller.estimate(document).status_code == 200
        caller.close()


def test_items_and_redemption(strict: MoneyApi) -> None:
    """Items lack the two old fields, and redemption is RE013 until it is enabled."""
    order = strict.order(paid_in("USD", single("AMZ-US", 10)), mode="sync").json()
    (found,) = order["items"]
    assert not {"redemption_url", "discount_multiplier"} & found.keys()
    assert refusal_code(found["payout"]["url"]) == "RE013"


def test_triggers(strict: MoneyApi) -> None:
    """Two triggers are known, all other values are ignored."""
    document = paid_in("USD", single("AMZ-US", 10))
    for known, status in (("insufficient_funds", 400), ("internal_server_error", 500)):
        assert strict.order(document, X_Trigger_Error=known).status_code == status
    for ignored in ("timeout", "order_failed", "nonsense"):
        assert strict.order(document, X_Trigger_Error=ignored).status_code == 202


def test_orders_are_limited(strict: MoneyApi) -> None:
    """300 attempts a minute."""
    document = paid_in("USD", single("AMZ-US", 10))
    statuses = [strict.order(document).status_code for _ in range(301)]
    assert statuses == [202] * 300 + [429]


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON", True),
        ("text/plain", False),
        ("application/json-patch+json", False),
        ("", False),
    ],
)
def test_content_types(strict: MoneyApi, content_type: str, *, accepted: bool) -> None:
    """Only JSON is taken; a refusal comes before the idempotency lookup and is not stored."""
    document = paid_in("USD", single("AMZ-US", 10))
    response = strict.order(document, key="k", Content_Type=content_type)
    if accepted:
        assert response.status_code == 202
    else:
        assert refusal(response) == (400, "bad_request")
        assert strict.order(document, key="k", Content_Type="application/json").status_code == 202
        assert refusal(strict.order(document, key="k", Content_Type=content_type))[0] == 400


def test_products_need_a_common_country(strict: MoneyApi) -> None:
    """Chosen products that share no country are refused, templates are exempt."""
    codes = {
        country: next(
            product["code"]
            for product in built_in().products
            if product["currency"] == "EUR"
            and product["is_orderable"]
            and product["payout_type"] == "gift_card"
            and product["countries_redeemable_in"] == [country]
            and Decimal(50) in denominations_of(product["gift_card"]["denominations"])
        )
        for country in ("FR", "DE")
    }
    items = [single(code, 50) for code in codes.values()]
    for one in items:
        assert strict.order(paid_in("EUR", one)).status_code == 202
    refused = strict.order(paid_in("EUR", *items))
    assert refusal(refused) == (400, "product_validation_error")
    template = {"type": "TEMPLATE", "template_id": PRODUCT_TEMPLATES["EUR"]}
    assert strict.order(paid_in("EUR", single("", 100, products=template))).status_code == 202


@pytest.mark.parametrize("key", ["XX", "XXabc", "XX."])
def test_a_key_is_a_prefix_and_a_secret(strict: MoneyApi, key: str) -> None:
    """A key without a dot and a secret is forbidden."""
    assert refusal(strict.get("/v2/ping", headers={"X-Api-Key": key})) == (403, "forbidden")


def test_templates_change_with_each_order(strict: MoneyApi) -> None:
    """Ten products of the currency, others in each order, the same within one, by the seed."""
    template = {"type": "TEMPLATE", "template_id": PRODUCT_TEMPLATES["USD"]}
    document = paid_in("USD", single("", 100, products=template))

    def drawn(caller: MoneyApi) -> list[list[str]]:
        orders = [caller.order(document, mode="sync").json() for _ in range(3)]
        return [order["items"][0]["products"]["values"] for order in orders]

    first = drawn(strict)
    assert all(len(set(codes)) == 10 for codes in first)
    assert len({tuple(codes) for codes in first}) == 3
    with MockServer(strict=True, clock=ManualClock(), seed=1) as server:
        again = MoneyApi(server.url)
        assert drawn(again) == first
        again.close()


def test_the_playground_sends_no_webhooks() -> None:
    """No message is made for an order or a product; production sends them."""
    made = []
    for profile in ("playground", "production"):
        with MockServer(strict=True, profile=profile, clock="manual") as server:
            server.webhooks.add("http://127.0.0.1:1/closed", "product.update")
            server.products.change("AMZ-US", is_orderable=False)
            made.append(len(server.webhooks.messages()))
    assert made == [0, 1]


def test_the_journal_names_what_strict_would_refuse() -> None:
    """A request that succeeded thanks to a kindness says which, others say nothing."""
    with MockServer() as server:
        caller = MoneyApi(server.url, "XX-plain")
        document = paid_in("USD", single("AMZ-US", 10))
        caller.order(document)
        caller.order(document, Content_Type="text/plain")
        caller.estimate(document)
        caller.close()
        dotted = MoneyApi(server.url)
        dotted.order(document)
        dotted.order(document, X_Trigger_Error="timeout")
        dotted.close()
        told = [request.kindnesses for request in server.journal]
    key = "lenient_authentication"
    assert told[:2] == [[key], [key, "any_content_type"]]
    assert told[2:] == [[key, "playground_estimates"], [], ["all_triggers"]]
