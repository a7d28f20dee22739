"""Photograph the recipient's page for the README: `PYTHONPATH=tests python tools/screenshots.py`.

The pictures are made in Chromium, which has to be installed, as for `pytest tests/browser`.
"""

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from runa_client import RunaClient, item, multiple, payout_link, single
from runa_mock_server import MockServer
from support.browser import NAMES, Scheme, Size, chromium, launch, window

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
PRODUCTS = ("ABO-GB", "EXBOOK-GB", "PLAFAS-GB")
PARTS = {"ABO-GB": "60", "PLAFAS-GB": "25.50"}
COLOURS = 256  # of a picture, so that it stays small
NOON = "2026-03-14T12:00:00Z"


def main() -> None:
    """Write the pictures: a choice on a desktop, and what a recipient gets on a phone."""
    program = chromium()
    if program is None:
        raise SystemExit(f"none of {', '.join(NAMES)} is on PATH")
    IMAGES.mkdir(exist_ok=True)
    with (
        MockServer(clock=NOON, seed=8484, processing="at-once") as server,
        RunaClient(server.base_url, "XX-screenshots.secret") as client,
        sync_playwright() as playwright,
    ):
        link = payout_link()
        things = [
            item(100, products=multiple(*PRODUCTS), distribution=link),
            item(25, products=single(PRODUCTS[0]), distribution=link),
        ]
        receipt = client.create_order(things, currency="GBP")
        to_choose, to_redeem = client.get_order(receipt.id).urls
        browser = launch(playwright, program)

        def opened(url: str, size: Size, scheme: Scheme) -> Page:
            page = window(browser, size, scheme)
            page.goto(url)
            return page

        page = opened(to_choose, "desktop", "light")
        page.get_by_role("heading", name="Split it between several").click()
        for code, value in PARTS.items():
            page.locator(f'input[name="{code}"]').fill(value)
        photograph(page, "payout-desktop")
        page = opened(to_redeem, "phone", "dark")
        page.get_by_role("button", name="Redeem").click()
        page.get_by_role("heading", name="Your payout has been redeemed").wait_for()
        photograph(page, "payout-phone")
        browser.close()


def photograph(page: Page, name: str) -> None:
    """Write what a page shows, down to its end."""
    with Image.open(BytesIO(page.screenshot(full_page=True))) as image:
        few = image.convert("RGB").quantize(COLOURS)
    few.save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
