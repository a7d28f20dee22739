"""What a test author does to an order, and what service, mails, balance and links show of it."""

from typing import Any

import pytest
import requests

from runa_mock_server import ControlRefusedError, ManualClock, MockServer, OrdersControl
from runa_mock_server.orders.commit import Commit
from runa_mock_server.store.memory import AccountState
from support.api import KEY, TIMEOUT, Api, body, item

PAID = "wg-shop.secret"
MAILED = item(distribution_method={"type": "EMAIL", "email_address": "a@b.example"})
DECISIONS = {
    "complete": (OrdersControl.complete, "COMPLETED"),
    "fail": (OrdersControl.fail, "FAILED"),
    "hold": (OrdersControl.hold, "PROCESSING"),
}


def _redeem(order: dict[str, Any], index: int = 0) -> Any:
    url = order["items"][index]["payout"]["url"]
    return requests.get(url, params={"format": "json"}, timeout=TIMEOUT).json()["error_code"]


def _listed(api: Api) -> list[str]:
    return [order["status"] for order in api.get("/v2/order").json()["items"]]


@pytest.fixture
def orders(server: MockServer) -> OrdersControl:
    """The hand on the orders of the caller's account."""
    return server.account(KEY).orders


def test_an_order_is_completed_before_its_time(
    server: MockServer, api: Api, orders: OrdersControl, clock: ManualClock
) -> None:
    """Read, list, mail and link show it; its moments are now; the key still answers the same."""
    made = api.order(body(items=[MAILED]), key="k", X_Send_Email="true")
    order_id = made.json()["id"]
    clock.advance(0.25)
    assert orders.complete(order_id).status == "COMPLETED"
    order = api.read(order_id)
    now = server.clock.now().isoformat()
    assert (order["status"], order["completed_at"]) == ("COMPLETED", now)
    assert order["items"][0]["payout"]["status_updated_at"] == now
    assert _listed(api) == ["COMPLETED"]
    (mail,) = server.account(KEY).emails
    assert (mail.sent, mail.sent_at) == (True, server.clock.now())
    assert _redeem(order) is None
    again = api.order(body(items=[MAILED]), key="k", X_Send_Email="true")
    assert (again.status_code, again.content) == (202, made.content)


def test_an_order_that_is_made_to_fail_costs_nothing() -> None:
    """Its price is back, its mail is not sent, its links are void; the reason is kept."""
    with MockServer(profile="production", clock="manual", balances={"USD": 50}) as server:
        api, account = Api(server.url, PAID), server.account(PAID)
        order_id = api.order(body(items=[MAILED]), key="k").json()["id"]
        assert api.get("/v2/balance?currency=USD").json()["balance"] < "50.00"
        assert len(list(account.emails)) == 1
        detail = account.orders.fail(order_id, "out of stock")
        assert (detail.status, detail.failure_reason) == ("FAILED", "out of stock")
        assert api.get("/v2/balance?currency=USD").json()["balance"] == "50.00"
        assert list(account.emails) == []
        order = api.read(order_id)
        assert (order["status"], order["items"][0]["payout"]["status"]) == ("FAILED", "CANCELLED")
        assert _redeem(order) == "RE012"
        assert _listed(api) == ["FAILED"]
        assert (account.effects("k").charged, account.effects("k").balance_moved) == ([], [])
        api.close()


def test_an_order_is_held_until_it_is_told(
    server: MockServer, api: Api, orders: OrdersControl, clock: ManualClock
) -> None:
    """Neither time nor reads end it, its mail and its link wait; then it completes or fails."""
    first, second = (
        api.order(body(items=[MAILED]), X_Send_Email="true", X_Mock_Processing=rule).json()["id"]
        for rule in ("seconds:1", "reads:0")
    )
    for order_id in (first, second):
        held = orders.hold(order_id)
        assert (held.status, held.ends_at, held.reads_left) == ("PROCESSING", None, None)
    clock.advance("P40D")
    assert [api.read(order_id)["status"] for order_id in (first, second)] == ["PROCESSING"] * 2
    assert _redeem(orders.get(first).order) == "RE011"
    assert [(mail.sent, mail.sent_at) for mail in server.account(KEY).emails] == [(False, None)] * 2
    assert [order.id for order in orders.list("PROCESSING")] == [second, first]
    orders.complete(first)
    orders.fail(second)
    assert _listed(api) == ["FAILED", "COMPLETED"]
    assert [mail.order_id for mail in server.account(KEY).emails] == [first]


@pytest.mark.parametrize(("act", "status"), [("cancel", "CANCELLED"), ("expire", "EXPIRED")])
def test_payouts_are_taken_back(
    api: Api, orders: OrdersControl, clock: ManualClock, act: str, status: str
) -> None:
    """One by its item or all that are active; a claimed one stays; the link says what happened."""
    made = api.order(body(items=[item()] * 3)).json()
    clock.advance(1)
    order = api.read(made["id"])
    assert _redeem(order, 2) is None
    end = orders.cancel_payouts if act == "cancel" else orders.expire_payouts
    code = {"CANCELLED": "RE005", "EXPIRED": "RE004"}[status]
    end(order["id"], order["items"][1]["id"])
    seen = [each["payout"]["status"] for each in api.read(order["id"])["items"]]
    assert seen == ["ACTIVE", status, "CLAIMED"]
    assert _redeem(order, 1) == code
    end(order["id"])
    seen = [each["payout"]["status"] for each in api.read(order["id"])["items"]]
    assert seen == [status, status, "CLAIMED"]
    assert [_redeem(order, index) for index in range(3)] == [code, code, None]
    with pytest.raises(ControlRefusedError, match=r"^payout_status: ") as raised:
        end(order["id"])
    assert raised.value.status == 409


def test_the_payouts_of_a_large_order_end_in_one_step(
    api: Api, orders: OrdersControl, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, the order is written down once more."""
    made = api.order(body(items=[item()] * 200)).json()
    clock.advance(1)
    api.read(made["id"])  # which writes it out the first time
    written: list[str] = []
    apply = AccountState.apply

    def counted(state: AccountState, commit: Commit) -> None:
        written.extend(order.id for order in commit.changed)
        apply(state, commit)

    monkeypatch.setattr(AccountState, "apply", counted)
    orders.cancel_payouts(made["id"])
    assert written == [made["id"]]
    statuses = {each["payout"]["status"] for each in api.read(made["id"])["items"]}
    assert statuses == {"CANCELLED"}


@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("how", ["time", "sync", "fail", "complete"])
def test_what_has_ended_stays_as_it_is(
    api: Api, orders: OrdersControl, clock: ManualClock, decision: str, how: str
) -> None:
    """409, naming the status; the order does not change by a byte."""
    order_id = api.order(mode="sync" if how == "sync" else None).json()["id"]
    if how in DECISIONS:
        DECISIONS[how][0](orders, order_id)
    clock.advance(2)
    before = orders.get(order_id)
    with pytest.raises(ControlRefusedError, match=r"^status: the order has ended") as raised:
        DECISIONS[decision][0](orders, order_id)
    assert (raised.value.status, raised.value.details[0]["location"]) == (409, ["body", "status"])
    assert orders.get(order_id) == before


def test_what_is_refused_while_an_order_is_processed(api: Api, orders: OrdersControl) -> None:
    """Payouts have no end before their order has one; an order placed to fail cannot complete."""
    order_id = api.order().json()["id"]
    with pytest.raises(ControlRefusedError, match=r"^payout_status: .*PROCESSING"):
        orders.cancel_payouts(order_id)
    failing = api.order(X_Trigger_Error="order_failed").json()["id"]
    with pytest.raises(ControlRefusedError, match=r"^status: .*FAILED"):
        orders.complete(failing)
    assert orders.fail(failing, "earlier").status == "FAILED"


def test_an_item_of_another_order_is_none_of_this(api: Api, orders: OrdersControl) -> None:
    """The refusal names the item; nothing is taken back."""
    one, two = (api.order(mode="sync").json() for _ in range(2))
    with pytest.raises(ControlRefusedError, match=r"^item_id: "):
        orders.cancel_payouts(one["id"], two["items"][0]["id"])
    assert {api.read(order["id"])["items"][0]["payout"]["status"] for order in (one, two)} == {
        "ACTIVE"
    }


def test_each_account_has_its_own_orders_and_the_server_has_all(
    server: MockServer, api: Api, orders: OrdersControl
) -> None:
    """An account does not find the order of another; without a key all are found."""
    other = Api(server.url, "XX-other.secret")
    mine, theirs = (caller.order().json()["id"] for caller in (api, other))
    for act in (orders.get, orders.complete, orders.cancel_payouts):
        with pytest.raises(ControlRefusedError, match=r"^order_id: ") as raised:
            act(theirs)
        assert raised.value.status == 404
    assert {order.id for order in server.orders} == {mine, theirs}
    assert server.orders.complete(theirs).account == server.orders.get(theirs).account
    assert [order.status for order in orders] == ["PROCESSING"]
    other.close()
