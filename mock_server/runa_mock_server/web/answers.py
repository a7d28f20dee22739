"""From data to HTTP: answers as bytes, refusals as answers, answers as responses."""

import asyncio
import re
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from runa_mock_server.base.errors import ApiError, ServiceError, quoted
from runa_mock_server.base.redaction import Redactor
from runa_mock_server.orders.idempotency import Answer

OK = 200
_UNAVAILABLE = 503
FOUND = 302

ENCODING_RULE = "body-encoding"
"""The rule that decides about bodies that cannot be received or unpacked."""

LONGEST_LINE = 16 * 1024
"""Bytes of the longest request line, and of the longest header with its name.

An idempotency key may be any text; the default of aiohttp, 8190 bytes, would be short for some.
"""

# Where a message of the parser begins to quote what was sent.
_QUOTED = re.compile(r"\n|:?\s*(?:bytearray\()?b['\"]|:?\s+['\"](?!Host')|\\x")

_JSON = "application/json"
_LARGE = 512 * 1024  # what is larger is sent in pieces of this size
_NOT_FREE = frozenset({"type", "error"})  # fields of refusals that hold nothing a caller has sent


def json_answer(document: Any, status: int = OK, rule: str | None = None) -> Answer:
    """A document as an answer, and the id of the rule that decided it."""
    return Answer(status, orjson.dumps(document), rule=rule)


def answer_to(refusal: ServiceError) -> Answer:
    """A refusal as an answer, in the shape that its kind has."""
    return json_answer(refusal.document(), refusal.status, refusal.rule)


def unavailable(error: Exception) -> Answer:
    """503 ``service_unavailable``: the store does not answer; nothing was done.

    Args:
        error: says why, without the password of the store.
    """
    document = {
        "type": "service_unavailable",
        "message": f"{error}.",
        "help": "Nothing was done, and nothing is stored under the key: send the request again.",
    }
    return json_answer(document, _UNAVAILABLE)


def redacted(answer: Answer, redactor: Redactor) -> Answer:
    """A refusal without API keys; its type and its shape stay, whatever a key looks like."""
    if answer.content_type != _JSON or redactor.body(answer.body) == answer.body:
        return answer
    return answer._replace(body=orjson.dumps(_redacted(orjson.loads(answer.body), redactor)))


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, list):
        return [_redacted(part, redactor) for part in value]
    if isinstance(value, dict):
        return {
            name: part if name in _NOT_FREE else _redacted(part, redactor)
            for name, part in value.items()
        }
    return value


def to_response(answer: Answer, headers: dict[str, str]) -> web.Response:
    """An answer as the response that is sent."""
    return web.Response(
        body=answer.body,
        status=answer.status,
        headers={**headers, "Content-Type": answer.content_type},
    )


async def send(
    request: web.BaseRequest, answer: Answer, headers: dict[str, str]
) -> web.StreamResponse:
    """An answer as a response; a large one has been sent when this returns.

    Each piece of it waits until the client has taken in the one before, and others have a turn.
    """
    if len(answer.body) <= _LARGE or request.method == "HEAD":
        return to_response(answer, headers)
    response = web.StreamResponse(
        status=answer.status, headers={**headers, "Content-Type": answer.content_type}
    )
    response.content_length = len(answer.body)
    await response.prepare(request)
    view = memoryview(answer.body)
    for start in range(0, len(view), _LARGE):
        await response.write(view[start : start + _LARGE])
        await asyncio.sleep(0)
    await response.write_eof()
    return response


def misfit() -> ApiError:
    """The refusal of a body that cannot be taken out of its encoding."""
    return ApiError(
        "bad_request", "The request body does not fit its encoding.", rule=ENCODING_RULE
    )


def too_large(limit: int) -> ApiError:
    """The refusal of a body of more bytes than it may have."""
    reason = f"The request body is larger than {limit} bytes."
    return ApiError("payload_too_large", reason, rule="body-size")


def unreadable(error: BaseException | None, message: str | None) -> ApiError:
    """The refusal of what could not be parsed; it repeats nothing that was sent, such as a key."""
    if isinstance(error, LineTooLong):
        return ApiError(
            "bad_request",
            f"The request line or a header is longer than {LONGEST_LINE} bytes.",
            help_="Send a shorter path, query or header.",
        )
    reason = _QUOTED.split(message or str(error))[0].strip()
    return ApiError(
        "bad_request",
        f"This is not an HTTP request that can be read: {quoted(reason, 200)}.",
        help_="Check the request line and the headers.",
    )
