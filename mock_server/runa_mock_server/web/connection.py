"""One connection: aiohttp's, with deadlines, short answers in one write, and the contract's errors.

aiohttp builds a response object with its headers for every answer, which costs as much as the
rest of a short request. Nearly all answers here are short, whole, and on an HTTP/1.1 connection
that stays open: for those the bytes go to the transport as they are, and aiohttp is handed a
response that has been sent. All others go its usual way.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Literal

from aiohttp import ClientPayloadError, HttpVersion11, StreamReader, hdrs, web
from aiohttp.abc import AbstractAccessLogger, AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE, RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from runa_mock_server.base.errors import ApiError
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.access_log import ACCESS_LOG, log_request
from runa_mock_server.web.answers import (
    ENCODING_RULE,
    LONGEST_LINE,
    answer_to,
    misfit,
    to_response,
    too_large,
    unreadable,
)
from runa_mock_server.web.call import Call

HEAD_SECONDS = 30.0
"""How long the head of a request may take, from its first byte."""
IDLE_SECONDS = 300.0
"""How long a connection may be idle, and how long an answer may wait for its reader."""
BODY_SECONDS = 60.0
"""How long a body may take; a second longer for each MiB that it may have."""
LINGER_SECONDS = 2.0
"""How long the rest of a body is waited for that nobody reads."""

_MIB = 1024 * 1024
_CHECKS = 5  # a deadline, so often during each
_MOST_DISCARDED = 8 * 1024 * 1024  # bytes
_CHEAP_REST = 64 * 1024  # bytes
_LONGEST_AT_ONCE = 64 * 1024  # bytes; a longer answer has to wait for the client to take it in

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
        message: the head of the request in hand, or of the last one, as it was parsed.
        call: the request in hand, or the last one; ``None`` if it is none of the service's.
    """

    __slots__ = (
        "_left",
        "_loop_time",
        "_paused_at",
        "_phase",
        "_reading_was_paused",
        "_server_state",
        "_since",
        "_timer",
        "_unread",
        "_when_lost",
        "call",
        "message",
    )

    message: RawRequestMessage

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
        # When the phase began, or when that was first seen; `None` until then, for looking at the
        # time for every request is work for deadlines that few connections come near.
        self._since: float | None = loop.time()
        self._paused_at: float | None = None
        self._reading_was_paused = False
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
        if self._since is None:
            self._since = now
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
            self._phase, self._since = "head", None
        super().data_received(data)

    def begin(self, message: RawRequestMessage) -> None:
        """Note that the head of a request is complete: from here on the server may take time."""
        self._phase = "request"
        self.message, self.call = message, None

    def log_access(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float | None
    ) -> None:
        """Log a request that is over; the connection is idle until the next one."""
        self._phase, self._since = "idle", None
        if time is not None and ACCESS_LOG.isEnabledFor(logging.INFO):
            known = self._server_state.known_keys
            log_request(request, response, self.call or known, self._loop_time() - time)

    def pause_reading(self) -> None:
        """Read no more for now: nobody takes what has been read."""
        self._reading_was_paused = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's
        """Read on after a pause. aiohttp calls this for every body, which is mostly for nothing."""
        if self._reading_was_paused:
            self._reading_was_paused = not resume_parser
            super().resume_reading(resume_parser)

    def pause_writing(self) -> None:
        """Note since when the client has not read."""
        super().pause_writing()
        self._paused_at = self._loop_time()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._paused_at = None

    async def receive(self, request: web.BaseRequest, limit: int) -> bytes:
        """The whole body of the request in hand, as it was sent.

        Args:
            request: the request.
            limit: the bytes that it may have.

        Raises:
            ApiError: ``payload_too_large`` beyond the limit, without reading on; ``bad_request``
                for a broken transfer encoding, and for a body that does not arrive.
        """
        content = request.content
        try:
            if content.is_eof():
                body = content.read_nowait()
            elif (request.content_length or 0) > limit:
                raise too_large(limit)
            else:
                body = await _rest(request, limit)
        except ConnectionResetError:  # nobody will read this, but it is no defect to be logged
            raise ApiError(
                "bad_request", "The client hung up amid its request body.", rule=ENCODING_RULE
            ) from None
        except TimeoutError:
            raise ApiError(
                "bad_request", "The request body did not arrive in time.", rule=ENCODING_RULE
            ) from None
        except (ClientPayloadError, web.RequestPayloadError):
            raise misfit() from None
        if len(body) > limit:
            raise too_large(limit)
        return body

    def send(
        self, content: StreamReader, answer: Answer, headers: Mapping[str, str]
    ) -> web.StreamResponse | None:
        """Send the answer to the request in hand at once.

        Args:
            content: the body of the request.
            answer: the answer.
            headers: what else is sent with it.

        Returns:
            What aiohttp takes for the response; ``None`` if the answer has to go the usual way, and
            nothing was sent.
        """
        transport, message = self.transport, self.message
        if (
            transport is None
            or transport.is_closing()
            or message.method == hdrs.METH_HEAD
            or message.version != HttpVersion11
            or message.should_close
            or len(answer.body) > _LONGEST_AT_ONCE
            or self._paused_at is not None
            or not content.at_eof()  # what becomes of the rest decides about the connection
            or content.exception() is not None
        ):
            return None
        head = _head(answer.status, answer.content_type, *headers.items())
        date = _date(int(time.time()))
        transport.write(b"%s%d%s%s" % (head, len(answer.body), date, answer.body))
        return _sent(answer.status)

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
            refusal = unreadable(exc, message)
        else:
            log.error("a defect of the mock, please report it", exc_info=exc)
            refusal = ApiError("internal_server_error", "The mock has a defect.")
        response = to_response(answer_to(refusal), {})
        response.force_close()
        return response


def request_factory(loop: asyncio.AbstractEventLoop) -> Callable[..., web.BaseRequest]:
    """What makes the requests of a server.

    aiohttp's own properties take a function call for each part of the head of a request, so the
    connection keeps the head as it was parsed.
    """

    def new(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        if isinstance(protocol, Connection):
            protocol.begin(message)
        return web.BaseRequest(message, payload, protocol, writer, task, loop)

    return new


def connection_of(request: web.BaseRequest) -> Connection:
    """The connection that a request came on."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        raise TypeError(f"a connection of this server, not {connection!r}")
    return connection


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


async def _rest(request: web.BaseRequest, limit: int) -> bytes:
    """The body as it comes in, up to a little more than the limit."""
    async with asyncio.timeout(BODY_SECONDS + limit / _MIB):
        if request.headers.get("Expect", "").lower() == "100-continue":
            # Some versions of curl wait a second for this before they send a kilobyte.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = BytesIO()  # its value is no copy
        while piece := await request.content.readany():
            body.write(piece)
            if body.tell() > limit:
                break
        return body.getvalue()


class _SentResponse(web.StreamResponse):
    """Stands for a response whose bytes are on their way."""

    keep_alive = True  # or the answer would have gone aiohttp's way

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Nothing is left to be done."""
        del request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to be done."""
        del data


@lru_cache(maxsize=1_000)
def _sent(status: int) -> web.StreamResponse:
    return _SentResponse(status=status)


@lru_cache(maxsize=1_000)
def _head(status: int, content_type: str, *headers: tuple[str, str]) -> bytes:
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
