"""What is exported and imported answers as before, and what cannot be right is refused."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from runa_mock_server import ControlRefusedError, MockServer
from support.answers import order_ids
from support.api import KEY, Api, body, item

START = "2026-03-14T12:00:00Z"
PAYMENT = item(
    products={"type": "SINGLE", "value": "EXBANK-US"},
    distribution_method={
        "type": "RECIPIENT",
        "recipient_reference": "r-1",
        "email_address": "a@b.example",
    },
)
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A server whose clock stands still."""
    with MockServer(clock=START, seed=1) as server:
        yield server


@pytest.fixture
def api(server: MockServer) -> Iterator[Api]:
    """A caller of the server."""
    api = Api(server.url)
    yield api
    api.close()


def changed(server: MockServer, change: Change) -> dict[str, Any]:
    """The state of the account, with a change."""
    state = deepcopy(server.account(KEY).export_state())
    change(state)
    return state


def _first_id(new: str) -> Change:
    """The first order gets another id, everywhere."""

    def change(state: dict[str, Any]) -> None:
        text = json.dumps(state).replace(state["orders"][0]["id"], new)
        state.update(json.loads(text))

    return change


@pytest.mark.parametrize("rule", ["never", "reads:1", "seconds:100"])
@pytest.mark.parametrize("imported", [False, True], ids=["kept", "imported"])
def test_a_payout_that_needs_no_claim_is_claimed_when_its_order_completes(
    server: MockServer, api: Api, rule: str, imported: bool
) -> None:
    """Its order was exported while it was processed, so the time is not known before."""
    account = server.account(KEY)
    api.order(body(items=[PAYMENT]), mode="sync")
    (first,) = order_ids(api)
    account.clock.advance(2)
    link = api.get(f"/v2/order/{first}").json()["items"][0]["payout"]["url"]
    api.get(link.removeprefix(server.url) + "?format=json")
    made = api.order(body(items=[PAYMENT]), X_Mock_Processing=rule).json()["id"]
    if imported:
        account.import_state(account.export_state())
    account.clock.advance(150)
    if rule == "never":
        account.orders.complete(made)
    for _ in range(2):
        api.get(f"/v2/order/{made}")
    order = api.get(f"/v2/order/{made}").json()
    payout = order["items"][0]["payout"]
    assert (payout["status"], payout["status_updated_at"]) == ("CLAIMED", order["completed_at"])


@pytest.mark.parametrize(
    "text",
    [
        '{{"id":"{id}","status":"PROCESSING" }}',
        '{{ "id": "{id}", "status": "PROCESSING" }}',
        '{{"status":"PROCESSING","id":"{id}"}}',
    ],
)
def test_an_imported_answer_is_replayed_byte_for_byte(
    server: MockServer, api: Api, text: str
) -> None:
    """Also where this version would have written it otherwise; it is about the same order."""
    made = api.order(key="k").json()["id"]
    answer = text.format(id=made)
    account = server.account(KEY)
    state = changed(server, lambda state: state["answers"][0].update(body=answer))
    account.import_state(state)
    assert api.order(key="k").text == answer
    assert account.export_state() == state
    assert account.effects().verdict == "exactly_once"
    assert account.journal[-1].order_id == made


@pytest.mark.parametrize("start", ["O-6ZZZZZZZZZ", "O-01KKMT9200"])
def test_ids_grow_behind_an_imported_id_that_has_no_room_behind_it(
    server: MockServer, api: Api, start: str
) -> None:
    """The largest id of a millisecond is followed by one of the next."""
    api.order(key="k")
    account = server.account(KEY)
    account.import_state(changed(server, _first_id(start + "Z" * 16)))
    made = [api.order(body(description=str(n))).json()["id"] for n in range(3)]
    ids = [start + "Z" * 16, *made]
    assert sorted(set(ids)) == ids
    assert order_ids(api) == ids[::-1]
    assert len(account.export_state()["orders"]) == len(ids)


@pytest.mark.parametrize("key", ["%00", "%00zz", "%FF", "%09", "%C2%A0", "%EF%BF%BE", "%25"])
def test_an_imported_order_keeps_any_key(server: MockServer, api: Api, key: str) -> None:
    """Also one that no header could have brought."""
    api.order(key="k")

    def rename(state: dict[str, Any]) -> None:
        state["orders"][0]["key"] = state["answers"][0]["key"] = key

    state = changed(server, rename)
    account = server.account(KEY)
    account.import_state(state)
    assert account.export_state() == state
    assert account.effects().verdict == "exactly_once"
    assert len(order_ids(api)) == 1


def _created_early(state: dict[str, Any]) -> None:
    document = state["orders"][0]["document"]
    state["orders"][0]["document"] = document.replace('"created_at":"20', '"created_at":"00')


@pytest.mark.parametrize("change", [_first_id("O-" + "Z" * 26), _created_early])
def test_an_order_that_cannot_be_is_refused(server: MockServer, api: Api, change: Change) -> None:
    """Its id is of a time that no clock shows, or it was created before 1970."""
    api.order(key="k")
    before = server.account(KEY).export_state()
    with pytest.raises(ControlRefusedError) as refused:
        server.account(KEY).import_state(changed(server, change))
    assert "orders" in refused.value.details[0]["location"]
    assert server.account(KEY).export_state() == before
