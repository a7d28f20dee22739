"""What a till scans: the barcodes and QR codes of the redemption API's five formats, as SVG.

Which modules are dark is worked out by libraries; drawing them is the same for all. The format
names are the provider's (page "Redemption").
"""

import re
from collections.abc import Callable
from html import escape
from typing import NamedTuple

_RUN = re.compile("1+")
_BARS_HEIGHT = 50  # of a barcode with one row, in modules
_LOST_DIGITS = "99"


class _Symbology(NamedTuple):
    """How a format is drawn.

    Attributes:
        name: what people call it.
        rows: the modules of a text, row by row, ``1`` for dark; fails with ``ValueError``.
        height: of a row, in modules.
        margin: what has to stay white around it, in modules.
    """

    name: str
    rows: Callable[[str], list[str]]
    height: int
    margin: int


def draw(barcode_format: str, text: str) -> str | None:
    """A text as a picture, black on white, that says in ``aria-label`` what it encodes.

    Args:
        barcode_format: one of the redemption API's formats.
        text: what a scanner is to read.

    Returns:
        An ``<svg>`` element for a page; ``None`` if the format is another, or has no way to say
        this text.
    """
    symbology = _SYMBOLOGIES.get(barcode_format)
    if symbology is None or not text:
        return None
    try:
        rows = symbology.rows(text)
    except ValueError:
        return None
    margin, step = symbology.margin, symbology.height
    width, height = len(rows[0]) + 2 * margin, len(rows) * step + 2 * margin
    bars = "".join(
        f"M{margin + run.start()} {margin + number * step}h{len(run[0])}v{step}h-{len(run[0])}z"
        for number, row in enumerate(rows)
        for run in _RUN.finditer(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{symbology.name} of {escape(text)}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{width}v{height}h-{width}z"/><path d="{bars}"/></svg>'
    )


def _qr(text: str) -> list[str]:
    import segno  # noqa: PLC0415 - few servers draw anything, and start faster without it

    matrix = segno.make_qr(text, error="m").matrix
    return ["".join("1" if dark else "0" for dark in row) for row in matrix]


def _pdf417(text: str) -> list[str]:
    import pdf417gen  # noqa: PLC0415 - as above

    return ["".join(f"{word:b}" for word in row) for row in pdf417gen.encode(text, columns=4)]


def _bars(library_name: str, **options: bool) -> Callable[[str], list[str]]:
    def rows(text: str) -> list[str]:
        import barcode  # noqa: PLC0415 - as above
        from barcode.errors import BarcodeError  # noqa: PLC0415 - as above

        try:
            encoded = barcode.get_barcode_class(library_name)(text, **options)
        except BarcodeError as error:
            raise ValueError(str(error)) from None
        # The library shortens, raises and mends what does not fit; a till would read another code.
        if encoded.get_fullcode() != text:
            raise ValueError(f"{library_name} has no way to say this")
        built: list[str] = encoded.build()
        return built

    return rows


def _code_128(text: str) -> list[str]:
    if text.startswith(_LOST_DIGITS):  # python-barcode takes the pair for a switch, and drops it
        raise ValueError("the library would lose its first two digits")
    return _bars("code128")(text)


_SYMBOLOGIES = {
    "QR": _Symbology("QR code", _qr, height=1, margin=4),
    "pdf417": _Symbology("PDF417 barcode", _pdf417, height=3, margin=4),
    "code-128": _Symbology("Code 128 barcode", _code_128, _BARS_HEIGHT, margin=10),
    "code-39": _Symbology(
        "Code 39 barcode", _bars("code39", add_checksum=False), _BARS_HEIGHT, margin=10
    ),
    "ean-13": _Symbology("EAN-13 barcode", _bars("ean13"), _BARS_HEIGHT, margin=11),
}
