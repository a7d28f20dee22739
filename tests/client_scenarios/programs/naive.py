"""A client as it should not be: it buys twice, hammers, and never gives up or waits.

It needs the standard library alone, so that it starts fast.
"""

import json
import os
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

URL = urlsplit(os.environ["RUNA_BASE_URL"])
HEADERS = {"X-Api-Key": os.environ["RUNA_API_KEY"]}
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


def call(method: str, path: str, body: bytes = b"") -> Any:
    """Send until an answer is good, each time as if it were the first."""
    number = 0
    while True:
        number += 1
        try:
            connection = HTTPConnection(str(URL.hostname), URL.port, timeout=5)
            headers = {**HEADERS, "X-Idempotency-Key": f"try-{number}"} if body else HEADERS
            connection.request(method, URL.path + path, body, headers)
            response = connection.getresponse()
            document = json.loads(response.read())
        except (OSError, HTTPException, ValueError):
            continue
        if response.status < 400:
            return document
        if number > 3:
            raise SystemExit(f"refused with the key {HEADERS['X-Api-Key']}")


order = call("POST", "/order", json.dumps(ORDER).encode())
while call("GET", f"/order/{order['id']}")["status"] != "COMPLETED":
    pass
