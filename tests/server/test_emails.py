"""Which recipients get mail, from which orders, and when it leaves."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.request_models import NewOrder, validate_body
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.placing import distribution_of, mailed_items
from runa_mock_server.server_state.server_state import ServerState
from support.api import KEY, Api, body, item
from support.money import PRODUCTION_KEY, MoneyApi, paid_in, served, single

NOT_DELIVERED = [
    *("a@b.test", "a@b.TEST", "a@b.Invalid", "a@test.invalid", "a@b.example.test"),
    "a@xn--b.iNVALID",
]
DELIVERED = ["a@b.com", "a@test.com", "a@invalid.test.org", "a@b.testing", "a@b.xtest"]
TEMPLATE = "DT-01HPSF51G0ZWHJ3JTNWRH0WDYK"
ASKING = {"X_Send_Email": "true"}


@pytest.fixture
def production() -> Iterator[Api]:
    """A caller in production."""
    with MockServer(profile="production", balances={"USD": 1000}) as server:
        caller = Api(server.url, PRODUCTION_KEY)
        yield caller
        caller.close()


def by_email(address: str, **more: Any) -> dict[str, Any]:
    """An item that is distributed by mail."""
    return item(distribution_method={"type": "EMAIL", "email_address": address, **more})


def to_recipient(address: str) -> dict[str, Any]:
    """An item for a known person, who has an address, too."""
    recipient = {"type": "RECIPIENT", "email_address": address, "recipient_reference": "me"}
    return single("EXBANK-US", 10, distribution_method=recipient)


def mailed(items: list[dict[str, Any]], *, always: bool, requested: bool) -> list[int]:
    """The indexes of the items that are mailed."""
    order = validate_body(NewOrder, body(items=items))
    recipients = [distribution_of(each["distribution_method"]) for each in order["items"]]
    return mailed_items(recipients, always=always, asked=requested)


ITEMS = st.one_of(
    st.sampled_from(DELIVERED).map(lambda to: (by_email(to), "mail")),
    st.sampled_from(NOT_DELIVERED).map(lambda to: (by_email(to), "dead")),
    st.just((item(), "link")),
    st.just((to_recipient("me@b.com"), "person")),
)


@given(pairs=st.lists(ITEMS, min_size=1, max_size=8), always=st.booleans(), asked=st.booleans())
def test_who_gets_mail(pairs: list[tuple[dict[str, Any], str]], always: bool, asked: bool) -> None:
    """On request the first EMAIL item alone, in production all; dead addresses never."""
    items, kinds = [found for found, _ in pairs], [kind for _, kind in pairs]
    expected = [index for index, kind in enumerate(kinds) if kind == "mail"]
    if not always:
        first = next((i for i, kind in enumerate(kinds) if kind in {"mail", "dead"}), None)
        expected = [index for index in expected if asked and index == first]
    assert mailed(items, always=always, requested=asked) == expected


@pytest.mark.parametrize("address", NOT_DELIVERED)
def test_addresses_for_tests_get_none(address: str) -> None:
    """Under .invalid and .test, in any case, nothing is ever sent."""
    for always in (True, False):
        assert mailed([by_email(address)], always=always, requested=True) == []


@pytest.mark.parametrize("sent", ["true", "True", "TRUE"])
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_the_header_comes_back(api: Api, sent: str, mode: str) -> None:
    """The answer to an order carries ``X-Send-Email`` as it was asked for, replayed or not."""
    for _ in range(2):
        response = api.order(key="one", mode=mode, X_Send_Email=sent)
        assert response.headers["X-Send-Email"] == "true"


@pytest.mark.parametrize("sent", ["false", "1", "yes", ""])
def test_only_true_is_a_request(api: Api, sent: str) -> None:
    """Another value asks for nothing, as does no header, and is not given back."""
    document = body(items=[by_email("a@b.com")])
    for response in (api.order(document, X_Send_Email=sent), api.order(document)):
        assert response.status_code == 202
        assert "X-Send-Email" not in response.headers


def test_production_takes_the_header_too(production: Api) -> None:
    """It changes nothing there, and is given back."""
    assert production.order(X_Send_Email="true").headers["X-Send-Email"] == "true"
    assert "X-Send-Email" not in production.order().headers


def mail(*addresses: str, **more: Any) -> dict[str, Any]:
    """A request for an order by mail that asks for the mail."""
    return {"document": body(items=[by_email(to) for to in addresses]), **ASKING, **more}


class Post:
    """A server whose outgoing mail can be read.

    Args:
        clock: the time it lives in.
        profile: the environment.
    """

    def __init__(self, clock: ManualClock, profile: str = "playground") -> None:
        self._clock = clock
        self._key = KEY if profile == "playground" else PRODUCTION_KEY
        settings = make_settings(profile=profile, balances={"USD": "100000"})
        self.server_state = ServerState(settings, clock)
        self.orders: list[dict[str, Any]] = []

    def send(self, *requests: dict[str, Any]) -> None:
        """Order, one request after the other, each given as the options of ``Api.order``."""

        def act(url: str) -> None:
            caller = MoneyApi(url, self._key)
            for request in requests:
                answer = caller.order(**request)
                if answer.status_code == 202:
                    self._clock.advance(1)
                if answer.status_code in {200, 202}:
                    self.orders.append(caller.read(answer.json()["id"]))
            caller.close()

        served(self.server_state, act)

    def left(self, key: str | None = None) -> list[Email]:
        """The mails that have left an account by now."""
        return self.server_state.account(key or self._key).outbox.sent(self._clock.now())


def test_a_mail_carries_the_link(clock: ManualClock) -> None:
    """Address, order, item, link and template are those of the order."""
    post = Post(clock)
    first = by_email("first@b.com", template_id=TEMPLATE)
    post.send({"document": body(items=[item(), first, by_email("second@b.com")]), **ASKING})
    (order,) = post.orders
    (found,) = post.left()
    chosen = order["items"][1]
    assert (found.to, found.template_id) == ("first@b.com", TEMPLATE)
    assert (found.order_id, found.item_id) == (order["id"], chosen["id"])
    assert found.url == chosen["payout"]["url"]


def test_production_mails_every_item(clock: ManualClock) -> None:
    """Nobody has to ask there, and each EMAIL item has its mail (inferred)."""
    post = Post(clock, "production")
    addresses = ["a@b.com", "x@y.test", "c@d.org"]
    post.send({"document": body(items=[by_email(to) for to in addresses])})
    assert [found.to for found in post.left()] == ["a@b.com", "c@d.org"]
    assert {found.order_id for found in post.left()} == {post.orders[0]["id"]}


def test_the_playground_mails_on_request_only(clock: ManualClock) -> None:
    """Without the header nothing leaves."""
    post = Post(clock)
    post.send(mail("a@b.com", X_Send_Email="false"), {"document": mail("a@b.com")["document"]})
    assert len(post.orders) == 2
    assert post.left() == []


def test_a_replay_sends_nothing(clock: ManualClock) -> None:
    """One order, one mail, also if the replay asks again or did not ask the first time."""
    post = Post(clock)
    post.send(*[mail("a@b.com", key="one")] * 3)
    assert len(post.left()) == 1
    post.send(mail("a@b.com", key="two", X_Send_Email="no"), mail("a@b.com", key="two"))
    assert len(post.left()) == 1


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_failed_and_refused_orders_send_nothing(clock: ManualClock, mode: str) -> None:
    """Neither a FAILED order nor one that was refused sends its mail."""
    post = Post(clock)
    unknown = paid_in("USD", {**by_email("a@b.com"), "products": single("NOBODY", 1)["products"]})
    post.send(
        mail("a@b.com", mode=mode, X_Trigger_Error="order_failed"),
        mail("a@b.com", mode=mode, X_Trigger_Error="timeout"),
        {"document": unknown, "mode": mode, **ASKING},
    )
    failed = ["FAILED"] if mode == "async" else []  # a sync order that is to fail is refused
    assert [order["status"] for order in post.orders] == failed
    assert post.left() == []


def test_mail_leaves_when_the_order_is_done(clock: ManualClock) -> None:
    """With an async order after its second of processing, with a sync order at once."""
    server_state = ServerState(make_settings(), clock)

    def act(url: str) -> None:
        caller = MoneyApi(url)
        document = mail("a@b.com")["document"]
        outbox = server_state.account(KEY).outbox
        caller.order(document, X_Send_Email="true")
        clock.advance(0.999999)
        assert outbox.sent(clock.now()) == []
        clock.advance(0.000001)
        assert [found.sent_at for found in outbox.sent(clock.now())] == [clock.now()]
        caller.order(document, mode="sync", X_Send_Email="true")
        assert len(outbox.sent(clock.now())) == 2
        caller.close()

    served(server_state, act)


def test_each_account_has_an_outbox(clock: ManualClock) -> None:
    """Another key's mail is not seen."""
    post = Post(clock)
    post.send(mail("a@b.com"))
    assert post.left("XX-other.key") == []
    assert len(post.left()) == 1
