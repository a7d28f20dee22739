"""What webhooks read of orders: when they end, and what ``order.completion`` says of them.

No other module in here knows how orders are stored.
"""

from collections.abc import Callable, Iterable

from runa_mock_server.orders.account_state import Holdings


def follow(
    holdings: Holdings, changed: Callable[[str, int], None], now: int
) -> Iterable[tuple[str, int]]:
    """Be told of every order that is new or ends at another time.

    Args:
        holdings: the orders of an account.
        changed: is called with the id of such an order and the time at which it ends.
        now: microseconds since the epoch.

    Returns:
        The orders that are still ``PROCESSING``, by id, each with the time at which it ends.
    """
    holdings.order_changed = changed
    return holdings.orders.ending_after(now)


def completion(holdings: Holdings, order_id: str, ended_at: int) -> bytes | None:
    """The body of ``order.completion``: the basic order; of a failed order its id and status.

    Args:
        holdings: the orders of an account.
        order_id: the order.
        ended_at: when it was expected to end, microseconds since the epoch.

    Returns:
        The body, or ``None`` if the order is gone or ends at another time by now.
    """
    order = holdings.orders.basic(order_id)
    if order is None or order.ends_at != ended_at:
        return None
    if order.outcome == "FAILED":
        return b'{"id":"%s","status":"FAILED"}' % order_id.encode()
    return order.basic
