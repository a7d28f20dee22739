"""A scripted HTTP server, and both clients under one blocking face."""

import asyncio
import contextlib
import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from runa_client import AsyncRunaClient, RunaClient, Timeout
from support.blocking import Blocking

API_KEY = "XX.a-secret-nobody-may-see"
Step = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Received:
    """One request as the server read it; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def read_request(stream: Any) -> Received:
    """Read one request from the stream of a connection.

    Raises:
        ValueError: The stream has ended.
    """
    method, target, _ = stream.readline().decode("latin-1").split(" ")
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Answers each request with the next step of its script, on a connection of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Step] = []
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.server_address[1]}/v2"

    def clear(self) -> None:
        """Forget script and requests."""
        self.script.clear()
        self.received.clear()

    def answer(self, status: int, body: object, **headers: str) -> None:
        """Script an answer; a body that is not bytes is written as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.script.append(lambda peer: peer.sendall(_answer(status, content, headers)))

    def cut(self, status: int, body: object) -> None:
        """Script an answer whose connection closes after half of the body."""
        content = json.dumps(body).encode()
        whole = _answer(status, content, {})
        self.script.append(lambda peer: peer.sendall(whole[: -len(content) // 2]))

    def drop(self) -> None:
        """Script an orderly close without an answer."""
        self.script.append(lambda _: None)

    def reset(self) -> None:
        """Script a TCP reset without an answer."""
        at_once = struct.pack("ii", 1, 0)
        self.script.append(
            lambda peer: peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        )

    def hang(self) -> None:
        """Script silence until the client goes away."""
        self.script.append(_wait_for_close)

    def shutdown_request(self, request: Any) -> None:
        """Close without the polite FIN, which would come before a reset."""
        self.close_request(request)


class _Handler(socketserver.StreamRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        """Read one request, then do the script's next step."""
        self.server.received.append(read_request(self.rfile))
        with contextlib.suppress(OSError):
            if self.server.script:
                self.server.script.pop(0)(self.connection)
            else:
                self.connection.sendall(_answer(418, b"nothing scripted", {}))

    def finish(self) -> None:
        """Close the files; nothing is buffered for the peer."""
        self.rfile.close()
        self.wfile.close()


Turn = Callable[[socket.socket, Received], None]


class KeepAliveServer(socketserver.ThreadingTCPServer):
    """Answers many requests on each connection; an order's id is made of its idempotency key.

    `turns` are what it does with the next requests instead of answering well. A turn that wants
    the connection closed raises `ConnectionAbortedError`.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.turns: list[Turn] = []
        self.received: list[Received] = []
        self.peers: list[socket.socket] = []

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.server_address[1]}/v2"

    @property
    def connections(self) -> int:
        """How many connections were opened."""
        return len(self.peers)

    def say(self, *parts: bytes) -> None:
        """Let the next turn send these bytes, each part by itself."""

        def turn(peer: socket.socket, _: Received) -> None:
            for part in parts:
                peer.sendall(part)

        self.turns.append(turn)


class _Conversation(socketserver.StreamRequestHandler):
    server: KeepAliveServer

    def handle(self) -> None:
        """Read requests and take turns until the connection ends."""
        self.server.peers.append(self.connection)
        with contextlib.suppress(OSError, ValueError):
            while True:
                request = read_request(self.rfile)
                self.server.received.append(request)
                turn = self.server.turns.pop(0) if self.server.turns else answer_well
                turn(self.connection, request)


def answer_well(peer: socket.socket, request: Received) -> None:
    """Answer an order with the id that belongs to its key."""
    peer.sendall(accepted(request.headers.get("x-idempotency-key", "none")))


def accepted(key: str, *headers: str) -> bytes:
    """Write the whole answer to the order with this idempotency key."""
    content = json.dumps({"id": f"O-{key}", "status": "PROCESSING"}).encode()
    lines = ["HTTP/1.1 202 Accepted", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def _answer(status: int, content: bytes, headers: dict[str, str]) -> bytes:
    head = [f"HTTP/1.1 {status} Scripted", "Connection: close", f"Content-Length: {len(content)}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + content


def _wait_for_close(peer: socket.socket) -> None:
    peer.settimeout(10)
    peer.recv(1)


class Patience:
    """A clock that only the client's own sleeps move, and a record of them."""

    def __init__(self) -> None:
        """Start at an arbitrary time."""
        self.now = 1000.0
        self.sleeps: list[float] = []

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.sleeps.append(seconds)
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        """Let time pass, for asyncio."""
        self.sleep(seconds)


class Clients:
    """Makes clients of one kind for the scripted server, and closes them."""

    def __init__(self, kind: str, server: ScriptedServer, patience: Patience) -> None:
        """Make clients of the kind `sync` or `async`."""
        self.kind = kind
        self.server = server
        self.patience = patience
        self.close = contextlib.ExitStack()

    def __call__(self, **options: Any) -> RunaClient:
        """Make a client that never sleeps for real and has no jitter."""
        settings = {
            "base_url": self.server.url,
            "api_key": API_KEY,
            "timeout": Timeout(connect=5, read=5),
            "random": lambda: 0.0,
            "clock": self.patience.clock,
            **options,
        }
        if self.kind == "sync":
            return self.close.enter_context(RunaClient(sleep=self.patience.sleep, **settings))
        runner = self.close.enter_context(asyncio.Runner())
        client = AsyncRunaClient(sleep=self.patience.async_sleep, **settings)
        self.close.callback(lambda: runner.run(client.close()))
        return cast("RunaClient", Blocking(client, runner))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Run a server with an empty script."""
    with ScriptedServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.01,))
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join()


@pytest.fixture
def keep_alive() -> Iterator[KeepAliveServer]:
    """Run a server that keeps connections open and answers orders well."""
    with KeepAliveServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def patience() -> Patience:
    """Make a fake clock."""
    return Patience()


@pytest.fixture(params=["sync", "async"])
def make_client(
    request: pytest.FixtureRequest, server: ScriptedServer, patience: Patience
) -> Iterator[Clients]:
    """Make clients of both kinds, one after the other."""
    clients = Clients(request.param, server, patience)
    with clients.close:
        yield clients


@pytest.fixture
def client(make_client: Clients) -> RunaClient:
    """Make a client with the usual settings."""
    return make_client()


@pytest.fixture
def refused_url() -> str:
    """Find a base URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}/v2"
