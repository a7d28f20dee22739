"""The one clock. Whatever depends on time asks it, so that tests can own time.

Moments are whole microseconds since the Unix epoch, UTC: exact, cheap to compare and to store.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

SECOND = 1_000_000
DAY = 24 * 60 * 60 * SECOND


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """The present moment, in microseconds since the epoch."""
        ...


class SystemClock:
    """The computer's clock."""

    def now(self) -> int:
        """The present moment, in microseconds since the epoch."""
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that stands still until it is moved; it never goes back.

    Args:
        start: where it stands at first, an aware datetime from 1970 to 9000; by default the
            present moment.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is None:
            self._now = SystemClock().now()
        elif start.tzinfo is None:
            raise ValueError("start: must be timezone-aware, for example datetime.now(UTC)")
        else:
            self._now = _checked(to_microseconds(start))
        self._lock = threading.Lock()

    def now(self) -> int:
        """The moment at which it stands, in microseconds since the epoch."""
        return self._now

    def advance(self, by: float | timedelta) -> None:
        """Move forward.

        Args:
            by: seconds, or a timedelta; not negative.

        Raises:
            ValueError: if ``by`` is negative, not a number, or leads beyond the year 9000.
        """
        try:
            step = by if isinstance(by, timedelta) else timedelta(seconds=by)
            if step < timedelta(0):
                raise ValueError("a clock does not go back")  # noqa: TRY301 - one message for all
            with self._lock:
                self._now = _checked(self._now + step // timedelta(microseconds=1))
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"by: cannot advance by {by!r}: {error}") from None


# Ids can tell no time before the epoch, and links made later must still expire before year 10000.
_LAST = 221_845_392_000 * SECOND


def _checked(moment: int) -> int:
    if not 0 <= moment < _LAST:
        raise ValueError("a clock goes from 1970 to 9000")
    return moment


def to_microseconds(moment: datetime) -> int:
    """An aware datetime as microseconds since the epoch."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


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
