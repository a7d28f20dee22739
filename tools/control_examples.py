"""Record the examples of the control API's OpenAPI document, of each operation.

`python tools/control_examples.py` after an operation was added or a result has changed.
"""

import json
from pathlib import Path
from typing import Any

import requests

from runa_mock_server import MockServer
from runa_mock_server.control.api import OPERATIONS, PREFIX
from runa_mock_server.control.states import JSON_LINES

TARGET = Path("mock_server/runa_mock_server/control/examples.json")
KEY = "XX-example.secret"
START = "2026-01-31T12:00:00Z"
ENDPOINT = {"url": "http://127.0.0.1:9/hook", "event": "order.completion"}
MOST_ENTRIES = 2  # of a list that is shown

# In the order in which they are called; what is named in braces is taken from what came before.
CALLS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/", None),
    ("GET", "/health", None),
    ("GET", "/openapi.json", None),
    ("PUT", "/settings", {"processing": "at-once"}),
    ("GET", "/settings", None),
    ("GET", "/clock", None),
    ("PUT", "/clock", {"advance": "P31D"}),
    ("GET", "/accounts", None),
    ("GET", "/requests", None),
    ("GET", "/requests/{number}", None),
    ("GET", "/effects", None),
    ("GET", "/coverage", None),
    ("DELETE", "/coverage", None),
    ("GET", "/traffic", None),
    ("GET", "/emails", None),
    ("GET", "/emails/{email_id}", None),
    ("POST", "/webhooks/endpoints", ENDPOINT | {"event": "product.update"}),
    ("GET", "/webhooks/endpoints", None),
    ("GET", "/webhooks/endpoints/{endpoint_id}", None),
    ("PATCH", "/webhooks/endpoints/{endpoint_id}", {"disabled": False}),
    ("POST", "/webhooks/endpoints/{endpoint_id}/rotate", {}),
    ("POST", "/webhooks/endpoints/{endpoint_id}/recover", {"since": START}),
    ("GET", "/webhooks/messages", None),
    ("GET", "/webhooks/messages/{message_id}", None),
    ("POST", "/webhooks/messages/{message_id}/resend", {}),
    ("POST", "/webhooks/adversary", {"kind": "duplicate"}),
    ("GET", "/webhooks/adversary", None),
    ("DELETE", "/webhooks/adversary/{trick_id}", None),
    ("DELETE", "/webhooks/adversary", None),
    ("DELETE", "/webhooks/endpoints/{endpoint_id}", None),
    ("POST", "/faults", {"kind": "reset", "place": "after_commit"}),
    ("GET", "/faults", None),
    ("GET", "/faults/{fault_id}", None),
    ("DELETE", "/faults/{fault_id}", None),
    ("DELETE", "/faults", None),
    ("GET", "/orders", None),
    ("GET", "/orders/{order_id}", None),
    ("PATCH", "/orders/{order_id}", {"payout_status": "CANCELLED"}),
    ("GET", "/orders/{order_id}/story", None),
    ("GET", "/products", None),
    ("GET", "/products/{code}", None),
    ("PATCH", "/products/{code}", {"is_orderable": False}),
    ("POST", "/products", {"product": "{added}"}),
    ("DELETE", "/products/{code}", None),
    ("GET", "/state", None),
    ("PUT", "/state", "{state}"),
    ("POST", "/reset", {}),
    ("POST", "/shutdown", None),
)


def main() -> None:
    """Call every operation of a server and write down what it took and gave."""
    examples: dict[str, Any] = {}
    with MockServer(clock="manual", seed=1, allow_shutdown=True) as server:
        session = requests.Session()
        session.headers["X-Api-Key"] = KEY
        session.post(f"{server.url}{PREFIX}/webhooks/endpoints", json=ENDPOINT, timeout=10)
        known = prepared(server)
        for method, path, body in CALLS:
            sent = {"{state}": known["state"]}.get(body, body) if isinstance(body, str) else body
            if sent == {"product": "{added}"}:
                sent = {"product": known["added"]}
            url = f"{server.url}{PREFIX}{path.format_map(known)}"
            response = session.request(method, url, json=sent, timeout=10)
            if not response.ok:
                raise SystemExit(f"{method} {path}: {response.text}")
            given = response.json()
            learn(known, path, given)
            if path == "/state" and method == "GET":
                known["state"] = given
                lines = session.get(url, params={"format": "lines"}, timeout=10)
                examples[JSON_LINES] = lines.text
            shown = (
                {"openapi": given["openapi"], "info": given["info"]}
                if "openapi" in given
                else given
            )
            example = {"response": shortened(shown)}
            if sent is not None:
                example["request"] = sent
            examples[f"{method} {path}"] = example
    if missing := {f"{o.method} {o.path}" for o in OPERATIONS} - examples.keys():
        raise SystemExit(f"CALLS lacks {', '.join(sorted(missing))}")
    TARGET.write_text(json.dumps(examples, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def prepared(server: MockServer) -> dict[str, Any]:
    """Place an order whose link goes out by e-mail, and give the ids that paths name."""
    product = requests.get(
        f"{server.base_url}/product/AMZ-US", headers={"X-Api-Key": KEY}, timeout=10
    ).json()
    headers = {"X-Api-Key": KEY, "X-Idempotency-Key": "example-1", "X-Send-Email": "true"}
    order = {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "items": [
            {
                "face_value": 10,
                "distribution_method": {"type": "EMAIL", "email_address": "someone@example.com"},
                "products": {"type": "SINGLE", "value": "AMZ-US"},
            }
        ],
    }
    placed = requests.post(f"{server.base_url}/order", json=order, headers=headers, timeout=10)
    requests.put(
        f"{server.url}{PREFIX}/clock", json={"advance": 5}, headers={"X-Api-Key": KEY}, timeout=10
    )
    added = product | {"code": "EXAMPLE-US", "name": "Example"}
    return {"order_id": placed.json()["id"], "number": 1, "code": "AMZ-US", "added": added}


IDS = {
    "emails": "email_id",
    "endpoints": "endpoint_id",
    "messages": "message_id",
    "adversary": "trick_id",
    "faults": "fault_id",
}


def learn(known: dict[str, Any], path: str, given: Any) -> None:
    """Keep the id of what was just shown, for the paths that name it."""
    part = path.rpartition("/")[2]
    if part in IDS:
        entries = given.get(part) or given.get("faults") or [given]
        if "id" in entries[0]:
            known[IDS[part]] = entries[0]["id"]
    if path == "/products":
        known["code"] = given["products"][0]["code"] if "products" in given else "EXAMPLE-US"


def shortened(value: Any) -> Any:
    """A response with the first entries of each list."""
    if isinstance(value, list):
        return [shortened(entry) for entry in value[:MOST_ENTRIES]]
    if isinstance(value, dict):
        return {key: shortened(entry) for key, entry in value.items()}
    return value


if __name__ == "__main__":
    main()
