"""The Chromium of this machine: where it is, and how it is started so that it stays by itself."""

import os
import shutil
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
VARIABLE = "RUNA_MOCK_CHROMIUM"

Size = Literal["phone", "desktop"]
Scheme = Literal["light", "dark"]

SIZES: dict[Size, tuple[int, int]] = {"phone": (360, 740), "desktop": (1280, 800)}
"""Width and height of the windows that pages are looked at in."""

_FLAGS = (
    "--no-sandbox",  # containers allow none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class OpenPage(Protocol):
    """Opens an address in a window of its own."""

    def __call__(
        self, url: str, size: Size = "desktop", scheme: Scheme = "light", **options: Any
    ) -> "Page":
        """The page; options are those of playwright's ``new_context``."""


def chromium() -> str | None:
    """The program, if there is one."""
    return os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: "Playwright", program: str) -> "Browser":
    """A browser that calls nobody of its own accord."""
    return playwright.chromium.launch(executable_path=program, args=list(_FLAGS))


def window(browser: "Browser", size: Size, scheme: Scheme, **options: Any) -> "Page":
    """An empty page in a window of its own, to be closed with its context."""
    width, height = SIZES[size]
    viewport: Any = {"width": width, "height": height}
    return browser.new_context(viewport=viewport, color_scheme=scheme, **options).new_page()
