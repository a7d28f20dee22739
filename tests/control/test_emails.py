"""Mails as messages: what they say, by id and by filter, and waiting for them."""

import threading
from datetime import datetime
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path

import orjson
import pytest

from runa_mock_server import ControlClient, ControlRefusedError, ManualClock, MockServer
from runa_mock_server.base.clock import to_datetime
from support.api import KEY, Api, body
from support.control import ControlCaller, locations
from support.smtp import by_email, mailed

TEMPLATE = "DT-01HPSF51G0ZWHJ3JTNWRH0WDYK"
HOSTILE = "<script>alert('1')</script>\r\nBcc: x@y.example\u2028&amp;"
ODD_ADDRESSES = (
    "a'b#!$%&*+/=?^_`{|}~@mail.example",
    "a" * 240 + "@mail.example",
    "j\u00f6rg@b\u00fccher.example",
    "\U0001f600" * 100 + "@mail.example",
)
UNSPEAKABLE = (
    "=?utf-8?q?x=0d=0aBcc?=@mail.example",
    "a\x85Bcc\x9f@mail.example",
    "a\u2028b\u2029c@mail.example",
)


def content(message: EmailMessage, kind: str) -> str:
    """The text of a message in one form."""
    part = message.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def test_a_mail_says_what_it_is_about(hand: ControlClient, api: Api, clock: ManualClock) -> None:
    """Both forms have link, value, product and note; the headers what programs look for."""
    order = api.order(
        document=body(items=[by_email("me@mail.example", template_id=TEMPLATE)]),
        mode="sync",
        X_Send_Email="true",
    ).json()
    (listed,) = hand.emails
    read = hand.emails.get(listed.id)
    assert read.model_dump(exclude={"text", "html", "mime"}) == listed.model_dump()
    assert (listed.relayed, listed.sent) == (None, True)
    message = read.message()
    assert message["From"].addresses[0].addr_spec == "payouts@runa-mock.invalid"
    assert message["To"] == "me@mail.example"
    assert message["Subject"] == listed.subject
    assert message["Date"].datetime == clock_second(clock)
    assert listed.id in message["Message-ID"]
    assert message["X-Runa-Mock"] == "simulation"
    assert message["X-Runa-Order"] == order["id"]
    assert message["X-Runa-Template"] == TEMPLATE
    assert message.get_content_type() == "multipart/alternative"
    for kind, shown in (("plain", read.text), ("html", read.html)):
        text = content(message, kind)
        assert text.splitlines() == shown.splitlines()
        for expected in (listed.url, "USD 10.00", "1800FL gift card (mock)", "simulation"):
            assert expected in text
    assert TEMPLATE in read.html


def clock_second(clock: ManualClock) -> datetime:
    """The moment that a clock shows, without what a mail's date leaves out."""
    return to_datetime(clock.now()).replace(microsecond=0)


def test_the_same_mail_is_the_same_bytes(server: MockServer, api: Api) -> None:
    """However often it is asked for, also after the account was put back."""
    api.order(**mailed("me@mail.example"), mode="sync")
    account = server.account(KEY)
    (listed,) = account.emails
    first = account.emails.get(listed.id)
    assert account.emails.get(listed.id) == first
    state = account.export_state()
    account.reset()
    account.import_state(state)
    assert account.emails.get(listed.id) == first


def test_a_mail_on_hold_has_no_date(server: MockServer, api: Api) -> None:
    """It can be read before it leaves, and gets its date when it does."""
    api.order(**mailed("me@mail.example", X_Mock_Processing="never"))
    (held,) = server.emails
    assert server.emails.get(held.id).message()["Date"] is None
    server.orders.complete(held.order_id)
    assert server.emails.get(held.id).message()["Date"] is not None


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_an_odd_address_is_told_as_it_is(server: MockServer, api: Api, address: str) -> None:
    """Long, full of signs, or in another script."""
    api.order(**mailed(address), mode="sync")
    (listed,) = server.emails
    (recipient,) = server.emails.get(listed.id).message()["To"].addresses
    assert recipient.addr_spec == address


@pytest.mark.parametrize("address", UNSPEAKABLE)
def test_no_address_becomes_a_header(server: MockServer, api: Api, address: str) -> None:
    """What would end a line, or be decoded to that, is replaced in the header alone."""
    assert api.order(**mailed(address), mode="sync").status_code == 200
    (listed,) = server.emails
    assert listed.to == address
    read = server.emails.get(listed.id)
    assert "Bcc" not in read.message()
    head = read.mime.partition("\r\n\r\n")[0]
    assert [line for line in head.splitlines() if not line.partition(": ")[2]] == []
    assert content(read.message(), "plain").count(listed.url) == 1


def test_hostile_names_are_harmless(clock: ManualClock, tmp_path: Path) -> None:
    """A product's name is one line of text in the mail, and escaped in HTML."""
    with MockServer(clock=clock) as server:
        api = Api(server.url)
        product = api.get("/v2/product/1800FL-US").json() | {"name": HOSTILE}
        page = api.get("/v2/product?limit=1").json() | {"catalog": [product]}
        api.close()
    path = tmp_path / "catalogue.json"
    path.write_bytes(orjson.dumps(page))
    with MockServer(clock=clock, catalogue=path) as server:
        api = Api(server.url)
        document = mailed("me@mail.example")["document"] | {"description": HOSTILE}
        api.order(document, mode="sync", X_Send_Email="true")
        api.close()
        (listed,) = server.emails
        read = server.emails.get(listed.id)
    assert "<script>" not in read.html
    assert "&lt;script&gt;" in read.html
    assert "Bcc" not in read.message()
    assert "Product: <script>alert('1')</script> Bcc: x@y.example &amp;" in read.text.splitlines()


def test_many_products_are_named_shortly(server: MockServer, api: Api) -> None:
    """The recipient can choose; ten names, and how many more there are."""
    codes = [each["code"] for each in api.get("/v2/product?limit=100").json()["catalog"]]
    codes = [code for code in codes if code.endswith("-US")][:13]
    products = {"type": "MULTIPLE", "values": codes}
    item = {**by_email("me@mail.example"), "products": products, "face_value": 50}
    assert api.order(body(items=[item]), mode="sync", X_Send_Email="true").status_code == 200
    (listed,) = server.emails
    text = server.emails.get(listed.id).text
    assert "your choice of " in text
    assert f"and {len(codes) - 10} more" in text


def test_mails_are_found_by_address_order_and_state(
    hand: ControlClient, api: Api, control: ControlCaller
) -> None:
    """Each filter alone and together; the newest within the limit."""
    first, second = (
        api.order(**mailed(to), mode="sync").json()["id"] for to in ("a@m.example", "b@m.example")
    )
    third = api.order(**mailed("a@m.example")).json()["id"]
    assert [mail.order_id for mail in hand.emails] == [first, second, third]
    assert [mail.order_id for mail in hand.emails.list(to="a@m.example")] == [first, third]
    assert [mail.to for mail in hand.emails.list(order_id=second)] == ["b@m.example"]
    assert hand.emails.list(to="b@m.example", order_id=first) == []
    found = control.get("/emails", params={"sent": "false", "to": "a@m.example"})
    assert [mail["order_id"] for mail in found["emails"]] == [third]
    found = control.get("/emails", params={"limit": 1})
    assert ([mail["order_id"] for mail in found["emails"]], found["total"]) == ([third], 3)


def test_another_accounts_mail_is_not_found(server: MockServer, api: Api) -> None:
    """By its id neither; the whole server knows it."""
    api.order(**mailed("me@mail.example"), mode="sync")
    (listed,) = server.emails
    assert server.emails.get(listed.id).to == "me@mail.example"
    for name in (listed.id, "", "..", "a/b"):
        with pytest.raises(ControlRefusedError) as refused:
            server.account("XX-other.secret").emails.get(name)
        assert refused.value.status == 404
        assert refused.value.details[0]["location"] == ["path", "email_id"]


def test_waiting_gives_the_first_that_fits(hand: ControlClient, api: Api) -> None:
    """At once, if it has left already."""
    first = api.order(**mailed("a@m.example"), mode="sync").json()["id"]
    second = api.order(**mailed("b@m.example"), mode="sync").json()["id"]
    assert hand.emails.wait_for().order_id == first
    assert hand.emails.wait_for(to="b@m.example").order_id == second
    assert hand.account(KEY).emails.wait_for(order=second, timeout=0).to == "b@m.example"


def test_waiting_ends_when_the_mail_leaves(
    hand: ControlClient, api: Api, clock: ManualClock
) -> None:
    """Somebody else may move the clock meanwhile."""
    order_id = api.order(**mailed("a@m.example")).json()["id"]
    mover = threading.Thread(target=clock.advance, args=(1,))
    mover.start()
    mail = hand.emails.wait_for(order=order_id, timeout=20)
    mover.join()
    assert (mail.sent, mail.message()["To"]) == (True, "a@m.example")


def test_waiting_in_vain_tells_why(hand: ControlClient, api: Api, clock: ManualClock) -> None:
    """What is in the outbox, what is on hold, and that time stands still."""
    with pytest.raises(TimeoutError, match=r"^no mail was sent within 0 seconds; .* is empty$"):
        hand.emails.wait_for(timeout=0)
    api.order(**mailed("late@m.example"))
    api.order(**mailed("held@m.example", X_Mock_Processing="never"))
    api.order(**mailed("sent@m.example"), mode="sync")
    for asked in (hand, hand.account(KEY)):
        with pytest.raises(TimeoutError) as raised:
            asked.emails.wait_for(to="late@m.example", timeout=0.01)
        told = str(raised.value)
        assert told.startswith("no mail to late@m.example was sent within 0.01 seconds")
        assert "to sent@m.example" in told
        assert "to held@m.example" in told
        assert "its order is on hold" in told
        assert "the clock is stopped" in told
    clock.run()
    with pytest.raises(TimeoutError) as raised:
        hand.emails.wait_for(order="O-none", timeout=0)
    assert "of the order O-none" in str(raised.value)
    assert "the clock is stopped" not in str(raised.value)


FOREIGN: dict[str, dict[str, object]] = {
    "address": {"to": "a@b.example\r\nBcc: x@y.example"},
    "item": {"item_id": "E-" + "0" * 26},
    "link": {"url": "https://elsewhere.example/payout"},
    "template": {"template_id": "DT-\r\nBcc: x@y.example"},
    "order": {"order_id": "O-none"},
    "outcome": {"relayed": 5},
}


@pytest.mark.parametrize("part", FOREIGN)
def test_a_mail_that_cannot_be_is_not_imported(control: ControlCaller, api: Api, part: str) -> None:
    """The refusal names the mails, and the account stays as it was."""
    api.order(**mailed("me@mail.example"), mode="sync")
    state = control.get("/state")
    state["emails"][0] |= FOREIGN[part]
    answer = control.call("PUT", "/state", json=state)
    assert answer.status_code == 422
    assert "emails" in {location[1] for location in locations(answer.json())}
    assert [mail["to"] for mail in control.get("/emails")["emails"]] == ["me@mail.example"]


def test_a_state_of_before_can_be_imported(control: ControlCaller, api: Api) -> None:
    """Documents that were exported when nothing was relayed do not tell of it."""
    api.order(**mailed("me@mail.example"), mode="sync")
    state = control.get("/state")
    assert state["emails"][0].pop("relayed") is None
    assert control.call("PUT", "/state", json=state).status_code == 200
    (mail,) = control.get("/emails")["emails"]
    read = control.get(f"/emails/{mail['id']}")
    assert message_from_string(read["mime"], policy=policy.default)["To"] == "me@mail.example"
