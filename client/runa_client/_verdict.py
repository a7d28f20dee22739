"""What an outcome means: a result, or an error with all that is known about it."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from runa_client import _errors
from runa_client._errors import Call, ErrorDetail, Problem, RunaApiError, RunaCallError
from runa_client._exchange import NetworkFailure, Outcome, Reply
from runa_client._json import decode

T = TypeVar("T")
Clean = Callable[[str], str]

_BY_TYPE: Mapping[str, type[RunaApiError]] = {
    "idempotency_in_progress": _errors.IdempotencyInProgressError,
    "idempotency_validation_error": _errors.IdempotencyConflictError,
}
_BY_STATUS: Mapping[int, type[RunaApiError]] = {
    400: _errors.BadRequestError,
    401: _errors.AuthenticationError,
    403: _errors.AccessDeniedError,
    404: _errors.NotFoundError,
    422: _errors.ValidationError,
    429: _errors.RateLimitError,
}
_BAD_REQUEST = 400
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
# A status beyond all classes counts as one of these (RFC 9110, 15).
_SERVER_ERROR = range(500, 1000)
_LONGEST_TEXT = 500
_LONGEST_MESSAGE = 10_000
_SECONDS = re.compile(r"[0-9]{1,9}")


def verdict(
    outcome: Outcome, call: Call, parse: Callable[[object], T], clean: Clean
) -> T | RunaCallError:
    """Judge what came of a request.

    Args:
        outcome: The answer, or why there is none.
        call: The call so far, for the error.
        parse: Reads the JSON of a success; a ValueError means that it is not what it must be.
        clean: Takes secrets and control characters out of a text.

    Returns:
        The result, or the error, not raised.
    """
    if isinstance(outcome, NetworkFailure):
        kind = _errors.RunaTimeoutError if outcome.timed_out else _errors.RunaConnectionError
        told = "the request timed out" if outcome.timed_out else "the connection failed"
        return kind(call, Problem(message=f"{told}: {_short(clean(outcome.reason))}"))
    if outcome.status not in _SUCCESS and not _may_be_in_progress(outcome, call):
        return _refusal(outcome, call, clean)
    try:
        if outcome.status not in _SUCCESS:
            raise ValueError("the reason of the refusal is missing")  # noqa: TRY301 - as below
        if outcome.fault is not None:
            raise ValueError(outcome.fault)  # noqa: TRY301 - as if the body had told it
        return parse(decode(outcome.body))
    except (ValueError, MemoryError) as error:
        told = str(error) or type(error).__name__
        message = f"the answer cannot be read: {_short(clean(told))}"
        return _errors.RunaResponseError(call, Problem(message=message, status=outcome.status))


def _may_be_in_progress(reply: Reply, call: Call) -> bool:
    """Whether this can be what was left of `idempotency_in_progress` by a proxy or a cut.

    To repeat it with the same key is right then, and does no harm if it was another refusal.
    """
    if reply.status != _BAD_REQUEST or call.idempotency_key is None:
        return False
    try:
        return not isinstance(decode(reply.body), dict)
    except (ValueError, MemoryError):
        return True


def _refusal(reply: Reply, call: Call, clean: Clean) -> RunaApiError:
    if reply.status in _REDIRECT:
        target = _short(clean(reply.headers.get("location", "nowhere")))
        message = f"a redirect, which is not followed, to {target}"
        return _errors.RedirectError(call, Problem(message=message, status=reply.status))
    problem = _problem(reply, clean)
    kind = _BY_STATUS.get(reply.status, RunaApiError)
    if reply.status in _SERVER_ERROR:
        kind = _errors.ServerError
    elif reply.status == _BAD_REQUEST:
        kind = _BY_TYPE.get(problem.type or "", kind)
    return kind(call, problem)


def _problem(reply: Reply, clean: Clean) -> Problem:
    try:
        body = decode(reply.body)
    except (ValueError, MemoryError):
        body = None
    said = body if isinstance(body, dict) else {}

    def text(name: str) -> str | None:
        value = said.get(name)
        return _short(clean(value), _LONGEST_MESSAGE) if isinstance(value, str) else None

    details = said.get("details")
    return Problem(
        # A rate limit says `error` instead; a gateway's own page says nothing of use.
        message=text("message") or text("error") or "an answer without the service's error body",
        status=reply.status,
        type=text("type"),
        help=text("help"),
        details=_details(details, clean) if isinstance(details, list) else (),
        retry_after=_retry_after(reply.headers),
    )


def _details(details: list[object], clean: Clean) -> tuple[ErrorDetail, ...]:
    found = []
    for detail in details:
        if isinstance(detail, dict):
            location = detail.get("location")
            steps = location if isinstance(location, list) else []
            found.append(
                ErrorDetail(
                    type=clean(str(detail.get("type", ""))),
                    message=clean(str(detail.get("message", ""))),
                    location=tuple(clean(str(step)) for step in steps),
                )
            )
    return tuple(found)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    # A date is measured from the answer's own date, so that no clock has to be right.
    until, now = _http_date(value), _http_date(headers.get("date", ""))
    return max(until - now, 0.0) if until is not None and now is not None else None


def _http_date(value: str) -> float | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - needed by rare answers only

    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _short(text: str, longest: int = _LONGEST_TEXT) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
