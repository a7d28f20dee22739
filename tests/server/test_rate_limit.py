"""The limit on creating orders: a number of attempts in any sixty seconds."""

from collections.abc import Iterator
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.answers import order_ids, refusal
from support.api import Api

LIMIT = 3
OTHER = "XX-other.secret"


@pytest.fixture
def limited(clock: ManualClock) -> Iterator[Api]:
    """A caller of a server that takes three orders a minute."""
    with MockServer(clock=clock, rate_limit=LIMIT) as server:
        caller = Api(server.url)
        yield caller
        caller.close()


def _statuses(api: Api, count: int) -> list[int]:
    return [api.order().status_code for _ in range(count)]


def test_beyond_the_limit_orders_are_turned_away(limited: Api) -> None:
    """429 with a body of its own shape, and no order."""
    assert _statuses(limited, LIMIT) == [202] * LIMIT
    response = limited.order()
    assert response.status_code == 429
    assert response.json() == {"error": "rate exceeded"}
    assert len(order_ids(limited)) == LIMIT


def test_the_window_slides(limited: Api, clock: ManualClock) -> None:
    """Each attempt is forgotten sixty seconds after it was made, to the microsecond."""
    for _ in range(LIMIT):  # at 0, 10 and 20 seconds
        assert limited.order().status_code == 202
        clock.advance(10)
    clock.advance(29.999999)
    assert limited.order().status_code == 429
    clock.advance(0.000001)  # 60: the first is forgotten
    assert _statuses(limited, 2) == [202, 429]
    clock.advance(9.999999)
    assert limited.order().status_code == 429
    clock.advance(0.000001)  # 70: the second is
    assert _statuses(limited, 2) == [202, 429]


def test_a_minute_later_all_are_free_again(limited: Api, clock: ManualClock) -> None:
    """Attempts that were turned away do not count, so who backs off recovers."""
    assert _statuses(limited, 10) == [202] * LIMIT + [429] * 7
    clock.advance(60)
    assert _statuses(limited, LIMIT + 1) == [202] * LIMIT + [429]


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
def test_failed_attempts_count(limited: Api, headers: dict[str, Any], status: int) -> None:
    """Whatever was wrong with an attempt, it was one."""
    assert [limited.order(**headers).status_code for _ in range(LIMIT)] == [status] * LIMIT
    assert limited.order().status_code == 429


def test_replays_and_conflicts_count(limited: Api) -> None:
    """The limit is looked at before the idempotency key."""
    answers = [limited.order(key="k") for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


def test_bad_bodies_count(limited: Api) -> None:
    """A body that is no JSON, no order or too large is an attempt."""
    statuses = [limited.order(raw=raw).status_code for raw in (b"{", b"{}", b" " * 2_000_000)]
    assert statuses == [400, 422, 413]
    assert limited.order().status_code == 429


def test_reading_is_not_limited(limited: Api) -> None:
    """Only creating orders counts, and only it is turned away."""
    for _ in range(3 * LIMIT):
        assert limited.get("/v2/order").status_code == 200
        assert limited.get("/v2/ping").status_code == 200
    assert _statuses(limited, LIMIT + 1) == [202] * LIMIT + [429]
    assert limited.get("/v2/ping").status_code == 200


def test_the_limit_is_an_account_s(limited: Api) -> None:
    """One account's attempts cost another nothing; strangers' attempts cost nobody."""
    for _ in range(2 * LIMIT):
        assert refusal(limited.order(X_Api_Key="")) == (401, "unauthorized")
        assert refusal(limited.order(X_Api_Key="wg-live")) == (403, "forbidden")
    assert _statuses(limited, LIMIT + 1) == [202] * LIMIT + [429]
    assert limited.order(X_Api_Key=OTHER).status_code == 202


def test_unless_asked_for_there_is_no_limit(api: Api) -> None:
    """More than the provider's 300 a minute are taken by default."""
    assert _statuses(api, 310) == [202] * 310
