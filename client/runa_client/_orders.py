"""The calls on orders: place, read, list, wait."""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypedDict

from runa_client._core import COMMON, Core, PageReader, check_names, get, segment
from runa_client._errors import OrderFailedError, OrderTimeoutError, RunaCallError
from runa_client._exchange import Flow, Request
from runa_client._json import encode
from runa_client._results import (
    Order,
    OrderPage,
    OrderReceipt,
    parse_order,
    parse_order_page,
    parse_pong,
)
from runa_client._settings import checked_header

NewOrder = Iterable[Mapping[str, object]] | Mapping[str, object]
Progress = Callable[[Order], object]


class EstimateOptions(TypedDict, total=False):
    """What `estimate_order` takes by keyword.

    Attributes:
        currency: Pays from the account balance in this currency; USD if absent.
        payment_method: The whole payment method instead of `currency`.
    """

    currency: str
    payment_method: Mapping[str, object]


class OrderOptions(EstimateOptions, total=False):
    """What `create_order` takes by keyword, beside `currency` or `payment_method`.

    Attributes:
        description: At most 128 characters.
        metadata: At most 20 pairs.
        idempotency_key: Identifies this order for 30 days; a fresh UUID4 if absent.
        execution_mode: `async` (the default) answers before the order is processed, `sync`
            answers with the full order and takes one item only.
        send_email: On the playground, e-mails are sent only when this is true.
        trigger_error: On the playground, the error to answer with.
    """

    description: str | None
    metadata: Mapping[str, str] | None
    idempotency_key: str | None
    execution_mode: Literal["async", "sync"]
    send_email: bool
    trigger_error: str | None


class WaitOptions(TypedDict, total=False):
    """What `wait_for_order` takes by keyword.

    Attributes:
        timeout: The deadline, in seconds from now; 30 if absent. There is always one look.
        on_progress: Called with the order after each look, the last one included.
        raise_on_failure: Raise `OrderFailedError` for an order that ended `FAILED`.
    """

    timeout: float
    on_progress: Progress | None
    raise_on_failure: bool


_ITEM = frozenset({"face_value", "products"})
_BODY_OPTIONS = frozenset({"currency", "payment_method", "description", "metadata"})


def ping(core: Core) -> Flow[str]:
    """Ask whether the service is there and accepts the API key."""
    return core.call(get("/ping"), parse_pong)


def create_order(core: Core, order: NewOrder, options: OrderOptions) -> Flow[OrderReceipt]:
    """Place an order, once, however many requests that takes."""
    request, key = _new_order(order, options)

    def parse(data: object) -> OrderReceipt:
        return OrderReceipt(order=parse_order(data), idempotency_key=key)

    return core.call(request, parse)


def get_order(
    core: Core, order_id: str, deadline: float | None = None, pause: float = 0.0
) -> Flow[Order]:
    """Read one order, after a pause; nothing is resent later than the clock's `deadline`."""
    request = get(f"/order/{segment('order id', order_id)}")
    return core.call(request, parse_order, deadline, pause)


def list_orders(
    core: Core, limit: int | None = None, after: str | None = None, before: str | None = None
) -> Flow[OrderPage]:
    """Read one page of orders."""
    query = {"limit": limit, "after": after, "before": before}
    return core.call(get("/order", query), parse_order_page)


def order_pages(core: Core, page_size: int) -> PageReader[Order]:
    """Make the reader of the pages of all orders."""
    return lambda after: list_orders(core, page_size, after)


def wait_for_order(
    core: Core, order: str | Order | OrderReceipt, options: WaitOptions
) -> Flow[Order]:
    """Look at an order, with growing pauses, until it has ended."""
    check_names("wait_for_order", options, WaitOptions.__annotations__)
    last = order.order if isinstance(order, OrderReceipt) else order
    if isinstance(last, str) or not last.ended:
        order_id = last if isinstance(last, str) else last.id
        last = yield from _poll(core, order_id, options)
    if last.failed and options.get("raise_on_failure", False):
        raise OrderFailedError(last)
    return last


def _poll(core: Core, order_id: str, options: WaitOptions) -> Flow[Order]:
    clock, poll = core.settings.clock, core.settings.poll
    timeout, on_progress = options.get("timeout", 30.0), options.get("on_progress")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout: must be a number of seconds, not {timeout!r}")
    deadline = clock() + timeout
    order: Order | None = None
    looks, pause = 0, 0.0
    while True:
        try:
            order = yield from get_order(core, order_id, deadline, pause)
        except RunaCallError as error:
            if core.pause_after(error, deadline=None) is None:
                raise
            # But for the deadline the call would have gone on.
            raise OrderTimeoutError(order_id, timeout, order) from error
        if on_progress is not None:
            on_progress(order)
        if order.ended:
            return order
        looks += 1
        remaining = deadline - clock()
        if remaining <= 0:
            raise OrderTimeoutError(order_id, timeout, order)
        pause = min(poll.pause(looks, core.settings.random()), remaining)


def _new_order(order: NewOrder, options: OrderOptions) -> tuple[Request, str]:
    check_names("create_order", options, OrderOptions.__annotations__)
    key = options.get("idempotency_key")
    key = _fresh_key() if key is None else key
    headers = {
        **COMMON,
        "Content-Type": "application/json",
        "X-Execution-Mode": checked_header(
            "execution_mode", options.get("execution_mode", "async")
        ),
        "X-Idempotency-Key": checked_header("idempotency_key", key),
    }
    if options.get("send_email", False):
        headers["X-Send-Email"] = "true"
    trigger = options.get("trigger_error")
    if trigger is not None:
        headers["X-Trigger-Error"] = checked_header("trigger_error", trigger)
    body = encode(order_body(order, options))
    return Request(method="POST", target="/order", headers=headers, body=body), key


def _is_no_order(given: object) -> bool:
    """Whether this is a text, or one item where a list of items was meant."""
    return isinstance(given, str) or (isinstance(given, Mapping) and given.keys() >= _ITEM)


def order_body(order: NewOrder, options: Mapping[str, object]) -> Mapping[str, object]:
    """Build the body of an order from the items and options, or take the whole one.

    Raises:
        TypeError: Two arguments say the same thing, or the items are no list.
    """
    if _is_no_order(order):
        raise TypeError("order: give a list of items, or one dictionary that is the whole body")
    if isinstance(order, Mapping):
        clash = options.keys() & _BODY_OPTIONS
        if clash:
            raise TypeError(f"a whole body is given, so not also {', '.join(sorted(clash))}")
        return order
    if "currency" in options and "payment_method" in options:
        raise TypeError("currency and payment_method exclude each other")
    from_balance = {"type": "ACCOUNT_BALANCE", "currency": options.get("currency", "USD")}
    body = {
        "payment_method": options.get("payment_method", from_balance),
        "items": list(order),
        "description": options.get("description"),
        "metadata": options.get("metadata"),
    }
    return {name: value for name, value in body.items() if value is not None}


def _fresh_key() -> str:
    from uuid import uuid4  # noqa: PLC0415 - slow to import, and not needed where keys are given

    return str(uuid4())
