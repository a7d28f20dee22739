"""One run of the deliveries against a handler: what the checks send and see."""

import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runa_mock_server.contract.webhook_events import SECRET_PREFIX
from runa_mock_server.testing.webhook_scenarios.events import Events
from runa_mock_server.testing.webhook_scenarios.observing import Observer
from runa_mock_server.testing.webhook_scenarios.sending import Delivery, Sender, Sent


class SlowHandlerError(Exception):
    """The handler did not answer in time, so nothing else can be judged."""


def new_secret() -> str:
    """A secret that no handler has."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(24)).decode()


class Session:
    """Sends what a check needs.

    Args:
        sender: sends to the handler.
        secret: the secret that the handler verifies with.
        events: makes the messages.
        observer: reads the observed value; ``None`` without one.

    Attributes:
        secret: the secret that the handler verifies with.
        events: makes the messages.
        observer: reads the observed value; ``None`` without one.
        verifies: whether the handler refused what is signed with a wrong secret, and did nothing.
        sent: what the present check has sent.
    """

    def __init__(
        self, sender: Sender, secret: str, events: Events, observer: Observer | None
    ) -> None:
        self._sender = sender
        self.secret = secret
        self.events = events
        self.observer = observer
        self.verifies = True
        self.sent: list[Sent] = []

    def delivery(
        self,
        text: str,
        document: Mapping[str, Any],
        *,
        message_id: str | None = None,
        signed_by: Sequence[str] | None = None,
        age: int = 0,
    ) -> Delivery:
        """A delivery, valid unless the arguments make it another."""
        return Delivery(
            text,
            message_id or self.events.message_id(),
            self.events.render(document),
            (self.secret,) if signed_by is None else signed_by,
            age=age,
        )

    def send(self, *deliveries: Delivery) -> list[Sent]:
        """Send deliveries at the same time.

        Raises:
            SlowHandlerError: if the handler does not answer in time.
        """
        done = self._sender.send(deliveries)
        self.sent += done
        if any(sent.is_late for sent in done):
            raise SlowHandlerError
        return done

    def must_accept(self, delivery: Delivery) -> str | None:
        """Send what a handler has to accept; the problem if it does not."""
        (sent,) = self.send(delivery)
        return None if sent.is_accepted else f"{delivery.text}: {sent.answer} instead of a 2xx"

    def must_refuse(self, delivery: Delivery) -> str | None:
        """Send what a handler has to refuse without acting; the problem if it does not."""
        before = None if self.observer is None else self.observer.steady()
        (sent,) = self.send(delivery)
        if not sent.is_refused:
            return f"{delivery.text}: {sent.answer} instead of a refusal such as 400"
        return self._changed(sent, before)

    def must_ignore(self, delivery: Delivery) -> str | None:
        """Send what a handler has to accept without acting; the problem if it does not."""
        before = None if self.observer is None else self.observer.steady()
        (sent,) = self.send(delivery)
        if not sent.is_accepted:
            return f"{delivery.text}: {sent.answer} instead of a 2xx"
        return self._changed(sent, before)

    def _changed(self, sent: Sent, before: str | None) -> str | None:
        if self.observer is None or before is None:
            return None
        after = self.observer.later()
        self.sent[-1] = replace(sent, before=before, after=after)
        if after == before:
            return None
        return (
            f"{sent.delivery.text}: {sent.answer}, but it changed the observed value from "
            f"{before!r} to {after!r}"
        )
