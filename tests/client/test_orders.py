"""Orders: what goes out, what comes back, and waiting and listing."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from runa_client import (
    NotFoundError,
    Order,
    OrderFailedError,
    OrderTimeoutError,
    RateLimitError,
    RetryPolicy,
    RunaClient,
    RunaError,
    RunaResponseError,
    RunaTimeoutError,
    ServerError,
    Timeout,
    item,
    payout_link,
    single,
)

if TYPE_CHECKING:
    from client.conftest import Clients, Patience, ScriptedServer

ORDER_ID = "O-01J6Y3JRYWCTNDRHP35302NZ30"
LINK = "https://spend.example.test/4c77f610"
ITEMS = [item("10.00", products=single("1800FL-US"), distribution=payout_link())]
ACCEPTED = {"id": ORDER_ID, "status": "PROCESSING"}
ERROR = {"type": "internal_server_error", "message": "It broke.", "help": None}
FULL: dict[str, Any] = {
    "id": ORDER_ID,
    "status": "COMPLETED",
    "created_at": "2024-09-04T08:49:23.420733+00:00",
    "completed_at": "2024-09-04T08:49:24.420733+00:00",
    "description": None,
    "payment_method": {"type": "ACCOUNT_BALANCE"},
    "currency": "USD",
    "total_discount": "0.00",
    "total_price": "10.00",
    "items": [
        {
            "id": "E-01J6Y3JRYWRKYDTEHDDM9P2KV0",
            "distribution_method": {"type": "PAYOUT_LINK"},
            "products": {"type": "SINGLE", "value": "1800FL-US"},
            "face_value": "10.00",
            "price": "10.00",
            "discount_multiplier": "0.0",
            "redemption_url": LINK,
            "payout": {
                "status": "ACTIVE",
                "status_updated_at": "2024-09-04T08:49:24.420733+00:00",
                "url": LINK,
                "expiry_date": None,
            },
            "currency": "USD",
        }
    ],
    "transaction_detail": {"USD": {"value": "10.00", "fx": None}},
    "metadata": {"team": "growth"},
}
FAILED = {**FULL, "status": "FAILED"}


def _page(*ids: str, after: str | None) -> dict[str, object]:
    return {
        "items": [{"id": order_id, "status": "COMPLETED"} for order_id in ids],
        "pagination": {"cursors": {"after": after, "before": None}, "page": {"limit": 2}},
    }


def test_an_order_goes_out_as_documented(client: RunaClient, server: ScriptedServer) -> None:
    """The usual order has the documented path, headers and body, and nothing more."""
    server.answer(202, ACCEPTED)

    receipt = client.create_order(ITEMS, idempotency_key="order 1")

    [sent] = server.received
    assert (sent.method, sent.target) == ("POST", "/v2/order")
    assert sent.headers["x-api-version"] == "2024-02-05"
    assert sent.headers["x-execution-mode"] == "async"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-idempotency-key"] == receipt.idempotency_key == "order 1"
    assert sent.headers["user-agent"].startswith("runa-mock-client/")
    assert not {"x-send-email", "x-trigger-error", "authorization"} & sent.headers.keys()
    assert sent.json == {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "items": [
            {
                "face_value": 10.0,
                "distribution_method": {"type": "PAYOUT_LINK"},
                "products": {"type": "SINGLE", "value": "1800FL-US"},
            }
        ],
    }
    assert (receipt.id, receipt.status, receipt.raw) == (ORDER_ID, "PROCESSING", ACCEPTED)
    assert receipt.order.items == ()


def test_options_of_an_order_go_out(client: RunaClient, server: ScriptedServer) -> None:
    """Each option reaches the header or the field that it stands for."""
    server.answer(202, ACCEPTED)
    server.answer(202, ACCEPTED)

    client.create_order(
        ITEMS,
        currency="GBP",
        description="thanks",
        metadata={"team": "growth"},
        execution_mode="sync",
        send_email=True,
        trigger_error="insufficient_funds",
    )
    client.create_order(iter(ITEMS), payment_method={"type": "CARD"}, metadata=None)

    first, second = server.received
    assert first.headers["x-execution-mode"] == "sync"
    assert first.headers["x-send-email"] == "true"
    assert first.headers["x-trigger-error"] == "insufficient_funds"
    assert first.json["payment_method"] == {"type": "ACCOUNT_BALANCE", "currency": "GBP"}
    assert first.json["description"] == "thanks"
    assert first.json["metadata"] == {"team": "growth"}
    assert second.json["payment_method"] == {"type": "CARD"}
    assert second.json.keys() == {"payment_method", "items"}


@pytest.mark.parametrize(
    ("order", "options", "message"),
    [
        (ITEMS, {"curency": "USD"}, "unknown curency"),
        (ITEMS, {"currency": "USD", "payment_method": {}}, "exclude each other"),
        ({"items": []}, {"description": "x"}, "not also description"),
    ],
)
def test_misused_options_are_refused(
    order: Any,
    options: dict[str, Any],
    message: str,
    client: RunaClient,
    server: ScriptedServer,
) -> None:
    """A misspelt or contradictory option is an error before anything is sent."""
    with pytest.raises(TypeError, match=message):
        client.create_order(order, **options)
    assert server.received == []


def test_a_full_order_is_read(client: RunaClient, server: ScriptedServer) -> None:
    """Amounts come back as decimals, times as aware moments, and unknown fields in `raw`."""
    server.answer(200, {**FULL, "surprise": 1.5})

    receipt = client.create_order(ITEMS, execution_mode="sync")

    order = receipt.order
    assert order.completed
    assert order.ended
    assert not order.failed
    assert order.created_at == datetime(2024, 9, 4, 8, 49, 23, 420733, tzinfo=UTC)
    assert order.created_at.utcoffset() is not None
    assert str(order.total_price) == "10.00"
    assert (order.currency, order.description) == ("USD", None)
    assert order.metadata == {"team": "growth"}
    assert order.urls == (LINK,)
    assert order.raw["surprise"] == Decimal("1.5")
    [bought] = order.items
    assert (bought.face_value, bought.price) == (Decimal("10.00"), Decimal("10.00"))
    assert bought.payout is not None
    assert (bought.payout.status, bought.payout.url) == ("ACTIVE", LINK)
    assert LINK in repr(order)
    assert "surprise" not in repr(order)


def test_optional_fields_may_be_missing(client: RunaClient, server: ScriptedServer) -> None:
    """Links come from either field, and absent fields read as None."""
    by_payout = {"payout": {"url": "p"}}
    by_redemption = {"redemption_url": "r", "payout": {"url": None}}
    server.answer(200, {**ACCEPTED, "items": [by_payout, by_redemption, {}]})

    order = client.get_order(ORDER_ID)

    assert [bought.url for bought in order.items] == ["p", "r", None]
    assert order.urls == ("p", "r")
    assert order.total_price is None
    assert order.created_at is None
    assert order.metadata == {}


def test_times_without_zone_are_utc(client: RunaClient, server: ScriptedServer) -> None:
    """A time is aware even if the service leaves out the zone."""
    server.answer(200, {**ACCEPTED, "created_at": "2024-09-04T08:49:23"})

    assert client.get_order(ORDER_ID).created_at == datetime(2024, 9, 4, 8, 49, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created_at", "yesterday"),
        ("total_price", "ten"),
        ("total_price", "NaN"),
        ("total_price", True),
        ("items", {}),
        ("items", [1]),
        ("status", 1),
    ],
)
def test_unreadable_fields_are_named(
    field: str, value: object, make_client: Clients, server: ScriptedServer
) -> None:
    """An answer that breaks the contract is an error that names the field."""
    server.answer(200, {**FULL, field: value})

    with pytest.raises(RunaResponseError, match=f"{field}: "):
        make_client(retry=RetryPolicy(attempts=1)).get_order(ORDER_ID)


def test_orders_are_frozen_values(client: RunaClient, server: ScriptedServer) -> None:
    """Orders compare and hash by their fields, pickle, and cannot be changed."""
    server.answer(200, FULL)
    server.answer(200, FULL)

    first, second = client.get_order(ORDER_ID), client.get_order(ORDER_ID)

    assert first == second
    assert len({first, second}) == 1
    assert pickle.loads(pickle.dumps(first)).raw == first.raw  # noqa: S301 - own bytes
    assert first != FULL
    with pytest.raises(AttributeError, match="frozen"):
        first.status = "FAILED"  # type: ignore[misc]  # refused by mypy as well
    with pytest.raises(AttributeError, match="frozen"):
        del first.status


@pytest.mark.parametrize(
    ("order_id", "path"), [("O-1", "O-1"), ("a/b", "a%2Fb"), ("a?b", "a%3Fb"), ("é", "%C3%A9")]
)
def test_ids_cannot_leave_their_place(
    order_id: str, path: str, client: RunaClient, server: ScriptedServer
) -> None:
    """An id is one segment of the path, whatever it holds."""
    server.answer(200, FULL)

    client.get_order(order_id)

    assert server.received[0].target == f"/v2/order/{path}"


@pytest.mark.parametrize("order_id", ["", ".", ".."])
def test_ids_that_name_another_path_are_refused(
    order_id: str, client: RunaClient, server: ScriptedServer
) -> None:
    """No id stands for the list of orders or the folder above."""
    with pytest.raises(ValueError, match="no order id"):
        client.get_order(order_id)
    assert server.received == []


def test_ping(client: RunaClient, server: ScriptedServer) -> None:
    """A ping returns the service's word."""
    server.answer(200, {"message": "pong"})

    assert client.ping() == "pong"
    assert server.received[0].target == "/v2/ping"


def test_waiting_looks_until_the_order_has_ended(
    client: RunaClient, server: ScriptedServer, patience: Patience
) -> None:
    """Looks come at once, then with growing pauses, and each is told."""
    for _ in range(7):
        server.answer(200, ACCEPTED)
    server.answer(200, FULL)
    seen: list[Order] = []

    order = client.wait_for_order(ORDER_ID, on_progress=seen.append)

    assert order.urls == (LINK,)
    assert [look.status for look in seen] == ["PROCESSING"] * 7 + ["COMPLETED"]
    assert patience.sleeps == pytest.approx([0.25, 0.375, 0.5625, 0.84375, 1.265625, 1.8984375, 2])


@pytest.mark.parametrize("timeout", [0.0, 1.0, 3.0])
def test_waiting_ends_at_the_deadline(
    timeout: float, client: RunaClient, server: ScriptedServer, patience: Patience
) -> None:
    """The last look is at the deadline, and the error carries what it saw."""
    for _ in range(9):
        server.answer(200, ACCEPTED)

    with pytest.raises(OrderTimeoutError, match="PROCESSING") as caught:
        client.wait_for_order(ORDER_ID, timeout=timeout)

    assert sum(patience.sleeps) == pytest.approx(timeout)
    assert caught.value.order is not None
    assert caught.value.order.raw == ACCEPTED
    assert (caught.value.order_id, caught.value.timeout) == (ORDER_ID, timeout)
    assert isinstance(caught.value, TimeoutError)


def test_an_order_may_end_at_the_last_look(client: RunaClient, server: ScriptedServer) -> None:
    """What is seen at the deadline still counts."""
    server.answer(200, ACCEPTED)
    server.answer(200, FULL)

    assert client.wait_for_order(ORDER_ID, timeout=0.1).completed


def test_a_failing_service_does_not_stretch_the_deadline(
    client: RunaClient, server: ScriptedServer, patience: Patience
) -> None:
    """Retries stop where the deadline would pass, and the cause is told."""
    server.answer(200, ACCEPTED)
    for _ in range(4):
        server.answer(429, {"error": "rate exceeded"})

    with pytest.raises(OrderTimeoutError) as caught:
        client.wait_for_order(ORDER_ID, timeout=8.0)

    assert patience.sleeps == [0.25, 5.0]
    assert caught.value.order is not None
    assert isinstance(caught.value.__cause__, RateLimitError)


def test_an_order_never_seen_times_out_too(client: RunaClient, server: ScriptedServer) -> None:
    """The error of a wait that saw nothing says so."""
    server.answer(500, ERROR)

    with pytest.raises(OrderTimeoutError, match="never seen") as caught:
        client.wait_for_order(ORDER_ID, timeout=0.0)

    assert caught.value.order is None


def test_a_silent_service_does_not_stretch_the_deadline(
    make_client: Clients, server: ScriptedServer
) -> None:
    """However patient the client is otherwise, a look ends a second after the deadline."""
    server.hang()

    with pytest.raises(OrderTimeoutError) as caught:
        make_client(timeout=Timeout(read=60.0)).wait_for_order(ORDER_ID, timeout=0.0)

    assert isinstance(caught.value.__cause__, RunaTimeoutError)


def test_failures_that_last_end_the_wait(client: RunaClient, server: ScriptedServer) -> None:
    """Refusals, and failures beyond the retry policy, are raised before the deadline."""
    for _ in range(4):
        server.answer(500, ERROR)
    with pytest.raises(ServerError):
        client.wait_for_order(ORDER_ID)

    server.answer(404, {"type": "not_found", "message": "No such order.", "help": None})
    with pytest.raises(NotFoundError):
        client.wait_for_order(ORDER_ID)


def test_a_failed_order_is_a_result_unless_asked_otherwise(
    client: RunaClient, server: ScriptedServer
) -> None:
    """`raise_on_failure` turns a failed order into an error that carries it."""
    server.answer(200, FAILED)
    failed = client.wait_for_order(ORDER_ID)
    assert failed.failed

    with pytest.raises(OrderFailedError, match=ORDER_ID) as caught:
        client.wait_for_order(failed, raise_on_failure=True)
    assert caught.value.order == failed


def test_an_ended_order_needs_no_look(client: RunaClient, server: ScriptedServer) -> None:
    """Waiting for a synchronous order's receipt sends nothing; for others it looks by id."""
    server.answer(200, FULL)
    receipt = client.create_order(ITEMS, execution_mode="sync")
    assert client.wait_for_order(receipt) is receipt.order

    server.answer(202, ACCEPTED)
    server.answer(200, FULL)
    assert client.wait_for_order(client.create_order(ITEMS)).completed
    assert server.received[-1].target == f"/v2/order/{ORDER_ID}"


def test_misspelt_wait_options_are_refused(client: RunaClient) -> None:
    """An unknown option of a wait is an error."""
    with pytest.raises(TypeError, match="unknown timeot"):
        client.wait_for_order(ORDER_ID, timeot=1)  # type: ignore[call-arg]  # wrong on purpose


def test_one_page_is_listed(client: RunaClient, server: ScriptedServer) -> None:
    """A page has its orders and cursors; the arguments become the query."""
    server.answer(200, _page("O-1", "O-2", after="a&b"))
    server.answer(200, _page(after=None))
    server.answer(200, _page(after=None))

    page = client.list_orders()
    client.list_orders(limit=2, after=page.after)
    client.list_orders(before="c")

    assert [order.id for order in page.items] == ["O-1", "O-2"]
    assert (page.after, page.before, page.limit) == ("a&b", None, 2)
    assert [request.target for request in server.received] == [
        "/v2/order",
        "/v2/order?limit=2&after=a%26b",
        "/v2/order?before=c",
    ]


def test_all_orders_are_walked_lazily(client: RunaClient, server: ScriptedServer) -> None:
    """The walk asks for a page only when it needs it, and ends with the empty page."""
    server.answer(200, _page("O-4", "O-3", after="x"))
    server.answer(200, _page("O-2", "O-1", after="y"))
    server.answer(200, _page(after=None))

    orders = iter(client.iter_orders(page_size=2))

    assert server.received == []
    assert [next(orders).id, next(orders).id] == ["O-4", "O-3"]
    assert len(server.received) == 1
    assert [order.id for order in orders] == ["O-2", "O-1"]
    assert [request.target for request in server.received] == [
        "/v2/order?limit=2",
        "/v2/order?limit=2&after=x",
        "/v2/order?limit=2&after=y",
    ]


def test_a_page_without_cursor_is_the_last(client: RunaClient, server: ScriptedServer) -> None:
    """A double that ends its list without an empty page is walked as well."""
    server.answer(200, _page("O-1", after=None))

    assert [order.id for order in client.iter_orders()] == ["O-1"]


@pytest.mark.parametrize("cursors", ["xx", "xyx", "xyzzy", "wxyzx"])
def test_a_list_without_end_is_noticed(
    cursors: str, client: RunaClient, server: ScriptedServer
) -> None:
    """A cursor that comes again, after however many others, is an error, not an endless loop."""
    for cursor in cursors:
        server.answer(200, _page("O-1", after=cursor))

    with pytest.raises(RunaError, match="same cursor"):
        list(client.iter_orders())


def test_a_page_needs_items(make_client: Clients, server: ScriptedServer) -> None:
    """An answer without `items` is no page."""
    server.answer(200, {"pagination": {}})

    with pytest.raises(RunaResponseError, match="a page without items"):
        make_client(retry=RetryPolicy(attempts=1)).list_orders()


@pytest.mark.parametrize("order", ["x", item(10, products=single("A-US"))])
def test_items_that_are_no_list_are_an_error(order: Any) -> None:
    """One item alone, or a text, is refused before anything is sent."""
    with (
        RunaClient("http://127.0.0.1:9/v2", "XX.x") as client,
        pytest.raises(TypeError, match="give a list of items"),
    ):
        client.create_order(order)
