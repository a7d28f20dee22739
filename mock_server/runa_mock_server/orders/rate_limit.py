"""The limit on creating orders (provider's page "Rate limiting")."""

from runa_mock_server.base.clock import SECOND
from runa_mock_server.base.errors import RateExceededError
from runa_mock_server.orders.commit import AccountView, Commit
from runa_schemas.contract_data import RATE_LIMIT_SECONDS

RATE_WINDOW = RATE_LIMIT_SECONDS * SECOND
"""How long an attempt counts, in microseconds."""


def attempt(view: AccountView, limit: int, now: int) -> Commit:
    """Count an attempt to place an order, if that many are let through in any sixty seconds.

    Failed attempts count like successful ones; attempts that were themselves turned away with
    429 do not (inferred), so that a client which backs off does recover.

    Args:
        view: the account.
        limit: attempts a minute.
        now: microseconds since the epoch.

    Raises:
        RateExceededError: if the limit is used up.
    """
    if view.attempts_since(now - RATE_WINDOW) >= limit:
        raise RateExceededError
    return Commit(attempt=now)
