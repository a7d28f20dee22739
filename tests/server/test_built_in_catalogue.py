"""The built-in catalogue has the form, the facts and the variety of the service's own."""

import re
from collections import Counter
from typing import Any

import pytest

from runa_mock_server.base.currencies import FROM_USD_ONLY
from runa_schemas.contract_data import PAYOUT_TYPES, PRODUCT_STATES, PRODUCT_TEMPLATES, Currency
from support.api import Api
from support.catalogue import CATALOGUE

PRODUCTS: list[dict[str, Any]] = CATALOGUE["catalog"]
BY_CODE = {product["code"]: product for product in PRODUCTS}
KEYS = [
    *("approval_state", "discount_multiplier", "code", "name", "categories"),
    *("countries_redeemable_in", "currency", "customer_service", "state", "payout_type"),
    *("is_orderable", "availability"),
]
TEXTS = [
    f"{topic}_markdown_url"
    for topic in (
        *("description", "disclaimer", "refund_policy", "reissuance_policy"),
        *("terms_buyer", "terms_consumer", "redemption_instructions"),
    )
]
CARD = [
    *("assets", "balance_check_url", "website_url", "content_resources", "expiry"),
    *("redeemable_at", "barcode_format", "e_code_usage_type"),
]
DETAILS = {
    "gift_card": [*CARD, "denominations"],
    "subscription": [*CARD, "subscription_plans"],
    "payment": ["assets", "denominations", "content_resources"],
}
NAMED = (
    *("1800FL-US", "AMZ-US", "AIRBNB-US", "AMC-US", "FIVEG-US", "AMZ-GB", "ADAS-GB", "BAW-GB"),
    *("ABO-GB", "CDISC-FR", "AUCHAN-FR", "LUSH-CA", "VISASL-3M-USD", "VISASL-6M-USD"),
    *("VISASL-12M-USD", "VISARL-USD", "P2C-US", "P2C-EUR", "P2C-GB"),
)


def cards() -> list[dict[str, Any]]:
    """The details of every product that has codes."""
    kinds = ("gift_card", "subscription")
    return [p[p["payout_type"]] for p in PRODUCTS if p["payout_type"] in kinds]


def test_every_key_is_there_in_the_recorded_order() -> None:
    """A key without a value is null, not absent."""
    for product in PRODUCTS:
        kind = product["payout_type"]
        details = product[kind]
        assert list(product) == [*KEYS, kind]
        assert list(product["customer_service"]) == ["phone_number", "website_url"]
        assert list(details) == DETAILS[kind]
        assert list(details["content_resources"]) == [*TEXTS, "locale"]
        pictures = ["icon_image_url", "primary_color"]
        assert list(details["assets"]) == (
            pictures if kind == "payment" else ["card_image_url", *pictures]
        )
    for details in cards():
        assert list(details["expiry"]) == ["date_policy", "in_months", "type"]
        for plan in details.get("subscription_plans", ()):
            plan_keys = ["name", "length_unit", "length", "price", "subscription_plan_code"]
            assert list(plan) == plan_keys
    for product in PRODUCTS:
        if product["payout_type"] == "gift_card":
            ends = ["minimum_value", "maximum_value"]
            assert list(product["gift_card"]["denominations"]) == ["type", *ends, "available_list"]


def test_expiry_is_a_sentence_and_a_number_of_months() -> None:
    """`date_policy` is for people; `in_months` is 0 for what never expires."""
    for details in cards():
        expiry = details["expiry"]
        assert re.fullmatch(r"[A-Z][a-z]+ [\w ]+", expiry["date_policy"])
        assert isinstance(expiry["in_months"], int)
        never = expiry["type"] in {"indefinite", "do-not-show"}
        assert (expiry["in_months"] == 0) is never
        assert never or str(expiry["in_months"]) in expiry["date_policy"]


def test_it_has_the_variety_of_the_service() -> None:
    """Lists in every spelling, open products with a list, nulls, and URLs that end with a blank."""
    denominations = [
        product["gift_card"]["denominations"]
        for product in PRODUCTS
        if product["payout_type"] == "gift_card"
    ]
    spelled = Counter(
        len(value.partition(".")[2])
        for each in denominations
        for value in each["available_list"] or ()
    )
    assert spelled[0] > spelled[2] > spelled[1] > 0
    assert any(each["type"] == "open" and each["available_list"] for each in denominations)
    assert any(each["type"] == "open" and not each["available_list"] for each in denominations)
    usage = Counter(details["e_code_usage_type"] for details in cards())
    assert usage["url-recommended"] > 0.8 * len(cards())
    assert set(usage) == {"url-recommended", "url-only", "undefined"}
    barcodes = Counter(details["barcode_format"] for details in cards())
    assert [name for name, _ in barcodes.most_common(2)] == [None, "code-128"]
    assert len(barcodes) == 9
    for name in ("balance_check_url", "website_url"):
        found = [details[name] for details in cards()]
        assert any(url is None for url in found)
        assert any(url is not None and url.endswith(" ") for url in found)
    phones = [product["customer_service"]["phone_number"] for product in PRODUCTS]
    assert 0 < phones.count(None) < len(phones)


def test_it_has_every_kind_of_product() -> None:
    """All payout types, states and currencies, in orderable products and others."""
    orderable = [product for product in PRODUCTS if product["is_orderable"]]
    assert {product["payout_type"] for product in orderable} == set(PAYOUT_TYPES)
    assert {product["state"] for product in PRODUCTS} == set(PRODUCT_STATES)
    assert {product["currency"] for product in PRODUCTS} == set(Currency)
    assert {product["currency"] for product in orderable} >= FROM_USD_ONLY
    for currency in PRODUCT_TEMPLATES:
        found = [
            p for p in orderable if (p["currency"], p["payout_type"]) == (currency, "gift_card")
        ]
        assert len(found) >= 10


@pytest.mark.parametrize("code", NAMED)
def test_the_products_that_the_provider_names_are_orderable(code: str) -> None:
    """Each can be ordered; card payments are payments, prepaid cards are gift cards."""
    product = BY_CODE[code]
    assert (product["state"], product["is_orderable"]) == ("LIVE", True)
    is_payment = code.startswith(("P2C", "VISARL"))
    assert product["payout_type"] == ("payment" if is_payment else "gift_card")
    if code.startswith(("P2C", "VISA")):
        assert product["categories"] == ["prepaid-card"]


@pytest.mark.parametrize(
    ("code", "denominations"),
    [
        ("1800FL-US", ("open", 10, 100)),
        ("AMC-US", ("open", 3, 200)),
        ("ADAS-GB", ("open", 0.01, 500)),
        ("ABO-GB", ("open", 5, 250)),
        ("BAW-GB", ("fixed", 5, 10, 20, 30, 50, 100)),
        ("CDISC-FR", ("fixed", 20, 50, 100, 200, 300)),
        ("AUCHAN-FR", ("fixed", *range(10, 151))),
    ],
)
def test_the_values_that_the_provider_names(code: str, denominations: tuple[Any, ...]) -> None:
    """The ranges and lists of the provider's pages."""
    found = BY_CODE[code]["gift_card"]["denominations"]
    ends = (found["minimum_value"], found["maximum_value"])
    values = ends if found["type"] == "open" else found["available_list"]
    assert (found["type"], *map(float, values)) == denominations


def test_the_recorded_facts_of_a_product() -> None:
    """Discount, barcode and expiry of 1800FL-US are those that were recorded."""
    product = BY_CODE["1800FL-US"]
    details = product["gift_card"]
    assert product["discount_multiplier"] == "0.0130"
    assert details["barcode_format"] == "code-128"
    assert details["expiry"] == {
        "date_policy": "Does not expire",
        "in_months": 0,
        "type": "indefinite",
    }


def test_bulgaria_and_slovenia_are_listed(api: Api) -> None:
    """Both are among the countries, and each has a product that can be ordered."""
    assert {"BG", "SI"} <= {*api.get("/v2/product/countries").json()["countries"]}
    for country in ("BG", "SI"):
        query = f"/v2/product?countries_redeemable_in={country}&is_orderable=true"
        assert api.get(query).json()["catalog"]
