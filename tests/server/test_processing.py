"""The time an order takes, by the server's own clock."""

from datetime import timedelta
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.api import Api

MICROSECOND = timedelta(microseconds=1)


def _statuses(api: Api, order_id: str) -> tuple[str, str]:
    """The status as the order itself and as the list shows it."""
    listed = {entry["id"]: entry["status"] for entry in api.get("/v2/order").json()["items"]}
    return api.read(order_id)["status"], listed[order_id]


@pytest.mark.parametrize(("trigger", "end"), [(None, "COMPLETED"), ("order_failed", "FAILED")])
@pytest.mark.parametrize("delay", [1.0, 2.5, 0.000001, 0.1, 86_400.0])
def test_an_order_is_processed_for_exactly_the_delay(
    clock: ManualClock, delay: float, trigger: str | None, end: str
) -> None:
    """PROCESSING up to the last microsecond, ended from the moment of the delay on."""
    with MockServer(clock=clock, processing_delay=delay) as server:
        api = Api(server.url)
        headers: dict[str, Any] = {} if trigger is None else {"X_Trigger_Error": trigger}
        order_id = api.order(**headers).json()["id"]
        seen = [_statuses(api, order_id)]
        clock.advance(timedelta(seconds=delay) - MICROSECOND)
        seen.append(_statuses(api, order_id))
        clock.advance(MICROSECOND)
        seen.append(_statuses(api, order_id))
        api.close()
    assert seen == [("PROCESSING", "PROCESSING"), ("PROCESSING", "PROCESSING"), (end, end)]


def test_the_default_delay_is_one_second(api: Api, clock: ManualClock) -> None:
    """As on the playground: 0.999999 s is too early, 1.0 s is not."""
    order_id = api.order().json()["id"]
    clock.advance(0.999999)
    assert _statuses(api, order_id) == ("PROCESSING", "PROCESSING")
    clock.advance(0.000001)
    assert _statuses(api, order_id) == ("COMPLETED", "COMPLETED")


def test_without_a_delay_an_order_has_ended_at_once(clock: ManualClock) -> None:
    """The acceptance still says PROCESSING; the first read shows the end."""
    with MockServer(clock=clock, processing_delay=0) as server:
        api = Api(server.url)
        accepted = api.order().json()
        order = api.read(accepted["id"])
        api.close()
    assert (accepted["status"], order["status"]) == ("PROCESSING", "COMPLETED")
    assert order["completed_at"] == order["created_at"]


def test_the_completion_is_printed_with_the_delay(clock: ManualClock) -> None:
    """``completed_at`` is the moment at which the order ended, not the one it was read."""
    with MockServer(clock=clock, processing_delay=2.5) as server:
        api = Api(server.url)
        order_id = api.order().json()["id"]
        clock.advance(3600)
        order = api.read(order_id)
        api.close()
    assert order["created_at"] == "2026-03-14T12:00:00.250000+00:00"
    assert order["completed_at"] == "2026-03-14T12:00:02.750000+00:00"
    assert order["items"][0]["payout"]["status_updated_at"] == order["completed_at"]


def test_an_order_in_process_shows_three_keys(api: Api) -> None:
    """Id, status and a message, nothing else, by itself and in the list."""
    order_id = api.order().json()["id"]
    shown = api.read(order_id)
    assert list(shown) == ["id", "status", "message"]
    assert (shown["id"], shown["status"]) == (order_id, "PROCESSING")
    assert api.get("/v2/order").json()["items"] == [shown]


def test_a_failed_order_has_its_payouts_cancelled(api: Api, clock: ManualClock) -> None:
    """The full body is there, with no payout to redeem."""
    accepted = api.order(X_Trigger_Error="order_failed")
    assert (accepted.status_code, accepted.json()["status"]) == (202, "PROCESSING")
    clock.advance(1)
    order = api.read(accepted.json()["id"])
    assert order["status"] == "FAILED"
    assert [entry["payout"]["status"] for entry in order["items"]] == ["CANCELLED"]


def test_a_sync_order_is_complete_at_once(api: Api, clock: ManualClock) -> None:
    """The answer is what reading shows, before and after the second it is said to have taken."""
    response = api.order(mode="sync")
    order: dict[str, Any] = response.json()
    assert order["status"] == "COMPLETED"
    assert order["created_at"] == "2026-03-14T12:00:00.250000+00:00"
    assert order["completed_at"] == "2026-03-14T12:00:01.250000+00:00"
    for _ in range(2):
        assert api.get(f"/v2/order/{order['id']}").content == response.content
        clock.advance(1)


def test_the_delay_does_not_hold_for_sync_orders(clock: ManualClock) -> None:
    """A sync order completes a second after its creation whatever the delay is."""
    with MockServer(clock=clock, processing_delay=60) as server:
        api = Api(server.url)
        order = api.order(mode="sync").json()
        api.close()
    assert order["status"] == "COMPLETED"
    assert order["completed_at"] == "2026-03-14T12:00:01.250000+00:00"


def test_each_order_has_its_own_second(api: Api, clock: ManualClock) -> None:
    """Orders made at different times end at different times."""
    first = api.order().json()["id"]
    clock.advance(0.6)
    second = api.order().json()["id"]
    clock.advance(0.4)
    assert (_statuses(api, first)[0], _statuses(api, second)[0]) == ("COMPLETED", "PROCESSING")
    clock.advance(0.6)
    assert _statuses(api, second) == ("COMPLETED", "COMPLETED")
