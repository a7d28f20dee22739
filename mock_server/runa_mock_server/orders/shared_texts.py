"""Texts that many have in common, so that each needs to be kept once."""

_FIRST_SEEN = 256


class SharedTexts:
    """Texts by number; a text gets one when it is seen again.

    Of texts that were seen once only the latest are remembered, so that a million which nobody
    shares cost nothing here.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._seen_once: dict[int, None] = {}  # by hash: two that share one do no harm

    def number(self, text: str) -> int:
        """The number of a text, from 1 on; 0 if it is not known to be shared, and not kept."""
        number = self._numbers.get(text)
        if number is not None:
            return number
        seen = hash(text)
        if seen not in self._seen_once:
            self._seen_once[seen] = None
            if len(self._seen_once) > _FIRST_SEEN:
                del self._seen_once[next(iter(self._seen_once))]
            return 0
        del self._seen_once[seen]
        number = len(self._texts) + 1
        self._texts[number] = text
        self._numbers[text] = number
        return number

    def __getitem__(self, number: int) -> str:
        """The text with a number."""
        return self._texts[number]
