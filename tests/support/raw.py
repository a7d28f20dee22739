"""Bytes over a socket, for what no HTTP library would send."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TIMEOUT = 20


class Reply(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


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


def exchange(url: str, data: bytes, method: str = "GET") -> Reply:
    """Send bytes on a new connection and read the answer, also one that comes early."""
    with connection(url) as opened:
        with suppress(ConnectionError):  # the server may answer and close before it has read all
            opened.sendall(data)
        return reply_on(opened, method)
