"""The recipient's page: what it shows, and that its form redeems a payout once."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.catalogue import Catalogue, built_in
from support.api import TIMEOUT
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

TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"
STORM = 30
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Open, 5 to 500 and 10 to 100, and fixed, 15 30 45.
OPEN, NARROW, FIXED = "FIVEG-US", "1800FL-US", "SAMCIN-US"

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


def shown(url: str, expected: int = 200) -> str:
    """The text of a page, unescaped."""
    response = requests.get(url, timeout=TIMEOUT)
    assert response.status_code == expected
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    return html.unescape(response.text)


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
    text = shown(link(order))
    assert f"PlaygroundCustomer: {order['id']}" in text
    assert "USD 12.50" in text
    assert built_in().product_of(OPEN)["name"] in text
    assert text.count("<button>") == 1
    assert "<input" not in text
    assert "noindex" in text
    assert status(bank, order) == "ACTIVE"  # looking claims nothing


def test_a_choice_has_a_field_for_each_product(bank: MoneyApi) -> None:
    """Name and possible values of each product stand at its field; so for a template."""
    template = single("", 100, products={"type": "TEMPLATE", "template_id": TEMPLATE})
    for order in (choice(bank), bank.finished(paid_in("USD", template))):
        text = shown(link(order))
        codes = order["items"][0]["products"]["values"]
        assert re.findall('<input name="(.*?)"', text) == codes
        for code in codes:
            offer = built_in().offer(code)
            assert offer is not None
            name = built_in().product_of(code)["name"]
            assert f"{name} ({offer.denominations})" in text


@pytest.mark.parametrize("path", ["x", "00000000-0000-4000-8000-000000000000", "%3Cb%3E"])
def test_an_unknown_link(bank: MoneyApi, path: str) -> None:
    """404 with a page, read or submitted."""
    url = f"{bank.url}/payout/{path}"
    assert "There is no such payout" in shown(url, 404)
    assert submit(url).status_code == 404
    assert "no such card" in shown(f"{url}/card/LUSH-CA", 404)


def test_redeeming_a_single_product(bank: MoneyApi, clock: ManualClock) -> None:
    """The button leads back to the page, which now shows the code of the redemption API."""
    order = bank.finished(paid_in("GBP", single("ABO-GB", 5)))
    clock.advance(3)
    response = submit(link(order))
    assert response.status_code == 303
    assert response.headers["Location"] == link(order)
    text = shown(link(order))
    code = redeemed(link(order))["e_code"]
    for part in (code["code"], code["pin"], code["barcode_string"], code["expiry_date"]):
        assert part in text
    assert "<form" not in text
    found = bank.read(order["id"])["items"][0]["payout"]
    assert found["status"] == "CLAIMED"
    assert found["status_updated_at"] == "2026-03-14T12:00:03.250000+00:00"


def test_a_card_is_an_address(bank: MoneyApi) -> None:
    """The page of a product that is an address links to it; before the claim it is not there."""
    order = bank.finished(paid_in("CAD", single("LUSH-CA", 10)))
    card = f"{link(order)}/card/LUSH-CA"
    assert "no such card" in shown(card, 404)
    assert submit(link(order)).status_code == 303
    assert f'<a href="{card}">' in shown(link(order))
    assert "CAD 10.00" in shown(card)
    assert "no such card" in shown(f"{link(order)}/card/AMZ-US", 404)


def test_a_second_press_is_too_late(bank: MoneyApi) -> None:
    """409 with the page of the claimed payout, which stays as it was."""
    order = choice(bank)
    assert submit(link(order), {OPEN: "100"}).status_code == 303
    before, code = bank.read(order["id"]), redeemed(link(order))
    for form in ({OPEN: "100"}, {NARROW: "100"}, {}, b"\xff"):
        late = submit(link(order), form)
        assert late.status_code == 409
        assert "cannot be redeemed any more" in late.text
        assert code["e_code"]["code"] in late.text
    assert (bank.read(order["id"]), redeemed(link(order))) == (before, code)


def test_states_without_a_button(clock: ManualClock) -> None:
    """Cancelled and expired payouts say so, have no form, and take none."""
    with MockServer(clock=clock, link_lifetime_days=1) as server:
        bank = MoneyApi(server.url)
        document = paid_in("USD", single(OPEN, 10))
        failed = bank.order(document, mode="sync", X_Trigger_Error="order_failed").json()
        order = bank.finished(document)
        clock.advance(timedelta(days=2))
        for found, word in ((failed, "cancelled"), (order, "expired")):
            assert f"This payout {'was' if found is failed else 'has'} {word}" in shown(link(found))
            assert "<form" not in shown(link(found))
            before = status(bank, found)
            assert submit(link(found)).status_code == 409
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
    text = shown(link(order))
    assert all(code["code"] in text for code in codes)
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
        assert response.status_code == 400
        assert '<p role="alert">' in response.text
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
    response = submit(link(order), NONSENSE[name])
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert re.search(r'<p role="alert">[^<]{10,300}</p>', response.text)
    assert "<form" in response.text
    assert refusal_code(link(order)) == "RE012"
    assert status(bank, order) == "ACTIVE"
    assert submit(link(order), {OPEN: "100"}).status_code == 303


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
        assert "Code: <code>MOCK-" in shown(link(order))
        assert refusal_code(link(order)) == "RE013"
        bank.close()


def test_facts_of_the_catalogue_are_shown_and_not_obeyed() -> None:
    """Markup in names and codes is text on the page, and such codes can be redeemed."""
    evil = '<script>alert("1")</script>'
    original = built_in().product_of("LUSH-CA")
    codes = ['A"><b>&x=1', "B' onfocus='1 #?%"]
    products = [{**original, "name": evil, "code": code} for code in codes]
    with MockServer(catalogue=Catalogue(products)) as server:
        bank = MoneyApi(server.url)
        order = bank.finished(paid_in("CAD", multiple(50, *codes)))
        page = requests.get(link(order), timeout=TIMEOUT).text
        assert "<script" not in page
        assert "<b>" not in page
        assert "&lt;script&gt;" in page
        names = re.findall('<input name="(.*?)"', page)
        assert [html.unescape(name) for name in names] == codes

        assert submit(link(order), dict.fromkeys(codes, "25")).status_code == 303
        page = requests.get(link(order), timeout=TIMEOUT).text
        assert "<script" not in page
        for code in redeemed(link(order))["e_codes"]:
            assert f'href="{html.escape(code["url"])}"' in page
            card = requests.get(code["url"], timeout=TIMEOUT)
            assert card.status_code == 200
            assert "<script" not in card.text
        bank.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(bank: MoneyApi, method: str) -> None:
    """A link is opened or submitted, nothing else."""
    order = bank.finished(paid_in("USD", single(OPEN, 10)))
    response = requests.request(method, link(order), timeout=TIMEOUT)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
    assert status(bank, order) == "ACTIVE"
