"""Clocks: they can be moved, stopped and sped up, and never go back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runa_mock_server import Clock, ManualClock
from runa_mock_server.base.clock import FASTEST, to_datetime, to_microseconds

SECOND = 1_000_000
START = datetime(2026, 3, 14, 12, tzinfo=UTC)
BEGIN = to_microseconds(START)
Move = Callable[[Clock], None]

SPEEDS = st.floats(min_value=0.001, max_value=1000)
STEPS = st.integers(0, 10**12)  # microseconds, up to eleven days


class Source:
    """A clock to follow, in the hand of a test."""

    def __init__(self) -> None:
        self.at = BEGIN

    def now(self) -> int:
        """Where it stands, in microseconds."""
        return self.at


def moves() -> st.SearchStrategy[Move]:
    """Whatever can be done to a clock."""
    return st.one_of(
        STEPS.map(lambda step: lambda clock: clock.advance(timedelta(microseconds=step))),
        STEPS.map(lambda step: lambda clock: clock.set(to_datetime(clock.now() + step))),
        SPEEDS.map(lambda speed: lambda clock: clock.run(speed)),
        st.just(lambda clock: clock.freeze()),
    )


@given(st.lists(st.tuples(moves(), STEPS), max_size=20))
def test_a_clock_never_goes_back(story: list[tuple[Move, int]]) -> None:
    """Whatever is done to it, and however the clock that it follows goes on."""
    source = Source()
    clock = Clock(computer=source.now)
    seen = [clock.now()]
    for move, passed in story:
        move(clock)
        seen.append(clock.now())
        source.at += passed
        seen.append(clock.now())
    assert seen == sorted(seen)


@given(st.lists(st.tuples(st.booleans(), moves(), STEPS), max_size=12))
def test_a_clock_that_follows_another_never_goes_back(
    story: list[tuple[bool, Move, int]],
) -> None:
    """An account's clock on the server's, both of which are moved."""
    source = Source()
    server = Clock(computer=source.now)
    account = Clock(server, computer=source.now)
    seen = [account.now()]
    for of_account, move, passed in story:
        move(account if of_account else server)
        seen.append(account.now())
        source.at += passed
        seen.append(account.now())
    assert seen == sorted(seen)


@given(STEPS, st.lists(STEPS, max_size=5))
def test_advances_add_up(passed: int, steps: list[int]) -> None:
    """To the microsecond, on top of what passes by itself."""
    source = Source()
    clock = Clock(computer=source.now)
    for step in steps:
        clock.advance(timedelta(microseconds=step))
    source.at += passed
    assert clock.now() == BEGIN + sum(steps) + passed


@given(STEPS, SPEEDS)
@example(1_000_000, 60)
def test_speed_stretches_what_passes(passed: int, speed: float) -> None:
    """From the moment on at which it is told."""
    source = Source()
    clock = Clock(computer=source.now)
    source.at += 5 * SECOND
    clock.run(speed)
    source.at += passed
    assert abs(clock.now() - (BEGIN + 5 * SECOND + passed * speed)) <= 1
    assert clock.speed == speed


@given(STEPS, STEPS)
def test_frozen_time_stands_until_it_is_moved(passed: int, step: int) -> None:
    """It goes on from where it stood, not from where it would be."""
    source = Source()
    clock = Clock(computer=source.now)
    clock.freeze()
    source.at += passed
    assert (clock.now(), clock.speed) == (BEGIN, 0)
    clock.advance(timedelta(microseconds=step))
    source.at += passed
    assert clock.now() == BEGIN + step
    clock.run()
    source.at += passed
    assert clock.now() == BEGIN + step + passed


@given(st.integers(0, 10**6), st.integers(0, 400), st.integers(0, 99), st.integers(0, 10**6 - 1))
def test_an_iso_duration_is_what_it_says(weeks: int, days: int, minutes: int, micro: int) -> None:
    """Weeks to seconds, with fractions; the same as its timedelta."""
    weeks %= 50_000
    by_text, by_delta = ManualClock(START), ManualClock(START)
    by_text.advance(f"P{weeks}W{days}DT{minutes}M0.{micro:06d}S")
    by_delta.advance(timedelta(weeks=weeks, days=days, minutes=minutes, microseconds=micro))
    assert by_text.now() == by_delta.now()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("P31D", 31 * 86_400),
        ("PT1H30M", 5_400),
        ("P1W", 7 * 86_400),
        ("P0.5D", 43_200),
        ("PT0S", 0),
        ("P1DT0.000001S", 86_400.000001),
        ("PT36H", 36 * 3_600),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """The usual ones."""
    clock = ManualClock(START)
    clock.advance(text)
    assert clock.now() == BEGIN + round(seconds * SECOND)


NO_DURATIONS: tuple[Any, ...] = (
    *("", "P", "PT", "P1DT", "1D", "P1M", "P1Y", "P-1D", "-P1D", "p1d", "P1D ", "P1H", "PT1D"),
    *("P1,5D", "P\u0661D", "P1S2D", "P" + "9" * 400 + "D", "P9000000000D", None, [], b"P1D"),
)


@pytest.mark.parametrize("by", NO_DURATIONS)
def test_what_is_no_duration_is_refused(by: Any) -> None:
    """The message names the argument; years and months have no length."""
    clock = ManualClock(START)
    with pytest.raises(ValueError, match=r"^by: cannot advance by "):
        clock.advance(by)
    assert clock.now() == BEGIN


def test_setting_takes_any_time_zone() -> None:
    """The moment counts; the present one is no step back."""
    clock = ManualClock(START)
    clock.set(START)
    clock.set(datetime(2026, 3, 14, 14, 0, 1, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == BEGIN + SECOND


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (START - timedelta(microseconds=1), "a clock does not go back, and it is 2026-03-14T12:00"),
        (START.replace(tzinfo=None), "must be timezone-aware"),
        (START.replace(year=9001), "a clock goes from 1970 to 9000"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(to: datetime, reason: str) -> None:
    """The message names the argument and the reason."""
    clock = ManualClock(START)
    with pytest.raises(ValueError, match=f"^to: {reason}"):
        clock.set(to)
    assert clock.now() == BEGIN


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), FASTEST + 1])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    """The message names the argument; time stands as it did."""
    clock = ManualClock(START)
    with pytest.raises(ValueError, match=r"^speed: "):
        clock.run(speed)
    assert (clock.now(), clock.speed) == (BEGIN, 0)


@pytest.mark.parametrize("year", [1969, 9001])
def test_a_manual_clock_starts_between_1970_and_9000(year: int) -> None:
    """Ids can tell no other time."""
    with pytest.raises(ValueError, match=r"^start: a clock goes from 1970 to 9000"):
        ManualClock(START.replace(year=year))


@given(STEPS.map(lambda step: step + 1), SPEEDS)
def test_the_end_of_time_is_not_passed(step: int, speed: float) -> None:
    """A clock that would run beyond it stops there."""
    source = Source()
    clock = Clock(computer=source.now)
    clock.set(datetime(8999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    with pytest.raises(ValueError, match=r"^by: .* a clock goes from 1970 to 9000"):
        clock.advance(timedelta(microseconds=step))
    clock.run(speed if speed != 1 else 2)
    source.at += 10**14
    assert to_datetime(clock.now()).year <= 9000


def test_reset_returns_to_the_start() -> None:
    """Also back, for whoever has forgotten what happened."""
    clock = ManualClock(START)
    clock.advance("P400D")
    clock.run(5)
    clock.reset()
    assert (clock.now(), clock.speed) == (BEGIN, 0)


def test_a_restored_clock_stands_where_the_other_stood() -> None:
    """Moment and speed, also in the past."""
    clock, other = ManualClock(START), ManualClock(START - timedelta(days=1))
    clock.restore(*other.state())
    assert clock.state() == other.state()
