"""A webhook handler with one habit; without one it is correct."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"only the sender knows").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"what was known before").decode()
TOLERANCE = 300
KNOWN_FIELDS = {
    *("id", "status", "created_at", "completed_at", "description", "payment_method", "currency"),
    *("total_price", "total_discount"),
}

Headers = Mapping[str, str] | Message


class RefusedError(Exception):
    """The handler answers with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Book:
    """What the user's own system holds: the events that it has acted upon.

    Args:
        habit: what the handler does wrong.
    """

    def __init__(self, habit: str = "") -> None:
        self.habit = habit
        self.count = 0
        self._seen: set[str] = set()
        self._newest = 0
        self._running = 0
        self._lock = threading.Lock()

    def handle(self, headers: Headers, body: bytes) -> int:
        """The status for a delivery."""
        with self._lock:
            self._running += 1
            crowd = self._running
        try:
            return self._handle(headers, body, crowd)
        except RefusedError as refusal:
            return refusal.status
        finally:
            with self._lock:
                self._running -= 1

    def _handle(self, headers: Headers, body: bytes, crowd: int) -> int:
        names = "webhook" if self.habit == "standard" else "svix"
        id_, timestamp, signatures = (
            headers.get(f"{names}-{part}", "") for part in ("id", "timestamp", "signature")
        )
        if self.habit == "slow":
            time.sleep(1.5)
        if self.habit == "no-bursts" and crowd > 1:
            raise RefusedError(429)
        if self.habit == "no-bursts":
            time.sleep(0.05)
        if self.habit == "acts-first" and id_ not in self._seen:
            self._seen.add(id_)
            self._add()
        if self.habit != "no-verification":
            self._verify(id_, timestamp, signatures, body)
        event = json.loads(body)
        self._read(event, int(timestamp))
        return self._act(id_)

    def _verify(self, id_: str, timestamp: str, signatures: str, body: bytes) -> None:
        if not timestamp.isdecimal():
            raise RefusedError(400)
        off = time.time() - int(timestamp)
        if self.habit == "no-future-check":
            off = max(off, 0)
        if abs(off) > TOLERANCE and self.habit != "no-timestamp-check":
            raise RefusedError(400)
        if self.habit == "rewrites-body":
            body = json.dumps(json.loads(body)).encode()
        if self.habit == "rewrites-compact":
            body = json.dumps(json.loads(body), separators=(",", ":")).encode()
        secrets = (SECRET, OLD_SECRET) if self.habit == "keeps-old-secret" else (SECRET,)
        known = signatures.split()
        if self.habit == "first-signature":
            known = known[:1]
        right = {_signature(secret, f"{id_}.{timestamp}.".encode() + body) for secret in secrets}
        if right.isdisjoint(known):
            raise RefusedError(500 if self.habit == "refuses-with-500" else 400)

    def _read(self, event: dict[str, Any], timestamp: int) -> None:
        habit = self.habit
        is_order = event.get("status") in {"COMPLETED", "FAILED"}
        if habit == "crashes-on-unknown-events" and not is_order:
            raise RefusedError(500)
        if habit == "strict-fields" and is_order and event.keys() - KNOWN_FIELDS:
            raise RefusedError(422)
        if habit == "crashes-on-failed" and is_order and "total_price" not in event:
            raise RefusedError(500)
        if habit == "crashes-on-early" and is_order and not event["id"].startswith("O-known"):
            raise RefusedError(500)
        if habit == "waits-for-order" and is_order and not event["id"].startswith("O-known"):
            raise RefusedError(404)
        if habit == "refuses-older" and timestamp < self._newest - 30:
            raise RefusedError(409)
        self._newest = max(self._newest, timestamp)

    def _act(self, id_: str) -> int:
        with self._lock:
            is_new = id_ not in self._seen
            self._seen.add(id_)
        if not is_new and self.habit == "refuses-duplicates":
            raise RefusedError(409)
        if self.habit == "acts-later":
            if is_new:
                threading.Timer(0.05, self._add).start()
            return 202
        if (is_new or self.habit == "no-deduplication") and self.habit != "acts-first":
            self._add()
        return 204

    def _add(self) -> None:
        with self._lock:
            self.count += 1


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def handling(book: Book) -> Iterator[str]:
    """A server for a handler; the URL."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(book.handle(self.headers, body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write no line per request."""

    with _Server(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hooks"
        finally:
            server.shutdown()
            thread.join()
