"""From data to HTTP: answers as bytes, refusals as answers, answers as responses."""

from typing import Any

import orjson
from aiohttp import web

from runa_mock_server.base.errors import ServiceError
from runa_mock_server.orders.idempotency import Answer

OK = 200


def json_answer(document: Any, status: int = OK) -> Answer:
    """A document as an answer."""
    return Answer(status, orjson.dumps(document))


def answer_to(refusal: ServiceError) -> Answer:
    """A refusal as an answer, in the shape that its kind has."""
    return json_answer(refusal.document(), refusal.status)


def to_response(answer: Answer, headers: dict[str, str]) -> web.Response:
    """An answer as the response that is sent."""
    return web.Response(
        body=answer.body,
        status=answer.status,
        headers={**headers, "Content-Type": answer.content_type},
    )
