"""One request as the journal keeps it, and as it is shown."""

from collections.abc import Iterator
from typing import Literal

from runa_mock_server.base.redaction import KnownKeys, RawHeaders, Redactor

BODY_LIMIT = 4096
"""The bytes of a body that are kept."""

BETWEEN_HEADERS = b"\n"  # no header can hold it

Outcome = Literal["created", "replayed", "refused"]
Hits = tuple[tuple[str, str, str], ...]

Flat = tuple[
    int,
    int,
    str,
    str,
    bytes,
    str | None,
    bytes,
    int | None,
    bytes,
    Outcome | None,
    str | None,
    str | None,
    Hits,
    tuple[str, ...],
    str | None,
    float,
]
"""What an ``Entry`` shows, as it came: number, moment, method, target, headers in one piece,
idempotency key, body, status, body of the answer, outcome, order, fingerprint, faults,
kindnesses, rule, and when it was noted."""


class Entry:
    """One request, as it can be shown: no API key is in it.

    Attributes:
        number: grows with every request to the server.
        at: the moment, microseconds since the epoch, by the account's clock.
        method: the HTTP method.
        status: what the caller was told, ``None`` if no status line was sent.
        outcome: for a request that places an order, whether it made one (``created``), got the
            stored answer (``replayed``) or neither (``refused``); ``None`` for other requests,
            and if the service never saw it.
        key_as_sent: ``X-Idempotency-Key`` as it came; it can hold an API key, so it is not to be
            shown.
        order_id: the order that was made, or shown again.
        fingerprint: equal for equal bodies; 32 hexadecimal digits.
        faults: the faults that hit it, each with its id, kind and place.
        kindnesses: the settings without which strict mode would have refused or ignored it.
        rule: the id of the rule that decided the service's answer; ``None`` if the service never
            saw the request, and for what is none of the contract's.
        noted_at: when it was noted, by the computer's clock, seconds since the epoch.
    """

    def __init__(self, flat: Flat, redactor: Redactor | KnownKeys) -> None:
        self.number, self.at, self.method = flat[:3]
        self._target, self._headers, self.key_as_sent = flat[3:6]
        self._request_body, self.status, self._response_body, self.outcome = flat[6:10]
        self.order_id, self.fingerprint, self.faults, self.kindnesses = flat[10:14]
        self.rule, self.noted_at = flat[14:]
        if isinstance(redactor, KnownKeys):
            redactor = self._of_a_stranger(redactor)
        self._redactor = redactor

    def _of_a_stranger(self, known: KnownKeys) -> Redactor:
        """What takes out the key that somebody without an account tried to use."""
        return Redactor(self.sent_api_key or "", known)

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        parts = iter(self._headers.split(BETWEEN_HEADERS) if self._headers else ())
        return zip(parts, parts, strict=True)

    @property
    def sent_api_key(self) -> str | None:
        """The first ``X-Api-Key`` as it came, not to be shown; ``None`` where none was sent."""
        sent = [value for name, value in self._pairs() if name.lower() == b"x-api-key"]
        return sent[0].decode(errors="surrogateescape") if sent else None

    def key_places(self) -> list[str]:
        """Where an API key stands that belongs into ``X-Api-Key`` alone.

        Returns:
            ``url``, ``body``, and the names of headers in lower case.
        """
        target = self._target.encode(errors="surrogateescape")
        holds_key = self._redactor.holds_key
        return [
            *(["url"] if holds_key(target) else []),
            *(["body"] if holds_key(self._request_body) else []),
            *(
                name.decode(errors="backslashreplace").lower()
                for name, value in self._pairs()
                if name.lower() != b"x-api-key" and (holds_key(name) or holds_key(value))
            ),
        ]

    def whole_bodies(self, limit: int) -> tuple[bytes, bytes]:
        """The bodies of request and answer as far as they are at hand, without API keys.

        Args:
            limit: about how many bytes of each are wanted.
        """
        bodies = (self._request_body, self._response_body)
        sent, answered = (self._redactor.body(body, limit) for body in bodies)
        return sent, answered

    @property
    def target(self) -> str:
        """Path and query."""
        return self._redactor.text(self._target)

    @property
    def headers(self) -> RawHeaders:
        """Name and value of each header but those that hold secrets."""
        return self._redactor.headers(self._pairs())

    @property
    def idempotency_key(self) -> str | None:
        """``X-Idempotency-Key`` of a request that places an order, printable."""
        return None if self.key_as_sent is None else self._redactor.text(self.key_as_sent)

    @property
    def request_body(self) -> bytes:
        """Its first ``BODY_LIMIT`` bytes."""
        return self._redactor.body(self._request_body, BODY_LIMIT)[:BODY_LIMIT]

    @property
    def response_body(self) -> bytes:
        """The first ``BODY_LIMIT`` bytes of what the service answered.

        What a fault made of it, the caller knows.
        """
        return self._redactor.body(self._response_body, BODY_LIMIT)[:BODY_LIMIT]
