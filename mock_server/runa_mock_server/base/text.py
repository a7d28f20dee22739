"""Text that came in a header, as JSON can hold it: headers may carry bytes that are no UTF-8."""

_ESCAPE = "\0"  # not printable, so no text that is kept as it is begins with it


def escaped(text: str) -> str:
    """A text with surrogates for its strange bytes, as text that is valid Unicode."""
    if text.isprintable():
        return text
    return _ESCAPE + text.encode(errors="surrogateescape").hex()


def unescaped(text: str) -> str:
    """What ``escaped`` escaped."""
    if text[:1] != _ESCAPE:
        return text
    return bytes.fromhex(text[1:]).decode(errors="surrogateescape")
