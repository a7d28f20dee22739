"""One connection: aiohttp's, with what this server needs beyond it."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.errors import ApiError, quoted
from runa_mock_server.web.answers import answer_to, to_response

log = logging.getLogger(__name__)


class Connection(RequestHandler):
    """Tells when its client is gone, and answers what is no HTTP like every other error."""

    __slots__ = ("_when_lost",)

    def when_lost(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have ``call`` called when the client is gone; the result undoes that."""
        if self.transport is None:
            call()
        waiting: set[Callable[[], None]] = getattr(self, "_when_lost", set())
        self._when_lost = waiting
        waiting.add(call)
        return lambda: waiting.discard(call)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell those who wait for it."""
        super().connection_lost(exc)
        for call in tuple(getattr(self, "_when_lost", ())):
            call()

    def log_exception(self, *args: object, **_kwargs: object) -> None:
        """Keep quiet: the gateway reports our defects, and what else fails is the transfer."""
        log.debug("a transfer failed: %s", args[0] if args else "")

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The response to a request that could not be parsed; closes the connection."""
        del request
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            reason = " ".join((message or str(exc)).split())
            refusal = ApiError(
                "bad_request",
                f"This is not an HTTP request that can be read: {quoted(reason, 200)}.",
                help_="Check the request line and the headers.",
            )
        else:
            log.error("a defect of the mock, please report it", exc_info=exc)
            refusal = ApiError("internal_server_error", "The mock has a defect.")
        response = to_response(answer_to(refusal), {})
        response.force_close()
        return response
