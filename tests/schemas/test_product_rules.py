"""What a wrong build of the catalogue's answers would be caught by."""

from collections.abc import Callable
from typing import Any

import pytest

from runa_mock_server.catalogue.catalogue import built_in
from runa_schemas import iter_errors, load
from support.variants import required_keys

GIFT_CARD, FIXED, SUBSCRIPTION, PAYMENT = load("product")["examples"]
CLOSED = ("product_page", "product_countries", "product_categories", "category_entry")
OPEN = (
    "product_assets",
    "product_content_html",
    "product_content_md",
    "product_content_url",
    "product_denominations",
    "product_denominations_fixed",
    "product_denominations_open",
    "product_expiry",
    "product_gift_card",
    "product_payment",
    "product_payment_denominations",
    "product_plan",
    "product_subscription",
)
EMPTY = {"cursors": {"after": None, "before": None}, "page": {"limit": 500}}


def issues(instance: object, name: str) -> list[tuple[str, str]]:
    """Give the place and the keyword of each issue."""
    return [(issue.path, issue.keyword) for issue in iter_errors(instance, name)]


def details(product: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Change single facts of a product's details."""
    kind = product["payout_type"]
    return product | {kind: product[kind] | changes}


def denominations(**changes: object) -> dict[str, Any]:
    """Change single facts of a gift card's denominations."""
    return details(GIFT_CARD, denominations=GIFT_CARD["gift_card"]["denominations"] | changes)


def texts(**changes: object) -> dict[str, Any]:
    """Change single texts of a gift card."""
    return details(
        GIFT_CARD, content_resources=GIFT_CARD["gift_card"]["content_resources"] | changes
    )


@pytest.mark.parametrize("name", CLOSED)
def test_envelopes_refuse_an_unknown_key(name: str) -> None:
    """What is around products is closed: another key is refused at that key."""
    example = load(name)["examples"][0] | {"surprise": 1}
    assert issues(example, name) == [("$.surprise", "additionalProperties")]


@pytest.mark.parametrize("name", ["product", *OPEN])
def test_products_are_open(name: str) -> None:
    """The service adds fields to products, and a saved catalogue has them."""
    assert issues(load(name)["examples"][0] | {"surprise": None}, name) == []


@pytest.mark.parametrize("name", [*CLOSED, *(name for name in OPEN if name != "product_assets")])
def test_each_required_key_is_missed(name: str) -> None:
    """Leaving out a required key is an issue at that key."""
    for key in required_keys(name):
        example = dict(load(name)["examples"][0])
        del example[key]
        assert f"$.{key}" in [path for path, _ in issues(example, name)]


@pytest.mark.parametrize("product", [GIFT_CARD, FIXED, SUBSCRIPTION, PAYMENT])
def test_each_required_fact_of_a_product_is_missed(product: dict[str, Any]) -> None:
    """Each fact that every product has, and the key that its payout type names."""
    for key in [*load("product_facts")["required"], "payout_type", product["payout_type"]]:
        rest = {name: value for name, value in product.items() if name != key}
        assert issues(rest, "product") == [(f"$.{key}", "required")]


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (GIFT_CARD | {"state": None}, ("$.state", "type")),
        (GIFT_CARD | {"is_orderable": "true"}, ("$.is_orderable", "type")),
        (GIFT_CARD | {"payout_type": ""}, ("$.payout_type", "minLength")),
        (GIFT_CARD | {"payout_type": "payment"}, ("$.payment", "required")),
        (GIFT_CARD | {"currency": ""}, ("$.currency", "minLength")),
        (GIFT_CARD | {"code": ""}, ("$.code", "minLength")),
        (GIFT_CARD | {"categories": "fashion"}, ("$.categories", "type")),
        (
            GIFT_CARD | {"countries_redeemable_in": [7]},
            ("$.countries_redeemable_in[0]", "type"),
        ),
        (GIFT_CARD | {"discount_multiplier": 0.01}, ("$.discount_multiplier", "type")),
        (GIFT_CARD | {"discount_multiplier": "1.5"}, ("$.discount_multiplier", "pattern")),
        (GIFT_CARD | {"availability": "soon"}, ("$.availability", "enum")),
        (details(GIFT_CARD, redeemable_at="home"), ("$.gift_card.redeemable_at", "enum")),
        (details(GIFT_CARD, barcode_format="aztec"), ("$.gift_card.barcode_format", "enum")),
        (details(GIFT_CARD, e_code_usage_type=None), ("$.gift_card.e_code_usage_type", "enum")),
        (denominations(minimum_value=5), ("$.gift_card.denominations.minimum_value", "type")),
        (
            denominations(available_list=[5]),
            ("$.gift_card.denominations.available_list[0]", "type"),
        ),
        (
            denominations(type="fixed"),
            ("$.gift_card.denominations.available_list", "type"),
        ),
        (
            texts(description_markdown_url=None),
            ("$.gift_card.content_resources.description_markdown_url", "type"),
        ),
        (
            texts(disclaimer_markdown_url="/content/x.md"),
            ("$.gift_card.content_resources.disclaimer_markdown_url", "anyOf"),
        ),
        (texts(locale="English"), ("$.gift_card.content_resources.locale", "pattern")),
    ],
)
def test_a_wrong_fact_is_caught(product: dict[str, Any], expected: tuple[str, str]) -> None:
    """A single wrong fact is found at its place."""
    assert expected in issues(product, "product")


@pytest.mark.parametrize(("form", "wrong"), [("url", "/description.md"), ("md", None), ("html", 5)])
def test_each_form_of_texts_has_a_description(form: str, wrong: object) -> None:
    """The description is a text, or an absolute URL, in the form that the product came in."""
    example = load(f"product_content_{form}")["examples"][0]
    key = next(name for name in example if name.startswith("description"))
    assert issues(example, "product_content") == []
    assert [path for path, _ in issues(example | {key: wrong}, "product_content")] != []
    del example[key]
    assert issues(example, "product_content") == [("$.description_markdown_url", "required")]


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan | {"length_unit": "WEEKS"},
        lambda plan: plan | {"length": 0},
        lambda plan: plan | {"price": 7.99},
        lambda plan: plan | {"subscription_plan_code": ""},
    ],
)
def test_a_wrong_plan_is_caught(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """A single wrong fact of a plan is the single issue of its product, in that plan."""
    plans = SUBSCRIPTION["subscription"]["subscription_plans"]
    wrong = details(SUBSCRIPTION, subscription_plans=[*plans[1:], change(plans[0])])
    ((path, _),) = issues(wrong, "product")
    assert path.startswith(f"$.subscription.subscription_plans[{len(plans) - 1}].")


def test_a_page_with_products_can_be_continued() -> None:
    """`after` is given exactly where a page has products."""
    full = {"catalog": [GIFT_CARD], "pagination": EMPTY}
    assert issues(full, "product_page") == [("$.pagination.cursors.after", "type")]
    assert issues({"catalog": [], "pagination": EMPTY}, "product_page") == []
    cursors = {"after": "A", "before": "A"}
    given = {"catalog": [], "pagination": EMPTY | {"cursors": cursors}}
    assert issues(given, "product_page") == [
        ("$.pagination.cursors.after", "type"),
        ("$.pagination.cursors.before", "type"),
    ]


def test_lists_have_no_entry_twice() -> None:
    """A country and a category are listed once."""
    fashion = {"code": "fashion"}
    assert issues({"countries": ["AT", "AT"]}, "product_countries") == [
        ("$.countries", "uniqueItems")
    ]
    assert issues({"categories": [fashion, fashion]}, "product_categories") == [
        ("$.categories", "uniqueItems")
    ]


def test_built_in_products_have_no_fact_that_is_not_described() -> None:
    """The mock's own products have the keys that the schemas know, and no others."""
    known = {*load("product_facts")["properties"], "payout_type"}
    for product in built_in().products:
        kind = product["payout_type"]
        assert product.keys() <= known | {kind}
        described = load(f"product_{kind}")["properties"]
        assert product[kind].keys() <= described.keys()
        for part in ("assets", "expiry"):
            assert (
                product[kind].get(part, {}).keys() <= load(f"product_{part}")["properties"].keys()
            )
        content = load("product_content_url")["properties"]
        assert product[kind]["content_resources"].keys() == content.keys()
