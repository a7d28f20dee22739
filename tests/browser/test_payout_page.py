"""The recipient's page in a real browser: looked at, clicked, typed into."""

import re

import pytest

from runa_mock_server import MockServer
from support.browser import SIZES, OpenPage, Scheme, Size
from support.money import MoneyApi, paid_in, redeemed, refusal_code, single
from support.push_to_card import ACCEPTED, REFUSED, codes, for_a_card, wrong
from support.recipient import FIXED, NARROW, OPEN, choice, link, status
from support.scanner import scan

pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")

from playwright.sync_api import Locator, Page, expect

TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"


def field(page: Page, code: str) -> Locator:
    """The field of a product in the form that splits a payout."""
    return page.locator(f'input[name="{code}"]')


def heading(page: Page, text: str) -> None:
    """Wait for a page with this heading."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


@pytest.mark.parametrize("java_script", [True, False])
def test_splitting_a_payout(bank: MoneyApi, open_page: OpenPage, java_script: bool) -> None:
    """Open, choose, be told what is wrong, mend it, redeem, see the codes; without scripts too."""
    url = link(choice(bank))
    page = open_page(url, java_script_enabled=java_script)
    heading(page, "Your payout")
    page.get_by_role("heading", name="Split it between several").click()
    field(page, OPEN).fill("50")
    field(page, FIXED).fill("20")
    page.get_by_role("button", name="Redeem the parts").click()

    alarm = page.get_by_role("alert")
    expect(alarm).to_be_focused()
    expect(field(page, OPEN)).to_have_value("50")
    alarm.get_by_role("link").click()
    expect(field(page, FIXED)).to_be_focused()
    expect(field(page, FIXED)).to_have_attribute("aria-invalid", "true")
    field(page, FIXED).fill("30")
    field(page, NARROW).fill("20")
    page.get_by_role("button", name="Redeem the parts").click()

    heading(page, "Your payout has been redeemed")
    assert page.url.partition("#")[0] == url
    codes = redeemed(url)["e_codes"]
    assert [code["amount"] for code in codes] == ["50.00", "20.00", "30.00"]
    for code in codes:
        shown = page.get_by_role("definition").get_by_text(code["code"], exact=True)
        expect(shown).to_be_visible()


@pytest.mark.parametrize("java_script", [True, False])
@pytest.mark.parametrize("look", [("phone", "dark"), ("desktop", "light")])
def test_a_payout_goes_to_a_card(
    bank: MoneyApi,
    server: MockServer,
    open_page: OpenPage,
    look: tuple[Size, Scheme],
    java_script: bool,
) -> None:
    """Code, wrong code, refused card, good card; nothing sticks out at any step."""
    order = for_a_card(bank)
    page = open_page(link(order), *look, java_script_enabled=java_script)
    page.get_by_role("button", name="Send the code").click()
    code = page.get_by_role("textbox", name="One-time code")
    (sent,) = codes(server, order)
    code.fill(wrong(sent))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_focused()
    _fits(page)
    code.fill(sent)
    page.get_by_role("button", name="Continue").click()
    number = page.get_by_role("textbox", name="Card number")
    expiry = page.get_by_role("textbox", name="Expiry")
    number.fill("1234")
    expiry.fill("01/20")
    page.get_by_role("button", name="Pay USD 10.00").click()
    page.get_by_role("alert").get_by_role("link", name="Expiry").click()
    expect(expiry).to_be_focused()
    expect(expiry).to_have_attribute("aria-invalid", "true")
    _fits(page)
    number.fill(REFUSED)
    expiry.fill("12/99")
    page.get_by_role("button", name="Pay USD 10.00").click()
    expect(page.get_by_role("alert")).to_contain_text("refused by its bank")
    number.fill(ACCEPTED)
    page.get_by_role("button", name="Pay USD 10.00").click()
    heading(page, "Your payout has been redeemed")
    expect(page.get_by_role("main")).to_contain_text("card ending in 1111")
    assert status(bank, order) == "CLAIMED"


def test_a_card_is_paid_by_keyboard_alone(
    bank: MoneyApi, server: MockServer, open_page: OpenPage
) -> None:
    """Tab and Enter go all the way; a returning recipient needs one press after the code."""
    order = for_a_card(bank, "ada+repeat@mail.example")
    page = open_page(link(order))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="One-time code")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type(codes(server, order)[-1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    for control in ("Pay to the card ending in 1111", "card_number", "card_expiry"):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("it => it.innerText.trim() || it.name") == control
        assert focused.evaluate("it => getComputedStyle(it).outlineWidth") == "3px"
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    heading(page, "Your payout has been redeemed")


def test_two_browsers_with_one_link(
    bank: MoneyApi, server: MockServer, open_page: OpenPage
) -> None:
    """The code of one opens nothing in the other, and the second to pay is too late."""
    order = for_a_card(bank)
    first = open_page(link(order))
    first.get_by_role("button", name="Send the code").click()
    second = open_page(link(order), "phone")
    (sent,) = codes(server, order)
    for page in (first, second):
        page.get_by_role("textbox", name="One-time code").fill(sent)
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("textbox", name="Card number").fill(ACCEPTED)
        page.get_by_role("textbox", name="Expiry").fill("12/99")
    first.get_by_role("button", name="Pay USD 10.00").click()
    heading(first, "Your payout has been redeemed")
    second.get_by_role("button", name="Pay USD 10.00").click()
    expect(second.get_by_role("alert")).to_contain_text("cannot be redeemed any more")


def _fits(page: Page) -> None:
    """See that a page is no wider than the window, and its controls as large as a finger."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for control in page.locator("button, input:not([type=hidden])").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_what_is_left_is_told_while_typing(bank: MoneyApi, open_page: OpenPage) -> None:
    """The rest of the value is counted to the cent, and nothing is said of what is no amount."""
    page = open_page(link(choice(bank)))
    page.get_by_role("heading", name="Split it between several").click()
    left = page.get_by_role("status")
    expect(left).to_have_text("USD 100.00 left")
    for typed, told in (
        ("0.1", "USD 99.90 left"),
        ("100", "It adds up"),
        ("100.01", "USD 0.01 too much"),
        ("1,5", ""),
        ("", "USD 100.00 left"),
    ):
        field(page, OPEN).fill(typed)
        expect(left).to_have_text(told)


def test_one_press_takes_the_whole_value(bank: MoneyApi, open_page: OpenPage) -> None:
    """A product is chosen by its button, and no other gets a part."""
    template = {"type": "TEMPLATE", "template_id": TEMPLATE}
    url = link(bank.finished(paid_in("USD", single("", 100, products=template))))
    page = open_page(url, "phone")
    page.get_by_role("button", name="Choose Example Bookshop US").click()
    heading(page, "Your payout has been redeemed")
    expect(page.get_by_role("heading", level=2)).to_have_text("Example Bookshop US, USD 100.00")
    assert redeemed(url)["e_code"]["amount"] == "100.00"


def test_the_keyboard_is_enough(bank: MoneyApi, open_page: OpenPage) -> None:
    """Tab reaches each control in the order of the page, with a visible focus; Enter presses."""
    url = link(choice(bank))
    page = open_page(url)
    opens, redeems = "Split it between several", "Redeem the parts"
    for control in (OPEN, NARROW, opens, OPEN, NARROW, FIXED, redeems):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("it => it.name || it.innerText.trim()") == control
        assert focused.evaluate("it => getComputedStyle(it).outlineWidth") == "3px"
        if control == opens:
            page.keyboard.press("Enter")
    field(page, OPEN).focus()
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    heading(page, "Your payout has been redeemed")
    assert redeemed(url)["e_code"]["amount"] == "100.00"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("product", "kind"),
    [
        (("ABO-GB", "GBP", 5), "QR Code"),
        (("AUCHAN-FR", "EUR", 10), "Code 128"),
        (("EXBOOK-AE", "AED", 25), "PDF417"),
    ],
)
def test_a_barcode_can_be_scanned_from_the_screen(
    bank: MoneyApi,
    open_page: OpenPage,
    scheme: Scheme,
    product: tuple[str, str, int],
    kind: str,
) -> None:
    """A scanner held to a phone reads what the redemption API says, in the dark too."""
    code, currency, value = product
    url = link(bank.finished(paid_in(currency, single(code, value))))
    page = open_page(url, "phone", scheme, device_scale_factor=3)
    page.get_by_role("button", name="Redeem").click()
    heading(page, "Your payout has been redeemed")
    e_code = redeemed(url)["e_code"]
    picture = page.get_by_role("img", name=re.compile(e_code["barcode_string"]))
    assert scan(picture.screenshot()) == (kind, e_code["barcode_string"])
    # Beside the barcode, which shows the code a second time.
    shown = page.get_by_role("definition").get_by_text(e_code["code"], exact=True)
    expect(shown).to_be_visible()


def test_a_card_opens_and_leads_back(bank: MoneyApi, open_page: OpenPage) -> None:
    """A product that is an address opens its card, from which a link leads back."""
    page = open_page(link(bank.finished(paid_in("CAD", single("LUSH-CA", 10)))))
    page.get_by_role("button", name="Redeem").click()
    page.get_by_role("link", name="Open the card").click()
    heading(page, "LUSH gift card (mock), CAD 10.00")
    page.get_by_role("link", name="Back to your payout").click()
    heading(page, "Your payout has been redeemed")


@pytest.mark.parametrize("size", list(SIZES))
def test_nothing_sticks_out(bank: MoneyApi, open_page: OpenPage, size: Size) -> None:
    """No page is wider than the window, and no control smaller than a finger."""
    claimed = link(bank.finished(paid_in("EUR", single("AUCHAN-FR", 10))))
    assert redeemed(claimed)["status"] == "SUCCESS"
    for url in (link(choice(bank)), claimed, f"{bank.url}/payout/unknown"):
        page = open_page(url, size)
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for control in page.locator("button, input, summary").all():
            box = control.bounding_box()
            assert box is not None
            assert box["height"] >= 44


def test_each_control_has_a_name(bank: MoneyApi, open_page: OpenPage) -> None:
    """The accessibility tree tells buttons and fields apart and knows what a field takes."""
    page = open_page(link(choice(bank)))
    page.get_by_role("heading", name="Split it between several").click()
    tree = page.locator("body").aria_snapshot()
    for role in ("button", "textbox", "heading"):
        names = re.findall(rf'^\s*- {role} "(.+?)"', tree, re.MULTILINE)
        assert len(names) == tree.count(f"- {role}")
        assert len(set(names)) == len(names), names
    for landmark in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_be_visible()
    expect(field(page, OPEN)).to_have_accessible_description("From 5.00 to 500.00")


def test_looking_claims_nothing(bank: MoneyApi, open_page: OpenPage) -> None:
    """A payout that was opened, and its form too, is still to be redeemed."""
    url = link(choice(bank))
    open_page(url).get_by_role("heading", name="Split it between several").click()
    assert refusal_code(url) == "RE012"
