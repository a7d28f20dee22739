"""From data to HTTP: answers as bytes, refusals as answers, answers as responses."""

from typing import Any

import orjson
from aiohttp import web

from runa_mock_server.base.errors import ServiceError
from runa_mock_server.base.redaction import Redactor
from runa_mock_server.orders.idempotency import Answer

OK = 200
_UNAVAILABLE = 503

_JSON = "application/json"
_NOT_FREE = frozenset({"type", "error"})  # fields of refusals that hold nothing a caller has sent


def json_answer(document: Any, status: int = OK) -> Answer:
    """A document as an answer."""
    return Answer(status, orjson.dumps(document))


def answer_to(refusal: ServiceError) -> Answer:
    """A refusal as an answer, in the shape that its kind has."""
    return json_answer(refusal.document(), refusal.status)


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
