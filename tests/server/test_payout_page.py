"""The recipient's page: what it shows, and that its form redeems a payout once."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue import Catalogue, built_in
from support.api import KEY, TIMEOUT
from support.money import (
    MoneyApi,
    at_once,
    multiple,
    offers,
    paid_in,
    redeemed,
    refusal_code,
    single,
)
from support.page import Page, opened
from support.scanner import scan_svg

TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"
STORM = 30
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Open, 5 to 500 and 10 to 100, and fixed, 15 30 45.
OPEN, NARROW, FIXED = "FIVEG-US", "1800FL-US", "SAMCIN-US"

POLICY = "Content-Security-Policy"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
FORBIDDEN = {
    "default-src": "'none'",
    "img-src": "data:",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

Order = dict[str, Any]


@pytest.fixture
def bank(server: MockServer) -> Iterator[MoneyApi]:
    """A caller of the server."""
    caller = MoneyApi(server.url)
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[MoneyApi]:
    """A caller of a server that examples of one test share."""
    with MockServer() as server:
        caller = MoneyApi(server.url)
        yield caller
        caller.close()


def link(order: Order) -> str:
    """The payout link of an order's first item."""
    return str(order["items"][0]["payout"]["url"])


def status(bank: MoneyApi, order: Order) -> str:
    """The state of its payout now."""
    return str(bank.read(order["id"])["items"][0]["payout"]["status"])


def taken(response: requests.Response, expected: int = 200) -> Page:
    """The page in an answer, which has the headers of pages and keeps their rules."""
    assert response.status_code == expected, response.text
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers.items() >= HEADERS.items()
    policy = dict(part.split(" ", 1) for part in response.headers[POLICY].split("; "))
    assert policy.items() >= FORBIDDEN.items()
    page = opened(response.text, urljoin(response.url, "/").rstrip("/"))
    for kind in ("style", "script"):
        for element in page.all(kind):
            digest = hashlib.sha256("".join(element.words).encode()).digest()
            assert policy[f"{kind}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"
    return page


def shown(url: str, expected: int = 200) -> Page:
    """The page behind an address."""
    return taken(requests.get(url, timeout=TIMEOUT), expected)


def alarm(page: Page) -> str:
    """What an error summary says; it is where the focus goes."""
    element = page.one("div", role="alert")
    assert element.attributes.keys() >= {"tabindex", "autofocus"}
    return element.text


def submit(url: str, form: dict[str, str] | bytes | None = None) -> requests.Response:
    """Press the button; a redirect is not followed."""
    return requests.post(
        url, data=form or b"", headers=FORM, allow_redirects=False, timeout=TIMEOUT
    )


def choice(bank: MoneyApi, value: int = 100) -> Order:
    """An order whose recipient can split a value between three products."""
    return bank.finished(paid_in("USD", multiple(value, OPEN, NARROW, FIXED)))


def test_an_active_payout(bank: MoneyApi) -> None:
    """The page says who pays what, names the product and has a button."""
    order = bank.finished(paid_in("USD", single(OPEN, "12.5")))
    page = shown(link(order))
    assert page.one("h1").text == "Your payout"
    assert f"From PlaygroundCustomer: {order['id']}" in page.text
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


def test_a_second_press_is_too_late(bank: MoneyApi) -> None:
    """409 with the page of the claimed payout, which stays as it was."""
    order = choice(bank)
    assert submit(link(order), {OPEN: "100"}).status_code == 303
    before, code = bank.read(order["id"]), redeemed(link(order))
    for form in ({OPEN: "100"}, {NARROW: "100"}, {}, b"\xff"):
        page = taken(submit(link(order), form), 409)
        assert "cannot be redeemed any more" in alarm(page)
        assert code["e_code"]["code"] in page.text
    assert (bank.read(order["id"]), redeemed(link(order))) == (before, code)


def test_states_without_a_button(clock: ManualClock) -> None:
    """Cancelled and expired payouts say so and what to do, have no form, and take none."""
    with MockServer(clock=clock, link_lifetime_days=1) as server:
        bank = MoneyApi(server.url)
        document = paid_in("USD", single(OPEN, 10))
        failed = bank.order(document, mode="sync", X_Trigger_Error="order_failed").json()
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


def test_a_split_has_a_code_for_each_part(bank: MoneyApi) -> None:
    """Every part becomes a code of its value, on the page and in the redemption API."""
    order = choice(bank)
    parts = {OPEN: "44.99", NARROW: " 25.01 ", FIXED: "30"}
    assert submit(link(order), parts).status_code == 303
    answer = redeemed(link(order))
    codes = answer["e_codes"]
    assert answer["e_code"] == codes[0]
    assert [code["amount"] for code in codes] == ["44.99", "25.01", "30.00"]
    assert len({code["code"] for code in codes}) == 3
    page = shown(link(order))
    shown_codes = [element.text for element in page.all("code") if "-" in element.text]
    assert shown_codes == [code["code"] for code in codes]
    assert redeemed(link(order)) == answer


def test_all_into_one_product(bank: MoneyApi) -> None:
    """Fields that are empty or zero ask for nothing."""
    order = choice(bank)
    assert submit(link(order), {OPEN: "", NARROW: "100.00", FIXED: "0.00"}).status_code == 303
    answer = redeemed(link(order))
    assert "e_codes" not in answer
    assert answer["e_code"]["amount"] == "100.00"


@given(shares=st.lists(st.integers(500, 5_000), min_size=2, max_size=4), more=st.integers(-2, 2))
def test_parts_must_add_up(shared: MoneyApi, shares: list[int], more: int) -> None:
    """To the cent: the parts are the value, or nothing is claimed."""
    value = -(-sum(shares) // 100)
    shares = [*shares[:-1], shares[-1] + value * 100 - sum(shares)]  # now a whole number in all
    wide = [o.code for o in offers()["USD"] if Decimal(500) in o.denominations][: len(shares)]
    order = shared.finished(paid_in("USD", multiple(value, *wide)))
    cents = [*shares[:-1], shares[-1] + more]
    form = {code: str(Decimal(share).scaleb(-2)) for code, share in zip(wide, cents, strict=True)}
    takes = [built_in().offer(code) for code in wide]
    fits = all(
        offer is not None and Decimal(part) in offer.denominations
        for offer, part in zip(takes, form.values(), strict=True)
    )
    response = submit(link(order), form)
    if more == 0 and fits:
        assert response.status_code == 303, response.text
        assert sum(Decimal(c["amount"]) for c in redeemed(link(order))["e_codes"]) == value
    else:
        page = taken(response, 400)
        assert alarm(page)
        assert {f.attributes["name"]: f.attributes["value"] for f in page.all("input")} == form
        assert status(shared, order) == "ACTIVE"


NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "all fields empty": f"{OPEN}=&{NARROW}=".encode(),
    "all fields zero": f"{OPEN}=0&{NARROW}=0.00".encode(),
    "too little": f"{OPEN}=99.99".encode(),
    "too much": f"{OPEN}=100.01".encode(),
    "below the minimum of a product": f"{OPEN}=95.01&{NARROW}=4.99".encode(),
    "not a value of a product": f"{OPEN}=80&{FIXED}=20".encode(),
    "a product that was not offered": b"AMZ-US=100",
    "an unknown product": b"NOBODY=100",
    "no name": b"=100",
    "one field twice": f"{OPEN}=50&{OPEN}=50".encode(),
    "one field twice, once empty then full": f"{OPEN}=100&{OPEN}=100".encode(),
    "negative": f"{OPEN}=-5&{NARROW}=105".encode(),
    "signed": f"{OPEN}=%2B100".encode(),
    "huge": f"{OPEN}={'9' * 5_000}".encode(),
    "thirteen digits": f"{OPEN}=1000000000000".encode(),
    "exponent": f"{OPEN}=1e2".encode(),
    "three decimals": f"{OPEN}=100.000".encode(),
    "a comma": f"{OPEN}=100,00".encode(),
    "underscore": f"{OPEN}=1_00".encode(),
    "digits of another script": f"{OPEN}=%D9%A1%D9%A0%D9%A0".encode(),
    "not a number": f"{OPEN}=NaN".encode(),
    "infinity": f"{OPEN}=Infinity".encode(),
    "an amount in words": f"{OPEN}=hundred".encode(),
    "bytes that are not ASCII": f"{OPEN}=".encode() + b"\xff",
    "text that is not ASCII": f"{OPEN}=£100".encode(),
    "escaped bytes that are no UTF-8": f"{OPEN}=%FF%FE&%ED%A0%80=1".encode(),
    "NUL": f"{OPEN}=%00100".encode(),
    "broken escapes": f"{OPEN}=%zz&%=%".encode(),
    "JSON": b'{"FIVEG-US": 100}',
    "a million fields": urlencode([(f"f{n}", 1) for n in range(10_000)]).encode(),
    "a name of 100 KB": b"x" * 100_000 + b"=1",
    "markup": urlencode({"<script>alert(1)</script>": "<b>"}).encode(),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_with_the_page(bank: MoneyApi, name: str) -> None:
    """400, the page again with the reason, nothing claimed; a good form then works."""
    order = choice(bank)
    page = taken(submit(link(order), NONSENSE[name]), 400)
    assert 10 < len(alarm(page)) < 400
    assert page.all("form")
    assert refusal_code(link(order)) == "RE012"
    assert status(bank, order) == "ACTIVE"
    assert submit(link(order), {OPEN: "100"}).status_code == 303


def test_a_problem_is_told_at_its_field(bank: MoneyApi) -> None:
    """Each wrong field is marked, described and linked from the summary; what was typed stays."""
    order = choice(bank)
    for typed, words in (
        ({OPEN: "3", NARROW: "70", FIXED: "27.00"}, "does not fit: "),
        ({OPEN: "<b>3", NARROW: "70", FIXED: "2,7"}, "is no amount of money"),
    ):
        page = taken(submit(link(order), typed), 400)
        assert page.all("title")[0].text.startswith("Error: ")
        fields = {field.attributes["name"]: field for field in page.all("input")}
        assert {code: field.attributes["value"] for code, field in fields.items()} == typed
        wrong = [field for field in fields.values() if "aria-invalid" in field.attributes]
        assert wrong == [fields[OPEN], fields[FIXED]]
        assert [link.attributes["href"] for link in page.all("a")] == [
            f"#{field.attributes['id']}" for field in wrong
        ]
        for field, told in zip(wrong, page.all("a"), strict=True):
            assert words in page.described(field)
            assert words in told.text
            assert page.name_of(field) in told.text
        assert "open" in page.one("details").attributes


def test_parts_that_do_not_add_up(bank: MoneyApi) -> None:
    """The summary says how much is left, or too much."""
    order = choice(bank)
    for typed, words in (("80.5", "80.50, the payout is 100.00: 19.50 left"), ("101", "1.00 too")):
        page = taken(submit(link(order), {OPEN: typed}), 400)
        assert words in alarm(page)
        assert not page.all("a")


def test_a_redirect_stays_where_the_browser_is(bank: MoneyApi) -> None:
    """The server may be known by another name, or behind a path; the redirect is relative."""
    for ending in ("", "/"):
        url = link(bank.finished(paid_in("USD", single(OPEN, 10)))) + ending
        place = submit(url).headers["Location"]
        other = url.replace("127.0.0.1", "mock.example").replace("/payout", "/runa/payout")
        assert urljoin(other, place) == other


@pytest.mark.parametrize("form", [{OPEN: "9"}, {NARROW: "10"}, {"x": "1"}, b"\xff"])
def test_a_single_product_takes_no_other_form(bank: MoneyApi, form: dict[str, str] | bytes) -> None:
    """Where there is no choice a form can only ask for that product at that value."""
    order = bank.finished(paid_in("USD", single(OPEN, 10)))
    assert submit(link(order), form).status_code == 400
    assert status(bank, order) == "ACTIVE"
    assert submit(link(order), {OPEN: "10.00"}).status_code == 303


@given(raw=st.binary(max_size=60))
def test_no_bytes_break_the_form(shared: MoneyApi, raw: bytes) -> None:
    """Whatever is posted, it is refused with the page."""
    order = shared.finished(paid_in("USD", multiple(100, OPEN, NARROW)))
    assert submit(link(order), raw).status_code == 400


def test_a_body_that_is_too_large_or_broken(bank: MoneyApi) -> None:
    """What cannot be read is refused as elsewhere, and the payout stays active."""
    order = bank.finished(paid_in("USD", single(OPEN, 10)))
    assert submit(link(order), b"x" * (1024 * 1024 + 1)).status_code == 413
    headers = {**FORM, "Content-Encoding": "gzip"}
    broken = requests.post(link(order), data=b"no gzip", headers=headers, timeout=TIMEOUT)
    assert broken.status_code == 400
    assert status(bank, order) == "ACTIVE"


def test_of_many_who_press_at_once_one_succeeds(bank: MoneyApi) -> None:
    """Exactly one success; all others are told that they are too late."""
    order = choice(bank)
    forms = [{OPEN: "100"}, {NARROW: "100"}, {OPEN: "70", FIXED: "30"}]
    answers = at_once(partial(submit, link(order), forms[n % 3]) for n in range(STORM))
    assert Counter(answer.status_code for answer in answers) == {303: 1, 409: STORM - 1}
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 303)
    answer = redeemed(link(order))
    amounts = [code["amount"] for code in answer.get("e_codes", [answer["e_code"]])]
    assert [Decimal(amount) for amount in amounts] == [
        Decimal(part) for part in forms[won % 3].values()
    ]


def test_the_redemption_api_asked_by_many_at_once(bank: MoneyApi) -> None:
    """All get the one code, and a form among them is either the claim or too late."""
    order = bank.finished(paid_in("USD", single(OPEN, 10)))
    asked = [partial(redeemed, link(order))] * STORM
    pressed = [partial(submit, link(order))] * STORM
    answers: list[Any] = at_once([*asked, *pressed])
    assert all(answer == answers[0] for answer in answers[:STORM])
    assert answers[0]["status"] == "SUCCESS"
    statuses = Counter(answer.status_code for answer in answers[STORM:])
    assert statuses[303] <= 1
    assert statuses[303] + statuses[409] == STORM


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
