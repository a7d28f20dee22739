"""A client that polls nothing: it waits for the webhook of its order."""

import json
import os
import threading
import uuid
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

URL = urlsplit(os.environ["RUNA_BASE_URL"])
told: dict[str, str] = {}
has_come = threading.Event()
ORDER = {
    "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
    "items": [
        {
            "face_value": 10,
            "distribution_method": {"type": "PAYOUT_LINK"},
            "products": {"type": "SINGLE", "value": "1800FL-US"},
        }
    ],
}


class Receiver(BaseHTTPRequestHandler):
    """Notes how orders ended."""

    def do_POST(self) -> None:
        """Answer, and note it."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.wfile.flush()
        told[order["id"]] = order["status"]
        has_come.set()

    def log_message(self, *_: object) -> None:
        """Write no line per request."""


receiver = HTTPServer(("127.0.0.1", int(os.environ["RUNA_WEBHOOK_PORT"])), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
connection = HTTPConnection(str(URL.hostname), URL.port, timeout=10)
headers = {
    "X-Api-Key": os.environ["RUNA_API_KEY"],
    "X-Api-Version": "2024-02-05",
    "X-Idempotency-Key": str(uuid.uuid4()),
    "Content-Type": "application/json",
}
connection.request("POST", URL.path + "/order", json.dumps(ORDER), headers)
response = connection.getresponse()
order_id = json.loads(response.read())["id"]
has_come.wait()
receiver.shutdown()  # after the response to the webhook has been sent
raise SystemExit(0 if told[order_id] == "COMPLETED" else "the order failed")
