"""Operations on orders that no caller of the service has: end, hold, take back."""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Literal

import orjson

from runa_mock_server.base.clock import SECOND, to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.json_pieces import elements, model_document
from runa_mock_server.base.money import cents_text
from runa_mock_server.base.slices import Work
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.control.models import (
    OrderBody,
    OrderDetail,
    OrdersQuery,
    OrdersResult,
    OrderSummary,
)
from runa_mock_server.control.operation import Pieces, Steps
from runa_mock_server.control.problems import conflict, not_found, wrong_field
from runa_mock_server.control.scope import Scope
from runa_mock_server.orders.documents import ids_of
from runa_mock_server.orders.lifecycle import TransitionError
from runa_mock_server.orders.order import Order
from runa_mock_server.orders.payouts import ClaimError
from runa_mock_server.server_state.account import Account
from runa_mock_server.store.memory import AccountState


def list_orders(scope: Scope, query: OrdersQuery) -> Pieces[OrdersResult]:
    """List the orders of an account, or of all, newest first."""
    return Pieces(_orders(scope, query))


def _orders(scope: Scope, query: OrdersQuery) -> Iterator[bytes]:
    # A heap, without the orders themselves, which would be much for the garbage collector to walk.
    newest: list[tuple[str, int, Account, AccountState]] = []  # a number tells equal ids apart
    number = count()
    total = 0
    for account in scope.each_account():
        total += account.state.order_count
        yield b""
        if len(newest) == query.limit and account.state.newest_id < newest[0][0]:
            continue
        state = account.state.snapshot()
        for order_id in _newest_first(account, state, query):
            if order_id is not None:
                place = next(number)
                heappush(newest, (order_id, place, account, state))
                if len(newest) > query.limit and heappop(newest)[1] == place:
                    break  # those that follow are older still
            yield b""
    newest.sort(reverse=True)
    orders = ((account, state.order(order_id)) for order_id, _, account, state in newest)
    shown = (_summary(account, order) for account, order in orders if order is not None)
    yield from model_document(OrdersResult(orders=[], total=total), {"orders": elements(shown)})


def read_order(scope: Scope, order_id: str) -> Steps[OrderDetail]:
    """Read an order as it will be once it has ended, and when that is."""
    return Steps(_read(scope, order_id))


def _read(scope: Scope, order_id: str) -> Work[OrderDetail]:
    account, order = yield from find_order(scope, order_id)
    return order_detail(scope, account, order)


def change_order(scope: Scope, order_id: str, body: OrderBody) -> Steps[OrderDetail]:
    """End an order now, hold it, or have its payouts expire or be cancelled."""
    return Steps(_change(scope, order_id, body))


def _change(scope: Scope, order_id: str, body: OrderBody) -> Work[OrderDetail]:
    account, order = yield from find_order(scope, order_id)
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


def find_order(scope: Scope, order_id: str) -> Work[tuple[Account, Order]]:
    """An order, and the account that has it; yields between the accounts.

    Raises:
        ControlError: if there is none.
    """
    for account in scope.accounts:
        order = account.state.order(order_id)
        if order is not None and scope.server_state.has(account):
            return account, order
        yield
    raise not_found("path", "order_id", f"there is no order {quoted(order_id)}")


def _newest_first(
    account: Account, state: AccountState, query: OrdersQuery
) -> Iterator[str | None]:
    """The ids of the orders that fit, newest first; ``None`` for one that does not."""
    now = account.clock.now()
    stop = state.order_count if query.before is None else state.count_before(query.before)
    for order in state.newest(stop):
        yield order.id if query.status in (None, order.status(now)) else None


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
