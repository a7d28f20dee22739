"""One connection: aiohttp's, with deadlines, and with errors in the shape of the contract."""

import asyncio
import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.access_log import ACCESS_LOG, log_request
from runa_mock_server.web.answers import answer_to, to_response
from runa_mock_server.web.call import Call

LONGEST_LINE = 16 * 1024
"""Bytes of the longest request line, and of the longest header with its name.

An idempotency key may be any text; the default of aiohttp, 8190 bytes, would be short for some.
"""
HEAD_SECONDS = 30.0
"""How long the head of a request may take, from its first byte."""
IDLE_SECONDS = 300.0
"""How long a connection may be idle, and how long an answer may wait for its reader."""
LINGER_SECONDS = 2.0
"""How long the rest of a body is waited for that nobody reads."""

# Where a message of the parser begins to quote what was sent.
_QUOTED = re.compile(r"\n|:?\s*(?:bytearray\()?b['\"]|:?\s+['\"](?!Host')|\\x")
_CHECKS = 5  # a deadline, so often during each
_MOST_DISCARDED = 8 * 1024 * 1024  # bytes
_CHEAP_REST = 64 * 1024  # bytes

log = logging.getLogger(__name__)


class _AccessLogger(AbstractAccessLogger):
    """Has aiohttp take the time of a request where the access log is read."""

    @property
    def enabled(self) -> bool:
        """Whether the access log is read; asked once a connection."""
        return ACCESS_LOG.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Leave that to ``Connection.log_access``, which knows more."""


class Connection(RequestHandler):
    """A connection that does not wait for ever for its peer.

    Args:
        manager: as for aiohttp's.
        loop: the running event loop.
        server_state: the state of the server.

    Attributes:
        call: the request in hand, or the last one; ``None`` if it is none of the service's.
    """

    __slots__ = (
        "_left",
        "_loop_time",
        "_paused_at",
        "_phase",
        "_server_state",
        "_since",
        "_timer",
        "_unread",
        "_when_lost",
        "call",
    )

    def __init__(
        self, manager: web.Server, loop: asyncio.AbstractEventLoop, server_state: ServerState
    ) -> None:
        super().__init__(
            manager,
            loop=loop,
            access_log_class=_AccessLogger,
            auto_decompress=False,  # body.py unpacks no more than a body may have
            lingering_time=LINGER_SECONDS,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        self.call: Call | None = None
        self._server_state = server_state
        self._loop_time = loop.time
        self._phase: Literal["idle", "head", "request"] = "idle"
        self._since = loop.time()
        self._paused_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread: StreamReader | None = None
        self._left = 0
        self._when_lost: set[Callable[[], None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to watch the deadlines."""
        super().connection_made(transport)
        self._watch()

    def _watch(self) -> None:
        """Close the connection if its peer has let a deadline pass; else look again later."""
        now = self._loop_time()
        since = self._paused_at if self._phase == "request" else self._since
        most = HEAD_SECONDS if self._phase == "head" else IDLE_SECONDS
        if since is not None and now - since > most:
            log.debug("a connection was closed: its peer kept it waiting")
            self._timer = None
            if self.transport is not None:
                self.transport.abort()  # a close would wait for what the peer has not read
            return
        pause = min(HEAD_SECONDS, IDLE_SECONDS) / _CHECKS
        self._timer = asyncio.get_running_loop().call_later(pause, self._watch)

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent."""
        if self._unread is not None:
            self._left -= len(data)
            if self._left <= 0:
                self._unread.feed_eof()  # which ends the waiting for the rest
            return
        if self._phase == "idle" and data:
            self._phase, self._since = "head", self._loop_time()
        super().data_received(data)

    def request_started(self, call: Call | None) -> None:
        """Note that the head of a request is complete: from here on the server may take time."""
        self._phase = "request"
        self.call = call

    def log_access(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float | None
    ) -> None:
        """Log a request that is over; the connection is idle until the next one."""
        self._phase, self._since = "idle", self._loop_time()
        if time is not None and ACCESS_LOG.isEnabledFor(logging.INFO):
            known = self._server_state.known_keys
            log_request(request, response, self.call or known, self._since - time)

    def pause_writing(self) -> None:
        """Note since when the client has not read."""
        super().pause_writing()
        self._paused_at = self._loop_time()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._paused_at = None

    def leave_unread(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Bound what becomes of a body that nobody has read to its end, before its answer leaves.

        A little is read, for the sake of the connection. Of more so much is taken off the wire,
        without parsing it, as lets the client see the answer; then the connection is closed.
        """
        content = request.content
        if content.exception() is not None:
            response.force_close()  # where a broken body ends, and the next request starts, is lost
            return
        length = request.content_length
        if content.at_eof() or (
            length is not None and length <= _CHEAP_REST and "Expect" not in request.headers
        ):
            return
        response.force_close()
        if content.is_eof():
            return  # all of it had arrived before the answer was ready
        rest = _MOST_DISCARDED if length is None else length - content.total_bytes
        self._unread, self._left = content, min(rest, _MOST_DISCARDED)

    def when_lost(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have ``call`` called when the client is gone; the result undoes that."""
        if self.transport is None:
            call()
        self._when_lost.add(call)
        return lambda: self._when_lost.discard(call)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell those who wait for it."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        for call in tuple(self._when_lost):
            call()

    def log_exception(self, *args: object, **_kwargs: object) -> None:
        """Keep quiet: the pipeline reports our defects, and what else fails is the transfer."""
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


def request_started(request: web.BaseRequest, call: Call | None) -> None:
    """Tell a connection that the head of a request is complete."""
    connection_of(request).request_started(call)


def connection_of(request: web.BaseRequest) -> Connection:
    """The connection that a request came on."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        raise TypeError(f"a connection of this server, not {connection!r}")
    return connection


def _unreadable(error: BaseException | None, message: str | None) -> ApiError:
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


def hang_up(request: web.BaseRequest) -> web.Response:
    """Close the connection of a request that gets no answer.

    Returns:
        What aiohttp wants to be given; it goes nowhere.
    """
    if request.transport is not None:
        request.transport.close()
    response = web.Response()
    response.force_close()
    return response
