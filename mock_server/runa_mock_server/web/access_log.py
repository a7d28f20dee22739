"""The access log: a line for each request, with what its client saw."""

import logging
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from runa_mock_server.base.redaction import KnownKeys, Redactor, printable
from runa_mock_server.config.logs import FIELDS
from runa_mock_server.web.call import Call
from runa_mock_server.web.checks import ORDERING

ACCESS_LOG = logging.getLogger("runa_mock_server.access")

_REFUSALS = 400


def log_request(
    request: web.BaseRequest, response: web.StreamResponse, call: Call | KnownKeys, seconds: float
) -> None:
    """Log one request, without API keys.

    Args:
        request: the request.
        response: what was sent.
        call: what is known of it, for a request to the service; the keys to redact, for others.
        seconds: its duration.
    """
    if isinstance(call, Call):
        fields = _call_fields(call)
    else:
        redactor = Redactor(request.headers.get("X-Api-Key", ""), call)
        fields = _fields(request, response, redactor)
    fields["duration_ms"] = round(seconds * 1000, 1)
    ACCESS_LOG.info("%s", _line(fields), extra={FIELDS: fields})


class _Error(NamedTuple):
    """What a refusal says: its type, the first field that is wrong, and the reason."""

    type: str | None
    field: str | None
    reason: str | None


_NO_ERROR = _Error(None, None, None)


def _call_fields(call: Call) -> dict[str, Any]:
    redactor = call.redactor
    path, _, query = redactor.text(call.target).partition("?")
    answer = call.answer
    # A fault can have sent another answer than the service's.
    is_refused = answer is not None and call.status == answer.status >= _REFUSALS
    error = _error(answer.body, redactor) if answer is not None and is_refused else _NO_ERROR
    key = call.headers.get("X-Idempotency-Key") if call.route.checks is ORDERING else None
    return {
        "method": printable(call.method),
        "path": path,
        "query": query,
        "status": call.status,
        "account": None if call.owner is None else call.owner.name,
        "idempotency_key": None if key is None else redactor.text(key),
        "order_id": call.order_id,
        "error_type": error.type,
        "error_field": error.field,
        "error_reason": error.reason,
        "fault": ", ".join(f"{f.id} {f.spec.kind} {f.spec.place}" for f in call.faults) or None,
    }


def _fields(
    request: web.BaseRequest, response: web.StreamResponse, redactor: Redactor
) -> dict[str, Any]:
    """The fields of a request to the control API, or of what was no request."""
    path, _, query = redactor.text(request.raw_path).partition("?")
    body = response.body if isinstance(response, web.Response) else None
    is_refused = response.status >= _REFUSALS and isinstance(body, bytes)
    error = _error(body, redactor) if is_refused and isinstance(body, bytes) else _NO_ERROR
    return {
        "method": printable(request.method),
        "path": path,
        "query": query,
        "status": response.status if request.transport is not None else None,
        "account": None,
        "idempotency_key": None,
        "order_id": None,
        "error_type": error.type,
        "error_field": error.field,
        "error_reason": error.reason,
        "fault": None,
    }


def _error(body: bytes, redactor: Redactor) -> _Error:
    """What the body of a refusal says; nothing if it is of no known shape."""
    try:
        document = orjson.loads(body)
    except ValueError:
        return _NO_ERROR
    if not isinstance(document, dict):
        return _NO_ERROR
    first, *_ = document.get("details") or [{}]
    reason = first.get("message") or document.get("message")
    return _Error(
        document.get("type") or document.get("error"),
        redactor.text(".".join(first.get("location", ()))) or None,
        None if reason is None else redactor.text(reason),
    )


def _line(fields: dict[str, Any]) -> str:
    """A request as one line of text."""
    target = fields["path"] + ("?" if fields["query"] else "") + fields["query"]
    status = "no answer" if fields["status"] is None else fields["status"]
    words = [fields["method"], target, str(status), f"{fields['duration_ms']} ms"]
    said = [fields[name] for name in ("error_type", "error_field", "error_reason") if fields[name]]
    if said:
        words.append(": ".join(said))
    if fields["fault"]:
        words.append(f"(fault {fields['fault']})")
    return " ".join(words)
