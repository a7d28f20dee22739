"""The redemption API: what a payout link answers to ``?format=json``."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer, SettingsError
from runa_schemas.contract_data import REDEMPTION_ERRORS
from support.answers import refusal
from support.api import KEY, TIMEOUT
from support.money import (
    PRODUCTION_KEY,
    MoneyApi,
    multiple,
    paid_in,
    redeemed,
    refusal_code,
    single,
)

TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"
SHORT_ID = re.compile(r"O-[0-9A-Z]{8}")
CODE = re.compile(r"MOCK(-[B-Z]{4}){3}")
MICROSECOND = timedelta(microseconds=1)


def link(order: dict[str, Any], index: int = 0) -> str:
    """The payout link of an item."""
    return str(order["items"][index]["payout"]["url"])


def payout(bank: MoneyApi, order: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """The payout of an item as ``GET /order/{id}`` shows it now."""
    found: dict[str, Any] = bank.read(order["id"])["items"][index]["payout"]
    return found


def e_code_of(url: str) -> dict[str, Any]:
    """The e-code that a link turns into."""
    document = redeemed(url)
    assert document["status"] == "SUCCESS", document
    code: dict[str, Any] = document["e_code"]
    return code


# Product, payment, face value; then whether there is a PIN, the barcode format and the last day.
TABLE = [
    ("BAW-GB", "GBP", 5, False, None, "2026-09-14"),
    ("FIVEG-US", "USD", 5, True, None, "2028-03-14"),
    ("CDISC-FR", "EUR", 20, False, "code-128", "2027-09-14"),
    ("AUCHAN-FR", "EUR", 10, True, "code-128", "2027-03-14"),
    ("ABO-GB", "GBP", 5, True, "QR", "2029-03-14"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_products_that_are_codes(
    bank: MoneyApi, row: tuple[str, str, int, bool, str | None, str]
) -> None:
    """Each shape of the provider's table: code, PIN, barcode, expiry."""
    product, currency, value, has_pin, barcode_format, expiry = row
    order = bank.finished(paid_in(currency, single(product, value)))
    document = redeemed(link(order))
    code = document.pop("e_code")
    assert SHORT_ID.fullmatch(document["order_id"])
    assert document == {
        "status": "SUCCESS",
        "order_id": document["order_id"],
        "error_code": None,
        "error_string": None,
        "error_details": None,
    }
    assert CODE.fullmatch(code["code"])
    assert (code["pin"] is not None) is has_pin
    assert code == {
        "type": "code",
        "status": "SUCCESS",
        "amount": f"{value}.00",
        "code": code["code"],
        "pin": code["pin"],
        "barcode_format": barcode_format,
        "barcode_string": barcode_format and code["code"],
        "expiry_date": expiry,
        "url": link(order),
        "error_code": None,
        "error_string": None,
    }
    assert not has_pin or re.fullmatch("[0-9]{6}", code["pin"])
    shown = requests.get(code["url"], timeout=TIMEOUT)
    assert (shown.status_code, code["code"] in shown.text) == (200, True)


def test_a_product_that_is_an_address(bank: MoneyApi) -> None:
    """``code`` repeats ``url``, nothing is to be scanned, and the address opens."""
    order = bank.finished(paid_in("CAD", single("LUSH-CA", 10)))
    code = e_code_of(link(order))
    assert (code["type"], code["code"]) == ("url", code["url"])
    assert code["pin"] is code["barcode_format"] is code["barcode_string"] is None
    card = requests.get(code["url"], timeout=TIMEOUT)
    assert card.status_code == 200
    assert "CAD 10.00" in card.text


@pytest.mark.parametrize(
    ("code", "value", "expiry"),
    [
        ("VISASL-3M-USD", 10, "3000-01-01"),
        ("EXSTRM-US-1M", "15.99", "3000-01-01"),
        ("EXBANK-US", 10, "3000-01-01"),
    ],
)
def test_other_kinds_of_product(bank: MoneyApi, code: str, value: float | str, expiry: str) -> None:
    """Prepaid cards, subscriptions and payments are redeemed, too."""
    order = bank.finished(paid_in("USD", single(code, value)))
    found = e_code_of(link(order))
    assert (Decimal(found["amount"]), found["expiry_date"]) == (Decimal(str(value)), expiry)


def test_redeeming_claims_once(bank: MoneyApi, clock: ManualClock) -> None:
    """The first time the payout is claimed, and every further time the codes are the same."""
    order = bank.finished(paid_in("USD", single("FIVEG-US", 5)))
    assert payout(bank, order)["status"] == "ACTIVE"
    clock.advance(60)
    first = redeemed(link(order))
    claimed = payout(bank, order)
    assert claimed["status"] == "CLAIMED"
    assert claimed["status_updated_at"] == "2026-03-14T12:01:00.250000+00:00"
    clock.advance(86_400)
    assert redeemed(link(order)) == first
    assert payout(bank, order) == claimed
    changed = bank.read(order["id"])
    changed["items"][0]["payout"] = order["items"][0]["payout"]
    assert changed == order


def test_a_claim_is_never_older_than_what_it_claims(bank: MoneyApi, clock: ManualClock) -> None:
    """A sync order is said to complete a second later, and no claim comes before that."""
    order = bank.finished(paid_in("USD", single("FIVEG-US", 5)))
    clock.advance(0.2)
    assert redeemed(link(order))["status"] == "SUCCESS"
    assert payout(bank, order)["status"] == "CLAIMED"
    assert payout(bank, order)["status_updated_at"] == order["completed_at"]


def test_only_the_item_of_the_link_is_claimed(bank: MoneyApi, clock: ManualClock) -> None:
    """Each item of an order has a link, a state and codes of its own."""
    accepted = bank.order(paid_in("USD", *[single("AMZ-US", 10)] * 3)).json()
    clock.advance(1)
    order = bank.read(accepted["id"])
    documents = [redeemed(link(order, index)) for index in (0, 2)]
    codes = {document["e_code"]["code"] for document in documents}
    short_ids = {document["order_id"] for document in documents}
    assert len(short_ids) == 1  # one for each order, not for each item
    assert order["id"] not in short_ids
    states = [item["payout"]["status"] for item in bank.read(order["id"])["items"]]
    assert states == ["CLAIMED", "ACTIVE", "CLAIMED"]
    assert len(codes) == 2


def test_a_link_of_an_order_that_is_processed_is_not_known(clock: ManualClock) -> None:
    """Until the order has ended its links, which nobody can know, do not open."""
    links = []
    for wait in (1, 0):  # with one seed the second server makes the same links
        with MockServer(clock=clock, seed=1) as seeded:
            caller = MoneyApi(seeded.url)
            accepted = caller.order(paid_in("USD", single("AMZ-US", 10))).json()
            clock.advance(wait)
            if wait:
                links.append(urlsplit(link(caller.read(accepted["id"]))).path)
            else:
                path = seeded.url + links[0]
                assert caller.read(accepted["id"])["status"] == "PROCESSING"
                assert refusal_code(path) == "RE011"
                clock.advance(1)
                assert redeemed(path)["status"] == "SUCCESS"
            caller.close()


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "00000000-0000-4000-8000-000000000000",
        "ffffffff-ffff-4fff-bfff-ffffffffffff",
        "%00",
        "%F0%9F%98%80",
        "..%2F",
        "a" * 4_000,
    ],
)
def test_an_unknown_token(bank: MoneyApi, token: str) -> None:
    """RE011 with status 200, and no order is named."""
    bank.finished(paid_in("USD", single("AMZ-US", 10)))
    document = redeemed(f"{bank.url}/payout/{token}")
    assert (document["error_code"], document["order_id"]) == ("RE011", None)


@pytest.fixture(scope="module")
def known() -> Iterator[str]:
    """The link of an active payout."""
    with MockServer() as server:
        caller = MoneyApi(server.url)
        yield link(caller.finished(paid_in("USD", multiple(10, "AMZ-US", "1800FL-US"))))
        caller.close()


@given(digit=st.integers(0, 31), change=st.integers(1, 15))
def test_a_token_with_another_digit(known: str, digit: int, change: int) -> None:
    """A link that is wrong in one place opens nothing, whichever place that is."""
    assert refusal_code(known) == "RE012"
    path, _, token = known.rpartition("/")
    digits = token.replace("-", "")
    other = f"{int(digits[digit], 16) ^ change:x}"
    wrong = str(UUID(digits[:digit] + other + digits[digit + 1 :]))
    assert refusal_code(f"{path}/{wrong}") == "RE011"


def test_a_failed_order(bank: MoneyApi, clock: ManualClock) -> None:
    """RE012 with the order: its payouts are cancelled and stay so."""
    response = bank.order(paid_in("USD", single("AMZ-US", 10)), X_Trigger_Error="order_failed")
    clock.advance(1)
    order = bank.read(response.json()["id"])
    document = redeemed(link(order))
    assert document["error_code"] == "RE012"
    assert SHORT_ID.fullmatch(document["order_id"])
    assert payout(bank, order)["status"] == "CANCELLED"


def test_what_is_not_chosen_yet(bank: MoneyApi) -> None:
    """A link with a choice is redeemed on its page: until then RE012 says what to do."""
    template = single("", 100, products={"type": "TEMPLATE", "template_id": TEMPLATE})
    for item in (multiple(100, "AMZ-US", "FIVEG-US"), template):
        order = bank.finished(paid_in("USD", item))
        document = redeemed(link(order))
        assert document["error_code"] == "RE012"
        assert SHORT_ID.fullmatch(document["order_id"])
        assert "chosen" in document["error_details"]
        assert payout(bank, order) == order["items"][0]["payout"]


def test_the_redemption_api_switched_off(clock: ManualClock) -> None:
    """RE013 whatever the state, and nothing is claimed."""
    with MockServer(clock=clock, redemption_api=False) as server:
        bank = MoneyApi(server.url)
        order = bank.finished(paid_in("USD", single("AMZ-US", 10)))
        document = redeemed(link(order))
        assert document["error_code"] == "RE013"
        assert SHORT_ID.fullmatch(document["order_id"])
        assert payout(bank, order)["status"] == "ACTIVE"
        assert requests.get(link(order), timeout=TIMEOUT).status_code == 200
        bank.close()


def test_the_headers_of_the_redemption_api(bank: MoneyApi) -> None:
    """Answers are not kept, and scripts of any site can read them, errors too (recorded)."""
    order = bank.finished(paid_in("USD", single("AMZ-US", 10)))
    for url in (link(order), f"{bank.url}/payout/none"):
        headers = requests.get(url + "?format=json", timeout=TIMEOUT).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("code", sorted(set(REDEMPTION_ERRORS) - {"RE008"}))
def test_every_error_can_be_provoked(bank: MoneyApi, server: MockServer, code: str) -> None:
    """The setting answers with any code, and the payout is still there without it."""
    order = bank.finished(paid_in("USD", single("AMZ-US", 10)))
    server.account(KEY).configure(redemption_error=code)
    document = redeemed(link(order))
    assert (document["status"], document["error_code"]) == ("ERROR", code)
    assert document["error_string"]
    assert (document["order_id"] is None) is (code in {"RE001", "RE011"})
    assert payout(bank, order)["status"] == "ACTIVE"
    server.account(KEY).configure(redemption_error=None)
    assert redeemed(link(order))["status"] == "SUCCESS"


def test_a_processing_error_needs_a_minute(
    bank: MoneyApi, server: MockServer, clock: ManualClock
) -> None:
    """RE008 is followed by RE009 for 60 seconds, on this link alone, then the link works."""
    order, other = (bank.finished(paid_in("USD", single("AMZ-US", 10))) for _ in range(2))
    server.account(KEY).configure(redemption_error="RE008")
    assert refusal_code(link(order)) == "RE008"
    server.account(KEY).configure(redemption_error=None)
    clock.advance(timedelta(minutes=1) - MICROSECOND)
    assert refusal_code(link(order)) == "RE009"
    assert redeemed(link(other))["status"] == "SUCCESS"
    clock.advance(MICROSECOND)
    assert redeemed(link(order))["status"] == "SUCCESS"


@pytest.mark.parametrize("code", ["RE000", "RE014", "re004", ""])
def test_an_unknown_redemption_error_is_refused(code: str) -> None:
    """Only the provider's codes are taken."""
    with pytest.raises(SettingsError, match="redemption_error"):
        MockServer(redemption_error=code)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("days", [1, 0.5, 365])
def test_expiry_to_the_microsecond(clock: ManualClock, mode: str, days: float) -> None:
    """A link lives its days from completion; then it is EXPIRED with RE004, also in the order."""
    with MockServer(clock=clock, link_lifetime_days=days) as server:
        bank = MoneyApi(server.url)
        items = [single("AMZ-US", 10)] * (1 if mode == "sync" else 2)
        accepted = bank.order(paid_in("USD", *items), mode=mode).json()
        clock.advance(1)
        order = bank.read(accepted["id"])
        completed = datetime.fromisoformat(order["completed_at"])
        end = completed + timedelta(days=days)
        assert order["items"][0]["payout"]["expiry_date"] == end.date().isoformat()

        clock.advance(timedelta(days=days) - MICROSECOND)
        claimed = link(order, -1) if mode == "async" else None
        assert payout(bank, order)["status"] == "ACTIVE"
        if claimed is not None:
            assert redeemed(claimed)["status"] == "SUCCESS"
        clock.advance(MICROSECOND)

        assert refusal_code(link(order)) == "RE004"
        expired = payout(bank, order)
        assert expired["status"] == "EXPIRED"
        assert datetime.fromisoformat(expired["status_updated_at"]) == end
        if claimed is not None:  # what was claimed in time stays so
            assert payout(bank, order, 1)["status"] == "CLAIMED"
            assert redeemed(claimed)["status"] == "SUCCESS"
        bank.close()


def test_expiry_shows_without_anybody_opening_the_link(clock: ManualClock) -> None:
    """Reading the order is enough, a cancelled payout stays cancelled, and days later too."""
    with MockServer(clock=clock, link_lifetime_days=1) as server:
        bank = MoneyApi(server.url)
        document = paid_in("USD", single("AMZ-US", 10))
        order = bank.finished(document)
        accepted = bank.order(document, X_Trigger_Error="order_failed").json()
        clock.advance(timedelta(days=10))
        failed = bank.read(accepted["id"])
        assert payout(bank, order)["status"] == "EXPIRED"
        assert payout(bank, order)["status_updated_at"] == "2026-03-15T12:00:01.250000+00:00"
        assert payout(bank, failed)["status"] == "CANCELLED"
        assert refusal_code(link(failed)) == "RE012"
        bank.close()


def test_links_live_forever_by_default(bank: MoneyApi, clock: ManualClock) -> None:
    """Without the setting there is no last day."""
    order = bank.finished(paid_in("USD", single("AMZ-US", 10)))
    assert order["items"][0]["payout"]["expiry_date"] is None
    clock.advance(timedelta(days=36_500))
    assert redeemed(link(order))["status"] == "SUCCESS"


def to_person(reference: str) -> dict[str, Any]:
    """An order that pays a known person."""
    recipient = {
        "type": "RECIPIENT",
        "recipient_reference": reference,
        "email_address": "a@b.test",
    }
    return paid_in("USD", single("EXBANK-US", 10, distribution_method=recipient))


def test_a_repeat_payout_is_claimed_at_once(bank: MoneyApi, clock: ManualClock) -> None:
    """Who has claimed before is known: the next payout needs no claim, another person's does."""
    first = bank.finished(to_person("ann"))
    assert bank.finished(to_person("ann"))["items"][0]["payout"]["status"] == "ACTIVE"
    clock.advance(5)
    assert redeemed(link(first))["status"] == "SUCCESS"
    again = bank.finished(to_person("ann"))
    assert again["items"][0]["payout"]["status"] == "CLAIMED"
    assert again["items"][0]["payout"]["status_updated_at"] == again["completed_at"]
    assert e_code_of(link(again))["amount"] == "10.00"
    for other in ("bob", "Ann"):
        assert bank.finished(to_person(other))["items"][0]["payout"]["status"] == "ACTIVE"
    stranger = MoneyApi(bank.url, "XX-other.key")
    assert stranger.finished(to_person("ann"))["items"][0]["payout"]["status"] == "ACTIVE"
    stranger.close()


def test_a_known_recipient_with_another_address_fails(bank: MoneyApi, clock: ManualClock) -> None:
    """The top-up fails: async the order ends FAILED, sync it is refused and not there."""
    first = bank.finished(to_person("ann"))
    clock.advance(5)
    assert redeemed(link(first))["status"] == "SUCCESS"
    moved = to_person("ann")
    moved["items"][0]["distribution_method"]["email_address"] = "new@b.test"
    refused = bank.order(moved, mode="sync")
    assert refusal(refused) == (400, "product_validation_error")
    assert "recipient 'ann'" in refused.json()["message"]
    count = len(bank.get("/v2/order").json()["items"])
    accepted = bank.order(moved)
    assert accepted.status_code == 202
    clock.advance(1)
    failed = bank.read(accepted.json()["id"])
    assert (failed["status"], failed["items"][0]["payout"]["status"]) == ("FAILED", "CANCELLED")
    assert len(bank.get("/v2/order").json()["items"]) == count + 1
    assert bank.finished(to_person("ann"))["items"][0]["payout"]["status"] == "CLAIMED"


def test_a_link_needs_no_key_and_finds_its_account(server: MockServer) -> None:
    """Of several accounts each link opens what its own account ordered."""
    accounts = [MoneyApi(server.url, f"XX-{n}.key") for n in range(4)]
    orders = [bank.finished(paid_in("USD", single("AMZ-US", 10))) for bank in accounts]
    short_ids = {redeemed(link(order))["order_id"] for order in orders}
    assert len(short_ids) == len(orders)
    for bank, order in zip(accounts, orders, strict=True):
        assert payout(bank, order)["status"] == "CLAIMED"
        bank.close()


def test_production_redeems_too() -> None:
    """The redemption API is the same in both environments."""
    with MockServer(profile="production", balances={"USD": 10}) as server:
        bank = MoneyApi(server.url, PRODUCTION_KEY)
        order = bank.finished(paid_in("USD", single("1800FL-US", 10)))
        assert e_code_of(link(order))["amount"] == "10.00"  # the face value, not the price
        bank.close()


def test_codes_are_repeatable_under_a_seed(clock: ManualClock) -> None:
    """The same seed and calls give the same codes, another seed gives others."""
    found = []
    for seed in (7, 7, 8):
        with MockServer(clock=clock, seed=seed) as server:
            bank = MoneyApi(server.url)
            orders = [bank.finished(paid_in("USD", single("FIVEG-US", 5))) for _ in range(3)]
            made = [e_code_of(link(order)) for order in orders]
            found.append([{**code, "url": urlsplit(code["url"]).path} for code in made])
            bank.close()
    assert found[0] == found[1]
    codes = [code["code"] for batch in found[1:] for code in batch]
    assert len(set(codes)) == 6
