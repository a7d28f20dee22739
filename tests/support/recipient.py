"""A recipient who opens pages, presses buttons and looks closely at what comes."""

import base64
import hashlib
from typing import Any
from urllib.parse import urljoin

import requests

from support.api import TIMEOUT
from support.money import MoneyApi, multiple, paid_in
from support.page import Page, opened

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# Open, 5 to 500 and 10 to 100, and fixed, 15 30 45.
OPEN, NARROW, FIXED = "FIVEG-US", "1800FL-US", "SAMCIN-US"

POLICY = "Content-Security-Policy"

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

FORBIDDEN = {
    "default-src": "'none'",
    "img-src": "data:",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

Order = dict[str, Any]


def link(order: Order) -> str:
    """The payout link of an order's first item."""
    return str(order["items"][0]["payout"]["url"])


def status(bank: MoneyApi, order: Order) -> str:
    """The state of its payout now."""
    return str(bank.read(order["id"])["items"][0]["payout"]["status"])


def taken(response: requests.Response, expected: int = 200) -> Page:
    """The page in an answer, which has the headers of pages and keeps their rules."""
    assert response.status_code == expected, response.text
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers.items() >= HEADERS.items()
    policy = dict(part.split(" ", 1) for part in response.headers[POLICY].split("; "))
    assert policy.items() >= FORBIDDEN.items()
    page = opened(response.text, urljoin(response.url, "/").rstrip("/"))
    for kind in ("style", "script"):
        for element in page.all(kind):
            digest = hashlib.sha256("".join(element.words).encode()).digest()
            assert policy[f"{kind}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"
    return page


def shown(url: str, expected: int = 200) -> Page:
    """The page behind an address."""
    return taken(requests.get(url, timeout=TIMEOUT), expected)


def alarm(page: Page) -> str:
    """What an error summary says; it is where the focus goes."""
    element = page.one("div", role="alert")
    assert element.attributes.keys() >= {"tabindex", "autofocus"}
    return element.text


def submit(url: str, form: dict[str, str] | bytes | None = None) -> requests.Response:
    """Press the button; a redirect is not followed."""
    return requests.post(
        url, data=form or b"", headers=FORM, allow_redirects=False, timeout=TIMEOUT
    )


def choice(bank: MoneyApi, value: int = 100) -> Order:
    """An order whose recipient can split a value between three products."""
    return bank.finished(paid_in("USD", multiple(value, OPEN, NARROW, FIXED)))
