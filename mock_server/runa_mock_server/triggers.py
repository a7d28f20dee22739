"""``X-Trigger-Error``: errors on demand (provider's page "Playground")."""

from runa_mock_server.errors import ApiError, ErrorDetail, quoted
from runa_schemas import ERRORS

ORDER_FAILED = "order_failed"
"""Not an error type: the order is accepted and then ends ``FAILED`` (inferred)."""

# The provider documents two of them; every type that it documents can be asked for here.
_TYPES = tuple(sorted(type_ for type_, known in ERRORS.items() if known.source != "inferred"))


class UnknownTriggerError(ApiError):
    """The header asks for an error that does not exist: ``bad_request`` (inferred).

    A mistake in a header, so it is no answer to an idempotency key and is never stored.
    """

    def __init__(self, header: str) -> None:
        known = ", ".join((*_TYPES, ORDER_FAILED))
        super().__init__(
            "bad_request", f"X-Trigger-Error does not know {quoted(header)}. It knows: {known}."
        )


def pull(header: str | None) -> None:
    """Answer with the error that was asked for; nothing happens where none was.

    Args:
        header: ``X-Trigger-Error``, or ``None`` where it is absent.

    Raises:
        UnknownTriggerError: for a value that is neither an error type nor ``order_failed``.
        ApiError: of the type that ``header`` names.
    """
    if header is None or header == ORDER_FAILED:
        return
    if header not in _TYPES:
        raise UnknownTriggerError(header)
    message = "The request asked for this error with X-Trigger-Error."
    location = ("header", "x-trigger-error")
    details = (
        [ErrorDetail("value_error", message, location)] if header == "validation_error" else ()
    )
    raise ApiError(header, message, details=details)
