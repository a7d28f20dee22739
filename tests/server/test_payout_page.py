"""The recipient's page: what it shows in each state of a payout."""

import re
from datetime import timedelta
from urllib.parse import urljoin

import pytest
import requests

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue.catalogue import Catalogue, built_in
from support.api import KEY, TIMEOUT
from support.money import MoneyApi, multiple, paid_in, redeemed, refusal_code, single
from support.page import opened
from support.recipient import FIXED, NARROW, OPEN, alarm, choice, link, shown, status, submit, taken
from support.scanner import scan_svg

TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"


def test_an_active_payout(bank: MoneyApi) -> None:
    """The page says who pays what, names the product and has a button."""
    order = bank.finished(paid_in("USD", single(OPEN, "12.5")))
    page = shown(link(order))
    assert page.one("h1").text == "Your payout"
    (customer,) = re.findall("From PlaygroundCustomer: (C-[0-9A-Z]{8})\\b", page.text)
    other = shown(link(bank.finished(paid_in("USD", single(OPEN, "12.5")))))
    assert f"From PlaygroundCustomer: {customer}" in other.text  # one id for the account
    stranger = MoneyApi(bank.url, "XX-other.key")
    foreign = shown(link(stranger.finished(paid_in("USD", single(OPEN, "12.5")))))
    assert customer not in foreign.text
    stranger.close()
    assert "USD 12.50" in page.text
    assert built_in().product_of(OPEN)["name"] in page.text
    assert page.one("button").text == "Redeem"
    assert not page.all("input", "script")
    assert status(bank, order) == "ACTIVE"  # looking claims nothing


def test_a_choice_has_a_field_for_each_product(bank: MoneyApi) -> None:
    """Name and possible values of each product are tied to its field; so for a template."""
    template = single("", 100, products={"type": "TEMPLATE", "template_id": TEMPLATE})
    for order in (choice(bank), bank.finished(paid_in("USD", template))):
        page = shown(link(order))
        codes = order["items"][0]["products"]["values"]
        inputs = page.all("input")
        assert [field.attributes["name"] for field in inputs] == codes
        for code, field in zip(codes, inputs, strict=True):
            offer = built_in().offer(code)
            assert offer is not None
            assert page.name_of(field) == built_in().product_of(code)["name"]
            assert page.described(field).lower() == str(offer.denominations)
            assert field.attributes["inputmode"] == "decimal"


def test_one_press_takes_the_whole_value(bank: MoneyApi) -> None:
    """Each product that comes in the whole value has a button, and no other has one."""
    order = choice(bank)
    page = shown(link(order))
    assert "open" not in page.one("details").attributes
    names = {code: built_in().product_of(code)["name"] for code in (OPEN, NARROW)}
    buttons = {b.attributes["name"]: b for b in page.all("button") if "name" in b.attributes}
    assert {code: b.text for code, b in buttons.items()} == {
        code: f"Choose {name}" for code, name in names.items()
    }
    value = buttons[NARROW].attributes["value"]
    assert submit(link(order), {NARROW: value}).status_code == 303
    assert redeemed(link(order))["e_code"]["amount"] == "100.00"


def test_a_value_that_no_product_comes_in(bank: MoneyApi) -> None:
    """Where only a split is possible, its form is open and nothing else is offered."""
    page = shown(link(bank.finished(paid_in("USD", multiple(137, NARROW, FIXED)))))
    assert "open" in page.one("details").attributes
    assert [button.text for button in page.all("button")] == ["Redeem the parts"]


def test_a_plan_is_named(bank: MoneyApi) -> None:
    """Plans of one subscription differ by their own names."""
    order = bank.finished(paid_in("EUR", multiple(27, "DEMMUS-DE-30D", "DEMMUS-DE-3M")))
    page = shown(link(order))
    assert [page.name_of(field) for field in page.all("input")] == [
        "Demo Music DE, Thirty days",
        "Demo Music DE, Three months",
    ]
    assert page.all("button")[0].text == "Choose Demo Music DE, Three months"


@pytest.mark.parametrize("path", ["x", "00000000-0000-4000-8000-000000000000", "%3Cb%3E"])
def test_an_unknown_link(bank: MoneyApi, path: str) -> None:
    """404 with a page, read or submitted."""
    url = f"{bank.url}/payout/{path}"
    assert shown(url, 404).one("h1").text == "There is no such payout"
    taken(submit(url), 404)
    assert shown(f"{url}/card/LUSH-CA", 404).one("h1").text == "There is no such card"


def test_redeeming_a_single_product(bank: MoneyApi, clock: ManualClock) -> None:
    """The button leads back to the page, which now shows the code of the redemption API."""
    order = bank.finished(paid_in("GBP", single("ABO-GB", 5)))
    clock.advance(3)
    response = submit(link(order))
    assert response.status_code == 303
    assert urljoin(link(order), response.headers["Location"]) == link(order)
    page = shown(link(order))
    assert page.one("h1").text == "Your payout has been redeemed"
    code = redeemed(link(order))["e_code"]
    assert [element.text for element in page.all("code")] == [
        code["code"],
        code["pin"],
        code["barcode_string"],
    ]
    assert page.one("time").attributes["datetime"] == code["expiry_date"]
    assert "Redeemed on 14 March 2026 at 12:00 UTC" in page.text
    assert not page.all("form")
    found = bank.read(order["id"])["items"][0]["payout"]
    assert found["status"] == "CLAIMED"
    assert found["status_updated_at"] == "2026-03-14T12:00:03.250000+00:00"


def test_a_card_is_an_address(bank: MoneyApi) -> None:
    """The page of a product that is an address links to it; before the claim it is not there."""
    order = bank.finished(paid_in("CAD", single("LUSH-CA", 10)))
    card = f"{link(order)}/card/LUSH-CA"
    shown(card, 404)
    assert submit(link(order)).status_code == 303
    assert shown(link(order)).one("a").attributes["href"] == card
    page = shown(card)
    assert page.one("h1").text == "LUSH gift card (mock), CAD 10.00"
    assert urljoin(card, page.one("a").attributes["href"]) == link(order)
    shown(f"{link(order)}/card/AMZ-US", 404)


def test_states_without_a_button(clock: ManualClock) -> None:
    """Cancelled and expired payouts say so and what to do, have no form, and take none."""
    with MockServer(clock=clock, link_lifetime_days=1) as server:
        bank = MoneyApi(server.url)
        document = paid_in("USD", single(OPEN, 10))
        accepted = bank.order(document, X_Trigger_Error="order_failed").json()
        clock.advance(1)
        failed = bank.read(accepted["id"])
        taken_back, order = bank.finished(document), bank.finished(document)
        server.account(KEY).orders.cancel_payouts(taken_back["id"])
        assert "This link can be used until 15 March 2026" in shown(link(order)).text
        clock.advance(timedelta(days=2))
        for found, word, reason in (
            (failed, "was cancelled", "The order failed"),
            (taken_back, "was cancelled", "It was taken back"),
            (order, "has expired", "The link could be used until 15 March 2026"),
        ):
            page = shown(link(found))
            assert page.one("h1").text == f"This payout {word}"
            assert reason in page.text
            assert "Ask whoever sent you the link for a new one" in page.text
            assert not page.all("form")
            before = status(bank, found)
            alarm(taken(submit(link(found)), 409))
            assert status(bank, found) == before
        bank.close()


def test_the_page_works_without_the_redemption_api() -> None:
    """Switching the API off leaves the page as it is."""
    with MockServer(redemption_api=False) as server:
        bank = MoneyApi(server.url)
        order = bank.finished(paid_in("USD", single(OPEN, 10)))
        assert submit(link(order)).status_code == 303
        assert shown(link(order)).all("code")[0].text.startswith("MOCK-")
        assert refusal_code(link(order)) == "RE013"
        bank.close()


@pytest.mark.parametrize("colour", ["#12345z", '#000000" onload="alert(1)', "", 7, None])
def test_facts_of_the_catalogue_are_shown_and_not_obeyed(colour: object) -> None:
    """Markup in names, codes and colours is text, such codes can be redeemed, nothing is loaded."""
    evil = '<script>alert("1")</script>{{ 7 * 7 }}</title>'
    remote = "https://pictures.example/card.png"
    original = built_in().product_of("LUSH-CA")
    card = {
        **original["gift_card"],
        "assets": {"card_image_url": remote, "icon_image_url": remote, "primary_color": colour},
    }
    codes = ['A"><b>&x=1', "B' onfocus='1 #?%"]
    products = [{**original, "name": evil, "code": code, "gift_card": card} for code in codes]
    products[0]["name"] += " 1"
    with MockServer(catalogue=Catalogue(products)) as server:
        bank = MoneyApi(server.url)
        order = bank.finished(paid_in("CAD", multiple(50, *codes)))
        page = shown(link(order))
        assert [field.attributes["name"] for field in page.all("input")] == codes
        assert [page.name_of(field) for field in page.all("input")] == [f"{evil} 1", evil]
        assert len(page.all("script")) == 1

        assert submit(link(order), dict.fromkeys(codes, "25")).status_code == 303
        page = shown(link(order))
        assert not page.all("script", "b")
        urls = [code["url"] for code in redeemed(link(order))["e_codes"]]
        assert [element.attributes["href"] for element in page.all("a")] == urls
        for url in urls:
            assert evil in shown(url).one("h1").text
        bank.close()


@pytest.mark.parametrize(
    ("code", "currency", "value", "kind"),
    [
        ("ABO-GB", "GBP", 5, "QR Code"),
        ("CDISC-FR", "EUR", 20, "Code 128"),
        ("PLAFAS-CO", "COP", 25_000, "Code 39"),
        ("PLAFAS-GB", "GBP", 5, "EAN-13"),
        ("EXBOOK-AE", "AED", 25, "PDF417"),
    ],
)
def test_a_barcode_can_be_scanned(
    bank: MoneyApi, code: str, currency: str, value: int, kind: str
) -> None:
    """The picture on the page holds the string of the redemption API, and says so in words."""
    order = bank.finished(paid_in(currency, single(code, value)))
    e_code = redeemed(link(order))["e_code"]
    source = requests.get(link(order), timeout=TIMEOUT).text
    page = opened(source, bank.url)
    label = page.all("svg")[-1].attributes["aria-label"]
    assert label.endswith(f"of {e_code['barcode_string']}")
    assert page.one("figcaption").text == f"{e_code['barcode_format']}: {e_code['barcode_string']}"
    picture = source[source.index("<figure") : source.index("</figure>")]
    assert scan_svg(picture) == (kind, e_code["barcode_string"])


def test_a_code_that_is_not_scanned(bank: MoneyApi) -> None:
    """A product without a barcode, or with one that the redemption API does not know, has none."""
    for code, currency, value in (("BAW-GB", "GBP", 5), ("PLACRD-US", "USD", 10)):
        order = bank.finished(paid_in(currency, single(code, value)))
        assert submit(link(order)).status_code == 303
        assert not shown(link(order)).all("figure")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(bank: MoneyApi, method: str) -> None:
    """A link is opened or submitted, nothing else."""
    order = bank.finished(paid_in("USD", single(OPEN, 10)))
    response = requests.request(method, link(order), timeout=TIMEOUT)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
    assert status(bank, order) == "ACTIVE"
