"""A line a request, and not a character of it where nobody reads."""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from runa_mock_server.base.redaction import Redactor

ACCESS_LOG = logging.getLogger("runa_mock_server.contract.request_headers")


class AccessLog(AbstractAccessLogger):
    """Writes method, path, status and duration of a request to ``ACCESS_LOG``."""

    @property
    def enabled(self) -> bool:
        """Whether anybody listens; asked once a connection, and if not, nothing else is."""
        return ACCESS_LOG.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log one request, without its API key; ``time`` is its duration in seconds."""
        api_key = request.headers.get("X-Api-Key", "")
        log_request((request.method, request.raw_path), api_key, response.status, time)


def log_request(line: tuple[str, str], api_key: str, status: int, seconds: float) -> None:
    """Log one request, without its API key.

    Args:
        line: method and target.
        api_key: the key of its caller, or what is sent for one.
        status: of the answer.
        seconds: how long it took.
    """
    method, target = line
    target = Redactor(api_key).text(target)
    ACCESS_LOG.info("%s %s %d %.1f ms", method, target, status, seconds * 1000)
