"""The limit on creating orders (provider's page "Rate limiting")."""

from collections import deque

from runa_mock_server.clock import SECOND
from runa_mock_server.errors import RateExceededError

_WINDOW = 60 * SECOND


class RateLimiter:
    """Lets a number of attempts through in any sixty seconds.

    Failed attempts count like successful ones; attempts that were themselves turned away with
    429 do not (inferred), so that a client which backs off does recover.

    Args:
        limit: attempts a minute, or ``None`` for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._attempts: deque[int] = deque()

    def attempt(self, now: int) -> None:
        """Count an attempt at ``now`` (microseconds).

        Raises:
            RateExceededError: if the limit is used up; the attempt is not counted.
        """
        if self._limit is None:
            return
        while self._attempts and now - self._attempts[0] >= _WINDOW:
            self._attempts.popleft()
        if len(self._attempts) >= self._limit:
            raise RateExceededError
        self._attempts.append(now)
