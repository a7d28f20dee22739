"""Listening to a server's events over a socket."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse

from support.raw import connection


class Listener:
    """One stream of events."""

    def __init__(self, opened: socket.socket, headers: dict[str, str]) -> None:
        request = f"GET /_mock/events HTTP/1.1\r\nHost: {headers.pop('Host', 'mock')}\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        opened.sendall(f"{request}{lines}\r\n".encode())
        self.response = HTTPResponse(opened)
        self.response.begin()

    def line(self) -> str:
        """The next line that is not empty; "" at the end of the stream."""
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text:
                return text
        return ""

    def changed(self) -> set[str]:
        """The parts that the next event names."""
        assert self.line() == "event: changed"
        return set(json.loads(self.line().removeprefix("data: ")))

    def until(self, *parts: str) -> None:
        """Listen until each of some parts was named."""
        missing = set(parts)
        while missing:
            missing -= self.changed()


@contextmanager
def listening(url: str, **headers: str) -> Iterator[Listener]:
    """A stream of the events of a server; headers are written with underscores."""
    with connection(url) as opened:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        listener = Listener(opened, named)
        try:
            yield listener
        finally:
            listener.response.close()
