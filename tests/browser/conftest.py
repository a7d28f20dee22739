"""A browser, and pages in it that may make no mistake and ask nobody but the mock."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from runa_mock_server import MockServer
from support.browser import NAMES, VARIABLE, OpenPage, Scheme, Size, chromium, launch, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The Chromium of this machine; without one, the tests that need it are skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")
    program = chromium()
    if program is None:
        pytest.skip(f"NO BROWSER TESTS: none of {', '.join(NAMES)} on PATH, {VARIABLE} unset")
    with api.sync_playwright() as playwright:
        started = launch(playwright, program)
        yield started
        started.close()


@pytest.fixture
def runa_settings() -> Mapping[str, Any]:
    """The playground's ways; time runs, for a page waits as its reader does."""
    return {}


@pytest.fixture
def open_page(browser: "Browser", runa_server: MockServer) -> Iterator[OpenPage]:
    """Opens pages; at the end none may have logged an error or asked another host."""
    pages: list[Page] = []
    wrong: list[str] = []

    def open_page(
        url: str, size: Size = "desktop", scheme: Scheme = "light", **options: Any
    ) -> "Page":
        page = window(browser, size, scheme, **options)
        pages.append(page)
        _watch(page, runa_server.url, wrong)
        page.goto(url)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert not wrong


def _watch(page: "Page", own_url: str, wrong: list[str]) -> None:
    """Note what a page does that it must not."""

    def console(message: Any) -> None:
        # That a form was refused, or a link is unknown, is none of the page's doing.
        refused = message.text.startswith("Failed to load resource")
        own = message.location["url"] == page.url
        if message.type in {"error", "warning"} and not (refused and own):
            wrong.append(message.text)

    def request(asked: Any) -> None:
        if not asked.url.startswith((f"{own_url}/payout/", f"{own_url}/_mock/", "data:")):
            wrong.append(f"asked for {asked.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", request)
