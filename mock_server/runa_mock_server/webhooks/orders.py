"""What webhooks read of orders: when they end, and what ``order.completion`` says of them.

No other module in here knows how orders are stored.
"""

from collections.abc import Callable, Iterable

import orjson

from runa_mock_server.orders.documents import basic
from runa_mock_server.store.memory import AccountState


def follow(
    state: AccountState, changed: Callable[[str, int], None], now: int
) -> Iterable[tuple[str, int | None]]:
    """Be told of every order that is new or ends at another time.

    Args:
        state: the orders of an account.
        changed: is called with the id of such an order and the time at which it ends.
        now: microseconds since the epoch.

    Returns:
        All orders by id, each with the time at which it ends, ``None`` if that is past.
    """
    state.order_changed = changed
    return state.ending_after(now)


def completion(state: AccountState, order_id: str, ended_at: int) -> bytes | None:
    """The body of ``order.completion``: the basic order; of a failed order its id and status.

    Args:
        state: the orders of an account.
        order_id: the order.
        ended_at: when it was expected to end, microseconds since the epoch.

    Returns:
        The body, or ``None`` if the order is gone or ends at another time by now.
    """
    order = state.order(order_id)
    if order is None or order.ends_at != ended_at:
        return None
    return orjson.dumps({"id": order_id, "status": "FAILED"} if order.failed else basic(order))
