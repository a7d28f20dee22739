"""Who may call, and the request headers that every call or every order needs.

Provider's pages "Authentication", "Versioning", "Idempotency" and "Create order". Each function
takes the raw header value, ``None`` where the header is absent.
"""

from collections.abc import Collection

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.contract.processing import Processing, parse_processing
from runa_mock_server.contract.validation_details import missing_header
from runa_schemas.contract_data import (
    API_KEY_PREFIXES,
    API_VERSION,
    RETIRED_API_VERSIONS,
    ExecutionMode,
)


def api_key(header: str | None, accepted: Collection[str], prefix: str) -> str:
    """The caller's key.

    Args:
        header: ``X-Api-Key``.
        accepted: the exact keys to accept; empty accepts any that starts with ``prefix``
            (inferred).
        prefix: how the keys of this environment start, in upper or lower case.

    Raises:
        ApiError: ``unauthorized`` without a key, ``forbidden`` for one that is not accepted.
    """
    if not header:
        raise ApiError("unauthorized", "The request has no X-Api-Key header.", rule="key-required")
    if accepted:
        known = header in accepted
    else:
        known = header[: len(prefix)].upper() == prefix.upper() and header.isascii()
    if not known:
        expected = "is one of those in the setting api_keys"
        if not accepted:
            expected = f"starts with {prefix}, as in {prefix}-test.secret, and is ASCII"
        is_foreign = any(
            header[: len(other)].upper() == other.upper()
            for other in API_KEY_PREFIXES.values()
            if other.upper() != prefix.upper()
        )
        raise ApiError(
            "forbidden",
            f"The API key is not accepted here. An accepted key {expected}.",
            rule="key-environment" if is_foreign else "key-accepted",
        )
    return header


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type is ``application/json``, with or without parameters."""
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


def check_version(header: str | None) -> None:
    """Refuse every API version but the live one, which is also the default.

    Raises:
        ApiError: ``version_removed`` for a retired version, ``invalid_version`` otherwise.
    """
    if header is None or header == API_VERSION:
        return
    if header in RETIRED_API_VERSIONS:
        raise ApiError(
            "version_removed", f"The API version {header} has been removed.", rule="version-removed"
        )
    reason = f"There is no API version {quoted(header)}."
    raise ApiError("invalid_version", reason, rule="version-unknown")


def execution_mode(header: str | None) -> ExecutionMode:
    """How an order is to be carried out; ``async`` by default.

    Raises:
        ApiError: ``invalid_execution_mode`` for anything but ``async`` and ``sync``.
    """
    match header:
        case None | "async":
            return "async"
        case "sync":
            return "sync"
    raise ApiError(
        "invalid_execution_mode",
        f"X-Execution-Mode is async or sync, not {quoted(header)}.",
        rule="execution-mode",
    )


def processing(header: str | None) -> Processing | None:
    """How long an order is to be ``PROCESSING``; ``None`` leaves it to the settings.

    ``X-Mock-Processing`` is this mock's own.

    Raises:
        ApiError: ``bad_request`` for a rule that does not exist.
    """
    if header is None:
        return None
    try:
        return parse_processing(header)
    except ValueError as error:
        reason = f"X-Mock-Processing {error}, not {quoted(header)}."
        raise ApiError("bad_request", reason, rule="mock-header") from None


def idempotency_key(header: str | None, *, as_pydantic_1: bool = False) -> str:
    """The key under which an order is placed: any text that is not empty.

    Raises:
        ApiError: ``validation_error`` if it is absent or empty (inferred).
    """
    if header:
        return header
    detail = missing_header("x-idempotency-key", as_pydantic_1=as_pydantic_1)
    raise ApiError(
        "validation_error",
        "The request has no X-Idempotency-Key header.",
        details=[detail],
        rule="idempotency-header",
    )
