"""A hand on the webhooks of a mock server, from Python."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from runa_mock_server.contract.webhook_events import EVENTS, Event
from runa_mock_server.control.models import ClockResult, SettingsResult
from runa_mock_server.control.webhook_models import (
    AdversaryResult,
    EndpointResult,
    EndpointsResult,
    MessageResult,
    MessagesResult,
    TricksResult,
)
from runa_mock_server.control_client.transport import Channel, path_of, wait
from runa_mock_server.webhooks.faults import FaultKind

_TOLERANCE = timedelta(minutes=5)  # of the official packages

Condition = Callable[[MessageResult], bool]


class WebhooksControl:
    """The webhooks of an account, or of all: who is told, and what was sent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[MessageResult]:
        return iter(self.messages())

    def add(self, url: str, event: Event, secret: str | None = None) -> EndpointResult:
        """Tell somebody of an event from now on.

        Args:
            url: where it is POSTed to.
            event: ``order.completion`` or ``product.update``.
            secret: ``whsec_`` and base64; by default one is made, see the result.

        Raises:
            ControlRefusedError: naming the field that does not fit.
        """
        body = {"url": url, "event": event} | ({} if secret is None else {"secret": secret})
        return EndpointResult.model_validate(
            self._channel.call("POST", "/webhooks/endpoints", body)
        )

    @property
    def endpoints(self) -> list[EndpointResult]:
        """Who is told, and how he fares."""
        return self._channel.get(EndpointsResult, "/webhooks/endpoints").endpoints

    def remove(self, endpoint_id: str) -> None:
        """Tell an endpoint nothing more."""
        self._channel.call("DELETE", path_of("endpoint", endpoint_id))

    def disable(self, endpoint_id: str) -> EndpointResult:
        """Tell an endpoint nothing until it is enabled again."""
        return self._change(endpoint_id, {"disabled": True})

    def enable(self, endpoint_id: str) -> EndpointResult:
        """Tell a disabled endpoint again, as if nothing had failed."""
        return self._change(endpoint_id, {"disabled": False})

    def _change(self, endpoint_id: str, body: dict[str, object]) -> EndpointResult:
        path = path_of("endpoint", endpoint_id)
        return EndpointResult.model_validate(self._channel.call("PATCH", path, body))

    def rotate(self, endpoint_id: str, secret: str | None = None) -> EndpointResult:
        """Sign with another secret; for a day the one before signs too."""
        path = path_of("endpoint", endpoint_id) + "/rotate"
        body = {} if secret is None else {"secret": secret}
        return EndpointResult.model_validate(self._channel.call("POST", path, body))

    def recover(self, endpoint_id: str, since: datetime) -> None:
        """Start over with every message since a moment that an endpoint has not taken."""
        path = path_of("endpoint", endpoint_id) + "/recover"
        self._channel.call("POST", path, {"since": since})

    def messages(self, **filters: object) -> list[MessageResult]:
        """The messages that fit, newest first.

        Args:
            **filters: any field of ``MessagesQuery``: ``order_id``, ``event``, ``endpoint_id``,
                ``state``, ``limit``.
        """
        return self._channel.get(MessagesResult, "/webhooks/messages", **filters).messages

    def get(self, message_id: str) -> MessageResult:
        """One message and every attempt to deliver it."""
        return self._channel.get(MessageResult, path_of("message", message_id))

    def resend(self, message_id: str, endpoint_id: str | None = None) -> None:
        """Attempt a message once more, now, with the same id."""
        body = {} if endpoint_id is None else {"endpoint_id": endpoint_id}
        self._channel.call("POST", path_of("message", message_id) + "/resend", body)

    def misbehave(self, kind: FaultKind, **fields: object) -> AdversaryResult:
        """Do something to messages on purpose that a handler has to stand.

        Args:
            kind: ``duplicate``, ``reorder``, ``delay``, ``wrong_signature``, ``old_secret``,
                ``reserialised`` or ``early``.
            **fields: any other field of ``AdversaryBody``: ``times``, ``seconds``,
                ``endpoint_id``.
        """
        body = {"kind": kind, **fields}
        return AdversaryResult.model_validate(
            self._channel.call("POST", "/webhooks/adversary", body)
        )

    def behave(self) -> None:
        """Do nothing to messages any more."""
        self._channel.call("DELETE", "/webhooks/adversary")

    @property
    def tricks(self) -> list[AdversaryResult]:
        """What is done to messages on purpose."""
        return self._channel.get(TricksResult, "/webhooks/adversary").tricks

    def wait_for(
        self,
        *,
        order: str | None = None,
        event: Event | None = None,
        until: Condition | None = None,
        timeout: float = 10,
    ) -> MessageResult:
        """Wait until a message has been delivered, in the computer's time.

        Args:
            order: the id of the order that it tells of.
            event: the event that it tells of.
            until: what has to hold of it; by default that somebody has taken it. An example is
                ``lambda m: len(m.deliveries[0].attempts) == 3``.
            timeout: seconds to wait at most.

        Raises:
            LookupError: at once, if nobody is subscribed.
            TimeoutError: telling what there is instead.
        """
        holds = until or _is_delivered
        wanted: list[Event] = [event or "order.completion"] if event or order else [*EVENTS]

        latest: list[MessagesResult] = []

        def first_that_holds() -> MessageResult | None:
            found = self._channel.get(
                MessagesResult, "/webhooks/messages", order_id=order, event=event
            )
            latest[:] = [found]
            if not any(found.subscribed[name] for name in wanted) and not found.messages:
                raise LookupError(f"nobody is subscribed to {' or '.join(wanted)}")
            return next(filter(holds, reversed(found.messages)), None)

        message = wait(first_that_holds, timeout)
        if message is None:
            raise TimeoutError(self._instead(latest[0], timeout))
        return message

    def _instead(self, found: MessagesResult, timeout: float) -> str:
        lines = [f"no such message within {timeout:g} s"]
        if not found.messages:
            lines.append("there is no message that fits")
        for message in found.messages[:5]:
            for delivery in message.deliveries:
                told = [str(attempt.status or attempt.error) for attempt in delivery.attempts]
                so_far = ", ".join(told) or "not attempted"
                lines.append(f"{message.id} to {delivery.url} is {delivery.state}: {so_far}")
        clock = self._channel.get(ClockResult, "/clock")
        if not clock.speed:
            lines.append(f"time stands still at {clock.now:%Y-%m-%d %H:%M:%S}")
        lines += self._refused_for_time(found, clock)
        return "; ".join(lines)

    def _refused_for_time(self, found: MessagesResult, clock: ClockResult) -> list[str]:
        """A hint if receivers may have refused messages because of the time in the signature."""
        settings = self._channel.get(SettingsResult, "/settings").settings
        statuses = [a.status or 0 for m in found.messages for d in m.deliveries for a in d.attempts]
        is_far = abs(clock.now - datetime.now(UTC)) > _TOLERANCE
        if (
            settings["webhook_timestamps"] != "clock"
            or not is_far
            or not any(
                HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
                for status in statuses
            )
        ):
            return []
        hint = (
            "signatures carry the mock's time, which receivers may refuse as too old or too new: "
            "set webhook_timestamps to computer"
        )
        return [hint]


def _is_delivered(message: MessageResult) -> bool:
    return any(delivery.state == "delivered" for delivery in message.deliveries)
