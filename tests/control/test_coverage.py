"""Contract coverage: what requests have met of the contract, and what never."""

from typing import Any

import pytest
import requests

from runa_mock_server import ControlClient, CoverageEntry, MockServer
from runa_mock_server.control_client.webhooks import WebhooksControl
from support.api import KEY, Api, body, item
from support.control import ControlCaller
from support.receiver import Receiver, status
from support.waiting import until

Met = dict[str, CoverageEntry]


def met(controls: ControlClient, area: str) -> Met:
    """What was met in an area, by id."""
    found = next(each for each in controls.coverage().areas if each.name == area)
    assert found.met == sum(entry.times > 0 for entry in found.entries)
    assert found.total == len(found.entries)
    return {entry.id: entry for entry in found.entries if entry.times}


def test_nothing_is_covered_at_first(hand: ControlClient) -> None:
    """Without a request the share is 0, and every entry says that it was never met."""
    coverage = hand.coverage()
    assert (coverage.percent, coverage.met) == (0, 0)
    assert coverage.total == sum(area.total for area in coverage.areas) > 100
    assert all(entry.first is None for area in coverage.areas for entry in area.entries)


def test_an_entry_names_the_request_that_met_it_first(hand: ControlClient, api: Api) -> None:
    """Its number leads to the journal; further requests only count."""
    api.get("/v2/ping")
    for _ in range(3):
        api.get("/v2/balance?currency=USD")
    entry = met(hand, "rules")["balance-single"]
    assert entry.times == 3
    assert entry.first is not None
    assert entry.first.text == "GET /v2/balance"
    assert (entry.first.number, entry.first.account) == (2, hand.journal[1].account)


def test_the_way_of_an_order_is_covered(server: MockServer, api: Api) -> None:
    """Transitions are met by the requests that show them, of orders and of payouts."""
    order_id = api.order().json()["id"]
    assert set(met(server, "order transitions")) == {"accepted to PROCESSING"}
    server.clock.advance(10)
    assert set(met(server, "order transitions")) == {"accepted to PROCESSING"}  # nobody looked
    order = api.read(order_id)
    assert set(met(server, "payout transitions")) == {"issued ACTIVE"}
    requests.get(order["items"][0]["payout"]["url"] + "?format=json", timeout=30)
    api.order(X_Trigger_Error="order_failed")
    server.clock.advance(10)
    api.get("/v2/order")
    api.order(mode="sync")
    assert set(met(server, "order transitions")) == {
        "accepted to PROCESSING",
        "accepted to COMPLETED",
        "PROCESSING to COMPLETED",
        "PROCESSING to FAILED",
    }
    assert set(met(server, "payout transitions")) == {"issued ACTIVE", "ACTIVE to CLAIMED"}


def test_words_of_the_client_are_no_transition(server: MockServer, api: Api) -> None:
    """What a description or metadata says covers nothing."""
    said = {"description": '"status":"FAILED"', "metadata": {"status": "FAILED"}}
    order_id = api.order(body(**said)).json()["id"]
    server.clock.advance(10)
    api.read(order_id)
    api.get("/v2/order")
    assert "PROCESSING to FAILED" not in met(server, "order transitions")
    assert "ACTIVE to CANCELLED" not in met(server, "payout transitions")


def test_error_types_are_covered(server: MockServer, api: Api) -> None:
    """Types of the API, the 429 and codes of the redemption API."""
    api.order(body(items=[]))
    server.configure(rate_limit=1, redemption_error="RE006")
    url = api.order(mode="sync").json()["items"][0]["payout"]["url"]
    api.order()
    requests.get(f"{url}?format=json", timeout=30)
    assert set(met(server, "errors")) == {"validation_error", "rate exceeded", "RE006"}


@pytest.mark.parametrize(
    ("fault", "rules", "errors"),
    [
        ({"kind": "status", "place": "after_commit"}, set(), set()),
        ({"kind": "rate_limit"}, {"rate-limit"}, {"rate exceeded"}),
        ({"kind": "delay", "place": "after_commit", "delay": 0}, {"order-accepted"}, set()),
    ],
)
def test_a_lost_answer_covers_the_fault_alone(
    server: MockServer, api: Api, fault: dict[str, Any], rules: set[str], errors: set[str]
) -> None:
    """A client has met no rule whose answer did not reach it."""
    server.faults.arm(**fault)
    requests.post(
        f"{api.url}/v2/order",
        json=body(),
        headers={"X-Api-Key": KEY, "X-Idempotency-Key": "one"},
        timeout=30,
    )
    assert set(met(server, "faults")) == {f"{fault['kind']} {fault.get('place', 'before')}"}
    assert set(met(server, "rules")) == rules
    assert set(met(server, "errors")) == errors


def test_webhook_deliveries_are_covered(
    server: MockServer, api: Api, hooks: WebhooksControl, receiver: Receiver
) -> None:
    """Each event that arrived, each fault, an attempt that failed, and the retry that did not."""
    hooks.add(receiver.script("/hook", status(500)), "order.completion")
    hooks.misbehave("wrong_signature")
    api.order()
    server.clock.advance(10)
    until(lambda: "delivered by a retry" in met(server, "webhooks"))
    found = met(server, "webhooks")
    assert set(found) == {
        "fault wrong_signature",
        "failed attempt",
        "order.completion COMPLETED",
        "delivered by a retry",
    }
    first = found["failed attempt"].first
    assert first is not None
    assert first.number == hooks.messages()[0].id


def test_a_reset_keeps_the_coverage_of_the_server(
    server: MockServer, api: Api, whole: ControlCaller
) -> None:
    """A suite that resets between its tests loses nothing; clearing is asked for by itself."""
    api.order()
    server.account(KEY).reset()
    server.reset()
    assert set(met(server, "rules")) == {"order-accepted"}
    assert whole.call("DELETE", "/coverage").status_code == 200
    assert server.coverage().met == 0
    server.clear_coverage()


def test_an_account_has_what_its_own_requests_have_met(server: MockServer, api: Api) -> None:
    """Other accounts do not count, nor does what a reset has forgotten."""
    api.get("/v2/ping")
    Api(server.url, "XX-other.secret").order(body(items=[item(), item()]))
    assert set(met(server.account(KEY), "rules")) == {"ping"}
    server.account(KEY).reset()
    assert met(server.account(KEY), "rules") == {}


def test_an_entry_shows_no_key(server: MockServer, whole: ControlCaller, api: Api) -> None:
    """A key in a path is redacted like everywhere."""
    api.get(f"/v2/order/{KEY}")
    assert KEY not in str(whole.get("/coverage"))
    assert server.coverage().met == 2
