"""The client in an environment with nothing else: a server of the standard library answers it.

`test_client_wheel.py` runs this with the Python of such an environment.
"""

import base64
import hashlib
import hmac
import json
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from threading import Thread
from typing import ClassVar

from runa_client import (
    OrderCompletionEvent,
    RetryPolicy,
    RunaClient,
    ValidationError,
    WebhookVerificationError,
    email,
    item,
    single,
    verify_webhook,
)

ORDER_ID = "O-01J6Y3JRYWCTNDRHP35302NZ30"
ACCEPTED = {"id": ORDER_ID, "status": "PROCESSING"}
REFUSED = {
    "type": "validation_error",
    "message": "The request body is not valid.",
    "help": None,
    "details": [{"type": "missing", "message": "Field required", "location": ["body", "items"]}],
}


class Service(BaseHTTPRequestHandler):
    """Cuts the connection of the first order, and answers from what it is told."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[list[tuple[int, object] | None]] = []
    requests: ClassVar[list[tuple[str, str | None, bytes]]] = []

    def do_POST(self) -> None:
        """Take an order."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.path, self.headers["X-Idempotency-Key"], body))
        self._answer()

    def do_GET(self) -> None:
        """Show something."""
        self.requests.append((self.path, None, b""))
        self._answer()

    def _answer(self) -> None:
        answer = self.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, document = answer
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


class ClientAlone(unittest.TestCase):
    """What an application does with the client."""

    def setUp(self) -> None:
        """Start a service and a client of it, whose pauses take no time."""
        Service.answers, Service.requests = [], []
        server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.client = RunaClient(
            f"http://127.0.0.1:{server.server_port}/v2",
            "XX-alone.secret",
            sleep=lambda _seconds: None,
            retry=RetryPolicy(attempts=3),
        )
        self.addCleanup(self.client.close)

    def test_an_order_is_placed_once_through_a_cut_connection(self) -> None:
        """The retry sends the same bytes under the same key."""
        Service.answers = [None, (202, ACCEPTED)]
        order = [item(10, products=single("AMZ-US"), distribution=email("someone@example.test"))]
        receipt = self.client.create_order(order, currency="USD", idempotency_key="invoice-17")
        self.assertEqual(receipt.id, ORDER_ID)
        first, second = Service.requests
        self.assertEqual(first, second)
        self.assertEqual(first[:2], ("/v2/order", "invoice-17"))
        self.assertEqual(json.loads(first[2])["items"][0]["products"]["value"], "AMZ-US")

    def test_a_refusal_names_the_field(self) -> None:
        """An error of the service becomes an exception with its details."""
        Service.answers = [(422, REFUSED)]
        with self.assertRaises(ValidationError) as caught:
            self.client.create_order([item(10, products=single("AMZ-US"))], currency="USD")
        self.assertEqual(len(Service.requests), 1)
        self.assertIn("items", str(caught.exception))

    def test_money_is_exact(self) -> None:
        """A balance is a decimal."""
        Service.answers = [(200, {"balance": "0.10", "currency": "USD"})]
        self.assertEqual(str(self.client.balance("USD").amount), "0.10")

    def test_a_webhook_is_verified(self) -> None:
        """A signed message is read, a changed one is refused."""
        payload = json.dumps({"id": ORDER_ID, "status": "FAILED"})
        secret, moment = b"0" * 24, str(int(time.time()))
        signed = hmac.new(secret, f"msg_1.{moment}.{payload}".encode(), hashlib.sha256).digest()
        headers = {
            "svix-id": "msg_1",
            "svix-timestamp": moment,
            "svix-signature": "v1," + base64.b64encode(signed).decode(),
        }
        key = "whsec_" + base64.b64encode(secret).decode()
        event = verify_webhook(payload, headers, key)
        self.assertIsInstance(event, OrderCompletionEvent)
        with self.assertRaises(WebhookVerificationError):
            verify_webhook(payload + " ", headers, key)

    def test_nothing_else_of_the_project_is_here(self) -> None:
        """Neither the server nor the schemas, and no aiohttp, which the extra brings."""
        for name in ("runa_mock_server", "runa_schemas", "runa_conformance", "aiohttp"):
            self.assertIsNone(find_spec(name), name)


if __name__ == "__main__":
    unittest.main()
