"""Where two answers differ, if what is different each time is compared by its shape.

Ids, moments, links, balances, codes and sentences for people differ from run to run. What was
recorded under one id is found under another: such twins are remembered, so that a second order
where there was one before is a difference all the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runa_conformance._recording import PLACEHOLDER
from runa_conformance._redaction import REDACTED

_ID = re.compile(r"[OE]-[0-9A-HJKMNP-TV-Z]{26}")
_SHORT_ID = re.compile(r"O-[0-9A-Z]{8}")  # of an order, in the redemption API
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONEY = re.compile(r"\d+\.\d\d")
_LINK = re.compile(r"https?://\S+")
_TEXT_FIELD = re.compile(r"\w+_(md|html)")
_WORDS: Final = frozenset({"message", "help", "error_string", "error_details"})


class _Absent:
    """Stands for a field that is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where an answer is not what was recorded.

    Attributes:
        path: the field, such as ``$.items[0].price``.
        recorded: what was recorded there, ``ABSENT`` for nothing.
        found: what is there now, ``ABSENT`` for nothing.
    """

    path: str
    recorded: object
    found: object


class Twins:
    """What stands now where an id or a payout link was recorded."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def match(self, recorded: str, found: str) -> bool:
        """Whether two can be twins: the recorded one was not seen before, or with this twin."""
        return self._found.setdefault(recorded, found) == found

    def get(self, recorded: str) -> str | None:
        """The twin of an id or a link, ``None`` if there is none yet."""
        return self._found.get(recorded)

    def in_text(self, text: str) -> str:
        """A text with each recorded id replaced by its twin."""
        return _ID.sub(lambda found: self._found.get(found[0], found[0]), text)

    def of_link(self, url: str) -> str | None:
        """The twin of a payout link; of one that no order had, by those that stood beside it."""
        if url in self._found:
            return self._found[url]
        parent, _, token = url.rpartition("/")
        for recorded, found in self._found.items():
            if recorded.rpartition("/")[0] == parent:
                return f"{found.rpartition('/')[0]}/{token}"
        return None


def ids_in(text: str) -> list[str]:
    """The ids of orders and items in a text."""
    return _ID.findall(text)


def differences(recorded: Any, found: Any, twins: Twins, path: str = "$") -> Iterator[Difference]:
    """Compare two JSON documents.

    Args:
        recorded: the document in the recording.
        found: the document now.
        twins: what is known of ids and links; more of it becomes known here.
        path: where the documents stand.
    """
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        yield from _fields(recorded, found, twins, lambda name: f"{path}.{name}")
        order = [name for name in recorded if name in found]
        if order != [name for name in found if name in recorded]:
            yield Difference(f"{path} (order of keys)", list(recorded), list(found))
    elif isinstance(recorded, list) and isinstance(found, list):
        yield from _lists(recorded, found, twins, path)
    elif not _alike(recorded, found, path.rpartition(".")[2], twins):
        yield Difference(path, recorded, found)


def _fields(
    recorded: Mapping[str, Any],
    found: Mapping[str, Any],
    twins: Twins,
    place: Callable[[str], str],
) -> Iterator[Difference]:
    for name in [*recorded, *(name for name in found if name not in recorded)]:
        if name in recorded and name in found:
            yield from differences(recorded[name], found[name], twins, place(name))
        else:
            one, other = recorded.get(name, ABSENT), found.get(name, ABSENT)
            yield Difference(place(name), one, other)


def _lists(
    recorded: Sequence[Any], found: Sequence[Any], twins: Twins, path: str
) -> Iterator[Difference]:
    codes, found_codes = _by_code(recorded), _by_code(found)
    if codes is not None and found_codes is not None:
        yield from _fields(codes, found_codes, twins, lambda code: f"{path}[{code}]")
        return
    for index, (one, other) in enumerate(zip(recorded, found, strict=False)):
        yield from differences(one, other, twins, f"{path}[{index}]")
    if len(recorded) != len(found):
        yield Difference(f"{path} (number of entries)", len(recorded), len(found))


def _by_code(entries: Sequence[Any]) -> dict[str, Any] | None:
    """Entries that have codes by these, so that a new one moves no other."""
    if not all(isinstance(entry, Mapping) and "code" in entry for entry in entries):
        return None
    return {str(entry["code"]): entry for entry in entries}


def _alike(recorded: Any, found: Any, name: str, twins: Twins) -> bool:
    if name in _WORDS:
        return isinstance(recorded, str | None) and isinstance(found, str | None)
    if isinstance(recorded, bool) is not isinstance(found, bool):
        return False
    if not isinstance(recorded, str) or not isinstance(found, str):
        return bool(recorded == found)
    for ids in (_ID, _SHORT_ID):
        if ids.fullmatch(recorded) and ids.fullmatch(found):
            return recorded[0] == found[0] and twins.match(recorded, found)
    if _LINK.fullmatch(recorded) and _LINK.fullmatch(found):
        return PLACEHOLDER not in recorded or twins.match(recorded, found)
    return recorded == found or any(
        pattern.fullmatch(recorded) and pattern.fullmatch(found)
        for fields, pattern in _BY_SHAPE
        if fields.fullmatch(name)
    )


_ANYTHING = re.compile(".*", re.DOTALL)
# Fields, and the shape that both values have to have there.
_BY_SHAPE: Final = (
    (_ANYTHING, _MOMENT),
    (re.compile("balance"), _MONEY),
    (re.compile("expiry_date"), _DAY),
    (_TEXT_FIELD, _ANYTHING),
    (re.compile("code|pin|barcode_string"), re.compile(rf"{re.escape(REDACTED)}|\S+")),
)
