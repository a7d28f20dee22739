"""Let a server run for ten minutes under mixed traffic, and sample what it takes up.

`python benchmarks/soak.py` serves in a process of its own. Clients order, replay, poll, cut their
connections and call the control API; a webhook receiver fails every second time; accounts and the
server are reset now and then. Memory, file descriptors and threads of the server are sampled every
five seconds. It exits with 1 if an answer was wrong, or if one of them keeps growing: if the
highest sample of the last third is well above the highest of the middle third.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

_TIMEOUT = 60
_SERVER_ERROR = 500
_EVERY = 5.0  # seconds between two samples
_ACCOUNTS = 20
_ORDERS = 500  # of an account, then it is reset
_RESETS_EVERY = 60.0
_GROWTH = {"memory_mib": 1.15, "descriptors": 1.5, "threads": 1.0}
_BODY = {
    "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
    "items": [
        {
            "face_value": 10,
            "distribution_method": {"type": "EMAIL", "email_address": "a@mail.example"},
            "products": {"type": "SINGLE", "value": "1800FL-US"},
        }
    ],
}


class Sample(NamedTuple):
    """What the server takes up."""

    seconds: float
    memory_mib: float
    descriptors: int
    threads: int


def sample(process: int, began: float) -> Sample:
    """What a process takes up now."""
    place = Path(f"/proc/{process}")
    status = dict(
        line.split(":", 1) for line in (place / "status").read_text(encoding="utf-8").splitlines()
    )
    return Sample(
        round(time.monotonic() - began, 1),
        round(int(status["VmRSS"].split()[0]) / 1024, 1),
        len(list((place / "fd").iterdir())),
        int(status["Threads"]),
    )


class _Receiver(BaseHTTPRequestHandler):
    """A webhook receiver that fails every second time."""

    calls = 0

    def do_POST(self) -> None:
        """Take a message in."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).calls += 1
        self.send_response(500 if self.calls % 2 else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Traffic:
    """The clients of one server.

    Args:
        place: host and port of the server.
        hook: the URL of the webhook receiver.
    """

    def __init__(self, place: str, hook: str) -> None:
        self.done: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.over = threading.Event()
        self._place = place
        self._hook = hook
        self._replacing = threading.Lock()
        self._replaced = 0  # odd while accounts are being replaced
        self._random = random.Random(1)  # noqa: S311 - guards nothing

    def threads(self) -> list[threading.Thread]:
        """A thread for each kind of client; two for orders."""
        kinds = (self._order, self._order, self._cut, self._control, self._reset)
        return [threading.Thread(target=self._work, args=[kind], daemon=True) for kind in kinds]

    def _work(self, kind: Callable[[], None]) -> None:
        while not self.over.is_set():
            try:
                kind()
            except (OSError, HTTPException) as error:
                self.problems[f"{kind.__name__}: {error!r}"] += 1

    def _call(
        self, connection: HTTPConnection, method: str, path: str, body: object = None, **more: str
    ) -> tuple[int, bytes]:
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, headers)
        response = connection.getresponse()
        content = response.read()
        kind = path.partition("?")[0].partition("/O-")[0]
        self.done[f"{method} {kind} {response.status}"] += 1
        if response.status >= _SERVER_ERROR:
            self.problems[f"{method} {path}: {response.status}"] += 1
        return response.status, content

    @contextmanager
    def _replace(self) -> Iterator[None]:
        with self._replacing:
            self._replaced += 1
            yield
            self._replaced += 1

    def _key(self) -> str:
        return f"XX-soak.{self._random.randrange(_ACCOUNTS)}"

    def _order(self) -> None:
        """Order, replay, read, list, on one connection for a while."""
        connection = HTTPConnection(self._place, timeout=_TIMEOUT)
        for _ in range(50):
            if self.over.is_set():
                break
            key, number = self._key(), str(self._random.random())
            headers = {"X_Api_Key": key, "X_Idempotency_Key": number, "X_Send_Email": "true"}
            body = _BODY | {"description": number}
            replaced = self._replaced
            first = self._call(connection, "POST", "/v2/order", body, **headers)
            again = self._call(connection, "POST", "/v2/order", body, **headers)
            # Once its account was reset or replaced, the key makes another order.
            if first != again and self._replaced == replaced and replaced % 2 == 0:
                self.problems[f"replay: {first} {again}"] += 1
            order = json.loads(first[1])["id"]
            self._call(connection, "GET", f"/v2/order/{order}", X_Api_Key=key)
            self._call(connection, "GET", "/v2/order?limit=20", X_Api_Key=key)
        connection.close()

    def _cut(self) -> None:
        """Cut connections in the head, in the body, and before the answer."""
        host, port = self._place.split(":")
        body = json.dumps(_BODY).encode()
        head = (
            f"POST /v2/order HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {self._key()}\r\n"
            f"X-Idempotency-Key: {self._random.random()}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        whole = head + body
        with socket.create_connection((host, int(port)), timeout=_TIMEOUT) as opened:
            opened.sendall(whole[: self._random.randrange(1, len(whole) + 1)])
        self.done["cut"] += 1
        time.sleep(0.005)

    def _control(self) -> None:
        """Read, change settings, arm faults, export and import."""
        connection = HTTPConnection(self._place, timeout=_TIMEOUT)
        key = self._key()
        for path in ("orders", "emails", "effects", "requests", "webhooks/messages", "accounts"):
            self._call(connection, "GET", f"/_mock/{path}", X_Api_Key=key)
        state = self._call(connection, "GET", "/_mock/state?format=lines", X_Api_Key=key)[1]
        with self._replace():
            connection.request("PUT", "/_mock/state", state, {"X-Api-Key": key})
            self.done[f"import {connection.getresponse().status}"] += 1
        connection.close()
        connection = HTTPConnection(self._place, timeout=_TIMEOUT)
        self._call(connection, "PUT", "/_mock/settings", {"rate_limit": None})
        fault = {"kind": "close", "place": "after_commit", "times": 2}
        self._call(connection, "POST", "/_mock/faults", fault, X_Api_Key="XX-cut.off")
        self._call(connection, "DELETE", "/_mock/faults")
        connection.close()
        time.sleep(0.2)

    def _reset(self) -> None:
        """Subscribe the receiver; reset accounts that have grown, and everything now and then."""
        connection = HTTPConnection(self._place, timeout=_TIMEOUT)
        endpoint = {"url": self._hook, "event": "order.completion"}
        self._call(connection, "POST", "/_mock/webhooks/endpoints", endpoint)
        until = time.monotonic() + _RESETS_EVERY
        while time.monotonic() < until and not self.over.wait(1):
            accounts = json.loads(self._call(connection, "GET", "/_mock/accounts")[1])["accounts"]
            for account in accounts:
                if account["orders"] > _ORDERS:
                    path = f"/_mock/reset?account={account['name']}"
                    with self._replace():
                        self._call(connection, "POST", path)
        with self._replace():
            self._call(connection, "POST", "/_mock/reset")
        connection.close()


def soak(seconds: float) -> int:
    """Serve under traffic.

    Args:
        seconds: for how long.

    Returns:
        The exit code.
    """
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    hook = f"http://127.0.0.1:{receiver.server_address[1]}/"
    command = [sys.executable, "-m", "runa_mock_server", "serve", "--port", "0"]
    command += ["--playground-webhooks", "--log-level", "warning"]
    samples: list[Sample] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own
        if server.stdout is None:
            raise RuntimeError("the pipe of the server is missing")
        place = server.stdout.readline().split("http://")[1].split("/")[0]
        traffic = Traffic(place, hook)
        threads = traffic.threads()
        began = time.monotonic()
        for thread in threads:
            thread.start()
        while time.monotonic() - began < seconds and server.poll() is None:
            time.sleep(_EVERY)
            with suppress(FileNotFoundError):
                samples.append(sample(server.pid, began))
        traffic.over.set()
        for thread in threads:
            thread.join(_TIMEOUT)
        os.kill(server.pid, signal.SIGTERM)
        code = server.wait(_TIMEOUT)
    receiver.shutdown()
    return _report(samples, traffic, code)


def _report(samples: Sequence[Sample], traffic: Traffic, code: int) -> int:
    third = max(1, len(samples) // 3)
    grown = []
    for row in samples[:: max(1, len(samples) // 20)]:
        print(*(f"{name} {value}" for name, value in row._asdict().items()))
    for name, most in _GROWTH.items():
        middle = max(getattr(row, name) for row in samples[third : 2 * third] or samples)
        last = max(getattr(row, name) for row in samples[-third:])
        print(f"{name}: at most {middle} in the middle third, {last} in the last")
        if last > middle * most:
            grown.append(name)
    for what, times in (*sorted(traffic.done.items()), *traffic.problems.items()):
        print(f"{times:9} {what}")
    print(f"{_Receiver.calls:9} webhooks received; exit code of the server: {code}")
    print(f"{len(traffic.problems)} problems; growing: {', '.join(grown) or 'nothing'}")
    return 1 if traffic.problems or grown or code else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    return soak(parser.parse_args(arguments).seconds)


if __name__ == "__main__":
    sys.exit(main())
