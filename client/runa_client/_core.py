"""The client without I/O: generators that say what to send and are told what came of it.

A driver runs such a flow by sending each `Send` that it yields and handing back the `Reply` or
`NetworkFailure`; the flow's return value is the result of the call. The synchronous and the
asynchronous client differ in their drivers alone.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypedDict, TypeVar
from urllib.parse import quote, urlencode

from runa_client._errors import (
    Call,
    OrderFailedError,
    OrderTimeoutError,
    RateLimitError,
    RunaCallError,
    RunaError,
)
from runa_client._exchange import Flow, NetworkFailure, Outcome, Request, Send
from runa_client._json import encode
from runa_client._results import (
    Order,
    OrderPage,
    OrderReceipt,
    parse_order,
    parse_page,
    parse_pong,
)
from runa_client._settings import USER_AGENT, Settings, Timeout, checked_header
from runa_client._verdict import verdict

T = TypeVar("T")
NewOrder = Iterable[Mapping[str, object]] | Mapping[str, object]
Progress = Callable[[Order], object]

LOG = logging.getLogger("runa_client")

_COMMON = {
    "Accept": "application/json",
    "User-Agent": USER_AGENT,
    "X-Api-Version": "2024-02-05",
}
_SHORTEST_LOOK = 1.0


class OrderOptions(TypedDict, total=False):
    """What `create_order` takes by keyword.

    Attributes:
        currency: Pays from the account balance in this currency; USD if absent.
        payment_method: The whole payment method instead of `currency`.
        description: At most 128 characters.
        metadata: At most 20 pairs.
        idempotency_key: Identifies this order for 30 days; a fresh UUID4 if absent.
        execution_mode: `async` (the default) answers before the order is processed, `sync`
            answers with the full order and takes one item only.
        send_email: On the playground, e-mails are sent only when this is true.
        trigger_error: On the playground, the error to answer with.
    """

    currency: str
    payment_method: Mapping[str, object]
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


_BODY_OPTIONS = frozenset({"currency", "payment_method", "description", "metadata"})


class Core:
    """The flows of one client's calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def ping(self) -> Flow[str]:
        """Ask whether the service is there and accepts the API key."""
        return (yield from self._call(_get("/ping"), parse_pong))

    def create_order(self, order: NewOrder, options: OrderOptions) -> Flow[OrderReceipt]:
        """Place an order, once, however many requests that takes."""
        request, key = _new_order(order, options)

        def parse(data: object) -> OrderReceipt:
            return OrderReceipt(order=parse_order(data), idempotency_key=key)

        return (yield from self._call(request, parse))

    def get_order(
        self, order_id: str, deadline: float | None = None, pause: float = 0.0
    ) -> Flow[Order]:
        """Read one order, after a pause; nothing is resent later than the clock's `deadline`."""
        if order_id in ("", ".", ".."):
            raise ValueError(f"no order id: {order_id!r}")
        request = _get(f"/order/{quote(order_id, safe='')}")
        return (yield from self._call(request, parse_order, deadline, pause))

    def list_orders(
        self, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> Flow[OrderPage]:
        """Read one page of orders."""
        query = {"limit": limit, "after": after, "before": before}
        given = urlencode({name: value for name, value in query.items() if value is not None})
        return (yield from self._call(_get(f"/order?{given}" if given else "/order"), parse_page))

    def wait_for_order(
        self, order: str | Order | OrderReceipt, options: WaitOptions
    ) -> Flow[Order]:
        """Look at an order, with growing pauses, until it has ended."""
        unknown = options.keys() - WaitOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"wait_for_order: unknown {', '.join(sorted(unknown))}")
        last = order.order if isinstance(order, OrderReceipt) else order
        if isinstance(last, str) or not last.ended:
            order_id = last if isinstance(last, str) else last.id
            last = yield from self._poll(order_id, options)
        if last.failed and options.get("raise_on_failure", False):
            raise OrderFailedError(last)
        return last

    def _poll(self, order_id: str, options: WaitOptions) -> Flow[Order]:
        clock, poll = self._settings.clock, self._settings.poll
        timeout, on_progress = options.get("timeout", 30.0), options.get("on_progress")
        deadline = clock() + timeout
        order: Order | None = None
        looks, pause = 0, 0.0
        while True:
            try:
                order = yield from self.get_order(order_id, deadline, pause)
            except RunaCallError as error:
                if self._pause(error, deadline=None) is None:
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
            pause = min(poll.pause(looks, self._settings.random()), remaining)

    def _call(
        self,
        request: Request,
        parse: Callable[[object], T],
        deadline: float | None = None,
        pause: float = 0.0,
    ) -> Flow[T]:
        attempts = 0
        while True:
            timeout = self._timeout(deadline, pause)
            outcome = yield Send(request=request, pause=pause, timeout=timeout)
            attempts += 1
            self._log(request, attempts, outcome)
            call = Call(
                method=request.method,
                path=request.path,
                attempts=attempts,
                idempotency_key=request.idempotency_key,
            )
            result = verdict(outcome, call, parse, self._settings.scrub)
            if not isinstance(result, RunaCallError):
                return result
            next_pause = self._pause(result, deadline)
            if next_pause is None:
                raise result
            pause = next_pause

    def _pause(self, error: RunaCallError, deadline: float | None) -> float | None:
        retry = self._settings.retry
        asked = error.retry_after or 0.0
        if not error.safe_to_retry or error.attempts >= retry.attempts:
            return None
        if asked > retry.longest_retry_after:
            return None
        pause = max(retry.backoff.pause(error.attempts, self._settings.random()), asked)
        if isinstance(error, RateLimitError):
            pause = max(pause, retry.rate_limit_wait)
        late = deadline is not None and self._settings.clock() + pause > deadline
        return None if late else pause

    def _timeout(self, deadline: float | None, pause: float) -> Timeout:
        timeout = self._settings.timeout
        if deadline is None:
            return timeout
        return timeout.at_most(max(deadline - self._settings.clock() - pause, _SHORTEST_LOOK))

    def _log(self, request: Request, attempt: int, outcome: Outcome) -> None:
        if LOG.isEnabledFor(logging.DEBUG):
            told = outcome.reason if isinstance(outcome, NetworkFailure) else str(outcome.status)
            result = self._settings.scrub(told)
            most = self._settings.retry.attempts
            LOG.debug("%s %s %d/%d: %s", request.method, request.path, attempt, most, result)


class Pages:
    """The walk over all orders, page by page."""

    def __init__(self, core: Core, page_size: int) -> None:
        self._core = core
        self._page_size = page_size
        self._after: str | None = None
        self._ended = False

    def next_page(self) -> Flow[tuple[Order, ...]]:
        """Read the next orders; none means that there are no more."""
        if self._ended:
            return ()
        page = yield from self._core.list_orders(self._page_size, self._after)
        if page.items and page.after is not None and page.after == self._after:
            raise RunaError("the service gives the same cursor again: its list has no end")
        self._after = page.after
        self._ended = not page.items or page.after is None
        return page.items


def _get(target: str) -> Request:
    return Request(method="GET", target=target, headers=_COMMON)


def _new_order(order: NewOrder, options: OrderOptions) -> tuple[Request, str]:
    unknown = options.keys() - OrderOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"create_order: unknown {', '.join(sorted(unknown))}")
    key = options.get("idempotency_key")
    key = _fresh_key() if key is None else key
    headers = {
        **_COMMON,
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
    body = encode(_order_body(order, options))
    return Request(method="POST", target="/order", headers=headers, body=body), key


def _order_body(order: NewOrder, options: OrderOptions) -> Mapping[str, object]:
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
