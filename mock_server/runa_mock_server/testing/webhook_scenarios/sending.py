"""Sends deliveries to the handler under test, signed rightly or wrongly."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from runa_mock_server.delivery.posting import Poster
from runa_mock_server.webhooks.messages import Answer, Failure
from runa_mock_server.webhooks.signing import HeaderNames, signed_headers

_SUCCESS = range(200, 300)
_REFUSED = range(400, 500)


class Delivery(NamedTuple):
    """One POST.

    Attributes:
        text: what is special about it.
        message_id: the id of the message, the same on every attempt of it.
        body: the bytes to send.
        signed_body: the bytes that the signature is for; ``None``: those of ``body``.
        secrets: the secrets that sign, in the order of the signatures; none: no signature header.
        age: seconds by which the timestamp lies in the past; negative for the future.
    """

    text: str
    message_id: str
    body: bytes
    secrets: Sequence[str]
    signed_body: bytes | None = None
    age: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery and how the handler answered.

    Attributes:
        delivery: the delivery.
        status: the HTTP status; ``None`` if there was none.
        seconds: how long the answer took.
        failure: why there is no status.
        error: the same in words.
        before: what was observed before the delivery, if that was asked.
        after: what was observed after it.
    """

    delivery: Delivery
    status: int | None
    seconds: float
    failure: Failure | None = None
    error: str | None = None
    before: str | None = None
    after: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the handler answered with a 2xx."""
        return self.status in _SUCCESS

    @property
    def is_refused(self) -> bool:
        """Whether the handler answered with a status that is not a 2xx."""
        return self.status is not None and not self.is_accepted

    @property
    def is_late(self) -> bool:
        """Whether there was no answer in time."""
        return self.failure == "timeout"

    @property
    def answer(self) -> str:
        """The answer in words."""
        if self.status is None:
            return f"no response ({self.error})"
        return f"status {self.status}"


@dataclass(slots=True)
class Sender:
    """Sends to one handler.

    Attributes:
        url: the URL of the handler.
        names: the names of the headers.
        timeout: seconds within which a handler has to answer.
        sent: everything that was sent, oldest first.
    """

    url: str
    names: HeaderNames
    timeout: float
    sent: list[Sent] = field(default_factory=list)

    def send(self, deliveries: Sequence[Delivery]) -> list[Sent]:
        """Send deliveries at the same time, and wait for all answers."""
        # In a thread of its own: the caller may run in an event loop, as an async test does.
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(asyncio.run, self._send_all(deliveries)).result()
        self.sent += done
        return done

    async def _send_all(self, deliveries: Sequence[Delivery]) -> list[Sent]:
        poster = Poster()
        return await asyncio.gather(*(self._send(poster, delivery) for delivery in deliveries))

    async def _send(self, poster: Poster, delivery: Delivery) -> Sent:
        answer = Answer()
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                await poster.send(self.url, delivery.body, self._headers(delivery), answer)
        except TimeoutError:
            answer.fail("timeout", f"no response within {self.timeout:g} s")
        seconds = time.monotonic() - started
        return Sent(delivery, answer.status, seconds, answer.failure, answer.error)

    def _headers(self, delivery: Delivery) -> Mapping[str, str]:
        timestamp = int(time.time()) - delivery.age
        signed = delivery.body if delivery.signed_body is None else delivery.signed_body
        headers = signed_headers(
            delivery.secrets, delivery.message_id, timestamp, signed, self.names
        )
        if delivery.secrets:
            return headers
        return {name: value for name, value in headers.items() if not name.endswith("-signature")}


def says_retry(status: int | None) -> bool:
    """Whether a status asks for the delivery again without being a crash: 4xx or 503."""
    return status in _REFUSED or status == 503  # noqa: PLR2004 - Service Unavailable
