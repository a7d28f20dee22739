"""The form of the recipient's page: it redeems a payout once, or says what is wrong."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.catalogue.catalogue import built_in
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
from support.recipient import (
    FIXED,
    FORM,
    NARROW,
    OPEN,
    alarm,
    choice,
    link,
    shown,
    status,
    submit,
    taken,
)

STORM = 30


@pytest.fixture(scope="module")
def shared() -> Iterator[MoneyApi]:
    """A caller of a server that examples of one test share."""
    with MockServer() as server, closing(MoneyApi(server.url)) as caller:
        yield caller


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
    # A barcode says its code once more.
    assert list(dict.fromkeys(shown_codes)) == [code["code"] for code in codes]
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
