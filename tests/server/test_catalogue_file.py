"""Catalogues from files: what loads is served back, what does not is refused with every problem."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, CatalogueError, built_in
from runa_mock_server.catalogue.file import load
from support.api import Api, body, item
from support.files import problems_of

PRODUCTS = built_in().products
TEMPLATES = {
    "USD": "PT-01HQ12PV4B8XMBRTK281JM54KK",
    "GBP": "PT-01HPPT8ME05693EG77RCGKMX7N",
    "EUR": "PT-01HQ130AHCKRRB45Z5XV2Y8W9K",
    "CAD": "PT-01HQ12SMX2964BVXG2N69K8HF3",
}
EMPTY = {"cursors": {"after": None, "before": None}, "page": {"limit": 500}}


def product(original: str = "AMZ-US", /, **changes: Any) -> dict[str, Any]:
    """A copy of a built-in product with single fields changed."""
    found = next(p for p in PRODUCTS if p["code"] == original)
    return copy.deepcopy(dict(found)) | changes


def gift_card(code: str = "NEW-US", **denominations: Any) -> dict[str, Any]:
    """An open gift card with single facts of its denominations changed."""
    changed = product("1800FL-US", code=code)
    changed["gift_card"]["denominations"] |= denominations
    return changed


def plan(**changes: Any) -> dict[str, Any]:
    """A subscription with single facts of its first plan changed."""
    changed = product("EXSTRM-US")
    changed["subscription"]["subscription_plans"][0] |= changes
    return changed


def saved(tmp_path: Path, *pages: Any) -> Path:
    """A file with pages, each given as its products."""
    path = tmp_path / "catalogue.json"
    document = [{"catalog": list(page), "pagination": EMPTY} for page in pages]
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    """The problems of a file that is refused, without the file's name, which each begins with."""
    return problems_of(path, load, CatalogueError)


@pytest.fixture
def recorded() -> list[dict[str, Any]]:
    """Products with fields and nulls that the mock knows nothing of, and absolute URLs."""
    first = gift_card("ZED-US", minimum_value="5", available_list=None)
    first |= {
        "fees": None,
        "ratio": None,
        "note": 'caf\u00e9 \U0001f381 \\ "',
        "subscription": None,
    }
    first["gift_card"]["assets"] = {"card_image_url": "https://cdn.example/a.png", "x": [1, None]}
    first["gift_card"]["content_resources"]["description_markdown_url"] = "https://cdn.example/a.md"
    for key, value in first["gift_card"]["content_resources"].items():
        if value is not None and value.startswith("/"):
            first["gift_card"]["content_resources"][key] = None
    second = {**first, "code": "ALPHA-US", "categories": ["brand-new"], "currency": "USD"}
    return [first, second]


@pytest.mark.parametrize("shape", ["page", "pages", "bare", "with a byte order mark"])
def test_a_saved_catalogue_is_served_back(
    tmp_path: Path, recorded: list[dict[str, Any]], shape: str
) -> None:
    """One page, a list of pages or the bare list in a page: each product comes back unchanged."""
    pages: Any = {"catalog": recorded, "pagination": EMPTY}
    if shape == "pages":
        pages = [{"catalog": [entry], "pagination": EMPTY} for entry in recorded]
        pages.append({"catalog": [], "pagination": EMPTY})
    elif shape == "bare":
        pages = {"catalog": recorded}
    path = tmp_path / "catalogue.json"
    mark = "\ufeff" if shape == "with a byte order mark" else ""
    path.write_text(mark + json.dumps(pages), encoding="utf-8")

    products = load(path)
    assert products == recorded
    with MockServer(catalogue=Catalogue(products)) as server:
        api = Api(server.url)
        expected = sorted(recorded, key=lambda entry: str(entry["code"]))
        assert api.get("/v2/product").json()["catalog"] == expected
        assert api.get("/v2/product/ZED-US").json() == recorded[0]
        categories = api.get("/v2/product/categories").json()["categories"]
        assert categories[-1] == {"code": "brand-new"}
        filtered = api.get("/v2/product?categories=brand-new").json()["catalog"]
        assert [entry["code"] for entry in filtered] == ["ALPHA-US"]
        api.close()


def test_numbers_come_back_as_they_were_written(tmp_path: Path) -> None:
    """A number with decimals in a field the mock does not know keeps every digit."""
    text = json.dumps(product("1800FL-US", code="N-US"))[:-1] + ', "x": [0.10, 1.250, 12e-1, 7]}'
    path = tmp_path / "catalogue.json"
    path.write_text('{"catalog": [' + text + "]}", encoding="utf-8")
    with MockServer(catalogue=Catalogue(load(path))) as server:
        api = Api(server.url)
        assert '"x":[0.10,1.250,1.2,7]' in api.get("/v2/product/N-US").text
        api.close()


def test_five_thousand_products_load(tmp_path: Path) -> None:
    """Ten full pages are 5,000 products, and each is found."""
    pages = [[gift_card(f"C{page}-{n:03d}") for n in range(500)] for page in range(10)]
    products = load(saved(tmp_path, *pages))
    assert len(products) == 5_000
    catalogue = Catalogue(products)
    assert all(catalogue.offer(entry["code"]) for page in pages for entry in page)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (product(name=None), "name"),
        (product(currency=""), "currency"),
        (product(state=None), "state"),
        (product(is_orderable="true"), "is_orderable"),
        (product(is_orderable=1), "is_orderable"),
        (product(payout_type=""), "payout_type"),
        (product(payout_type="payment"), "payment"),
        (product(categories=None), "categories"),
        (product(categories=["fashion", 7]), "categories.1"),
        (product(countries_redeemable_in="US"), "countries_redeemable_in"),
        (product(discount_multiplier=0.013), "discount_multiplier"),
        (product(discount_multiplier="1.01"), "discount_multiplier"),
        (product(discount_multiplier="-0.1"), "discount_multiplier"),
        (product(gift_card=None), "gift_card"),
        (product(gift_card={}), "gift_card.denominations"),
        (gift_card("AMZ-US", type="any"), "gift_card.denominations.type"),
        (gift_card("AMZ-US", minimum_value=5), "gift_card.denominations.minimum_value"),
        (gift_card("AMZ-US", maximum_value="5 USD"), "gift_card.denominations.maximum_value"),
        (gift_card("AMZ-US", maximum_value=None), "gift_card.denominations"),
        (gift_card("AMZ-US", minimum_value="500"), "gift_card.denominations"),
        (gift_card("AMZ-US", type="fixed"), "gift_card.denominations"),
        (
            gift_card("AMZ-US", type="fixed", available_list=["5", 10]),
            "gift_card.denominations.available_list.1",
        ),
        (product(payout_type="payment", payment={"denominations": {}}), "payment.denominations"),
        (plan(price=7.99) | {"code": "AMZ-US"}, "subscription.subscription_plans.0.price"),
    ],
)
def test_a_wrong_fact_is_found(tmp_path: Path, entry: dict[str, Any], field: str) -> None:
    """One wrong fact is one problem, with page, entry, code, field and reason."""
    path = saved(tmp_path, [gift_card("A-US"), gift_card("B-US")], [gift_card("C-US"), entry])
    (problem,) = problems(path)
    place, _, reason = problem.partition(f": {field}: ")
    assert place == "page 2, catalog[1] (AMZ-US)"
    assert len(reason) > 10


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            "name",
            "code",
            "currency",
            "state",
            "is_orderable",
            "payout_type",
            "categories",
            "countries_redeemable_in",
            "discount_multiplier",
            "gift_card",
        }
    ),
)
def test_a_missing_fact_is_found(tmp_path: Path, key: str) -> None:
    """Leaving out what the mock relies on is one problem, which names it."""
    entry = gift_card("A-US")
    del entry[key]
    (problem,) = problems(saved(tmp_path, [entry]))
    assert problem.endswith(f": {key}: Field required")


@pytest.mark.parametrize("key", ["customer_service", "approval_state", "availability"])
@pytest.mark.parametrize("value", [None, 5, "anything"])
def test_what_is_only_repeated_may_be_anything(tmp_path: Path, key: str, value: object) -> None:
    """Facts that the mock does not rely on are taken as they are, or missing."""
    assert load(saved(tmp_path, [product(**{key: value})]))[0][key] == value
    entry = product()
    del entry[key]
    assert load(saved(tmp_path, [entry])) == [entry]


@given(wrong=st.sets(st.integers(0, 19), min_size=1))
def test_every_problem_is_listed(tmp_path_factory: pytest.TempPathFactory, wrong: set[int]) -> None:
    """However many products are wrong, and twice each, all of it is listed, in order."""
    entries = [gift_card(f"P{n:02d}-US") for n in range(20)]
    for n in wrong:
        entries[n]["is_orderable"] = "yes"
        entries[n]["gift_card"]["denominations"]["minimum_value"] = "cheap"
    path = saved(tmp_path_factory.mktemp("catalogue"), entries[:7], entries[7:])
    expected = []
    for n in sorted(wrong):
        page, index = (1, n) if n < 7 else (2, n - 7)
        place = f"page {page}, catalog[{index}] (P{n:02d}-US): "
        expected += [place + "is_orderable: ", place + "gift_card.denominations.minimum_value: "]
    found = problems(path)
    assert len(found) == len(expected)
    assert all(line.startswith(start) for line, start in zip(found, expected, strict=True))


def test_codes_stand_for_one_thing(tmp_path: Path) -> None:
    """A product twice, a plan code twice, and a plan named like a product are problems."""
    twice = plan(subscription_plan_code="EXSTRM-US-12M")
    named = plan(subscription_plan_code="A-US") | {"code": "OTHER"}
    for n, entry in enumerate(named["subscription"]["subscription_plans"][1:]):
        entry["subscription_plan_code"] = f"OTHER-{n}"
    found = problems(saved(tmp_path, [gift_card("A-US"), twice], [gift_card("A-US"), named]))
    assert [line.partition(": ")[0] for line in found] == [
        "page 1, catalog[1] (EXSTRM-US)",
        "page 2, catalog[0] (A-US)",
        "page 2, catalog[1] (OTHER)",
    ]
    assert "page 1, catalog[0]" in found[1]
    assert "page 1, catalog[0]" in found[2]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "line 1 column 0"),
        (b'{"catalog": [\n{"name": }]}', "line 2 column"),
        (b'{"catalog": [], "catalog": []}', "JSON"),
        (b'{"catalog": ["\xff"]}', "UTF-8: byte 14"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b"{}", "page 1: must be a page"),
        (b"5", "page 1: must be a page"),
        (b'{"catalog": {}}', "page 1: must be a page"),
        (b'[{"catalog": []}, []]', "page 2: must be a page"),
        (b"[]", "no product"),
        (b'{"catalog": []}', "no product"),
        (b'{"catalog": [[]]}', "page 1, catalog[0]: Input should be an object"),
        (b'{"catalog": [null]}', "page 1, catalog[0]: Input should be an object, not null"),
    ],
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, raw: bytes, expected: str) -> None:
    """Another shape, no JSON, or no text at all: one problem that says so and where."""
    path = tmp_path / "catalogue.json"
    path.write_bytes(raw)
    (problem,) = problems(path)
    assert expected in problem


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A file that is not there, and a folder, are refused with the system's reason."""
    assert problems(tmp_path / "nowhere.json") == ["cannot be read: No such file or directory"]
    assert problems(tmp_path) == ["cannot be read: Is a directory"]


def test_a_number_that_cannot_be_written_again_is_refused(tmp_path: Path) -> None:
    """An integer beyond 64 bits could not be served back, so it is a problem of its product."""
    (problem,) = problems(saved(tmp_path, [product(big=2**70)]))
    assert problem.startswith("page 1, catalog[0] (AMZ-US): cannot be served again")


@pytest.mark.parametrize("currency", sorted(TEMPLATES))
def test_playground_templates_keep_their_products(currency: str) -> None:
    """Where the catalogue has them all, a template stands for its ten built-in products."""
    expected = built_in().template(TEMPLATES[currency])
    assert expected is not None
    assert len(expected.offers) == 10
    shuffled = Catalogue([gift_card("000-US"), *reversed(PRODUCTS)])
    assert shuffled.template(TEMPLATES[currency]) == expected


def test_playground_templates_fall_back_to_gift_cards() -> None:
    """Elsewhere it stands for the currency's first ten orderable gift cards, or for nothing."""
    cards = [gift_card(f"N{n:02d}-US") for n in range(12)]
    cards[3]["is_orderable"] = False
    payment = product("EXBANK-US", code="A-PAY")
    catalogue = Catalogue([payment, *reversed(cards)])
    selection = catalogue.template(TEMPLATES["USD"])
    assert selection is not None
    assert selection.codes == [f"N{n:02d}-US" for n in range(12) if n != 3][:10]
    assert catalogue.template(TEMPLATES["GBP"]) is None


def test_a_template_of_a_loaded_catalogue_can_be_ordered(tmp_path: Path) -> None:
    """An order by the playground's template id works with a catalogue from a file."""
    catalogue = Catalogue(load(saved(tmp_path, [gift_card("ONE-US"), gift_card("TWO-US")])))
    products = {"type": "TEMPLATE", "template_id": TEMPLATES["USD"]}
    with MockServer(catalogue=catalogue) as server:
        api = Api(server.url)
        response = api.order(body(items=[item(products=products)]), mode="sync")
        assert response.json()["items"][0]["products"]["values"] == ["ONE-US", "TWO-US"]
        api.close()


def test_further_templates_come_on_top() -> None:
    """A template names products and plans; one with a playground id replaces that."""
    codes = ["AMZ-US", "EXSTRM-US-1M"]
    catalogue = Catalogue(PRODUCTS, {"PT-MINE": codes, TEMPLATES["USD"]: codes[:1]})
    mine, usual, other = map(catalogue.template, ("PT-MINE", TEMPLATES["USD"], TEMPLATES["CAD"]))
    assert mine is not None
    assert mine.codes == codes
    assert usual is not None
    assert usual.codes == codes[:1]
    assert other is not None


def test_every_problem_of_templates_is_listed() -> None:
    """No code, an unknown code, a code twice and two currencies are told apart by template."""
    templates = {
        "PT-A": [],
        "PT-B": ["NOBODY", "AMZ-US", "NOTHING"],
        "PT-C": ["AMZ-US", "AMZ-US"],
        "PT-D": ["AMZ-US", "AMZ-GB"],
        "PT-E": ["AMZ-US"],
    }
    with pytest.raises(CatalogueError) as caught:
        Catalogue(PRODUCTS, templates)
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "template PT-A",
        "template PT-B",
        "template PT-B",
        "template PT-C",
        "template PT-D",
    ]
    assert "'NOBODY'" in lines[1]
    assert "'NOTHING'" in lines[2]
    assert "GBP, USD" in lines[4]


@pytest.mark.parametrize(("given_", "printed"), [("0", "0.0"), ("0.0130", "0.0130"), ("1", "1.0")])
def test_offers_carry_the_discount(given_: str, printed: str) -> None:
    """The multiplier is the catalogue's own text, with decimals where it had none."""
    offer = Catalogue([product(discount_multiplier=given_)]).offer("AMZ-US")
    assert offer is not None
    assert offer.discount_multiplier == printed


def test_codes_lead_to_their_product() -> None:
    """A product code and each plan code lead to the document; another code to none."""
    catalogue = built_in()
    assert catalogue.product_of("AMZ-US")["code"] == "AMZ-US"
    assert catalogue.product_of("EXSTRM-US-12M")["code"] == "EXSTRM-US"
    with pytest.raises(KeyError):
        catalogue.product_of("EXSTRM-US")


def test_a_fixed_product_without_values_takes_none(tmp_path: Path) -> None:
    """A fixed list may be empty, as where a stock has run out: then no face value fits."""
    path = saved(tmp_path, [gift_card("A-US", type="fixed", available_list=[])])
    offer = Catalogue(load(path)).offer("A-US")
    assert offer is not None
    assert Decimal(10) not in offer.denominations
    assert str(offer.denominations) == "in no face value at the moment"
