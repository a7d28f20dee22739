"""A state exported by an earlier version: it imports, and is answered as it was then.

``account_state_before.json`` holds the state of an account as it was exported before orders were
kept as data, the requests that made it, and what that version answered for it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from runa_mock_server import MockServer
from support.answers import order_ids
from support.api import TIMEOUT, Api

KEY = "XX-before.secret"
LINKS = "http://mock.example.test/payout/"
BEFORE: dict[str, Any] = json.loads(
    Path(__file__).with_name("account_state_before.json").read_text(encoding="utf-8")
)


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A server, of another seed and time, that has imported the state."""
    with MockServer(clock="2030-01-01T00:00:00Z", seed=1) as server:
        server.account(KEY).import_state(BEFORE["state"])
        yield server


@pytest.fixture
def api(server: MockServer) -> Iterator[Api]:
    """A caller with the key of the account."""
    api = Api(server.url, KEY)
    yield api
    api.close()


def with_links_of(server: MockServer, document: Any) -> Any:
    """A document with its payout links on this server, and its exchange as it is shown now."""
    text = json.dumps(document).replace(LINKS, f"{server.url}/payout/")
    return json.loads(text, object_hook=_present_exchange)


def _present_exchange(document: dict[str, Any]) -> dict[str, Any]:
    if "converted" not in document:
        return document
    fee = {"value": document["fee"], "currency": document["currency"]}
    return {"rate": document["rate"], "rate_symbol": document["rate_symbol"], "fee": fee}


def test_every_order_is_shown_as_before(server: MockServer, api: Api) -> None:
    """Completed, failed, on hold, waiting for reads, claimed, cancelled and expired."""
    orders = server.account(KEY).orders
    assert order_ids(api) == list(BEFORE["orders"])[::-1]
    for order_id, before in BEFORE["orders"].items():
        assert orders.get(order_id).order == with_links_of(server, before["full"])
    for order_id, before in BEFORE["orders"].items():
        shown = api.get(f"/v2/order/{order_id}").json()
        expected = with_links_of(server, before["shown"])
        shown.pop("message", None)
        expected.pop("message", None)  # is for people
        assert shown == expected
    # Codes came later than that state.
    emails = [mail.model_dump(mode="json", exclude={"account", "code"}) for mail in server.emails]
    assert emails == with_links_of(server, BEFORE["emails"])


def test_every_request_is_answered_as_before(server: MockServer, api: Api) -> None:
    """Byte for byte, with nothing ordered again; even links in stored answers stay."""
    before = order_ids(api)
    for sent in BEFORE["requests"]:
        headers = sent["headers"] | {"X-Idempotency-Key": sent["key"].encode("latin-1")}
        headers["X-Api-Key"] = KEY
        # Not by `api`, which checks answers: some of these have the shapes of their time.
        answer = requests.post(
            f"{server.url}/v2/order", headers=headers, json=sent["document"], timeout=TIMEOUT
        )
        assert (answer.status_code, answer.text) == (sent["status"], sent["body"])
    assert order_ids(api) == before
    effects = server.account(KEY).effects(window=0)
    assert (effects.verdict, effects.orders) == ("exactly_once", len(before))


def test_every_link_redeems_as_before(api: Api) -> None:
    """The same amounts for claimed payouts, the same refusals for the others."""
    for token, before in BEFORE["redemptions"].items():
        redeemed = api.get(f"/payout/{token}?format=json").json()
        assert _outcome(redeemed) == _outcome(before)


def _outcome(redemption: dict[str, Any]) -> tuple[Any, ...]:
    amounts = (redemption.get("e_code") or {}).get("amount")
    return redemption["status"], redemption["error_code"], amounts
