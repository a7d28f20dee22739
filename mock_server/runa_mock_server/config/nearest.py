"""The known word that an unknown one looks like, for error messages."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like another, whatever the case of either; ``None`` if none is near."""
    lowered = {name.lower(): name for name in known}
    found = get_close_matches(word.lower().replace("-", "_"), lowered, 1)
    return lowered[found[0]] if found else None


def suggestion(word: str | None) -> str:
    """A question to append to an error message; empty without a word to suggest."""
    return "" if word is None else f"; did you mean {word!r}?"
