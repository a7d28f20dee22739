"""The one clock. Whatever depends on time asks it, so that tests can own time.

Moments are whole microseconds since the Unix epoch, UTC: exact, cheap to compare and to store.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000
DAY = 24 * 60 * 60 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FASTEST = 1_000_000
"""The highest speed of a clock: eleven days a second."""

# Ids can tell no time before the epoch, and links made later must still expire before year 10000.
_LAST = 221_845_392_000 * SECOND
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_DURATION = re.compile(
    rf"P(?!$)(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?!$)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER})S)?)?"
)


def computer_time() -> int:
    """The computer's clock, in microseconds since the epoch."""
    return time.time_ns() // 1_000


class ComputerTime:
    """The computer's clock, which can be held at a moment that has passed, to repeat it."""

    def __init__(self) -> None:
        self._held: int | None = None

    def __call__(self) -> int:
        """The present moment, or the one that it is held at."""
        held = self._held
        return computer_time() if held is None else held

    @contextmanager
    def held_at(self, moment: int) -> Iterator[None]:
        """Stand still at a moment meanwhile."""
        before, self._held = self._held, moment
        try:
            yield
        finally:
            self._held = before


class Clock:
    """Can be moved ahead, stopped and sped up; it never goes back.

    Args:
        leader: a clock to follow, until it is stopped or told to run by itself; otherwise it goes
            by the computer's.
        computer: the computer's clock, microseconds since the epoch.
        listeners: called whenever it is moved; see ``when_moved``.
    """

    __slots__ = ("_computer", "_following", "_leader", "_lock", "_start", "_state", "_when_moved")

    def __init__(
        self,
        leader: "Clock | None" = None,
        computer: Callable[[], int] = computer_time,
        listeners: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._leader = leader
        self._computer: Callable[[], int] = computer
        # What it goes by, where that stood, where this clock stood then, how fast it has gone
        # since. Replaced as a whole, so that reading needs no lock.
        self._state: tuple[Callable[[], int], int, int, float]
        # Followers are many, and share with their leader what is the same for all of them.
        self._following: tuple[Callable[[], int], int, int, float] | None = None
        if leader is None:
            self._lock = threading.Lock()
            self._state = (computer, 0, 0, 1)
        else:
            self._lock = leader._lock  # noqa: SLF001 - of the same class
            self._computer = leader._computer  # noqa: SLF001 - as above
            self._state = leader._followed()  # noqa: SLF001 - as above
        self._start = self._state
        self._when_moved = listeners

    def _followed(self) -> tuple[Callable[[], int], int, int, float]:
        """The state of a clock that goes by this one."""
        if self._following is None:
            self._following = (self.now, 0, 0, 1)
        return self._following

    @property
    def follows(self) -> bool:
        """Whether it goes by its leader, as at the start."""
        return self._leader is not None and self._state is self._start

    def now(self) -> int:
        """The present moment, in microseconds since the epoch."""
        source, origin, base, speed = self._state
        if not speed:
            return base
        # The common source is asked without a call, for every request asks.
        elapsed = (time.time_ns() // 1_000 if source is computer_time else source()) - origin
        moment = base + elapsed if speed == 1 else base + int(elapsed * speed)
        return moment if moment < _LAST else _LAST - 1  # a call of min() would take as long as all

    @property
    def speed(self) -> float:
        """Its seconds for each second that passes; 0 while it stands still."""
        source, _, _, speed = self._state
        return speed if self._leader is None or source is self._computer else self._leader.speed

    def seconds_until(self, moment: int) -> float | None:
        """How many seconds of the computer's time pass until it shows a moment.

        Returns:
            0 once it is there, ``None`` while it stands still before it.
        """
        left = moment - self.now()
        if left <= 0:
            return 0
        return left / SECOND / self.speed if self.speed else None

    def when_moved(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have ``call`` called whenever this clock is moved, stopped or told to run.

        It is called by whoever moves the clock, on his thread.

        Returns:
            What undoes it.
        """
        with self._lock:
            self._when_moved = (*self._when_moved, call)
        return lambda: self._forget(call)

    def _forget(self, call: Callable[[], None]) -> None:
        with self._lock:
            self._when_moved = tuple(each for each in self._when_moved if each != call)

    def advance(self, by: float | timedelta | str) -> None:
        """Move ahead.

        Args:
            by: seconds, a timedelta, or an ISO 8601 duration of weeks, days, hours, minutes and
                seconds such as ``P31D`` or ``PT1H30M``; not negative.

        Raises:
            ValueError: if ``by`` is negative, no duration, or leads beyond the year 9000.
        """
        try:
            step = _duration(by) // timedelta(microseconds=1)
            if step < 0:
                raise ValueError("a clock does not go back")  # noqa: TRY301 - one message for all
            with self._lock:
                self._move(_checked(self.now() + step))
            self._tell()
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"by: cannot advance by {by!r}: {error}") from None

    def set(self, to: datetime) -> None:
        """Move ahead to a moment.

        Args:
            to: an aware datetime, not before the present moment.

        Raises:
            ValueError: if ``to`` is naive, in the past, or beyond the year 9000.
        """
        try:
            moment = _checked(_aware(to))
            with self._lock:
                now = self.now()
                if moment < now:
                    raise ValueError(f"a clock does not go back, and it is {timestamp(now)}")  # noqa: TRY301 - as above
                self._move(moment)
            self._tell()
        except ValueError as error:
            raise ValueError(f"to: {error}") from None

    def freeze(self) -> None:
        """Stop: time stands still until it is moved or runs again."""
        with self._lock:
            self._state = (self._computer, 0, self.now(), 0)
        self._tell()

    def run(self, speed: float = 1) -> None:
        """Go on from the present moment, by the computer's clock.

        Args:
            speed: seconds for each second that passes: 60 is a minute a second.

        Raises:
            ValueError: if ``speed`` is not above 0, or above ``FASTEST``.
        """
        if not 0 < speed <= FASTEST:
            raise ValueError(f"speed: must be above 0 and at most {FASTEST}, not {speed!r}")
        with self._lock:
            self._state = (self._computer, self._computer(), self.now(), speed)
        self._tell()

    def reset(self) -> None:
        """Return to how it was made; only for a server that has forgotten what happened."""
        with self._lock:
            self._state = self._start
        self._tell()

    def go_by(self, computer: Callable[[], int], start: tuple[int, float] | None = None) -> None:
        """Go by another clock of the computer, as from the start.

        Args:
            computer: the computer's clock, microseconds since the epoch.
            start: the moment and the speed to start with; by default as it is.
        """
        with self._lock:
            before, self._computer = self._computer, computer
            if start is not None:
                self._start = self._state = (computer, computer(), *start)
            elif self._state[0] is before:
                self._start = self._state = (computer, *self._state[1:])

    def state(self) -> tuple[int, float]:
        """The present moment and the speed, for ``restore``."""
        return self.now(), self.speed

    def restore(self, moment: int, speed: float) -> None:
        """Stand where another clock stood, also in the past; for a state that was exported."""
        with self._lock:
            self._state = (self._computer, self._computer(), _checked(moment), speed)
        self._tell()

    def _tell(self) -> None:
        for call in self._when_moved:
            call()

    def _move(self, moment: int) -> None:
        source, _, _, speed = self._state
        self._state = (source, source(), moment, speed)


class ManualClock(Clock):
    """A clock that stands still until it is moved, or told to run.

    Args:
        start: where it stands at first, an aware datetime from 1970 to 9000; by default the
            present moment.
    """

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__()
        try:
            moment = self.now() if start is None else _checked(_aware(start))
        except ValueError as error:
            raise ValueError(f"start: {error}") from None
        self._start = self._state = (self._computer, 0, moment, 0)


def _duration(by: float | timedelta | str) -> timedelta:
    if isinstance(by, str):
        found = _DURATION.fullmatch(by)
        if found is None:
            raise ValueError("it is no ISO 8601 duration such as P31D or PT1H30M")
        return timedelta(**{unit: float(n) for unit, n in found.groupdict().items() if n})
    return by if isinstance(by, timedelta) else timedelta(seconds=by)


def _aware(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("must be timezone-aware, for example datetime.now(UTC)")
    return to_microseconds(moment)


def _checked(moment: int) -> int:
    if not 0 <= moment < _LAST:
        raise ValueError("a clock goes from 1970 to 9000")
    return moment


def to_microseconds(moment: datetime) -> int:
    """An aware datetime as microseconds since the epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_datetime(moment: int) -> datetime:
    """Microseconds since the epoch as an aware datetime."""
    return EPOCH + timedelta(microseconds=moment)


def timestamp(moment: int) -> str:
    """A moment as the API prints it: UTC, microseconds, ``+00:00``.

    >>> timestamp(1_725_439_763_420_733)
    '2024-09-04T08:49:23.420733+00:00'
    """
    seconds, fraction = divmod(moment, SECOND)
    return f"{_second(seconds)}.{fraction:06d}+00:00"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    # Orders come many to a second: the date is worked out once for all of them.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def clock_of(text: str) -> Clock:
    """The clock that a setting names: ``system``, ``manual``, or the moment of a manual one.

    Raises:
        ValueError: for any other text.
    """
    if text == "system":
        return Clock()
    if text == "manual":
        return ManualClock()
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be system, manual or a moment like 2026-01-31T12:00:00Z") from None
    return ManualClock(start)
