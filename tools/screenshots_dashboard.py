"""Photograph the dashboard: `PYTHONPATH=tests python tools/screenshots_dashboard.py`.

It needs what `tools/screenshots.py` needs, and starts a server with orders of every kind.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import requests

from runa_mock_server import MockServer
from support.browser import Scheme
from support.pictures import browser, photograph
from support.receiver import Receiver, status

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PAGES: tuple[tuple[str, str, Scheme, tuple[int, int]], ...] = (
    ("dashboard-orders", "orders", "light", (1280, 500)),
    ("dashboard-order", "orders/{order}", "light", (1180, 760)),
    ("dashboard-order-dark", "orders/{order}", "dark", (1180, 760)),
    ("dashboard-faults", "faults", "light", (1180, 640)),
    ("dashboard-webhooks", "webhooks", "light", (1280, 900)),
)
"""Name, view, colours and size of each picture."""


def main() -> None:
    """Take every picture."""
    with _server() as (server, order), browser() as chromium:
        for name, view, colours, (width, height) in PAGES:
            page = chromium.new_page(
                viewport={"width": width, "height": height}, color_scheme=colours
            )
            page.goto(f"{server.url}/_mock/#/{view.format(order=order)}")
            page.locator("tbody tr, .story li").first.wait_for()
            page.locator("#live.on").wait_for()
            photograph(page, name)
            page.close()


@contextmanager
def _server() -> Iterator[tuple[MockServer, str]]:
    """A server on which something has happened, and the order to which most has."""
    # The port is in the links and curl lines that the pictures show.
    with MockServer(clock=NOON.isoformat(), seed=11, port=8484) as server, Receiver() as receiver:
        server.webhooks.add(receiver.script("/hooks", status(500)), "order.completion")
        server.faults.arm("reset", "after_commit", method="POST")
        with suppress(requests.ConnectionError):
            _order(server, "march-rewards", "March rewards")
        server.clock.advance(0.4)
        story = _order(server, "march-rewards", "March rewards")
        server.clock.advance(0.9)
        _read(server, story)
        failed = _order(server, "refund-17", "Refund 17", processing="never")
        server.orders.fail(failed, "out of stock")
        _order(server, "survey-204", "Thank you for the survey", processing="never")
        server.clock.advance("PT3H")
        for name in ("Ines", "Tom", "Ayo"):
            _order(server, f"welcome-{name}", f"Welcome, {name}", account="XX-onboarding")
            server.clock.advance(1.5)
        _order(server, "bonus-1", "Team bonus", processing="seconds:90")
        server.faults.arm("status", "after_commit", status=504, method="POST", path="/v2/order")
        server.faults.arm("rate_limit", retry_after=1, path="/v2/order", times=5)
        server.webhooks.wait_for(order=failed)
        server.webhooks.misbehave("duplicate")
        yield server, story


def _order(
    server: MockServer,
    key: str,
    description: str,
    *,
    processing: str = "seconds:1",
    account: str = "XX-payouts",
) -> str:
    document = {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "description": description,
        "items": [
            {
                "face_value": 25,
                "distribution_method": {"type": "EMAIL", "email_address": "sam@example.com"},
                "products": {"type": "SINGLE", "value": "1800FL-US"},
            }
        ],
    }
    headers = {
        "X-Api-Key": f"{account}.secret",
        "X-Idempotency-Key": key,
        "X-Send-Email": "true",
        "X-Mock-Processing": processing,
    }
    address = f"{server.base_url}/order"
    answer = requests.post(address, json.dumps(document), headers=headers, timeout=10)
    return str(answer.json()["id"])


def _read(server: MockServer, order: str) -> None:
    headers = {"X-Api-Key": "XX-payouts.secret"}
    requests.get(f"{server.base_url}/order/{order}", headers=headers, timeout=10)


if __name__ == "__main__":
    main()
