"""The limit on creating orders (provider's page "Rate limiting")."""

from collections import deque

from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.errors import RateExceededError
from runa_schemas.contract_data import RATE_LIMIT_SECONDS

_WINDOW = RATE_LIMIT_SECONDS * SECOND


class RateLimiter:
    """Lets a number of attempts through in any sixty seconds.

    Failed attempts count like successful ones; attempts that were themselves turned away with
    429 do not (inferred), so that a client which backs off does recover.

    Args:
        limit: attempts a minute, or ``None`` for no limit; may be changed at any time.

    Attributes:
        attempts: the moments of those that count, oldest first.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.attempts: deque[int] = deque()

    def attempt(self, now: int) -> None:
        """Count an attempt at ``now`` (microseconds).

        Raises:
            RateExceededError: if the limit is used up; the attempt is not counted.
        """
        if self.limit is None:
            return
        while self.attempts and now - self.attempts[0] >= _WINDOW:
            self.attempts.popleft()
        if len(self.attempts) >= self.limit:
            raise RateExceededError
        self.attempts.append(now)
