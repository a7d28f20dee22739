"""Operations on webhooks: who is told, what was sent, and what is done to it on purpose."""

from itertools import islice

from runa_mock_server.base.clock import to_datetime, to_microseconds
from runa_mock_server.base.errors import quoted
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.webhook_events import EVENTS, Event
from runa_mock_server.contract.webhook_subscription import Subscription
from runa_mock_server.control.models import Done
from runa_mock_server.control.problems import conflict, not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.control.webhook_models import (
    AdversaryBody,
    AdversaryResult,
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
    TricksResult,
)
from runa_mock_server.server_state.server_state import account_name
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.faults import Mischief
from runa_mock_server.webhooks.messages import Delivery, Message
from runa_mock_server.webhooks.service import ORDERS, PRODUCTS, TooManyEndpointsError


def list_endpoints(scope: Scope) -> EndpointsResult:
    """List who is told of events, and how he fares."""
    endpoints = [_endpoint_result(scope, endpoint) for endpoint in _endpoints(scope)]
    return EndpointsResult(endpoints=endpoints, subscribed=_subscribed(scope))


def add_endpoint(scope: Scope, body: EndpointBody) -> EndpointResult:
    """Tell somebody of an event from now on, of an account's or of everybody's."""
    subscription = Subscription(url=body.url, event=body.event, secret=body.secret)
    try:
        return _endpoint_result(scope, scope.world.subscribe(subscription, scope.api_key))
    except TooManyEndpointsError as error:
        raise conflict("body", "url", str(error)) from None


def read_endpoint(scope: Scope, endpoint_id: str) -> EndpointResult:
    """Read one endpoint: its secret, and whether it is disabled."""
    return _endpoint_result(scope, _endpoint(scope, endpoint_id))


def change_endpoint(scope: Scope, endpoint_id: str, body: EndpointChange) -> EndpointResult:
    """Disable an endpoint, enable it again, or have it listen elsewhere."""
    endpoint = _endpoint(scope, endpoint_id)
    if body.url is not None:
        endpoint.url = body.url
    if body.disabled:
        scope.world.webhooks.disable(endpoint)
    elif body.disabled is False:
        endpoint.enable()
    return _endpoint_result(scope, endpoint)


def remove_endpoint(scope: Scope, endpoint_id: str) -> Done:
    """Tell an endpoint nothing more."""
    scope.world.webhooks.remove(_endpoint(scope, endpoint_id))
    return Done(done=f"{endpoint_id} is told nothing more")


def rotate_secret(scope: Scope, endpoint_id: str, body: RotateBody) -> EndpointResult:
    """Sign with another secret; for a day the one before signs too."""
    endpoint = _endpoint(scope, endpoint_id)
    secret = body.secret or scope.world.webhooks.new_secret()
    endpoint.rotate(secret, scope.clock.now())
    return _endpoint_result(scope, endpoint)


def recover_messages(scope: Scope, endpoint_id: str, body: RecoverBody) -> Done:
    """Start over with every message since a moment that an endpoint has not taken."""
    endpoint = _endpoint(scope, endpoint_id)
    _check_enabled(endpoint)
    count = scope.world.webhooks.recover(endpoint, to_microseconds(body.since))
    return Done(done=f"{count} recovered")


def list_messages(scope: Scope, query: MessagesQuery) -> MessagesResult:
    """List what was told, to whom, and how it got there, newest first."""
    found = [
        message
        for message in _messages(scope)
        if _fits(message, query, _deliveries(scope, message))
    ]
    return MessagesResult(
        messages=[message_result(scope, message) for message in islice(found, query.limit)],
        total=len(found),
        dropped=scope.world.webhooks.dropped,
        subscribed=_subscribed(scope),
    )


def read_message(scope: Scope, message_id: str) -> MessageResult:
    """Read one message and every attempt to deliver it."""
    return message_result(scope, _message(scope, message_id))


def resend_message(scope: Scope, message_id: str, body: ResendBody) -> MessageResult:
    """Attempt a message once more, now, with the same id."""
    message = _message(scope, message_id)
    ways = [
        delivery
        for delivery in _deliveries(scope, message)
        if body.endpoint_id in (None, delivery.endpoint.id)
    ]
    if not ways and body.endpoint_id is not None:
        reason = f"the message is not for an endpoint {quoted(body.endpoint_id)}"
        raise not_found("body", "endpoint_id", reason)
    if not scope.world.webhooks.resend(ways):
        raise conflict("body", "endpoint_id", "every endpoint of the message is disabled")
    return message_result(scope, message)


def arm_adversary(scope: Scope, body: AdversaryBody) -> AdversaryResult:
    """Do something to messages on purpose that a handler has to stand."""
    if body.endpoint_id is not None:
        _endpoint(scope, body.endpoint_id, "body")
    adversary = scope.world.webhooks.adversary
    mischief = adversary.arm(
        body.kind,
        scope.api_key,
        endpoint_id=body.endpoint_id,
        times=body.times,
        seconds=body.seconds,
    )
    return _trick_result(mischief)


def list_adversary(scope: Scope) -> TricksResult:
    """List what is done to messages on purpose."""
    return TricksResult(tricks=[_trick_result(mischief) for mischief in _tricks(scope)])


def remove_adversary(scope: Scope) -> Done:
    """Do nothing to messages any more."""
    tricks = _tricks(scope)
    scope.world.webhooks.adversary.remove(tricks)
    return Done(done=f"{len(tricks)} removed")


def remove_trick(scope: Scope, trick_id: str) -> Done:
    """Do one thing to messages no more."""
    for mischief in _tricks(scope):
        if mischief.id == trick_id:
            scope.world.webhooks.adversary.remove([mischief])
            return Done(done=f"{trick_id} removed")
    raise not_found("path", "trick_id", f"there is no trick {quoted(trick_id)}")


def _endpoints(scope: Scope) -> list[Endpoint]:
    """The endpoints that an account is told by, or all."""
    scope.world.webhooks.catch_up()  # what happened before is told to those who are there now
    endpoints = scope.world.webhooks.endpoints.values()
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


def _messages(scope: Scope) -> list[Message]:
    """The messages that an account can see, or all, newest first."""
    webhooks, key = scope.world.webhooks, scope.api_key
    webhooks.catch_up()
    return [
        message
        for message in reversed(webhooks.messages.values())
        if key is None or message.account == key or _deliveries(scope, message)
    ]


def _deliveries(scope: Scope, message: Message) -> list[Delivery]:
    """The ways of a message to the endpoints that an account can see, or all."""
    return [
        delivery
        for delivery in message.deliveries
        if scope.api_key is None or _is_for(scope.api_key, message, delivery.endpoint)
    ]


def _is_for(key: str, message: Message, endpoint: Endpoint) -> bool:
    return message.account in (None, key) and endpoint.account in (None, key)


def _message(scope: Scope, message_id: str) -> Message:
    for message in _messages(scope):
        if message.id == message_id:
            return message
    raise not_found("path", "message_id", f"there is no message {quoted(message_id)}")


def _fits(message: Message, query: MessagesQuery, ways: list[Delivery]) -> bool:
    is_of_order = message.event == ORDERS and message.subject == query.order_id
    return (
        (query.order_id is None or is_of_order)
        and query.event in (None, message.event)
        and (
            (query.endpoint_id, query.state) == (None, None)
            or any(
                query.endpoint_id in (None, delivery.endpoint.id)
                and query.state in (None, delivery.state)
                for delivery in ways
            )
        )
    )


def _tricks(scope: Scope) -> list[Mischief]:
    tricks = scope.world.webhooks.adversary.tricks
    return [m for m in tricks if scope.api_key is None or m.account == scope.api_key]


def _subscribed(scope: Scope) -> dict[Event, int]:
    """For each event how many are told of it: of an account's, or of anybody's."""
    listening = [endpoint for endpoint in _endpoints(scope) if not endpoint.disabled]
    return {event: sum(e.event == event for e in listening) for event in EVENTS}


def _named(api_key: str | None) -> str | None:
    return None if api_key is None else account_name(api_key)


def _endpoint_result(scope: Scope, endpoint: Endpoint) -> EndpointResult:
    since = endpoint.failing_since
    return EndpointResult(
        id=endpoint.id,
        account=_named(endpoint.account),
        url=endpoint.url,
        event=endpoint.event,
        secret=endpoint.secret,
        retired_secrets=endpoint.secrets(scope.clock.now())[1:],
        disabled=endpoint.disabled,
        failing_since=None if since is None else to_datetime(since),
    )


def message_result(scope: Scope, message: Message) -> MessageResult:
    """A message as it is shown."""
    return MessageResult(
        id=message.id,
        account=_named(message.account),
        event=message.event,
        order_id=message.subject if message.event == ORDERS else None,
        product_code=message.subject if message.event == PRODUCTS else None,
        created_at=to_datetime(message.created_at),
        payload=message.payload.decode(),
        deliveries=[_delivery_result(each) for each in _deliveries(scope, message)],
    )


def _delivery_result(delivery: Delivery) -> DeliveryResult:
    return DeliveryResult(
        endpoint_id=delivery.endpoint.id,
        url=delivery.endpoint.url,
        state=delivery.state,
        next_attempt_at=None if delivery.due == NEVER else to_datetime(delivery.due),
        attempts=[
            AttemptResult(
                at=to_datetime(attempt.at),
                status=attempt.status,
                duration_ms=round(attempt.duration * 1000, 1),
                response=attempt.response.decode(errors="backslashreplace"),
                failure=attempt.failure,
                error=attempt.error,
                adversary=list(attempt.adversary),
            )
            for attempt in delivery.attempts
        ],
    )


def _trick_result(mischief: Mischief) -> AdversaryResult:
    return AdversaryResult(
        id=mischief.id,
        account=_named(mischief.account),
        kind=mischief.kind,
        times=mischief.times,
        seconds=mischief.seconds,
        endpoint_id=mischief.endpoint_id,
        armed=mischief.is_armed,
        struck=mischief.struck,
    )
