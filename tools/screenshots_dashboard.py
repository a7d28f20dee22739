"""Take the pictures of the dashboard in ``docs/images``: `python tools/screenshots_dashboard.py`.

It needs playwright and a Chromium, and starts a server with orders of every kind.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, sync_playwright

from runa_mock_server import MockServer

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST = 150_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PAGES = (
    ("dashboard-orders", "orders", "light", (1280, 500)),
    ("dashboard-order", "orders/{order}", "light", (1180, 700)),
    ("dashboard-order-dark", "orders/{order}", "dark", (1180, 700)),
    ("dashboard-faults", "faults", "light", (1180, 640)),
)
"""Name, view, colours and size of each picture."""


def main() -> int:
    """Take every picture; 1 if one is too large."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise SystemExit(f"none of {', '.join(NAMES)} is on PATH")
    IMAGES.mkdir(exist_ok=True)
    with _server() as (server, order), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        for name, view, colours, size in PAGES:
            address = f"{server.url}/_mock/#/{view.format(order=order)}"
            picture = _picture(browser, address, colours, size)
            (IMAGES / f"{name}.png").write_bytes(picture)
            sys.stdout.write(f"{name}.png {len(picture)}\n")
        browser.close()
    return int(any(path.stat().st_size > LARGEST for path in IMAGES.glob("dashboard*.png")))


def _picture(browser: Browser, address: str, colours: Any, size: tuple[int, int]) -> bytes:
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=colours,
    )
    page.goto(address)
    page.wait_for_load_state("load")
    page.locator("tbody tr, .story li").first.wait_for()
    page.locator("#live.on").wait_for()
    picture = page.screenshot()
    page.close()
    return picture


@contextmanager
def _server() -> Iterator[tuple[MockServer, str]]:
    """A server on which something has happened, and the order to which most has."""
    # The port is in the links and curl lines that the pictures show.
    with MockServer(clock=NOON.isoformat(), seed=11, port=8484) as server:
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
    raise SystemExit(main())
