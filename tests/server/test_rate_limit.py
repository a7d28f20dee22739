"""The limit on creating orders: a number of attempts in any sixty seconds."""

from typing import Any

import pytest

from runa_mock_server import ManualClock
from support.answers import order_ids, refusal
from support.api import Api

LIMIT = 3
OTHER = "XX-other.secret"


pytestmark = pytest.mark.runa(rate_limit=LIMIT)


def _statuses(api: Api, count: int) -> list[int]:
    return [api.order().status_code for _ in range(count)]


def test_beyond_the_limit_orders_are_turned_away(api: Api) -> None:
    """429 with a body of its own shape, and no order."""
    assert _statuses(api, LIMIT) == [202] * LIMIT
    response = api.order()
    assert response.status_code == 429
    assert response.json() == {"error": "rate exceeded"}
    assert len(order_ids(api)) == LIMIT


def test_the_window_slides(api: Api, clock: ManualClock) -> None:
    """Each attempt is forgotten sixty seconds after it was made, to the microsecond."""
    for _ in range(LIMIT):  # at 0, 10 and 20 seconds
        assert api.order().status_code == 202
        clock.advance(10)
    clock.advance(29.999999)
    assert api.order().status_code == 429
    clock.advance(0.000001)  # 60: the first is forgotten
    assert _statuses(api, 2) == [202, 429]
    clock.advance(9.999999)
    assert api.order().status_code == 429
    clock.advance(0.000001)  # 70: the second is
    assert _statuses(api, 2) == [202, 429]


def test_a_minute_later_all_are_free_again(api: Api, clock: ManualClock) -> None:
    """Attempts that were turned away do not count, so who backs off recovers."""
    assert _statuses(api, 10) == [202] * LIMIT + [429] * 7
    clock.advance(60)
    assert _statuses(api, LIMIT + 1) == [202] * LIMIT + [429]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_Api_Version": "latest"}, 400),
        ({"X_Api_Version": "2023-01-16"}, 410),
        ({"X_Execution_Mode": "batch"}, 400),
        ({"X_Idempotency_Key": ""}, 422),
        ({"X_Trigger_Error": "internal_server_error"}, 500),
        ({"X_Trigger_Error": "nonsense"}, 400),
    ],
)
def test_failed_attempts_count(api: Api, headers: dict[str, Any], status: int) -> None:
    """Whatever was wrong with an attempt, it was one."""
    assert [api.order(**headers).status_code for _ in range(LIMIT)] == [status] * LIMIT
    assert api.order().status_code == 429


def test_replays_and_conflicts_count(api: Api) -> None:
    """The limit is looked at before the idempotency key."""
    answers = [api.order(key="k") for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


def test_bad_bodies_count(api: Api) -> None:
    """A body that is no JSON, no order or too large is an attempt."""
    statuses = [api.order(raw=raw).status_code for raw in (b"{", b"{}", b" " * 2_000_000)]
    assert statuses == [400, 422, 413]
    assert api.order().status_code == 429


def test_reading_is_not_limited(api: Api) -> None:
    """Only creating orders counts, and only it is turned away."""
    for _ in range(3 * LIMIT):
        assert api.get("/v2/order").status_code == 200
        assert api.get("/v2/ping").status_code == 200
    assert _statuses(api, LIMIT + 1) == [202] * LIMIT + [429]
    assert api.get("/v2/ping").status_code == 200


def test_the_limit_is_an_account_s(api: Api) -> None:
    """One account's attempts cost another nothing; strangers' attempts cost nobody."""
    for _ in range(2 * LIMIT):
        assert refusal(api.order(X_Api_Key="")) == (401, "unauthorized")
        assert refusal(api.order(X_Api_Key="wg-live")) == (403, "forbidden")
    assert _statuses(api, LIMIT + 1) == [202] * LIMIT + [429]
    assert api.order(X_Api_Key=OTHER).status_code == 202


@pytest.mark.runa(rate_limit=None)
def test_unless_asked_for_there_is_no_limit(api: Api) -> None:
    """More than the provider's 300 a minute are taken by default."""
    assert _statuses(api, 310) == [202] * 310
