"""Control of a clock."""

from datetime import datetime, timedelta

from runa_mock_server.control import running
from runa_mock_server.control_client.transport import Part


class ClockControl(Part):
    """The clock of an account, or of the server. Methods that change it return its new time."""

    def now(self) -> datetime:
        """The current time."""
        return self._call(running.read_clock).now

    @property
    def speed(self) -> float:
        """Seconds per second of real time; 0 while the clock is stopped."""
        return self._call(running.read_clock).speed

    def advance(self, by: float | timedelta | str) -> datetime:
        """Move forward by seconds, a timedelta, or an ISO 8601 duration such as ``P31D``."""
        return self._change(advance=by)

    def set(self, to: datetime) -> datetime:
        """Move forward to an aware datetime, which must not be in the past."""
        return self._change(set=to)

    def freeze(self) -> datetime:
        """Stop the clock until it is moved or runs again."""
        return self._change(freeze=True)

    def run(self, speed: float = 1) -> datetime:
        """Start the clock, with ``speed`` seconds per second of real time."""
        return self._change(speed=speed)

    def _change(self, **body: object) -> datetime:
        return self._call(running.change_clock, body).now
