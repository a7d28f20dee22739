"""Operations on orders that no caller of the service has: end, hold, take back."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Literal

import orjson

from runa_mock_server.base.clock import SECOND, to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.control.models import (
    OrderBody,
    OrderDetail,
    OrdersQuery,
    OrdersResult,
    OrderSummary,
    Status,
)
from runa_mock_server.control.problems import conflict, not_found, wrong_field
from runa_mock_server.control.scope import Scope
from runa_mock_server.orders.lifecycle import TransitionError
from runa_mock_server.orders.order_store import BasicOrder, Outcome, StoredOrder
from runa_mock_server.orders.payouts import ClaimError, with_expiry
from runa_mock_server.server_state.server_state import Account


def list_orders(scope: Scope, query: OrdersQuery) -> OrdersResult:
    """List the orders of an account, or of all, newest first."""
    by_account = [_summaries(account, query) for account in scope.accounts]
    newest_first = merge(*by_account, key=lambda summary: summary.id, reverse=True)
    return OrdersResult(
        orders=list(islice(newest_first, query.limit)),
        total=sum(len(account.holdings.orders) for account in scope.accounts),
    )


def read_order(scope: Scope, order_id: str) -> OrderDetail:
    """Read an order as it will be once it has ended, and when that is."""
    return order_detail(*find_order(scope, order_id))


def change_order(scope: Scope, order_id: str, body: OrderBody) -> OrderDetail:
    """End an order now, hold it, or have its payouts expire or be cancelled."""
    account, order = find_order(scope, order_id)
    if body.payout_status is not None:
        _end_payouts(account, order, body.payout_status, body.item_id)
        return order_detail(*find_order(scope, order_id))
    progress = account.progress
    try:
        if body.status == "COMPLETED":
            is_open = account.clock.now() < order.ends_at
            if is_open and order.failed:
                raise TransitionError("the order was placed to end FAILED")  # noqa: TRY301 - one answer for all
            order = progress.complete(order)
        elif body.status == "FAILED":
            order = progress.fail(order, body.reason or "it was told to")
        else:
            order = progress.hold(order)
    except TransitionError as error:
        raise conflict("body", "status", str(error)) from None
    return order_detail(account, order)


def _end_payouts(
    account: Account,
    order: StoredOrder,
    status: Literal["CANCELLED", "EXPIRED"],
    item_id: str | None,
) -> None:
    if account.clock.now() < order.ends_at:
        raise conflict("body", "payout_status", "the order is still PROCESSING")
    items = orjson.loads(order.document)["items"]
    if item_id is not None and item_id not in {item["id"] for item in items}:
        raise wrong_field("body", "item_id", f"the order has no item {quoted(item_id)}")
    try:
        account.payouts.end(order, status, item_id)
    except ClaimError as error:
        raise conflict("body", "payout_status", str(error)) from None


def find_order(scope: Scope, order_id: str) -> tuple[Account, StoredOrder]:
    """An order, and the account that has it.

    Raises:
        ControlError: if there is none.
    """
    for account in scope.accounts:
        order = account.holdings.orders.get(order_id)
        if order is not None:
            now = account.clock.now()
            return account, with_expiry(account.holdings.orders, order, now)
    raise not_found("path", "order_id", f"there is no order {quoted(order_id)}")


def _summaries(account: Account, query: OrdersQuery) -> Iterator[OrderSummary]:
    """The orders that fit, newest first, each read when it is asked for."""
    orders, now, wanted = account.holdings.orders, account.clock.now(), query.status

    def fits(ends_at: int, outcome: Outcome) -> bool:
        return wanted is None or wanted == _status(ends_at, outcome, now)

    stop = len(orders) if query.before is None else orders.count_before(query.before)
    for order in orders.newest(stop, fits):
        yield _summary(account, order)


def _status(ends_at: int, outcome: Outcome, now: int) -> Status:
    return "PROCESSING" if now < ends_at else outcome


def _summary(account: Account, order: StoredOrder | BasicOrder) -> OrderSummary:
    document = orjson.loads(order.basic)
    now = account.clock.now()
    held = order.ends_at == NEVER
    is_due = now < order.ends_at < NEVER
    return OrderSummary(
        account=account.name,
        id=order.id,
        status=_status(order.ends_at, order.outcome, now),
        created_at=datetime.fromisoformat(document["created_at"]),
        ends_at=None if held else to_datetime(order.ends_at),
        reads_left=account.holdings.held.get(order.id),
        failure_reason=account.holdings.failure_reasons.get(order.id),
        currency=document["currency"],
        total_price=document["total_price"],
        description=document["description"],
        remaining=(order.ends_at - now) / SECOND if is_due else None,
        wait=account.clock.seconds_until(order.ends_at) if is_due else None,
    )


def order_detail(account: Account, order: StoredOrder) -> OrderDetail:
    """Where an order stands, with its document."""
    summary = _summary(account, order)
    return OrderDetail(**summary.model_dump(), order=orjson.loads(order.document))
