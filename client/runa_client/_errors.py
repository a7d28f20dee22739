"""The errors of the client, with one root to catch.

::

    RunaError
    ├── ConfigurationError             no or a bad base URL, key or header (also a ValueError)
    │   └── WebhookUsageError          no body, headers or secret at all (also a TypeError)
    ├── OrderTimeoutError              still processing at the deadline (also a TimeoutError)
    ├── OrderFailedError               ended FAILED, and the caller asked for an exception
    ├── RedemptionError                a payout link that gave no e-code, `code` says why
    ├── WebhookVerificationError       a webhook not to be believed, `reason` says why
    └── RunaCallError                  a call that got no good answer
        ├── RunaConnectionError     ↻  refused, reset, closed or cut: the outcome is unknown
        │   └── RunaTimeoutError    ↻  no connection or no answer in time
        ├── RunaResponseError       ↻  a 2xx, or the 400 to an order, whose body is not as expected
        └── RunaApiError               the service said no
            ├── RedirectError          3xx, never followed: it would carry the API key away
            ├── BadRequestError        400
            │   ├── IdempotencyConflictError       same key, another body
            │   └── IdempotencyInProgressError  ↻  the first request is still being handled
            ├── AuthenticationError    401
            ├── AccessDeniedError      403
            ├── NotFoundError          404
            ├── ValidationError        422, with `details` for each field
            ├── RateLimitError      ↻  429
            └── ServerError         ↻  5xx

↻ marks `safe_to_retry`. All of them pickle, and none of them holds the API key.
"""

from typing import ClassVar, Literal, TypeAlias

from runa_client._record import Record
from runa_client._results import Order
from runa_client._text import printable

WebhookFlaw: TypeAlias = Literal["headers", "timestamp", "signature", "body"]

_PROCESSING_ERRORS = frozenset({"RE008", "RE009"})


class ErrorDetail(Record):
    """What is wrong with one field of a request; `location` leads to it, list indexes included."""

    type: str
    message: str
    location: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'.'.join(self.location)}: {self.message} [{self.type}]"


class Call(Record):
    """The call that went wrong: `attempts` counts requests sent.

    `path` is below the base URL; of a payout link, which is as good as money, it is the host.
    """

    method: str
    path: str
    attempts: int
    idempotency_key: str | None


class Problem(Record):
    """What the service, or the network, said; `retry_after` is in seconds."""

    message: str
    status: int | None = None
    type: str | None = None
    help: str | None = None
    details: tuple[ErrorDetail, ...] = ()
    retry_after: float | None = None


class RunaError(Exception):
    """The root of all errors of this client."""


class ConfigurationError(RunaError, ValueError):
    """The client cannot work as it was set up; nothing was sent."""


class WebhookUsageError(ConfigurationError, TypeError):
    """`verify_webhook` was called with an argument of a wrong type: the receiver is at fault."""


class OrderTimeoutError(RunaError, TimeoutError):
    """The order had not ended at the deadline; it may still do so.

    Attributes:
        order_id: The order waited for.
        timeout: The time allowed, in seconds.
        order: The order as last seen, None if it was never seen.
    """

    def __init__(self, order_id: str, timeout: float, order: Order | None) -> None:
        super().__init__(order_id, timeout, order)
        self.order_id = order_id
        self.timeout = timeout
        self.order = order

    def __str__(self) -> str:
        seen = printable(self.order.status) if self.order is not None else "never seen"
        return f"order {printable(self.order_id)} has not ended after {self.timeout:g} s: {seen}"


class OrderFailedError(RunaError):
    """The order ended `FAILED`; `order` is the order."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.order = order

    def __str__(self) -> str:
        return f"order {printable(self.order.id)} failed"


class RedemptionError(RunaError):
    """The payout link gave no e-code.

    Attributes:
        code: The provider's reason, such as `RE004` for a link that has expired.
        order_id: The short id of the order, which is not the id of `get_order`, or None.
        message: The reason in words, which may change; None where the provider gave none.
        details: What more there is to say, as the provider gives it.
        retry_after: 60 seconds where the provider wants to be asked again after a minute
            (RE008, RE009), else None: asking again will not help by itself.
    """

    def __init__(
        self, code: str, order_id: str | None, message: str | None, details: object
    ) -> None:
        super().__init__(code, order_id, message, details)
        self.code = code
        self.order_id = order_id
        self.message = message
        self.details = details
        self.retry_after = 60.0 if code in _PROCESSING_ERRORS else None

    def __str__(self) -> str:
        said = ": ".join(filter(None, (self.code, self.message)))
        of_order = f" (order {self.order_id})" if self.order_id else ""
        more = f"\n  {self.details}" if self.details else ""
        return f"{said}{of_order}{more}"


class WebhookVerificationError(RunaError):
    """The message is not proven to come from the service, or is not for now; do nothing with it.

    Attributes:
        reason: What is wrong: `headers` (one is missing), `timestamp` (too old, too far ahead or
            no number), `signature` (none fits) or `body` (signed, but no JSON).
        message: The same in words.
    """

    def __init__(self, reason: WebhookFlaw, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


class RunaCallError(RunaError):
    """A call that got no good answer.

    Attributes:
        method: The request's method.
        path: The request's path below the base URL; of a payout link only the host.
        attempts: How many requests were sent.
        idempotency_key: The key sent with all of them, None for a request that has none.
        status: The HTTP status, None without an answer.
        type: The service's name of the error, None where it gave none.
        message: What went wrong, for people; its wording may change.
        help: The service's advice, for people.
        details: The fields at fault, for a `ValidationError`.
        retry_after: How long the service asks to wait, in seconds.
        safe_to_retry: Whether the same call with the same idempotency key is safe and sensible.
    """

    safe_to_retry: ClassVar[bool] = False

    def __init__(self, call: Call, problem: Problem) -> None:
        super().__init__(call, problem)
        self.method = call.method
        self.path = call.path
        self.attempts = call.attempts
        self.idempotency_key = call.idempotency_key
        self.status = problem.status
        self.type = problem.type
        self.message = problem.message
        self.help = problem.help
        self.details = problem.details
        self.retry_after = problem.retry_after

    def __str__(self) -> str:
        said = " ".join(str(part) for part in (self.status, self.type) if part is not None)
        lines = [": ".join(filter(None, (f"{self.method} {self.path}", said, self.message)))]
        lines += [f"  {detail}" for detail in self.details]
        if self.help:
            lines.append(f"  help: {self.help}")
        sent = f"  requests sent: {self.attempts}"
        if self.idempotency_key is not None:
            sent += f", idempotency key: {self.idempotency_key}"
            sent += self._advice
        return "\n".join([*lines, sent])

    @property
    def _advice(self) -> str:
        return " (a retry with this key is safe)" if self.safe_to_retry else ""


class RunaConnectionError(RunaCallError):
    """No whole answer came; a request that orders may have been carried out.

    The same idempotency key makes another try safe: what was ordered is answered again, not
    ordered again.
    """

    safe_to_retry = True


class RunaTimeoutError(RunaConnectionError):
    """No connection, or no answer, within the time allowed."""


class RunaResponseError(RunaCallError):
    """An answer that cannot be read: a success, whose request was carried out, or a 400.

    A 400 to an order without the service's error body may say that the first request with the key
    is still being handled: to repeat the call with the same key is right then.

    Where it is longer than `max_response_bytes`, a client with a higher limit reads it with the
    same idempotency key.
    """

    safe_to_retry = True


class RunaApiError(RunaCallError):
    """The service refused the request; `status` and `type` say why."""


class RedirectError(RunaApiError):
    """A redirect, which is never followed since the API key, or a payout link, would go along."""


class BadRequestError(RunaApiError):
    """400: the request breaks a rule of the service, named by `type`."""


class IdempotencyConflictError(BadRequestError):
    """The idempotency key was used with another body; a corrected request needs a new key."""


class IdempotencyInProgressError(BadRequestError):
    """The first request with this idempotency key is still being handled."""

    safe_to_retry = True


class AuthenticationError(RunaApiError):
    """401: no API key, or none that the service knows."""


class AccessDeniedError(RunaApiError):
    """403: the API key is not accepted, or may not order any more."""


class NotFoundError(RunaApiError):
    """404: no such order or product, or not one of this API key."""


class ValidationError(RunaApiError):
    """422: fields of the request are not what they must be; see `details`."""


class RateLimitError(RunaApiError):
    """429: too many orders within a minute; the service wants a pause of 5 seconds or more."""

    safe_to_retry = True


class ServerError(RunaApiError):
    """5xx: the service failed; the same idempotency key is right for another try."""

    safe_to_retry = True
