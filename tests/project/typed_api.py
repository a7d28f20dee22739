"""The public names as a type checker sees them; checked by mypy, never run.

A `type: ignore` that is not needed is an error of its own, so each one here proves that the checker
refuses the line.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Unpack, assert_type

from hypothesis.strategies import SearchStrategy

from runa_client import (
    AsyncRunaClient,
    Order,
    OrderCompletionEvent,
    OrderPage,
    OrderReceipt,
    ProductUpdateEvent,
    RetryPolicy,
    RunaCallError,
    RunaClient,
    WebhookEvent,
    WebhookVerificationError,
    item,
    single,
    verify_webhook,
)
from runa_conformance import Report, Result, conform
from runa_mock_server import (
    ArmedFault,
    Clock,
    ControlClient,
    Effects,
    EmailDetail,
    EndpointResult,
    FaultFields,
    JournalEntry,
    KeyEffects,
    ManualClock,
    MessageResult,
    MockServer,
    OrderDetail,
    OrderSummary,
    ProductDetail,
    RemoteServer,
    RequestsResult,
    ServerSettings,
    Settings,
    SettingsChanges,
    WebhookFaultResult,
    connect,
)
from runa_mock_server.server_state.effects import Verdict
from runa_mock_server.testing import ScenarioRun, run_scenario
from runa_schemas import ERRORS, ErrorType, SchemaIssue, iter_errors, load, names, validate
from runa_schemas.strategies import RULES, NearMiss, headers, invalid_order_bodies, orders

OrderStatus = Literal["PROCESSING", "COMPLETED", "FAILED"]


def server_side() -> None:
    """`MockServer` in both of its forms, with either clock."""
    clocks: list[Clock] = [ManualClock(), Clock()]
    with MockServer(clock=clocks[0], processing_delay=0) as server:
        assert_type(server, MockServer)
        assert_type(server.base_url, str)
        assert_type(server.settings, Settings)
    MockServer(Settings(port=0))
    MockServer(
        clock="manual",
        catalogue="products.json",
        profile="production",
        api_keys=["wg-me.secret"],
        balances={"USD": "10.50", "EUR": Decimal(5)},
        templates={"PT-OWN": ["AMZ-US"]},
        webhooks=["http://127.0.0.1:9/=product.update"],
        webhook_retries=[0, 1.5],
        rate_limit=None,
    )
    MockServer("127.0.0.1")  # type: ignore[arg-type] # settings are no host
    MockServer(clock=0)  # type: ignore[arg-type] # a number is no clock
    MockServer(procesing="never")  # type: ignore[call-arg] # misspelt
    MockServer(seed="1")  # type: ignore[arg-type] # a number
    MockServer(profile="staging")  # type: ignore[arg-type] # there are two environments
    MockServer(webhook_timestamps="server")  # type: ignore[arg-type] # clock or computer
    ManualClock().advance(b"1")  # type: ignore[arg-type] # bytes are no duration


def own_fixture(**settings: Unpack[ServerSettings]) -> MockServer:
    """Helpers of users pass the keywords on."""
    changes: SettingsChanges = {"processing": "never", "rate_limit": 3}
    fields: FaultFields = {"times": None, "delay": {"distribution": "uniform", "low": 0, "high": 1}}
    server = MockServer(**settings)
    server.configure(**changes)
    server.faults.arm("delay", **fields)
    return server


def control_side(server: MockServer) -> None:
    """The controls of a server, an account and a remote server have the same types."""
    account = server.account("XX-me.secret")
    assert_type(account, ControlClient)
    assert_type(connect(server.url, token="t"), RemoteServer)  # noqa: S106 - never run
    assert_type(connect(server.url).account("XX-me.secret"), RemoteServer)
    everything: list[ControlClient] = [server, account, connect(server.url)]
    for controls in everything:
        assert_type(controls.api_key, str | None)
        assert_type(controls.clock.advance("P1D"), datetime)
        assert_type(controls.orders.fail("O-1", "reason"), OrderDetail)
        assert_type([order.status for order in controls.orders], list[OrderStatus])
        assert_type(controls.orders.list("FAILED"), list[OrderSummary])
        assert_type(controls.effects(), Effects)
        assert_type(controls.effects().verdict, Verdict)
        assert_type(controls.effects().keys, list[KeyEffects])
        assert_type(controls.effects().repeated, list[str])
        controls.assert_exactly_once("k", window=5, repeats="forbid")
        controls.assert_exactly_once(repeats="no")  # type: ignore[arg-type] # allow or forbid
        assert_type(controls.emails.wait_for(order="O-1"), EmailDetail)
        assert_type(controls.products.change("AMZ-US", is_orderable=False), ProductDetail)
        assert_type(controls.export_state(), dict[str, Any])
        assert_type(controls.settings, Settings)
    account.clock.advance(b"1")  # type: ignore[arg-type] # bytes are no duration
    account.orders.complete(7)  # type: ignore[arg-type] # an id is a text
    account.orders.list("DONE")  # type: ignore[arg-type] # no such status
    account.settings = Settings()  # type: ignore[misc] # `configure` changes them


def keywords_of_controls(server: MockServer) -> None:
    """Every keyword of a control method has a name and a type."""
    server.configure(processing="never", rate_limit=None, balances=["USD=5"])
    server.configure(procesing="never")  # type: ignore[call-arg] # misspelt
    server.configure(port=8080)  # type: ignore[call-arg] # not at run time
    server.configure(rate_limit="5")  # type: ignore[arg-type] # a number
    with server.faults.arm("hang", "inside", times=None, nth=[1, 2]) as fault:
        assert_type(fault, ArmedFault)
        assert_type(fault.struck, int)
    server.faults.arm("explode")  # type: ignore[arg-type] # no such kind
    server.faults.arm("hang", "later")  # type: ignore[arg-type] # no such place
    server.faults.arm("hang", nht=1)  # type: ignore[call-arg] # misspelt
    server.faults.arm("hang", method="FETCH")  # type: ignore[arg-type] # no such method
    server.faults.arm("status", status="503")  # type: ignore[arg-type] # a number
    assert_type(server.journal.read(method="POST", status=503, brief=True), RequestsResult)
    assert_type(server.journal[0], JournalEntry)
    server.journal.read(state=503)  # type: ignore[call-arg] # it is `status`
    server.journal.read(outcome="done")  # type: ignore[arg-type] # no such outcome
    server.products.change("AMZ-US", discount_multiplier="0.05", denominations={"type": "open"})
    server.products.change("AMZ-US", price="1")  # type: ignore[call-arg] # no such field
    server.products.change("AMZ-US", discount_multiplier=0.05)  # type: ignore[arg-type] # a text


def webhooks_of_controls(server: MockServer) -> None:
    """Endpoints, messages and webhook faults."""
    webhooks = server.webhooks
    assert_type(webhooks.add("http://127.0.0.1:9", "order.completion"), EndpointResult)
    assert_type(webhooks.messages(event="product.update", limit=1), list[MessageResult])
    assert_type(webhooks.wait_for(until=lambda message: bool(message.id)), MessageResult)
    assert_type(webhooks.misbehave("delay", seconds=5, times=None), WebhookFaultResult)
    webhooks.add("http://127.0.0.1:9", "order.created")  # type: ignore[arg-type] # no such event
    webhooks.messages(status="failed")  # type: ignore[call-arg] # it is `state`
    webhooks.messages(state="lost")  # type: ignore[arg-type] # no such state
    webhooks.misbehave("vanish")  # type: ignore[arg-type] # no such webhook fault
    webhooks.misbehave("delay", second=5)  # type: ignore[call-arg] # misspelt
    webhooks.misbehave("delay", times="all")  # type: ignore[arg-type] # a number, or None


def scenarios(server: MockServer | RemoteServer) -> None:
    """A scenario runs on either kind of server."""
    run = run_scenario(server, "rate-limited")
    assert_type(run, ScenarioRun)
    assert_type(run.account, ControlClient)
    assert_type(run.ends, Literal["COMPLETED", "FAILED", "REFUSED"])
    run_scenario(server.url, "clean")  # type: ignore[arg-type] # a server, not its URL


def client_side(client: RunaClient) -> None:
    """The blocking client's results and options."""
    receipt = client.create_order([item("10.50", products=single("AMZ-US"))], currency="USD")
    assert_type(receipt, OrderReceipt)
    order = client.wait_for_order(receipt, timeout=5, on_progress=print)
    assert_type(order, Order)
    assert_type(order.total_price, Decimal | None)
    assert_type(order.urls, tuple[str, ...])
    assert_type(client.iter_orders(), Iterator[Order])
    assert_type(client.list_orders(limit=1), OrderPage)
    RunaClient(retry=RetryPolicy(attempts=1))
    client.create_order([], execution_mode="later")  # type: ignore[arg-type] # async or sync
    client.create_order([], curency="USD")  # type: ignore[call-arg] # misspelt
    client.wait_for_order(7)  # type: ignore[arg-type] # an id is a text
    order.status = "COMPLETED"  # type: ignore[misc] # results are frozen


async def asynchronous_side(client: AsyncRunaClient) -> None:
    """The asynchronous client's results are the blocking client's."""
    receipt = await client.create_order([])
    assert_type(receipt, OrderReceipt)
    assert_type(await client.wait_for_order(receipt.id), Order)
    orders = client.iter_orders()
    assert_type(orders, AsyncIterator[Order])


def errors(error: RunaCallError) -> None:
    """What can be read off a failed call."""
    assert_type(error.status, int | None)
    assert_type(error.safe_to_retry, bool)
    assert_type(error.idempotency_key, str | None)


def webhooks(error: WebhookVerificationError) -> None:
    """A message is an event, and which one its class says."""
    event = verify_webhook(b"{}", {}, "whsec_c2VjcmV0", tolerance=60, now=0.5)
    assert_type(event, WebhookEvent)
    assert_type(event.type, str | None)
    if isinstance(event, OrderCompletionEvent):
        assert_type(event.order, Order)
    elif isinstance(event, ProductUpdateEvent):
        assert_type(event.new_state.price_multiplier, Decimal | None)
    assert_type(error.reason, Literal["headers", "timestamp", "signature", "body"])
    event.id = "msg_1"  # type: ignore[misc] # results are frozen
    verify_webhook({}, {}, "whsec_c2VjcmV0")  # type: ignore[arg-type] # the body as it came
    verify_webhook(b"{}", {}, b"whsec_")  # type: ignore[arg-type] # a secret is a text


def contract_side() -> None:
    """The schemas, their issues and the error catalogue."""
    assert_type(names(), tuple[str, ...])
    assert_type(load("order"), dict[str, Any])
    assert_type(iter_errors({}, "order"), Iterator[SchemaIssue])
    assert_type(ERRORS["timeout"], ErrorType)
    validate({}, 1)  # type: ignore[arg-type] # schemas have names


def suite() -> None:
    """The conformance suite and its results."""
    report = conform("http://127.0.0.1:1/v2", "XX-me.secret", select=["lists"], timeout=1)
    assert_type(report, Report)
    assert_type(report.results, tuple[Result, ...])
    conform(allow_orders="yes")  # type: ignore[arg-type] # a text is no leave
    conform(profile="sandbox")  # type: ignore[arg-type] # there are two environments


def strategies_side(miss: NearMiss) -> None:
    """What the strategies draw, and what a near miss says."""
    assert_type(orders(max_items=1), SearchStrategy[dict[str, Any]])
    assert_type(invalid_order_bodies(rules=["items_empty"]), SearchStrategy[NearMiss])
    assert_type(RULES[miss.rule].status, int)
    assert_type(miss.location, tuple[str, ...] | None)
    headers(mode="later")  # type: ignore[arg-type] # async or sync
    miss.body = {}  # type: ignore[misc] # near misses are frozen
