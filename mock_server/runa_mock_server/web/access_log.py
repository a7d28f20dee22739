"""A line a request, and not a character of it where nobody reads."""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from runa_mock_server.journal import Redactor

ACCESS_LOG = logging.getLogger("runa_mock_server.access")


class AccessLog(AbstractAccessLogger):
    """Writes method, path, status and duration of a request to ``ACCESS_LOG``."""

    @property
    def enabled(self) -> bool:
        """Whether anybody listens; asked once a connection, and if not, nothing else is."""
        return ACCESS_LOG.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log one request, without its API key; ``time`` is its duration in seconds."""
        redactor = Redactor(request.headers.get("X-Api-Key", ""))
        ACCESS_LOG.info(
            "%s %s %d %.1f ms",
            request.method,
            redactor.text(request.raw_path),
            response.status,
            time * 1000,
        )
