"""A server in front of another one, which changes what passes through it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import requests

# Host is passed on, so that payout links lead through the gateway, too.
_HOP = frozenset({"connection", "content-encoding", "content-length", "transfer-encoding"})
TIMEOUT = 120


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer on its way.

    Attributes:
        method: the HTTP method of the request.
        target: path and query of the request.
        status: of the answer; 0 in a request.
        headers: names in lower case.
        body: the bytes.
    """

    method: str
    target: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path alone."""
        return self.target.partition("?")[0]


class HangUp(Exception):  # noqa: N818 - a wish, not an error
    """Raised by a change: close the connection without an answer."""


Change = Callable[[Message], Message]


def unchanged(message: Message) -> Message:
    """The message as it is."""
    return message


@contextmanager
def gateway(
    url: str, *, request: Change = unchanged, answer: Change = unchanged
) -> Iterator[HTTPServer]:
    """A server that passes everything on to another.

    Args:
        url: scheme, host and port of the other one.
        request: changes what is passed on.
        answer: changes what comes back.
    """

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            self.close_connection = True
            with suppress(HangUp):
                if self.raw_requestline and self.parse_request():
                    self._pass_on()
                    self.close_connection = True

        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = request(Message(self.command, self.path, 0, headers, self.rfile.read(length)))
            kept = {name: value for name, value in sent.headers.items() if name not in _HOP}
            with requests.Session() as session:
                session.trust_env = False
                got = session.request(
                    sent.method, url + sent.target, headers=kept, data=sent.body, timeout=TIMEOUT
                )
            headers = {name.lower(): value for name, value in got.headers.items()}
            back = answer(replace(sent, status=got.status_code, headers=headers, body=got.content))
            self.send_response_only(back.status)
            for name, value in back.headers.items():
                if name not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(back.body)))
            self.end_headers()
            self.wfile.write(back.body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def base_url(server: HTTPServer) -> str:
    """What a client takes as the base URL of a gateway."""
    host, port, *_ = server.server_address
    return f"http://{host!s}:{port}/v2"
