"""A load generator that keeps to a rate: ``python -m benchmarks.paced``, told by JSON on stdin.

wrk sends as fast as it is answered. This one sends requests at evenly spaced times, whatever the
server does, or, without a rate, a certain number of requests as fast as they are answered. The time
of an answer counts from when its request was due, so a server that falls behind cannot hide it.
One JSON object on stdout says what came of it.
"""

import json
import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from benchmarks.bodies import written

_PATIENCE = 20.0  # seconds without any answer
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be sent.

    Attributes:
        port: The server's port on 127.0.0.1.
        method: The HTTP method.
        path: Path and query.
        headers: The headers of every request.
        body: The body, with marks.
        key_header: A header with another value in each request, or nothing.
        run: The name of the run.
        connections: How many keep-alive connections there are.
        rate: Requests a second; 0 sends as fast as they are answered.
        requests: How many requests are sent.
    """

    port: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    key_header: str
    run: str
    connections: int
    rate: float
    requests: int

    def request(self, number: int) -> bytes:
        """The bytes of one request."""
        headers = {"Host": f"127.0.0.1:{self.port}", **self.headers}
        if self.key_header:
            headers[self.key_header] = f"{self.run}-{number}"
        body = written(self.body, self.run, number).encode()
        headers["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class Connection:
    """One keep-alive connection, on which one request at a time is under way."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = b""
        self._due = 0.0

    def fileno(self) -> int:
        """For `select`."""
        return self._socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at this time."""
        self._due, self._answer = due, b""
        self._socket.sendall(request)

    def receive(self) -> tuple[float, bool] | None:
        """Read what there is; the seconds that a whole answer took, and whether it was a success.

        Raises:
            OSError: if the server closed the connection.
        """
        piece = self._socket.recv(65_536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self._answer += piece
        head, separator, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if separator else None
        if length is None or len(body) < int(length[1]):
            return None
        return time.perf_counter() - self._due, head[9:10] in b"23"


def play(task: Task) -> dict[str, Any]:
    """Send all requests, and wait for the answers."""
    free = deque(Connection(task.port) for _ in range(task.connections))
    busy: set[Connection] = set()
    took: list[float] = []
    sent = refused = 0
    gap = 1 / task.rate if task.rate else 0.0
    start = time.perf_counter()
    while len(took) < task.requests:
        now = time.perf_counter()
        while free and sent < task.requests and start + sent * gap <= now:
            connection = free.popleft()
            connection.send(task.request(sent + 1), start + sent * gap if gap else now)
            busy.add(connection)
            sent += 1
        waiting = _PATIENCE
        if free and sent < task.requests:
            waiting = max(0.0, start + sent * gap - time.perf_counter())
        readable = select.select(busy, (), (), waiting)[0]
        if not readable and waiting == _PATIENCE:
            raise TimeoutError(f"no answer for {_PATIENCE:.0f} s")
        for connection in readable:
            answer = connection.receive()
            if answer is not None:
                took.append(answer[0])
                refused += not answer[1]
                busy.remove(connection)
                free.append(connection)
    seconds = time.perf_counter() - start
    parts = quantiles(took, n=100)
    return {
        "requests": len(took),
        "seconds": seconds,
        "p50": parts[49],
        "p99": parts[98],
        "refused": refused,
        "broken": 0,
    }


if __name__ == "__main__":
    print(json.dumps(play(Task(**json.load(sys.stdin)))))
