"""Photograph the recipient's page for the README: `PYTHONPATH=tests python tools/screenshots.py`.

The pictures are made in Chromium, which has to be installed, as for `pytest tests/browser`.
"""

from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from runa_client import RunaClient, item, payout_link, template
from runa_mock_server import MockServer
from support.browser import NAMES, Scheme, Size, chromium, launch, window

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
USD_TEMPLATE = "PT-01HQ12PV4B8XMBRTK281JM54KK"
PARTS = {"1800FL-US": "60", "EXBOOK-US": "40"}
NOON = "2026-03-14T12:00:00Z"


def main() -> None:
    """Write the pictures: a choice on a desktop, a split on a phone, what came of it."""
    program = chromium()
    if program is None:
        raise SystemExit(f"none of {', '.join(NAMES)} is on PATH")
    IMAGES.mkdir(exist_ok=True)
    with (
        MockServer(clock=NOON, seed=8484, link_lifetime_days=90) as server,
        RunaClient(server.base_url, "XX-screenshots.secret") as client,
        sync_playwright() as playwright,
    ):
        things = [item(100, products=template(USD_TEMPLATE), distribution=payout_link())]
        receipt = client.create_order(things, currency="USD", execution_mode="sync")
        (url,) = receipt.order.urls
        browser = launch(playwright, program)

        def opened(size: Size, scheme: Scheme) -> Page:
            page = window(browser, size, scheme)
            page.goto(url)
            return page

        photograph(opened("desktop", "light"), "payout-desktop")
        page = opened("phone", "dark")
        page.get_by_role("heading", name="Split it between several").click()
        for code, value in PARTS.items():
            page.locator(f'input[name="{code}"]').fill(value)
        page.get_by_role("heading", name="Split it between several").scroll_into_view_if_needed()
        photograph(page, "payout-phone-split")
        page.get_by_role("button", name="Redeem the parts").click()
        photograph(opened("phone", "light"), "payout-phone-redeemed")
        browser.close()


def photograph(page: Page, name: str) -> None:
    """Write what a window shows."""
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
