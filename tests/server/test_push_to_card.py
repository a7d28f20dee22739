"""Payouts that go to a card: one-time code, card, done; and all that can go wrong on the way."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from support.api import KEY, TIMEOUT
from support.fixtures import NOON
from support.money import MoneyApi, at_once, multiple, paid_in, redeemed, single
from support.push_to_card import (
    ACCEPTED,
    ADDRESS,
    CARD,
    REFUSED,
    code_for,
    codes,
    for_a_card,
    pay,
    press,
    to_recipient,
    wrong,
)
from support.recipient import FORM, OPEN, alarm, link, shown, status, submit, taken


@pytest.fixture(scope="module")
def shared() -> Iterator[MoneyApi]:
    """A caller of a server that examples of one test share."""
    with MockServer() as server, closing(MoneyApi(server.url)) as caller:
        yield caller


def test_the_whole_journey(bank: MoneyApi, server: MockServer) -> None:
    """Ask for a code, enter it, enter a card: the payout is claimed and names the card's end."""
    order = for_a_card(bank)
    page = shown(link(order))
    assert "Push to card US" in page.text
    assert re.search(r"From PlaygroundCustomer: C-[A-Z]{8}\b", page.text)
    assert "a\u2022\u2022\u2022@mail.example" in page.text
    assert ADDRESS not in page.text
    assert not page.all("script")
    assert codes(server, order) == []  # looking sends nothing

    code = code_for(server, order)
    assert re.fullmatch("[0-9]{6}", code)
    page = shown(link(order))
    field = page.one("input")
    assert (field.attributes["autocomplete"], field.attributes["inputmode"]) == (
        "one-time-code",
        "numeric",
    )
    page = taken(press(link(order), "code", one_time_code=f" {code} "))
    names = [field.attributes["name"] for field in page.all("input")]
    assert names == ["one_time_code", "card_number", "card_expiry"]
    assert status(bank, order) == "ACTIVE"

    assert pay(order, code).status_code == 303
    assert status(bank, order) == "CLAIMED"
    page = shown(link(order))
    assert "USD 10.00 went to the card ending in 1111" in page.text
    assert not page.all("form")
    assert codes(server, order) == [code]


def test_the_mail_with_the_code(bank: MoneyApi, server: MockServer) -> None:
    """Subject, text and HTML hold the code, and effects count no mail for it."""
    order = for_a_card(bank)
    code = code_for(server, order)
    mail = server.emails.wait_for(to=ADDRESS)
    assert (mail.code, mail.order_id, mail.url) == (code, order["id"], link(order))
    for part in (mail.subject, mail.text, mail.html, mail.message().as_string()):
        assert code in part
    assert server.effects().emails == 0
    story = requests.get(f"{server.url}/_mock/orders/{order['id']}/story", timeout=TIMEOUT)
    assert [each["code"] for each in story.json()["emails"]] == [code]


def test_no_code_is_relayed_to_an_address_that_cannot_exist(
    bank: MoneyApi, server: MockServer
) -> None:
    """It is in the outbox all the same, so that the recommended test addresses will do."""
    order = for_a_card(bank, "ada@mail.test")
    code = code_for(server, order)
    (mail,) = server.emails.list(order_id=order["id"])
    assert mail.relayed is not None
    assert mail.relayed.startswith("not relayed")
    assert pay(order, code).status_code == 303


def test_the_same_secret_gives_the_same_codes() -> None:
    """Codes follow from the account's secret: seeded servers send the same, others differ."""
    found = []
    for seed in (1, 1, 2):
        with MockServer(seed=seed, clock="2026-03-14T12:00:00Z") as server:
            bank = MoneyApi(server.url)
            order = for_a_card(bank)
            found.append([code_for(server, order) for _ in range(3)])
            bank.close()
    assert found[0] == found[1] != found[2]
    assert all(a != b for a, b in pairwise(found[0]))


def test_a_code_replaces_the_one_before(bank: MoneyApi, server: MockServer) -> None:
    """Only the latest code is taken."""
    order = for_a_card(bank)
    first, second = code_for(server, order), code_for(server, order)
    assert first != second
    assert "sent last" in alarm(taken(press(link(order), "code", one_time_code=first), 400))
    taken(press(link(order), "code", one_time_code=second))


def test_a_code_expires_on_the_mocks_clock(
    bank: MoneyApi, server: MockServer, clock: ManualClock
) -> None:
    """Ten minutes, to the microsecond; with the card's form too; a new one works."""
    order = for_a_card(bank)
    code = code_for(server, order)
    clock.advance(599.999999)
    taken(press(link(order), "code", one_time_code=code))
    clock.advance(0.000001)
    for response in (press(link(order), "code", one_time_code=code), pay(order, code)):
        page = taken(response, 400)
        assert "expired" in alarm(page)
        assert page.one("button").attributes["value"] == "send"
    assert status(bank, order) == "ACTIVE"
    assert pay(order, code_for(server, order)).status_code == 303


def test_wrong_codes_are_bounded(bank: MoneyApi, server: MockServer) -> None:
    """The fifth wrong entry uses a code up, so that the right one is refused, too."""
    order = for_a_card(bank)
    code = code_for(server, order)
    for left in (4, 3, 2, 1):
        page = taken(press(link(order), "code", one_time_code=wrong(code)), 400)
        assert f"{left} more" in alarm(page)
        assert page.all("input")
    assert "new code" in alarm(taken(press(link(order), "code", one_time_code=wrong(code)), 400))
    for response in (press(link(order), "code", one_time_code=code), pay(order, code)):
        assert "too many" in alarm(taken(response, 400))
    assert status(bank, order) == "ACTIVE"
    assert pay(order, code_for(server, order)).status_code == 303


def test_codes_are_bounded(bank: MoneyApi, server: MockServer, clock: ManualClock) -> None:
    """Five codes an hour; the outbox keeps those of the latest hour."""
    order = for_a_card(bank)
    for _ in range(5):
        code_for(server, order)
        clock.advance(60)
    assert "within an hour" in alarm(taken(press(link(order), "send"), 400))
    assert len(codes(server, order)) == 5
    clock.advance(3600 - 5 * 60)
    code = code_for(server, order)
    assert len(codes(server, order)) == 5
    assert pay(order, code).status_code == 303


def test_a_refused_card_can_be_replaced(bank: MoneyApi, server: MockServer) -> None:
    """The provider's failing test card changes nothing but the count; another card works."""
    order = for_a_card(bank)
    code = code_for(server, order)
    page = taken(pay(order, code, REFUSED), 400)
    assert "1112 was refused by its bank" in alarm(page)
    assert page.one("input", name="card_expiry").attributes["value"] == "12/29"
    assert status(bank, order) == "ACTIVE"
    assert pay(order, code).status_code == 303


def test_refused_cards_are_bounded(bank: MoneyApi, server: MockServer) -> None:
    """They count as wrong codes do, and after five of both a new code is needed."""
    order = for_a_card(bank)
    code = code_for(server, order)
    for number in range(4):
        taken(pay(order, code, REFUSED) if number % 2 else pay(order, wrong(code)), 400)
    page = taken(pay(order, code, REFUSED), 400)
    assert page.one("button").attributes["value"] == "send"
    taken(pay(order, code), 400)
    assert pay(order, code_for(server, order)).status_code == 303


WRONG_CARDS: dict[str, tuple[str, str, str]] = {
    "another number": ("5555 5555 5555 4444", "12/29", "card_number"),
    "no number": ("", "12/29", "card_number"),
    "letters": ("four one one one", "12/29", "card_number"),
    "a long number": ("4" * 5_000, "12/29", "card_number"),
    "digits of another script": ("\u0664" * 16, "12/29", "card_number"),
    "expired": (ACCEPTED, "02/26", "card_expiry"),
    "expired years ago": (ACCEPTED, "12/2019", "card_expiry"),
    "no month": (ACCEPTED, "13/29", "card_expiry"),
    "month zero": (ACCEPTED, "00/29", "card_expiry"),
    "no expiry": (ACCEPTED, "", "card_expiry"),
    "words": (ACCEPTED, "next year", "card_expiry"),
    "both": ("1", "1", "card_number"),
}


@pytest.mark.parametrize("name", WRONG_CARDS)
def test_what_is_no_test_card(bank: MoneyApi, server: MockServer, name: str) -> None:
    """The field is marked, described and linked from the summary; that does not count."""
    number, expiry, field = WRONG_CARDS[name]
    order = for_a_card(bank)
    code = code_for(server, order)
    for _ in range(6):
        page = taken(pay(order, code, number, expiry), 400)
    assert page.all("title")[0].text.startswith("Error: ")
    marked = page.one("input", name=field)
    assert marked.attributes["aria-invalid"] == "true"
    assert page.all("a", href=f"#{marked.attributes['id']}")
    assert page.name_of(marked)
    assert status(bank, order) == "ACTIVE"
    assert pay(order, code).status_code == 303


@pytest.mark.parametrize("expiry", ["03/26", "3/26", "12 / 2029", "03/2026"])
def test_a_card_is_good_until_its_month_is_over(
    bank: MoneyApi, server: MockServer, expiry: str
) -> None:
    """By the mock's clock, however the month is written."""
    order = for_a_card(bank)
    assert pay(order, code_for(server, order), expiry=expiry).status_code == 303


def test_a_returning_recipient_is_offered_the_card_from_before(
    bank: MoneyApi, server: MockServer
) -> None:
    """An address like ``user+repeat@example.com``: one press after the code, or another card."""
    for saved in (True, False):
        order = for_a_card(bank, "ada+repeat@mail.example", f"ada-{saved}")
        code = code_for(server, order)
        page = taken(press(link(order), "code", one_time_code=code))
        assert [button.attributes["value"] for button in page.all("button")] == ["saved", "card"]
        assert "1111" in page.text
        taken(press(link(order), "saved", one_time_code=wrong(code)), 400)
        done = press(link(order), "saved", one_time_code=code) if saved else pay(order, code)
        assert done.status_code == 303
        assert "ending in 1111" in shown(link(order)).text


def test_only_a_returning_recipient_has_a_card_from_before(
    bank: MoneyApi, server: MockServer
) -> None:
    """A form that claims so is refused."""
    for number, address in enumerate((ADDRESS, "repeat@mail.example", "ada+repeats@mail.example")):
        order = for_a_card(bank, address, f"r-{number}")
        code = code_for(server, order)
        page = taken(press(link(order), "saved", one_time_code=code), 400)
        assert "no card from before" in alarm(page)
        assert status(bank, order) == "ACTIVE"


def test_a_link_without_an_address_asks_for_one(bank: MoneyApi, server: MockServer) -> None:
    """The recipient says where the code goes; what is no address is refused at its field."""
    order = bank.finished(paid_in("USD", single(CARD, 10)))
    assert shown(link(order)).one("input").attributes["autocomplete"] == "email"
    for typed in ("", "nobody", "a@b", "a b@c.example"):
        page = taken(press(link(order), "send", email=typed), 400)
        assert page.one("input").attributes["aria-invalid"] == "true"
    taken(press(link(order), "send"), 400)
    assert press(link(order), "send", email=" me+repeat@mail.example ").status_code == 303
    (mail,) = server.emails.list(order_id=order["id"])
    assert mail.to == "me+repeat@mail.example"
    assert press(link(order), "send").status_code == 303  # a new code, to the same address
    code = codes(server, order)[-1]
    assert press(link(order), "saved", one_time_code=code).status_code == 303
    assert status(bank, order) == "CLAIMED"


def test_a_card_among_other_products(bank: MoneyApi, server: MockServer) -> None:
    """Chosen for the whole value it leads to the journey; a part cannot go to a card."""
    order = bank.finished(paid_in("USD", multiple(20, CARD, OPEN)))
    page = taken(submit(link(order), {CARD: "10", OPEN: "10"}), 400)
    assert "whole value" in alarm(page)
    chosen = submit(link(order), {CARD: "20.00"})
    assert chosen.status_code == 303
    url = requests.compat.urljoin(link(order), chosen.headers["Location"])
    assert url == f"{link(order)}?product={CARD}"
    assert shown(url).one("button").attributes["value"] == "send"
    assert press(url, "send", email=ADDRESS).headers["Location"] == chosen.headers["Location"]
    code = codes(server, order)[-1]
    paid = press(url, "card", one_time_code=code, card_number=ACCEPTED, card_expiry="12/29")
    assert paid.status_code == 303
    assert "ending in 1111" in shown(url).text
    # Whatever the address says, only a payment product of the payout has a journey.
    other = bank.finished(paid_in("USD", multiple(20, CARD, OPEN)))
    for product in (OPEN, "P2C-GB", "nonsense", ""):
        assert len(shown(f"{link(other)}?product={product}").all("details")) == 1


def test_a_payout_that_ends_on_the_way(
    bank: MoneyApi, server: MockServer, clock: ManualClock
) -> None:
    """Cancelled, expired or claimed by another: 409 with the page of that state, at each step."""
    account = server.account(KEY)
    account.configure(link_lifetime_days=0.001)
    for end in ("CANCELLED", "EXPIRED", "CLAIMED", "lifetime"):
        order = for_a_card(bank, reference=end)
        code = code_for(server, order)
        if end == "CLAIMED":
            assert redeemed(link(order))["status"] == "SUCCESS"
        elif end == "CANCELLED":
            account.orders.cancel_payouts(order["id"])
        elif end == "EXPIRED":
            account.orders.expire_payouts(order["id"])
        else:
            clock.advance(90)
        sent = len(codes(server, order))
        for response in (
            press(link(order), "send"),
            press(link(order), "code", one_time_code=code),
            pay(order, code),
        ):
            page = taken(response, 409)
            assert "cannot be redeemed" in alarm(page)
        assert len(codes(server, order)) == sent
        assert status(bank, order) == ("EXPIRED" if end == "lifetime" else end)


def test_a_reset_on_the_way(bank: MoneyApi, server: MockServer) -> None:
    """The link leads nowhere any more, and an order in its place knows nothing of the code."""
    order = for_a_card(bank)
    code = code_for(server, order)
    server.reset()
    for response in (press(link(order), "code", one_time_code=code), pay(order, code)):
        assert taken(response, 404).one("h1").text == "There is no such payout"
    again = for_a_card(bank)
    assert "No code was sent" in alarm(taken(press(link(again), "code", one_time_code=code), 400))


def test_the_clock_is_set_back(server: MockServer, clock: ManualClock, bank: MoneyApi) -> None:
    """After a reset that returned to an earlier time codes are sent and expire as before."""
    clock.advance(7200)
    code_for(server, for_a_card(bank))
    server.reset()
    order = for_a_card(bank)
    code = code_for(server, order)
    clock.advance(600)
    assert "expired" in alarm(taken(pay(order, code), 400))


def test_of_many_who_pay_at_once_one_succeeds(bank: MoneyApi, server: MockServer) -> None:
    """Double clicks and two browsers: one payment, all others are too late."""
    order = for_a_card(bank)
    code = code_for(server, order)
    answers = at_once([partial(pay, order, code)] * 12)
    assert Counter(answer.status_code for answer in answers) == {303: 1, 409: 11}


def test_many_wrong_codes_at_once_are_all_counted(bank: MoneyApi, server: MockServer) -> None:
    """Guessing side by side gains nothing."""
    order = for_a_card(bank)
    code = code_for(server, order)
    guess = partial(press, link(order), "code", one_time_code=wrong(code))
    assert {answer.status_code for answer in at_once([guess] * 12)} == {400}
    assert "too many" in alarm(taken(press(link(order), "code", one_time_code=code), 400))


def test_double_clicks_on_the_code(bank: MoneyApi, server: MockServer) -> None:
    """A second press of the right code shows the same page, and does not count."""
    order = for_a_card(bank)
    code = code_for(server, order)
    enter = partial(press, link(order), "code", one_time_code=code)
    first, *others = at_once([enter] * 8)
    assert {answer.status_code for answer in (first, *others)} == {200}
    assert {answer.text for answer in others} == {first.text}
    assert pay(order, code).status_code == 303


def test_a_browser_without_the_code_gets_no_further(bank: MoneyApi, server: MockServer) -> None:
    """What one browser has entered opens nothing for another that knows the link."""
    order = for_a_card(bank)
    code = code_for(server, order)
    taken(press(link(order), "code", one_time_code=code))
    assert {f.attributes["name"] for f in shown(link(order)).all("input")} == {"one_time_code"}
    bare = press(link(order), "card", card_number=ACCEPTED, card_expiry="12/29")
    assert "not the code" in alarm(taken(bare, 400))
    assert status(bank, order) == "ACTIVE"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_is_refused(bank: MoneyApi, server: MockServer, site: str) -> None:
    """Browsers say where a form comes from; nothing is sent, entered or paid for another site."""
    order = for_a_card(bank)
    code = code_for(server, order)
    fields = {"one_time_code": code, "card_number": ACCEPTED, "card_expiry": "12/29"}
    for step in ("send", "card"):
        response = requests.post(
            link(order),
            data={"step": step, **fields},
            headers={"Sec-Fetch-Site": site},
            timeout=TIMEOUT,
        )
        assert (response.status_code, response.json()["type"]) == (403, "forbidden")
    assert (status(bank, order), codes(server, order)) == ("ACTIVE", [code])


NONSENSE: dict[str, bytes] = {
    "nothing": b"",
    "no step": b"one_time_code=123456",
    "an unknown step": b"step=claim",
    "an empty step": b"step=",
    "a step twice": b"step=send&step=card",
    "a code twice": b"step=code&one_time_code=1&one_time_code=2",
    "an unknown field": b"step=send&amount=1000",
    "the form of a gift card": f"{CARD}=10.00".encode(),
    "bytes that are not ASCII": b"step=send\xff",
    "text that is not ASCII": urlencode({"step": "code", "one_time_code": "\u0661\u0662"}).encode(),
    "a lone surrogate": b"step=code&one_time_code=%ED%A0%80",
    "NUL": b"step=code&one_time_code=%00",
    "a code of 100 KB": b"step=code&one_time_code=" + b"1" * 100_000,
    "broken escapes": b"step=%zz&%=%",
    "JSON": b'{"step": "send"}',
    "many fields": urlencode([(f"f{n}", 1) for n in range(10_000)]).encode(),
    "markup": urlencode({"step": "<script>alert(1)</script>", "email": '"><b>'}).encode(),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_with_the_page(bank: MoneyApi, server: MockServer, name: str) -> None:
    """400 and the page again; nothing is sent or claimed, and the journey goes on."""
    order = for_a_card(bank)
    code = code_for(server, order)
    page = taken(submit(link(order), NONSENSE[name]), 400)
    assert 10 < len(alarm(page)) < 400
    assert page.all("form")
    assert codes(server, order) == [code]
    assert pay(order, code).status_code == 303


@given(
    fields=st.dictionaries(
        st.sampled_from(["step", "one_time_code", "card_number", "card_expiry", "email"]),
        st.sampled_from(["card", "code", "saved", ACCEPTED, "12/29", ""]) | st.text(max_size=8),
    )
)
def test_no_form_pays_without_a_code(shared: MoneyApi, fields: dict[str, Any]) -> None:
    """Whatever is typed before a code was sent, it is refused with the page."""
    order = for_a_card(shared)
    raw = urlencode(fields, errors="replace").encode()
    taken(requests.post(link(order), data=raw, headers=FORM, timeout=TIMEOUT), 400)
    assert status(shared, order) == "ACTIVE"


def test_a_recipient_who_was_paid_is_known(bank: MoneyApi, server: MockServer) -> None:
    """The next payout to the reference needs no code: it is claimed as its order completes."""
    order = for_a_card(bank)
    assert pay(order, code_for(server, order)).status_code == 303
    assert status(bank, for_a_card(bank)) == "CLAIMED"
    other = bank.order(paid_in("USD", to_recipient("eve@mail.example")), mode="sync")
    assert other.json()["type"] == "product_validation_error"


def test_a_journey_travels_with_the_account(bank: MoneyApi, server: MockServer) -> None:
    """Exported between two steps, it goes on where the account is imported."""
    order, lost = for_a_card(bank), bank.finished(paid_in("USD", single(CARD, 10)))
    press(link(lost), "send", email=ADDRESS)
    code = code_for(server, order)
    taken(press(link(order), "code", one_time_code=wrong(code)), 400)
    state = server.account(KEY).export_state()
    with MockServer(clock=ManualClock(NOON)) as other:
        other.account(KEY).import_state(state)
        assert codes(other, order) == [code]
        assert codes(other, lost) == codes(server, lost)
        assert other.emails.list(order_id=lost["id"])[0].to == ADDRESS
        url = link(order).replace(server.url, other.url)
        page = taken(press(url, "code", one_time_code=wrong(code)), 400)
        assert "3 more" in alarm(page)
        form = {"one_time_code": code, "card_number": ACCEPTED, "card_expiry": "12/29"}
        assert press(url, "card", **form).status_code == 303
        claimed = other.account(KEY).export_state()
        with MockServer(clock=ManualClock(NOON)) as third:
            third.account(KEY).import_state(claimed)
            assert "ending in 1111" in shown(url.replace(other.url, third.url)).text


def test_faults_hit_the_page(bank: MoneyApi, server: MockServer) -> None:
    """An answer that is lost after the commit: the next request shows what has happened."""
    order = for_a_card(bank)
    faults = server.account(KEY).faults
    path = link(order).removeprefix(server.url)
    faults.arm("status", "after_commit", status=502, path=path, method="POST")
    assert press(link(order), "send").status_code == 502
    (code,) = codes(server, order)
    faults.arm("status", "before", status=503, path=path, method="POST")
    assert pay(order, code).status_code == 503
    assert status(bank, order) == "ACTIVE"
    faults.arm("close", "after_commit", path=path, method="POST")
    with pytest.raises(requests.ConnectionError):
        pay(order, code)
    assert status(bank, order) == "CLAIMED"
    assert "ending in 1111" in shown(link(order)).text
    taken(pay(order, code), 409)
