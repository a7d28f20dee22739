"""Photograph the recipient's page for the README: `PYTHONPATH=tests python tools/screenshots.py`.

The pictures are made in Chromium, which has to be installed, as for `pytest tests/browser`.
"""

from playwright.sync_api import Page

from runa_client import RunaClient, item, multiple, payout_link, single
from runa_mock_server import MockServer
from support.browser import Scheme, Size, window
from support.pictures import browser, photograph

PRODUCTS = ("ABO-GB", "EXBOOK-GB", "PLAFAS-GB")
PARTS = {"ABO-GB": "60", "PLAFAS-GB": "25.50"}
NOON = "2026-03-14T12:00:00Z"


def main() -> None:
    """Write the pictures: a choice on a desktop, and what a recipient gets on a phone."""
    with (
        MockServer(clock=NOON, seed=8484, processing="at-once") as server,
        RunaClient(server.base_url, "XX-screenshots.secret") as client,
        browser() as chromium,
    ):
        link = payout_link()
        things = [
            item(100, products=multiple(*PRODUCTS), distribution=link),
            item(25, products=single(PRODUCTS[0]), distribution=link),
        ]
        receipt = client.create_order(things, currency="GBP")
        to_choose, to_redeem = client.get_order(receipt.id).urls

        def opened(url: str, size: Size, scheme: Scheme) -> Page:
            page = window(chromium, size, scheme)
            page.goto(url)
            return page

        page = opened(to_choose, "desktop", "light")
        page.get_by_role("heading", name="Split it between several").click()
        for code, value in PARTS.items():
            page.locator(f'input[name="{code}"]').fill(value)
        photograph(page, "payout-desktop", whole=True)
        page = opened(to_redeem, "phone", "dark")
        page.get_by_role("button", name="Redeem").click()
        page.get_by_role("heading", name="Your payout has been redeemed").wait_for()
        photograph(page, "payout-phone", whole=True)


if __name__ == "__main__":
    main()
