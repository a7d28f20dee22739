"""Bytes over a socket, for what no HTTP library would send."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from support.api import KEY, body

TIMEOUT = 120
ORDER = json.dumps(body()).encode()


class Reply(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Rest(NamedTuple):
    """What came over a connection until its end, and how that was: ``closed`` or ``reset``."""

    data: bytes
    end: str


@contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    """A socket to a server."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=TIMEOUT) as opened:
        yield opened


def reply_on(opened: socket.socket, method: str = "GET") -> Reply:
    """Read one answer."""
    response = HTTPResponse(opened, method=method)
    try:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, response.read())
    finally:
        response.close()


def rest_of(opened: socket.socket) -> Rest:
    """Read until the server ends the connection."""
    data = b""
    try:
        while piece := opened.recv(65536):
            data += piece
    except ConnectionResetError:
        return Rest(data, "reset")
    return Rest(data, "closed")


def message(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes, with the test's API key; headers are written with underscores."""
    fields = {"Host": "mock", "X-Api-Key": KEY, "Content-Length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


def order_message(key: str, **headers: str) -> bytes:
    """The bytes of a request for the one-item order."""
    return message("POST", "/v2/order", ORDER, X_Idempotency_Key=key, **headers)


def exchange(url: str, data: bytes, method: str = "GET") -> Reply:
    """Send bytes on a new connection and read the answer, also one that comes early."""
    with connection(url) as opened:
        with suppress(ConnectionError):  # the server may answer and close before it has read all
            opened.sendall(data)
        return reply_on(opened, method)
