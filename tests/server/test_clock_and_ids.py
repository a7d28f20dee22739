"""Time in the hands of a test, and ids that a seed repeats."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runa_mock_server import Clock, ManualClock, MockServer
from support.answers import order_ids
from support.api import Api, body, item

START = datetime(2026, 3, 14, 12, tzinfo=UTC)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _story(seed: int | None, key: str = "XX-a", count: int = 5) -> list[dict[str, Any]]:
    """The sync orders of one and the same series of calls on a new server."""
    with MockServer(clock=ManualClock(START), seed=seed, public_url="http://mock") as server:
        api = Api(server.url, key)
        orders = [api.order(mode="sync").json() for _ in range(count)]
        api.close()
    return orders


def _secrets(orders: list[dict[str, Any]]) -> set[str]:
    """Every id and every payout link in the orders."""
    return {
        text
        for order in orders
        for entry in order["items"]
        for text in (order["id"], entry["id"], entry["payout"]["url"])
    }


def _millisecond(ulid: str) -> int:
    value = 0
    for digit in ulid[:10]:
        value = value * 32 + CROCKFORD.index(digit)
    return value


@pytest.mark.parametrize("seed", [0, 7, -1, 10**30])
def test_the_same_seed_and_calls_give_the_same_orders(seed: int) -> None:
    """Ids, tokens in links and every other byte repeat."""
    assert _story(seed) == _story(seed)


def test_another_seed_gives_other_ids_and_tokens() -> None:
    """Nothing random is shared between seeds, nor with a server without one."""
    stories = [_story(1), _story(2), _story(None), _story(None)]
    everything = [_secrets(story) for story in stories]
    assert len(set.union(*everything)) == sum(len(part) for part in everything) == 4 * 15


def test_accounts_of_one_seed_differ() -> None:
    """Each account has a source of its own."""
    assert not _secrets(_story(1, "XX-a")) & _secrets(_story(1, "XX-b"))


def test_another_account_s_calls_change_nothing() -> None:
    """An account's ids do not depend on what others do."""
    with MockServer(clock=ManualClock(START), seed=1, public_url="http://mock") as server:
        api = Api(server.url, "XX-a")
        orders = []
        for _ in range(5):
            api.order(X_Api_Key="XX-b")
            orders.append(api.order(mode="sync").json())
        api.close()
    assert orders == _story(1)


def test_refused_orders_use_up_no_ids() -> None:
    """An error changes nothing for the orders after it."""
    with MockServer(clock=ManualClock(START), seed=1, public_url="http://mock") as server:
        api = Api(server.url, "XX-a")
        orders = []
        for _ in range(5):
            api.order(body(items=[item(face_value=1)]))
            api.order(X_Trigger_Error="timeout")
            orders.append(api.order(mode="sync").json())
        api.close()
    assert orders == _story(1)


def test_ids_sort_by_creation_within_one_millisecond(api: Api) -> None:
    """Also when time stands still, later ids are larger."""
    made = [api.order().json()["id"] for _ in range(100)]
    assert made == sorted(set(made))
    assert order_ids(api) == made[::-1]


def test_ids_sort_by_creation_as_time_goes_on(api: Api, clock: ManualClock) -> None:
    """Microseconds, milliseconds and days apart."""
    made = []
    for step in (0, 1e-6, 0.000999, 0.001, 1, 3600, 86_400, 10**8):
        clock.advance(step)
        made += [api.order().json()["id"] for _ in range(2)]
    assert made == sorted(set(made))


def test_the_items_of_an_order_sort_in_their_order(api: Api, clock: ManualClock) -> None:
    """Item ids grow along the list and from order to order, and none is used twice."""
    accepted = [api.order(body(items=[item()] * 3)).json()["id"] for _ in range(2)]
    clock.advance(1)
    ids = [entry["id"] for order_id in accepted for entry in api.read(order_id)["items"]]
    assert len(ids) == 6
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"E-[0-9A-HJKMNP-TV-Z]{26}", item_id) for item_id in ids)


def test_an_id_tells_when_it_was_made(api: Api, clock: ManualClock) -> None:
    """The first ten characters are the millisecond of creation."""
    for _ in range(3):
        now = clock.now() // 1_000
        order = api.order(mode="sync").json()
        assert _millisecond(order["id"].removeprefix("O-")) == now
        assert _millisecond(order["items"][0]["id"].removeprefix("E-")) == now
        clock.advance(0.7)


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    """It begins where it is told and moves by seconds or by a timedelta."""
    clock = ManualClock(START)
    begin = clock.now()
    assert begin == int(START.timestamp()) * 1_000_000
    clock.advance(1.5)
    assert clock.now() == begin + 1_500_000
    clock.advance(timedelta(microseconds=1))
    assert clock.now() == begin + 1_500_001
    clock.advance(0)
    assert clock.now() == begin + 1_500_001


def test_a_manual_clock_takes_any_time_zone() -> None:
    """The moment counts, not its spelling."""
    zone = datetime.fromisoformat("2026-03-14T13:00:00+01:00")
    assert ManualClock(zone).now() == ManualClock(START).now()


@pytest.mark.parametrize(
    "by", [-1, -1e-6, timedelta(microseconds=-1), float("nan"), float("inf"), 1e12, 1e300, "1"]
)
def test_a_manual_clock_refuses_what_is_no_step_forward(by: Any) -> None:
    """ValueError that names the argument, and the clock has not moved."""
    clock = ManualClock(START)
    before = clock.now()
    with pytest.raises(ValueError, match=r"^by: cannot advance"):
        clock.advance(by)
    assert clock.now() == before


def test_a_manual_clock_needs_a_time_zone() -> None:
    """A naive datetime is a doubt."""
    with pytest.raises(ValueError, match=r"^start: must be timezone-aware"):
        ManualClock(START.replace(tzinfo=None))


def test_by_default_time_is_the_computer_s() -> None:
    """Without a clock of its own a server lives in the present."""
    before = datetime.now(UTC)
    with MockServer() as server:
        api = Api(server.url)
        created = datetime.fromisoformat(api.order(mode="sync").json()["created_at"])
        api.close()
    assert before <= created <= datetime.now(UTC)
    assert before <= datetime.fromtimestamp(ManualClock().now() / 1e6, UTC)
    assert ManualClock().now() <= Clock().now()
