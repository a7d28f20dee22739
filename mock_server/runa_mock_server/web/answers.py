"""From data to HTTP: answers as bytes, refusals as answers, answers as responses."""

import asyncio
from typing import Any

import orjson
from aiohttp import web

from runa_mock_server.base.errors import ServiceError
from runa_mock_server.base.redaction import Redactor
from runa_mock_server.orders.idempotency import Answer

OK = 200

_JSON = "application/json"
_LARGE = 512 * 1024  # what is larger is sent in pieces of this size
_NOT_FREE = frozenset({"type", "error"})  # fields of refusals that hold nothing a caller has sent


def json_answer(document: Any, status: int = OK) -> Answer:
    """A document as an answer."""
    return Answer(status, orjson.dumps(document))


def answer_to(refusal: ServiceError) -> Answer:
    """A refusal as an answer, in the shape that its kind has."""
    return json_answer(refusal.document(), refusal.status)


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
