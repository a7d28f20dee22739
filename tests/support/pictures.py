"""What the scripts that photograph pages have in common: a browser, and small PNGs."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from support.browser import NAMES, chromium, launch

_IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_COLOURS = 256  # of a picture, so that it stays small
_LARGEST = 150_000


@contextmanager
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, as the tests use it."""
    program = chromium()
    if program is None:
        raise SystemExit(f"none of {', '.join(NAMES)} is on PATH")
    with sync_playwright() as playwright:
        started = launch(playwright, program)
        yield started
        started.close()


def photograph(page: Page, name: str, *, whole: bool = False) -> None:
    """Write what a page shows.

    Args:
        page: the page.
        name: of the picture, without its suffix.
        whole: down to the end of the page, not of the window.
    """
    with Image.open(BytesIO(page.screenshot(full_page=whole))) as image:
        few = image.convert("RGB").quantize(_COLOURS)
    _IMAGES.mkdir(exist_ok=True)
    path = _IMAGES / f"{name}.png"
    few.save(path, optimize=True)
    if path.stat().st_size > _LARGEST:
        raise SystemExit(f"{path} is larger than {_LARGEST} bytes")
