"""Everything follows the clock: a month passes in a moment, for all or for one account."""

from datetime import timedelta
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.control_client.transport import ControlRefusedError
from support.answers import order_ids
from support.api import KEY, Api, body
from support.fixtures import NOON
from support.money import redeemed, refusal_code
from support.waiting import until

OTHER = "XX-other.secret"
MICROSECOND = timedelta(microseconds=1)


def scope_of(server: MockServer, which: str) -> Any:
    """The whole server, or the account of the tests."""
    return server if which == "server" else server.account(KEY)


@pytest.fixture(params=["server", "account"])
def scope(request: pytest.FixtureRequest, server: MockServer) -> Any:
    """Whose clock is moved."""
    return scope_of(server, request.param)


def test_a_key_is_free_after_30_days_to_the_microsecond(scope: Any, api: Api) -> None:
    """Counted from its first request, whatever came after."""
    first = api.order(key="monthly")
    scope.clock.advance("P29D")
    assert api.order(key="monthly").content == first.content
    scope.clock.advance(timedelta(days=1) - MICROSECOND)
    assert api.order(key="monthly").content == first.content
    assert api.order({}, key="monthly").json()["type"] == "idempotency_validation_error"
    scope.clock.advance(MICROSECOND)
    second = api.order(body(description="April"), key="monthly")
    assert second.status_code == 202
    assert order_ids(api) == [second.json()["id"], first.json()["id"]]
    scope.clock.advance(timedelta(days=30) - MICROSECOND)
    assert api.order(body(description="April"), key="monthly").content == second.content


def test_a_month_changes_everything_that_has_a_time(scope: Any, api: Api) -> None:
    """Status, timestamps, ids and the journal."""
    before = api.order().json()["id"]
    scope.clock.set(NOON + timedelta(days=31))
    after = api.order(mode="sync").json()
    assert api.read(before)["completed_at"] == "2026-03-14T12:00:01.250000+00:00"
    assert after["created_at"] == "2026-04-14T12:00:00.250000+00:00"
    assert before < after["id"]
    assert [entry.at.month for entry in scope.journal][:2] == [3, 4]


def test_links_expire(scope: Any, api: Api) -> None:
    """To the microsecond, counted from the completion."""
    scope.configure(link_lifetime_days=10)
    links = [api.order(mode="sync").json()["items"][0]["payout"]["url"] for _ in range(2)]
    scope.clock.advance(timedelta(days=10, seconds=1) - MICROSECOND)
    assert redeemed(links[0])["status"] == "SUCCESS"
    scope.clock.advance(MICROSECOND)
    assert refusal_code(links[1]) == "RE004"


def test_the_rate_window_moves_on(scope: Any, api: Api) -> None:
    """A minute after the first order there is room for one more."""
    scope.configure(rate_limit=2)
    seen = [api.order().status_code for _ in range(3)]
    scope.clock.advance(60)
    assert [*seen, api.order().status_code] == [202, 202, 429, 202]


def test_an_account_s_clock_follows_the_server_s(server: MockServer) -> None:
    """What it was moved by itself comes on top; others notice nothing."""
    mine, theirs = server.account(KEY).clock, server.account(OTHER).clock
    mine.advance("P1D")
    server.clock.advance(60)
    assert mine.now() == NOON + timedelta(days=1, seconds=60)
    assert theirs.now() == server.clock.now() == NOON + timedelta(seconds=60)


def test_a_frozen_account_stays_behind(server: MockServer) -> None:
    """And goes on from there by itself, at its own speed, whatever the server's clock does."""
    mine = server.account(KEY).clock
    assert mine.speed == server.clock.speed == 0
    mine.freeze()
    server.clock.advance(60)
    assert (mine.now(), mine.speed) == (NOON, 0)
    mine.run(speed=0.001)
    server.clock.advance("P1D")
    assert NOON <= mine.now() < NOON + timedelta(minutes=1)
    assert mine.speed == 0.001


def test_orders_of_a_faster_account_end_sooner(server: MockServer, api: Api) -> None:
    """An hour's processing in the twinkling of an eye, while the server's time stands still."""
    server.configure(processing_delay=3_600)
    server.account(KEY).clock.run(speed=1_000_000)
    orders = {key: api.order(X_Api_Key=key).json()["id"] for key in (KEY, OTHER)}

    def status(key: str) -> str:
        answer = api.get(f"/v2/order/{orders[key]}", headers={"X-Api-Key": key}).json()
        return str(answer["status"])

    until(lambda: status(KEY) == "COMPLETED")
    assert status(OTHER) == "PROCESSING"


def test_a_system_clock_can_be_taken_over() -> None:
    """Moved, stopped, and sped up so that a day is less than a second."""
    with MockServer() as server:
        server.clock.freeze()
        stopped = server.clock.now()
        assert server.clock.now() == stopped
        assert server.clock.advance("P31D") - stopped == timedelta(days=31)
        assert server.clock.run(speed=1_000_000) >= stopped + timedelta(days=31)
        assert server.clock.speed == 1_000_000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda clock: clock.advance(-1), "advance"),
        (lambda clock: clock.advance("P1M"), "advance"),
        (lambda clock: clock.advance(float("1e300")), "advance"),
        (lambda clock: clock.advance([]), "advance"),
        (lambda clock: clock.advance(timedelta(days=-1)), "advance"),
        (lambda clock: clock.set(NOON - MICROSECOND), "set"),
        (lambda clock: clock.set(NOON.replace(tzinfo=None)), "set"),
        (lambda clock: clock.set(NOON.replace(year=9500)), "set"),
        (lambda clock: clock.run(0), "speed"),
        (lambda clock: clock.run(10**7), "speed"),
        (lambda clock: clock.run("fast"), "speed"),
    ],
)
def test_a_refused_change_names_its_field(scope: Any, change: Any, field: str) -> None:
    """And time stands where it stood."""
    speed = scope.clock.speed
    with pytest.raises(ControlRefusedError, match=f"^{field}: ") as caught:
        change(scope.clock)
    assert caught.value.details[0]["location"] == ["body", field]
    assert (scope.clock.now(), scope.clock.speed) == (NOON, speed)


def test_a_reset_takes_time_back(server: MockServer, clock: ManualClock, api: Api) -> None:
    """To the start, for nothing is left that could notice; an account's joins the server's."""
    api.order()
    server.account(KEY).clock.advance("P1D")
    server.clock.advance("P1D")
    server.account(KEY).reset()
    assert server.account(KEY).clock.now() == server.clock.now() == NOON + timedelta(days=1)
    server.reset()
    assert server.clock.now() == NOON
    assert clock.speed == 0
