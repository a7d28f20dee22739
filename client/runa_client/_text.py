"""Texts from elsewhere, made fit for messages and logs: secrets out, control characters shown."""

import re


def redact(text: str, secret: str, instead: str) -> str:
    """Take a secret out of a text, in any case, percent-encoded or with its quotes escaped.

    Args:
        text: What may hold the secret.
        secret: At least one character, as it is where nothing is encoded.
        instead: What stands for it.
    """
    return re.sub("".join(map(_spellings, secret)), lambda _: instead, text, flags=re.IGNORECASE)


def printable(text: str) -> str:
    """Escape what is not printable, line breaks and reversed writing included, as Python does."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _spellings(character: str) -> str:
    """Return the pattern of a character: itself, or its bytes percent-encoded, once or again."""
    encoded = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    escaped = r"\\*" if character in "\\'\"" else ""
    # Encoded first, for a percent sign is the beginning of its own code.
    return f"(?:{encoded}|{escaped}{re.escape(character)})"
