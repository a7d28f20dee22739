"""``X-Trigger-Error``: errors on demand (provider's page "Playground").

The setting ``trigger_error`` asks for them on behalf of callers that do not send the header.
"""

from runa_mock_server.base.errors import ApiError, ErrorDetail, NeverStoredError, quoted
from runa_schemas import ERRORS

ORDER_FAILED = "order_failed"
"""Not an error type: the order is accepted and then ends ``FAILED`` (inferred)."""

# The provider documents two of them; every type that it documents can be asked for here.
_TYPES = tuple(sorted(type_ for type_, known in ERRORS.items() if known.source != "inferred"))

DOCUMENTED_TRIGGERS = frozenset({"insufficient_funds", "internal_server_error"})
"""What the provider's playground knows; other values are ignored there (inferred)."""

KNOWN_TRIGGERS = (*_TYPES, ORDER_FAILED)
"""All that can be asked for."""


class UnknownTriggerError(NeverStoredError):
    """The header asks for an error that does not exist: ``bad_request`` (inferred).

    A mistake in a header, so it is no answer to an idempotency key and is never stored.
    """

    def __init__(self, header: str) -> None:
        known = ", ".join(KNOWN_TRIGGERS)
        super().__init__(
            "bad_request",
            f"X-Trigger-Error does not know {quoted(header)}. It knows: {known}.",
            rule="trigger-unknown",
        )


def pull(trigger: str | None) -> None:
    """Answer with the error that was asked for; nothing happens where none was.

    Args:
        trigger: ``X-Trigger-Error`` or the setting; ``None`` where neither is there.

    Raises:
        UnknownTriggerError: for a value that is neither an error type nor ``order_failed``.
        ApiError: of the type that ``trigger`` names.
    """
    if trigger is None or trigger == ORDER_FAILED:
        return
    if trigger not in _TYPES:
        raise UnknownTriggerError(trigger)
    message = "This error was asked for, by X-Trigger-Error or by the setting trigger_error."
    location = ("header", "x-trigger-error")
    details = (
        [ErrorDetail("value_error", message, location)] if trigger == "validation_error" else ()
    )
    rule = "trigger-documented" if trigger in DOCUMENTED_TRIGGERS else "trigger-all"
    raise ApiError(trigger, message, details=details, rule=rule)
