"""Links in mails lead to where the client reached the server when it placed the order."""

import pytest
import requests

from runa_mock_server import ControlClient, ManualClock, MockServer, connect
from support.api import KEY, TIMEOUT, Api
from support.smtp import catching, mailed
from support.waiting import until

TO = "me@mail.example"


def _link(server: MockServer) -> str:
    (mail,) = server.account(KEY).emails
    return mail.url


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("host", ["mock:8080", "[::1]:80", "mock.internal"])
def test_a_mail_links_to_the_host_of_the_ordering_request(
    server: MockServer, api: Api, clock: ManualClock, host: str, mode: str
) -> None:
    """Whatever Host reads, replays or lists the order later."""
    order = mailed(TO)
    first = api.order(**order, key="k", mode=mode, Host=host).content
    clock.advance(2)
    link = _link(server)
    assert link.startswith(f"http://{host}/payout/")
    assert api.order(**order, key="k", mode=mode, Host="other:1").content == first
    api.get("/v2/order", headers={"Host": "other:2"})
    assert _link(server) == link
    (mail,) = server.account(KEY).emails
    read = server.account(KEY).emails.get(mail.id)
    assert link in read.text
    assert link in read.html


def test_a_relayed_mail_links_to_the_host_of_the_ordering_request(clock: ManualClock) -> None:
    """The MIME source that leaves has the link of the outbox."""
    with catching() as catcher, MockServer(clock=clock, smtp=catcher.place) as server:
        api = Api(server.url)
        api.order(**mailed(TO), mode="sync", Host="mock:8080")
        until(lambda: all(mail.relayed for mail in server.emails))
        api.close()
        (message,) = catcher.messages
    part = message.get_body(("plain",))
    assert part is not None
    assert "http://mock:8080/payout/" in part.get_content()


def test_public_url_comes_before_the_host_in_mails(clock: ManualClock) -> None:
    """A setting that says where clients are overrules what one of them said."""
    with MockServer(clock=clock, public_url="https://runa.example/mock") as server:
        api = Api(server.url)
        api.order(**mailed(TO), mode="sync", Host="mock:8080")
        api.close()
        assert _link(server).startswith("https://runa.example/mock/payout/")


@pytest.mark.parametrize("host", ["a b", "mock/evil", "user@mock", 'x"><script>', "a" * 300])
def test_a_host_that_is_none_is_in_no_mail(server: MockServer, api: Api, host: str) -> None:
    """What is no name or address with a port never becomes part of a link."""
    api.order(**mailed(TO), mode="sync", Host=host)
    assert all(mail.url.startswith(f"{server.url}/payout/") for mail in server.account(KEY).emails)


def test_an_imported_mail_keeps_its_link(clock: ManualClock) -> None:
    """A state that was taken out knows where the links of its mails lead."""
    with MockServer(clock=clock) as first, MockServer(clock=clock) as second:
        api = Api(first.url)
        api.order(**mailed(TO), mode="sync", Host="mock:8080")
        api.close()
        second.account(KEY).import_state(first.account(KEY).export_state())
        assert _link(second) == _link(first)


def test_the_control_api_shows_links_to_the_host_that_it_was_called_at(
    server: MockServer, api: Api, hand: ControlClient
) -> None:
    """Order, its timeline and a redemption: each link opens where the reader is."""
    order_id = api.order(mode="sync").json()["id"]
    path, read = f"/_mock/orders/{order_id}", {"Host": "localhost:1"}
    shown = api.get(path, headers=read).json()["order"]["items"][0]["payout"]["url"]
    assert api.get(f"{path}/story", headers=read).json()["payouts"][0]["url"] == shown
    assert shown.startswith("http://localhost:1/payout/")
    own = hand.orders.get(order_id).order["items"][0]["payout"]["url"]
    with connect(server.url) as remote:
        assert remote.account(KEY).orders.get(order_id).order["items"][0]["payout"]["url"] == own
    code = requests.get(f"{own}?format=json", headers={"Host": "mock:7"}, timeout=TIMEOUT).json()
    assert "http://mock:7/payout/" in str(code["e_code"])
