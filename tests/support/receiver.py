"""A receiver of webhooks that answers as it is told to, well or badly."""

import json
import queue
import socket
import socketserver
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

LIMIT = 120  # seconds, after which nothing comes any more
_DROP = 0.02


class Told(NamedTuple):
    """One POST that has come.

    Attributes:
        path: what stands in the request line.
        headers: by their names in lower case.
        body: the bytes.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """``svix-id``."""
        return self.headers["svix-id"]

    @property
    def moment(self) -> datetime:
        """``svix-timestamp``."""
        return datetime.fromtimestamp(int(self.headers["svix-timestamp"]), UTC)

    @property
    def document(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of the signatures is what the official package makes of the secret."""
        from svix.webhooks import Webhook  # noqa: PLC0415 - takes half a second, and few ask

        wanted = Webhook(secret).sign(self.id, self.moment, self.body.decode())
        return wanted in self.headers["svix-signature"].split(" ")


Answer = Callable[["Receiver", socket.socket], None]
"""What is done once a POST has come; the connection is closed afterwards."""


def status(code: int, body: bytes = b"", *headers: str) -> Answer:
    """An answer without a fault."""
    lines = [f"HTTP/1.1 {code} Told", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode() + body)


def raw(data: bytes) -> Answer:
    """Some bytes, and the end of the connection."""
    return lambda _, connection: connection.sendall(data)


def cut(_: "Receiver", connection: socket.socket) -> None:
    """The connection is reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hang(receiver: "Receiver", connection: socket.socket) -> None:
    """Nothing, until the other side gives up or the receiver is told to go on."""
    connection.settimeout(LIMIT)
    with suppress(OSError):
        while not receiver.stopped.is_set() and connection.recv(1):
            pass


def drip(receiver: "Receiver", connection: socket.socket) -> None:
    """200, and then a body that never ends, byte by byte."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not receiver.stopped.wait(_DROP):
        connection.sendall(b".")


def flood(receiver: "Receiver", connection: socket.socket) -> None:
    """200, and ten megabytes in chunks."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(160):
        connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        receiver.flooded += 0x10000


OK = status(200)


class Receiver:
    """A server on a free port of 127.0.0.1.

    Attributes:
        url: where it listens.
        stopped: set once it is closed.
        flooded: the bytes of a flood that somebody took.
        most_at_once: how many POSTs it had in hand at the same time, at most.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.flooded = 0
        self.most_at_once = 0
        self._in_hand = 0
        self._lock = threading.Lock()
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._otherwise: dict[str, Answer] = {}
        self._told: dict[str, queue.Queue[Told]] = defaultdict(queue.Queue)
        self._connections: set[socket.socket] = set()
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                receiver._handle(self)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def release(self) -> None:
        """Let go of all that hangs."""
        self.stopped.set()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def script(self, path: str, *answers: Answer, then: Answer = OK) -> str:
        """Have the next POSTs to a path answered one after the other; the URL of the path."""
        with self._lock:
            self._scripts[path] = deque(answers)
            self._otherwise[path] = then
        return self.url + path

    def take(self, path: str = "/") -> Told:
        """The next POST to a path; waits for it."""
        return self._told[path].get(timeout=LIMIT)

    def waiting(self, path: str = "/") -> int:
        """How many POSTs to a path have come and were not taken."""
        return self._told[path].qsize()

    def _handle(self, handler: socketserver.StreamRequestHandler) -> None:
        told = _read(handler)
        if told is None:
            return
        with self._lock:
            script = self._scripts[told.path]
            answer = script.popleft() if script else self._otherwise.get(told.path, OK)
            self._in_hand += 1
            self.most_at_once = max(self.most_at_once, self._in_hand)
            self._connections.add(handler.connection)
        self._told[told.path].put(told)
        try:
            with suppress(OSError):
                answer(self, handler.connection)
        finally:
            with self._lock:
                self._in_hand -= 1
                self._connections.discard(handler.connection)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever breaks a connection off does so on purpose."""


def _read(handler: socketserver.StreamRequestHandler) -> Told | None:
    line = handler.rfile.readline().decode()
    if not line:
        return None
    method, path, _ = line.split(" ", 2)
    assert method == "POST"
    headers = {}
    while (line := handler.rfile.readline().decode().rstrip("\r\n")) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Told(path, headers, handler.rfile.read(int(headers.get("content-length", 0))))
