"""One POST to a webhook endpoint, and how it failed.

The exchange is written on h11, which parses responses and does nothing else. An HTTP client reads
on behind the headers and reports a broken body instead of the status; a webhook sender needs the
status as soon as the headers have come, whatever follows. The client that the server's own library
offers cannot do that: its parser refuses all of a segment for one wrong byte in the body.
"""

import asyncio
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote_to_bytes

import h11
from pydantic_core import Url

from runa_mock_server._version import __version__
from runa_mock_server.delivery.connecting import connect
from runa_mock_server.webhooks.messages import RESPONSE_LIMIT, Answer

LONGEST_HEAD = 64 * 1024
"""The bytes of a status line and headers, those of interim responses included."""

_BODY_SECONDS = 2.0
"""How long the body of a response may take behind its headers; the status counts anyway."""

_SWITCHING = re.compile(rb"HTTP/1\.[01] 101[ \r\n]")


class Poster:
    """Sends POSTs, each on a connection of its own.

    A connection that was kept, and that the receiver has closed, would look like a failure.
    """

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # reads the system's certificates

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], answer: Answer) -> None:
        """Send one POST; follows no redirect and raises no error.

        Args:
            url: a valid http or https URL.
            body: the bytes to send.
            headers: the headers to send beside those of HTTP.
            answer: is filled in bit by bit, so a caller who cancels keeps what has come.
        """
        target = Url(url)
        host, is_tls = (target.host or "").strip("[]"), target.scheme == "https"
        connection: socket.socket | None = None
        transport: asyncio.Transport | None = None
        try:
            exchange = _Exchange(answer, _request(target, headers, len(body)), body)
            connection = await connect(host, target.port or 0)
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: exchange,
                sock=connection,
                ssl=self._tls if is_tls else None,
                server_hostname=host if is_tls else None,
            )
            await exchange.answered
            await asyncio.wait([exchange.ended], timeout=_BODY_SECONDS)
        except socket.gaierror as error:
            answer.fail("dns_failure", f"DNS lookup of {host} failed: {_words(error)}")
        except ConnectionRefusedError as error:
            answer.fail("connection_refused", f"connection refused: {_words(error)}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed attempt
            if is_tls and connection is not None:
                answer.fail("tls_failure", f"TLS handshake failed: {_words(error)}")
            else:
                answer.fail("connection_failed", f"connection failed: {_words(error)}")
        finally:
            if transport is not None:
                transport.abort()
            elif connection is not None:  # cut the handshake; the event loop closes the socket
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _request(target: Url, headers: Mapping[str, str], length: int) -> h11.Request:
    path = target.path or "/"
    # The host with its port and brackets, as the URL has it.
    authority = str(target).partition("://")[2].partition("/")[0].rpartition("@")[2]
    sent = {
        "Host": authority,
        "User-Agent": f"runa-mock/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": str(length),
        "Connection": "close",
        **headers,
    }
    if target.username is not None or target.password is not None:
        login = b":".join(
            unquote_to_bytes(part or "") for part in (target.username, target.password)
        )
        sent["Authorization"] = f"Basic {b64encode(login).decode()}"
    return h11.Request(
        method="POST",
        target=path if target.query is None else f"{path}?{target.query}",
        headers=list(sent.items()),
    )


class _Exchange(asyncio.Protocol):
    """Writes a request and reads the response.

    Args:
        answer: is filled in as the response comes.
        request: the request line and headers.
        body: the body of the request.

    Attributes:
        answered: done once there is a status, or the transfer has failed.
        ended: done once nothing else of the response is wanted.
    """

    def __init__(self, answer: Answer, request: h11.Request, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._answer = answer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        sent = (request, h11.Data(data=body), h11.EndOfMessage())
        self._request = b"".join(self._http.send(event) or b"" for event in sent)
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write the request."""
        # Not asserted: the transports of other event loops are no subclasses.
        cast("asyncio.WriteTransport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Read as much of the response as is wanted."""
        if self.ended.done():
            return
        if self._answer.status is None:
            self._head += data
        try:
            self._http.receive_data(data)
            self._read_events()
        except h11.RemoteProtocolError as error:
            if _SWITCHING.match(self._head):  # h11 refuses what was not asked for
                self._answer.status = HTTPStatus.SWITCHING_PROTOCOLS
            self._finish(f"no valid HTTP response: {_words(error)}")

    def _read_events(self) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                # Counted here, too: the parser allows any length within one segment.
                self._check_head(len(self._head) - len(self._http.trailing_data[0]))
                if self.ended.done():
                    return
                self._answer.status = event.status_code
                _set(self.answered)
            elif isinstance(event, h11.Data):
                self._answer.body += event.data
                if len(self._answer.body) >= RESPONSE_LIMIT:
                    del self._answer.body[RESPONSE_LIMIT:]
                    self._finish()
                    return
            elif not isinstance(event, h11.InformationalResponse):
                break
        if event is not h11.NEED_DATA:
            self._finish()
        elif self._answer.status is None:
            self._check_head(len(self._head))

    def _check_head(self, length: int) -> None:
        if length > LONGEST_HEAD:
            self._finish(f"the response headers are longer than {LONGEST_HEAD} bytes")

    def eof_received(self) -> None:
        """Expect nothing else."""
        self._finish("connection closed, before the response headers were complete")

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing else."""
        if isinstance(exc, ssl.SSLError):  # an alert behind the handshake, such as TLS 1.3 sends
            self._answer.fail("tls_failure", f"TLS failed: {_words(exc)}")
        reason = "connection closed" if exc is None else _words(exc)
        self._finish(f"{reason}, before the response headers were complete")

    def _finish(self, reason: str = "") -> None:
        """Expect nothing else; without a status until now, the transfer has failed."""
        self._answer.fail("transfer_failed", f"transfer failed: {reason}")
        _set(self.answered)
        _set(self.ended)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _words(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(text.split()) or type(error).__name__
