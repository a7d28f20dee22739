"""One connection: aiohttp's, with what this server needs beyond it."""

import asyncio
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import HttpVersion11, StreamReader, hdrs, web
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.web.access_log import ACCESS_LOG, log_request
from runa_mock_server.web.answers import answer_to, to_response
from runa_mock_server.web.direct import Sent

LONGEST_LINE = 16 * 1024
"""Bytes of the longest request line, and of the longest header with its name.

An idempotency key may be any text; the default of aiohttp, 8190 bytes, would be short for some.
"""

_SIMPLE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_POST})

log = logging.getLogger(__name__)


# What of aiohttp's connection answering at once touches, all of it private: the future that its
# task waits on for a request, the requests that have come, and the timer of a connection that
# nobody uses. Where a version of aiohttp lacks one of them, every request takes the usual way.
_TOUCHED = frozenset({"_waiter", "_messages", "_keepalive_handle", "_next_keepalive_close_time"})
_CAN_ANSWER_AT_ONCE = all(hasattr(RequestHandler, name) for name in _TOUCHED)
# Later versions count the requests that are not taken out yet, in the parser.
_COUNTS = hasattr(HttpRequestParser, "message_consumed")

AtOnce = Callable[[RawRequestMessage, StreamReader], Sent | None]


class Connection(RequestHandler):
    """A connection that answers simple requests as they come in.

    aiohttp wakes a task for each request, which makes an object of it and starts another task
    for its handler. A request that is there as a whole, alone, and can be answered without
    waiting is answered before any of that: it would cost more than the rest. Every other
    request, such as one of several in a row, goes aiohttp's way; so does the first on a
    connection where aiohttp, in its older versions, sets the timer of idle ones only then.

    It also tells when its client is gone, and answers what is no HTTP like every other error.

    Args:
        manager: as for aiohttp's.
        at_once: answers a request, or returns ``None`` for one that takes the usual way.
        loop: the running event loop.
        options: as for aiohttp's.
    """

    __slots__ = ("_at_once", "_logs", "_time", "_when_lost")

    def __init__(
        self,
        manager: web.Server,
        at_once: AtOnce,
        *,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._at_once = at_once
        self._time = loop.time
        self._logs = ACCESS_LOG.isEnabledFor(logging.INFO)

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent; answer it, if it is one simple request."""
        waiter = self._waiter if _CAN_ANSWER_AT_ONCE else None
        if waiter is None or waiter.done() or self._keepalive_handle is None:
            super().data_received(data)  # a request is in hand, or the connection is new
            return
        messages = self._messages
        self._waiter = None  # or aiohttp would wake its task
        try:
            super().data_received(data)
            # Taking in a body can bring the next request in: it has to wait for its turn.
            if len(messages) == 1 and self._answer_at_once(*messages[0]):
                messages.popleft()
                if _COUNTS and self._parser is not None:
                    self._parser.message_consumed()
        finally:
            self._waiter = waiter
        if messages and not waiter.done():
            waiter.set_result(None)

    def _answer_at_once(self, message: object, content: StreamReader) -> bool:
        transport = self.transport
        if (
            not isinstance(message, RawRequestMessage)
            or message.method not in _SIMPLE_METHODS
            or message.version != HttpVersion11
            or message.should_close
            or message.upgrade
            or message.chunked
            or message.compression
            or transport is None
            or transport.is_closing()
            or self.writing_paused  # it has to be waited for
        ):
            return False
        begun = self._time() if self._logs else 0
        answer = self._at_once(message, content)
        if answer is None:
            return False
        transport.write(answer.data)
        now = self._time()
        self._next_keepalive_close_time = now + self.keepalive_timeout
        if self._logs:
            api_key = message.headers.get("X-Api-Key", "")
            log_request((message.method, message.path), api_key, answer.status, now - begun)
        return True

    def resume_reading(self, *args: Any, **options: Any) -> None:
        """Go on reading; aiohttp asks for it with each body that was read, paused or not."""
        if self._reading_paused:
            super().resume_reading(*args, **options)

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
            refusal = _unreadable(exc, message)
        else:
            log.error("a defect of the mock, please report it", exc_info=exc)
            refusal = ApiError("internal_server_error", "The mock has a defect.")
        response = to_response(answer_to(refusal), {})
        response.force_close()
        return response


def _unreadable(error: BaseException | None, message: str | None) -> ApiError:
    """The refusal of what could not be parsed; it repeats nothing that was sent, such as a key."""
    if isinstance(error, LineTooLong):
        return ApiError(
            "bad_request",
            f"The request line or a header is longer than {LONGEST_LINE} bytes.",
            help_="Send a shorter path, query or header.",
        )
    # What the parser quotes follows a colon, a quote or a line feed.
    reason = re.split(r"[:'\"\n]", message or str(error))[0].strip()
    return ApiError(
        "bad_request",
        f"This is not an HTTP request that can be read: {quoted(reason, 200)}.",
        help_="Check the request line and the headers.",
    )
