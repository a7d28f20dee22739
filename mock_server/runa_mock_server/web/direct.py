"""Answers that leave in one write.

aiohttp builds a response object with its headers for every answer, which costs as much as the
rest of a short request. Nearly all answers here are short, whole, and on an HTTP/1.1 connection
that stays open: for those the bytes go to the transport as they are, and aiohttp is handed a
response that has been sent. All others go its usual way.
"""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE

from runa_mock_server.orders.idempotency import Answer

_LONGEST = 64 * 1024  # a longer one has to wait for the client to take it in


class _SentResponse(web.StreamResponse):
    """Stands for a response whose bytes are on their way."""

    @property
    def keep_alive(self) -> bool:
        """The connection stays open."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to be done."""
        del request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to be done."""
        del data


def send_directly(
    request: web.BaseRequest, answer: Answer, headers: dict[str, str]
) -> web.StreamResponse | None:
    """Send an answer at once.

    Returns:
        What aiohttp takes for the response; ``None`` if the answer has to go the usual way, and
        nothing was sent.
    """
    transport = request.transport
    if (
        transport is None
        or transport.is_closing()
        or request.method == hdrs.METH_HEAD
        or request.version != HttpVersion11
        or not request.keep_alive
        or len(answer.body) > _LONGEST
        or request.protocol.writing_paused
        or not request.content.at_eof()  # what becomes of the rest decides about the connection
        or request.content.exception() is not None
    ):
        return None
    transport.write(_as_bytes(answer, headers))
    return _sent(answer.status)


def _as_bytes(answer: Answer, headers: dict[str, str]) -> bytes:
    """An answer on an HTTP/1.1 connection that stays open, from the status line on."""
    head = _head(answer.status, answer.content_type, tuple(headers.items()))
    date = _date(int(time.time()))
    return b"%s%d%s%s" % (head, len(answer.body), date, answer.body)


@lru_cache(maxsize=1_000)
def _sent(status: int) -> web.StreamResponse:
    return _SentResponse(status=status)


@lru_cache(maxsize=1_000)
def _head(status: int, content_type: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Type: {content_type}",
        f"Server: {SERVER_SOFTWARE}",
        "Content-Length: ",
    )
    return "\r\n".join(lines).encode()


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return f"\r\nDate: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
