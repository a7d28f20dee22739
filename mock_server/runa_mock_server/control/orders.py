"""Operations on orders that no caller of the service has: end, hold, take back."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Literal

import orjson

from runa_mock_server.base.clock import SECOND, to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.money import cents_text
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.control.models import (
    OrderBody,
    OrderDetail,
    OrdersQuery,
    OrdersResult,
    OrderSummary,
)
from runa_mock_server.control.problems import conflict, not_found, wrong_field
from runa_mock_server.control.scope import Scope
from runa_mock_server.orders.documents import ids_of
from runa_mock_server.orders.lifecycle import TransitionError
from runa_mock_server.orders.order import Order
from runa_mock_server.orders.payouts import ClaimError
from runa_mock_server.server_state.account import Account


def list_orders(scope: Scope, query: OrdersQuery) -> OrdersResult:
    """List the orders of an account, or of all, newest first."""
    by_account = [_summaries(account, query) for account in scope.accounts]
    newest_first = merge(*by_account, key=lambda summary: summary.id, reverse=True)
    return OrdersResult(
        orders=list(islice(newest_first, query.limit)),
        total=sum(account.state.order_count for account in scope.accounts),
    )


def read_order(scope: Scope, order_id: str) -> OrderDetail:
    """Read an order as it will be once it has ended, and when that is."""
    return order_detail(scope, *find_order(scope, order_id))


def change_order(scope: Scope, order_id: str, body: OrderBody) -> OrderDetail:
    """End an order now, hold it, or have its payouts expire or be cancelled."""
    account, order = find_order(scope, order_id)
    if body.payout_status is not None:
        changed = _end_payouts(account, order, body.payout_status, body.item_id)
        return order_detail(scope, account, changed)
    try:
        if body.status == "COMPLETED":
            is_open = account.clock.now() < order.ends_at
            if is_open and order.failed:
                raise TransitionError("the order was placed to end FAILED")  # noqa: TRY301 - one answer for all
            order = account.orders.complete(order_id)
        elif body.status == "FAILED":
            order = account.orders.fail(order_id, body.reason or "it was told to")
        else:
            order = account.orders.hold(order_id)
    except TransitionError as error:
        raise conflict("body", "status", str(error)) from None
    return order_detail(scope, account, order)


def _end_payouts(
    account: Account,
    order: Order,
    status: Literal["CANCELLED", "EXPIRED"],
    item_id: str | None,
) -> Order:
    if account.clock.now() < order.ends_at:
        raise conflict("body", "payout_status", "the order is still PROCESSING")
    if item_id is not None and item_id not in ids_of(order):
        raise wrong_field("body", "item_id", f"the order has no item {quoted(item_id)}")
    try:
        return account.orders.end_payouts(order.id, status, item_id)
    except ClaimError as error:
        raise conflict("body", "payout_status", str(error)) from None


def find_order(scope: Scope, order_id: str) -> tuple[Account, Order]:
    """An order, and the account that has it.

    Raises:
        ControlError: if there is none.
    """
    for account in scope.accounts:
        order = account.state.order(order_id)
        if order is not None:
            return account, order
    raise not_found("path", "order_id", f"there is no order {quoted(order_id)}")


def _summaries(account: Account, query: OrdersQuery) -> Iterator[OrderSummary]:
    """The orders that fit, newest first, each read when it is asked for."""
    state, now = account.state, account.clock.now()
    stop = state.order_count if query.before is None else state.count_before(query.before)
    for order in state.newest(stop):
        if query.status in (None, order.status(now)):
            yield _summary(account, order)


def _summary(account: Account, order: Order) -> OrderSummary:
    now = account.clock.now()
    is_due = now < order.ends_at < NEVER
    return OrderSummary(
        account=account.name,
        id=order.id,
        status=order.status(now),
        created_at=to_datetime(order.created_at),
        ends_at=None if order.on_hold else to_datetime(order.ends_at),
        reads_left=order.reads_left,
        failure_reason=order.failure_reason,
        currency=order.payment_currency,
        total_price=cents_text(order.total_price),
        description=order.description,
        remaining=(order.ends_at - now) / SECOND if is_due else None,
        wait=account.clock.seconds_until(order.ends_at) if is_due else None,
    )


def order_detail(scope: Scope, account: Account, order: Order) -> OrderDetail:
    """Where an order stands, with its document."""
    summary = _summary(account, order)
    document = account.orders.document(order, scope.payout_url)
    return OrderDetail(**summary.model_dump(), order=orjson.loads(document))
