"""Operations on webhooks: endpoints, messages and webhook faults."""

from collections.abc import Iterator, Sequence

from runa_mock_server.base.clock import to_datetime, to_microseconds
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.json_pieces import elements, model_document
from runa_mock_server.base.redaction import Redactor, without_password
from runa_mock_server.base.slices import Work
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.webhook_events import EVENTS, Event
from runa_mock_server.contract.webhook_subscription import Subscription
from runa_mock_server.control.models import Done
from runa_mock_server.control.operation import Pieces, Steps
from runa_mock_server.control.problems import conflict, not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.control.webhook_models import (
    AttemptResult,
    DeliveryResult,
    EndpointBody,
    EndpointChange,
    EndpointResult,
    EndpointsResult,
    MessageResult,
    MessagesQuery,
    MessagesResult,
    RecoverBody,
    ResendBody,
    RotateBody,
    WebhookFaultBody,
    WebhookFaultResult,
    WebhookFaultsResult,
)
from runa_mock_server.server_state.account import account_name
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.faults import WebhookFault
from runa_mock_server.webhooks.messages import Delivery, Message
from runa_mock_server.webhooks.service import ORDERS, PRODUCTS, TooManyEndpointsError


def list_endpoints(scope: Scope) -> EndpointsResult:
    """List webhook endpoints and their delivery status."""
    endpoints = [_endpoint_result(scope, endpoint) for endpoint in _endpoints(scope)]
    return EndpointsResult(endpoints=endpoints, subscribed=_subscribed(scope))


def add_endpoint(scope: Scope, body: EndpointBody) -> Steps[EndpointResult]:
    """Subscribe an endpoint to an event of one or all accounts."""
    return Steps(_add(scope, body))


def _add(scope: Scope, body: EndpointBody) -> Work[EndpointResult]:
    subscription = Subscription(url=body.url, event=body.event, secret=body.secret)
    try:
        endpoint = yield from scope.server_state.subscribe(subscription, scope.api_key)
    except TooManyEndpointsError as error:
        raise conflict("body", "url", str(error)) from None
    return _endpoint_result(scope, endpoint)


def read_endpoint(scope: Scope, endpoint_id: str) -> EndpointResult:
    """Read one endpoint: URL, event, secret and delivery status."""
    return _endpoint_result(scope, _endpoint(scope, endpoint_id))


def change_endpoint(scope: Scope, endpoint_id: str, body: EndpointChange) -> EndpointResult:
    """Disable or enable an endpoint, or change its URL."""
    endpoint = _endpoint(scope, endpoint_id)
    if body.url is not None:
        endpoint.url = body.url
    if body.disabled:
        scope.server_state.webhooks.disable(endpoint)
    elif body.disabled is False:
        endpoint.enable()
    return _endpoint_result(scope, endpoint)


def remove_endpoint(scope: Scope, endpoint_id: str) -> Done:
    """Remove an endpoint."""
    scope.server_state.webhooks.remove(_endpoint(scope, endpoint_id))
    return Done(done=f"{endpoint_id} removed")


def rotate_secret(scope: Scope, endpoint_id: str, body: RotateBody) -> EndpointResult:
    """Rotate a secret; the old one also signs for 24 hours."""
    endpoint = _endpoint(scope, endpoint_id)
    secret = body.secret or scope.server_state.webhooks.new_secret()
    endpoint.rotate(secret, scope.clock.now())
    return _endpoint_result(scope, endpoint)


def recover_messages(scope: Scope, endpoint_id: str, body: RecoverBody) -> Done:
    """Retry every failed message to an endpoint since a time."""
    endpoint = _endpoint(scope, endpoint_id)
    _check_enabled(endpoint)
    count = scope.server_state.webhooks.recover(endpoint, to_microseconds(body.since))
    return Done(done=f"{count} recovered")


def list_messages(scope: Scope, query: MessagesQuery) -> Pieces[MessagesResult]:
    """List webhook messages and their delivery attempts, newest first."""
    return Pieces(_list(scope, query))


def _list(scope: Scope, query: MessagesQuery) -> Iterator[bytes]:
    webhooks = scope.server_state.webhooks
    webhooks.catch_up()
    found = []
    for message in reversed(tuple(webhooks.messages.values())):
        deliveries = _deliveries(scope, message)
        if _is_shown(scope, message, deliveries) and _fits(message, query, deliveries):
            found.append(message)
        yield b""
    result = MessagesResult(
        messages=[], total=len(found), dropped=webhooks.dropped, subscribed=_subscribed(scope)
    )
    shown = (message_result(scope, message) for message in found[: query.limit])
    yield from model_document(result, {"messages": elements(shown)})


def read_message(scope: Scope, message_id: str) -> MessageResult:
    """Read one message with every delivery attempt."""
    return message_result(scope, _message(scope, message_id))


def resend_message(scope: Scope, message_id: str, body: ResendBody) -> MessageResult:
    """Resend a message now, with the same id."""
    message = _message(scope, message_id)
    deliveries = [
        delivery
        for delivery in _deliveries(scope, message)
        if body.endpoint_id in (None, delivery.endpoint.id)
    ]
    if not deliveries and body.endpoint_id is not None:
        reason = f"the message is not for an endpoint {quoted(body.endpoint_id)}"
        raise not_found("body", "endpoint_id", reason)
    if not scope.server_state.webhooks.resend(deliveries):
        raise conflict("body", "endpoint_id", "every endpoint of the message is disabled")
    return message_result(scope, message)


def arm_adversary(scope: Scope, body: WebhookFaultBody) -> WebhookFaultResult:
    """Arm a webhook fault."""
    if body.endpoint_id is not None:
        _endpoint(scope, body.endpoint_id, "body")
    fault = scope.server_state.webhooks.faults.arm(
        body.kind,
        scope.api_key,
        endpoint_id=body.endpoint_id,
        times=body.times,
        seconds=body.seconds,
    )
    return _fault_result(fault)


def list_adversary(scope: Scope) -> WebhookFaultsResult:
    """List armed webhook faults."""
    return WebhookFaultsResult(tricks=[_fault_result(fault) for fault in _faults(scope)])


def remove_adversary(scope: Scope) -> Done:
    """Clear all webhook faults."""
    faults = _faults(scope)
    scope.server_state.webhooks.faults.clear(faults)
    return Done(done=f"{len(faults)} removed")


def remove_trick(scope: Scope, trick_id: str) -> Done:
    """Clear one webhook fault."""
    for fault in _faults(scope):
        if fault.id == trick_id:
            scope.server_state.webhooks.faults.clear([fault])
            return Done(done=f"{trick_id} removed")
    raise not_found("path", "trick_id", f"there is no webhook fault {quoted(trick_id)}")


def _endpoints(scope: Scope) -> list[Endpoint]:
    """The endpoints that get the events of an account, or all."""
    scope.server_state.webhooks.catch_up()  # earlier events are for the endpoints of that time
    endpoints = scope.server_state.webhooks.endpoints.values()
    wanted = (scope.api_key, None)
    return [e for e in endpoints if scope.api_key is None or e.account in wanted]


def _endpoint(scope: Scope, endpoint_id: str, place: str = "path") -> Endpoint:
    for endpoint in _endpoints(scope):
        if endpoint.id == endpoint_id:
            return endpoint
    raise not_found(place, "endpoint_id", f"there is no endpoint {quoted(endpoint_id)}")


def _check_enabled(endpoint: Endpoint) -> None:
    if endpoint.disabled:
        raise conflict("path", "endpoint_id", "the endpoint is disabled; enable it first")


def _is_shown(scope: Scope, message: Message, deliveries: Sequence[Delivery]) -> bool:
    """Whether a message, or one of its deliveries, is for the account, if this is about one."""
    return scope.api_key in (None, message.account) or bool(deliveries)


def _deliveries(scope: Scope, message: Message) -> list[Delivery]:
    """The deliveries of a message to the endpoints that an account can see, or all."""
    return [
        delivery
        for delivery in message.deliveries
        if scope.api_key is None or _is_for(scope.api_key, message, delivery.endpoint)
    ]


def _is_for(key: str, message: Message, endpoint: Endpoint) -> bool:
    return message.account in (None, key) and endpoint.account in (None, key)


def _message(scope: Scope, message_id: str) -> Message:
    webhooks = scope.server_state.webhooks
    webhooks.catch_up()
    message = webhooks.messages.get(message_id)
    if message is not None and _is_shown(scope, message, _deliveries(scope, message)):
        return message
    raise not_found("path", "message_id", f"there is no message {quoted(message_id)}")


def _fits(message: Message, query: MessagesQuery, deliveries: list[Delivery]) -> bool:
    is_of_order = message.event == ORDERS and message.subject == query.order_id
    return (
        (query.order_id is None or is_of_order)
        and query.event in (None, message.event)
        and (
            (query.endpoint_id, query.state) == (None, None)
            or any(
                query.endpoint_id in (None, delivery.endpoint.id)
                and query.state in (None, delivery.state)
                for delivery in deliveries
            )
        )
    )


def _faults(scope: Scope) -> list[WebhookFault]:
    """The webhook faults that an account has armed, or all."""
    armed = scope.server_state.webhooks.faults.armed
    return [f for f in armed if scope.api_key is None or f.account == scope.api_key]


def _subscribed(scope: Scope) -> dict[Event, int]:
    """For each event how many enabled endpoints are subscribed to it."""
    enabled = [endpoint for endpoint in _endpoints(scope) if not endpoint.disabled]
    return {event: sum(e.event == event for e in enabled) for event in EVENTS}


def _named(api_key: str | None) -> str | None:
    return None if api_key is None else account_name(api_key)


def _shown(scope: Scope, account: str | None, text: str) -> str:
    """A text without API keys, such as a URL that holds one."""
    return Redactor(account or "", scope.server_state.known_keys).text(text)


def _endpoint_result(scope: Scope, endpoint: Endpoint) -> EndpointResult:
    since = endpoint.failing_since
    return EndpointResult(
        id=endpoint.id,
        account=_named(endpoint.account),
        url=_shown(scope, endpoint.account, without_password(endpoint.url)),
        event=endpoint.event,
        secret=endpoint.secret,
        retired_secrets=endpoint.secrets(scope.clock.now())[1:],
        disabled=endpoint.disabled,
        failing_since=None if since is None else to_datetime(since),
    )


def message_result(scope: Scope, message: Message) -> MessageResult:
    """A message as the control API shows it."""
    return MessageResult(
        id=message.id,
        account=_named(message.account),
        event=message.event,
        order_id=message.subject if message.event == ORDERS else None,
        product_code=message.subject if message.event == PRODUCTS else None,
        created_at=to_datetime(message.created_at),
        payload=message.payload.decode(),
        deliveries=[_delivery_result(scope, each) for each in _deliveries(scope, message)],
    )


def _delivery_result(scope: Scope, delivery: Delivery) -> DeliveryResult:
    account = delivery.message.account
    return DeliveryResult(
        endpoint_id=delivery.endpoint.id,
        url=_shown(scope, account, without_password(delivery.endpoint.url)),
        state=delivery.state,
        next_attempt_at=None if delivery.due == NEVER else to_datetime(delivery.due),
        attempts=[
            AttemptResult(
                at=to_datetime(attempt.at),
                status=attempt.status,
                duration_ms=round(attempt.duration * 1000, 1),
                response=_shown(scope, account, attempt.response.decode(errors="backslashreplace")),
                failure=attempt.failure,
                error=attempt.error,
                adversary=list(attempt.faults),
            )
            for attempt in delivery.attempts
        ],
    )


def _fault_result(fault: WebhookFault) -> WebhookFaultResult:
    return WebhookFaultResult(
        id=fault.id,
        account=_named(fault.account),
        kind=fault.kind,
        times=fault.times,
        seconds=fault.seconds,
        endpoint_id=fault.endpoint_id,
        armed=fault.is_armed,
        struck=fault.injected,
    )
