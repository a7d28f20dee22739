"""Control of webhooks."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Unpack

from runa_mock_server.contract.webhook_events import EVENTS, Event
from runa_mock_server.control import running, webhooks
from runa_mock_server.control.models import ClockResult
from runa_mock_server.control.webhook_models import (
    EndpointResult,
    MessageResult,
    MessagesResult,
    WebhookFaultResult,
)
from runa_mock_server.control_client.keywords import MessageFilters, WebhookFaultFields
from runa_mock_server.control_client.transport import Part, given, poll
from runa_mock_server.webhooks.faults import FaultKind

_MOST_LISTED = 5
_FIRST_REFUSAL, _FIRST_FAILURE = 400, 500
_TOLERANCE = timedelta(minutes=5)  # of the official packages


class WebhooksControl(Part):
    """The webhook endpoints and messages of an account, or of the whole server.

    Iterating reads the newest messages, newest first.
    """

    def __iter__(self) -> Iterator[MessageResult]:
        return iter(self.messages())

    def add(self, url: str, event: Event, secret: str | None = None) -> EndpointResult:
        """Subscribe an endpoint to an event.

        Args:
            url: where the event is POSTed to.
            event: ``order.completion`` or ``product.update``.
            secret: the signing secret, ``whsec_`` and base64; by default a new one.
        """
        body = given(url=url, event=event, secret=secret)
        return self._call(webhooks.add_endpoint, body)

    @property
    def endpoints(self) -> list[EndpointResult]:
        """The endpoints and their delivery status."""
        return self._call(webhooks.list_endpoints).endpoints

    def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint."""
        self._call(webhooks.remove_endpoint, endpoint_id=endpoint_id)

    def disable(self, endpoint_id: str) -> EndpointResult:
        """Send nothing to an endpoint until it is enabled again."""
        return self._call(webhooks.change_endpoint, {"disabled": True}, endpoint_id=endpoint_id)

    def enable(self, endpoint_id: str) -> EndpointResult:
        """Enable an endpoint and forget its failures."""
        return self._call(webhooks.change_endpoint, {"disabled": False}, endpoint_id=endpoint_id)

    def rotate(self, endpoint_id: str, secret: str | None = None) -> EndpointResult:
        """Change the signing secret; the previous secret also signs for one day."""
        return self._call(webhooks.rotate_secret, given(secret=secret), endpoint_id=endpoint_id)

    def recover(self, endpoint_id: str, since: datetime) -> None:
        """Retry every message since an aware datetime that was not delivered to an endpoint."""
        self._call(webhooks.recover_messages, {"since": since}, endpoint_id=endpoint_id)

    def messages(self, **filters: Unpack[MessageFilters]) -> list[MessageResult]:
        """The messages that match all filters, newest first."""
        return self._call(webhooks.list_messages, query=filters).messages

    def get(self, message_id: str) -> MessageResult:
        """A message and its delivery attempts."""
        return self._call(webhooks.read_message, message_id=message_id)

    def resend(self, message_id: str, endpoint_id: str | None = None) -> None:
        """Send a message again now, with the same id, to one endpoint or to all."""
        body = given(endpoint_id=endpoint_id)
        self._call(webhooks.resend_message, body, message_id=message_id)

    def misbehave(
        self, kind: FaultKind, **fields: Unpack[WebhookFaultFields]
    ) -> WebhookFaultResult:
        """Arm a webhook fault; it changes one delivery attempt unless ``times`` says otherwise.

        Args:
            kind: ``duplicate``, ``reorder``, ``delay``, ``wrong_signature``, ``old_secret``,
                ``reserialised`` or ``early``.
            **fields: the other fields of the fault.
        """
        return self._call(webhooks.arm_adversary, {"kind": kind, **fields})

    def behave(self) -> None:
        """Remove every webhook fault."""
        self._call(webhooks.remove_adversary)

    @property
    def tricks(self) -> list[WebhookFaultResult]:
        """The webhook faults, also those that are used up."""
        return self._call(webhooks.list_adversary).tricks

    def wait_for(
        self,
        *,
        order: str | None = None,
        event: Event | None = None,
        until: Callable[[MessageResult], bool] | None = None,
        timeout: float = 10,
    ) -> MessageResult:
        """Wait until a message is delivered and return it.

        Args:
            order: the id of the order that the message is about.
            event: the event of the message.
            until: the condition to wait for; by default that one endpoint accepted the message.
                An example is ``lambda m: len(m.deliveries[0].attempts) == 3``.
            timeout: seconds of real time to wait.

        Raises:
            LookupError: at once, if no endpoint is subscribed.
            TimeoutError: if no message met the condition in time; the message lists what exists.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        condition = until or _is_delivered
        events: list[Event] = [event or "order.completion"] if event or order else [*EVENTS]
        latest: list[MessagesResult] = []

        def first_match() -> MessageResult | None:
            found = self._call(webhooks.list_messages, query={"order_id": order, "event": event})
            latest[:] = [found]
            if not any(found.subscribed[name] for name in events) and not found.messages:
                raise LookupError(f"no endpoint is subscribed to {' or '.join(events)}")
            return next(filter(condition, reversed(found.messages)), None)

        message = poll(first_match, timeout)
        if message is None:
            raise TimeoutError(self._timeout_message(latest[0], timeout))
        return message

    def _timeout_message(self, found: MessagesResult, timeout: float) -> str:
        parts = [f"no such message within {timeout:g} s"]
        if not found.messages:
            parts.append("no message matches")
        for message in found.messages[:_MOST_LISTED]:
            for delivery in message.deliveries:
                outcomes = [str(attempt.status or attempt.error) for attempt in delivery.attempts]
                attempts = ", ".join(outcomes) or "not attempted"
                parts.append(f"{message.id} to {delivery.url} is {delivery.state}: {attempts}")
        clock = self._call(running.read_clock)
        if not clock.speed:
            parts.append(f"the clock is stopped at {clock.now:%Y-%m-%d %H:%M:%S}")
        parts += self._refused_for_time(found, clock)
        return "; ".join(parts)

    def _refused_for_time(self, found: MessagesResult, clock: ClockResult) -> list[str]:
        """A hint if receivers may have refused messages because of the time in the signature."""
        settings = self._call(running.read_settings).settings
        statuses = [a.status or 0 for m in found.messages for d in m.deliveries for a in d.attempts]
        refused = [status for status in statuses if _FIRST_REFUSAL <= status < _FIRST_FAILURE]
        is_far = abs(clock.now - datetime.now(UTC)) > _TOLERANCE
        if settings["webhook_timestamps"] != "clock" or not is_far or not refused:
            return []
        hint = "signatures carry the mock's time, which receivers may refuse as too old or too new"
        return [f"{hint}: set webhook_timestamps to computer"]


def _is_delivered(message: MessageResult) -> bool:
    return any(delivery.state == "delivered" for delivery in message.deliveries)
