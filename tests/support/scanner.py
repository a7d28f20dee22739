"""A scanner: reads barcodes with a library that draws none."""

import re
from io import BytesIO

import zxingcpp
from PIL import Image

_SCALE = 4
_WHITE, _BLACK = 255, 0

Scanned = tuple[str, str]
"""Format and text, as zxing names and reads them."""


def scan(png: bytes) -> Scanned:
    """The one barcode in a photograph."""
    return _scan(Image.open(BytesIO(png)).convert("L"))


def scan_svg(svg: str) -> Scanned:
    """The one barcode in a drawing of the mock's."""
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    assert box is not None
    image = Image.new("L", (int(box[1]), int(box[2])), _WHITE)
    bars = re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\3z", svg)
    for x, y, width, height in (map(int, bar) for bar in bars[1:]):  # the first is the background
        image.paste(_BLACK, (x, y, x + width, y + height))
    return _scan(
        image.resize((image.width * _SCALE, image.height * _SCALE), Image.Resampling.NEAREST)
    )


def _scan(image: Image.Image) -> Scanned:
    (found,) = zxingcpp.read_barcodes(image)
    return str(found.format), found.text
