"""The way of a request: route, header checks in their order, handler, response."""

import logging

from aiohttp import web

from runa_mock_server.errors import ApiError, ServiceError
from runa_mock_server.web.answers import answer_to, to_response
from runa_mock_server.web.call import Call
from runa_mock_server.web.routes import ROUTES
from runa_mock_server.web.routing import Router
from runa_mock_server.world import World

log = logging.getLogger(__name__)


class Gateway:
    """Answers the requests to one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._router = Router(ROUTES)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request; whatever goes wrong, it is one that the contract knows."""
        match = self._router.find(request.method, request.path)
        call = Call(self._world, request, match.parameters)
        try:
            for check in match.checks:
                check(call)
            answer = await match.handler(call)
        except ServiceError as refusal:
            answer = answer_to(refusal)
        except Exception:
            log.exception("a defect of the mock, please report it")
            answer = answer_to(ApiError("internal_server_error", "The mock has a defect."))
        response = to_response(answer, call.response_headers)
        if request.content.exception() is not None:
            response.force_close()  # where a broken body ends, and the next request starts, is lost
        return response
