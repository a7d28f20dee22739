"""The text of an exported account, of either form, as lines that each hold one entry.

A document of a hundred thousand orders takes seconds to parse, so it is read entry by entry.
"""

import json
from codecs import BOM_UTF8, getincrementaldecoder
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from runa_mock_server.base.errors import quoted
from runa_mock_server.server_state.snapshots import LINES, MAPPINGS, AccountState, StateHead

_CHUNK = 64 * 1024
_LONGEST_HEAD = 1024 * 1024
_LONGEST_ENTRY = 16 * 1024 * 1024
_SPACE = " \t\n\r"

_LONG = frozenset(AccountState.model_fields) - frozenset(StateHead.model_fields)


class UnreadableStateError(ValueError):
    """The text is no state.

    Attributes:
        field: the part of the text that is wrong, empty for the whole.
        is_json: whether it is JSON, although no state.
    """

    def __init__(self, field: str, reason: str, *, is_json: bool = True) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.is_json = is_json


class Line(NamedTuple):
    """One entry of a state.

    Attributes:
        field: whose entry it is, empty for the head.
        json: a JSON object with that field alone, or the head.
    """

    field: str
    json: bytes


def read_lines(text: bytes) -> Iterator[Line]:
    """The entries of an exported account, of either form; each takes a bounded amount of work.

    Args:
        text: one JSON document, or JSON Lines.

    Raises:
        UnreadableStateError: if the text is neither, or has been cut.
    """
    if text.startswith(BOM_UTF8):
        reason = "begins with a byte-order mark; send UTF-8 without one"
        raise UnreadableStateError("", reason, is_json=False)
    end = text.find(b"\n", 0, _LONGEST_HEAD)
    head = _head_of_lines(text[:end]) if end >= 0 else None
    if head is None:
        yield from _of_document(text)
    else:
        yield Line("", head)
        yield from _of_lines(text, end + 1)


def _head_of_lines(line: bytes) -> bytes | None:
    """The head, if this is the first line of a state in JSON Lines."""
    try:
        _parse(line.decode())
        head = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(head, dict) or head.get("format") != LINES:
        return None
    del head["format"]
    return json.dumps(head).encode()


def _of_lines(text: bytes, start: int) -> Iterator[Line]:
    count, is_over = 1, False
    while start < len(text):
        end = text.find(b"\n", start)
        line = text[start : len(text) if end < 0 else end].strip()
        start = len(text) if end < 0 else end + 1
        if not line:
            continue
        if is_over:
            raise UnreadableStateError("end", "must be the last line")
        field, value = _entry(line, count + 1)
        if field == "end":
            is_over = True
            if value != str(count):
                raise UnreadableStateError("end", f"there are {count} lines before it")
        else:
            count += 1
            yield Line(field, line)
    if not is_over:
        raise UnreadableStateError("end", "the line is missing: the state has been cut")


def _entry(line: bytes, number: int) -> tuple[str, Any]:
    """The field and the value of a line."""
    if len(line) > _LONGEST_ENTRY:
        raise UnreadableStateError("", f"line {number}: is too long")
    try:
        entry = _parse(line.decode())
    except (ValueError, RecursionError) as error:
        raise UnreadableStateError("", f"line {number}: {error}", is_json=False) from None
    if not isinstance(entry, dict) or len(entry) != 1:
        raise UnreadableStateError("", f"line {number}: must be an object with one field")
    ((field, value),) = entry.items()
    _sound(field)
    if field not in _LONG and field != "end":
        raise UnreadableStateError(field, "there is no such field")
    if value is None:
        raise UnreadableStateError(field, "must not be null")
    return field, value


def _of_document(text: bytes) -> Iterator[Line]:
    document = _Document(text)
    head: list[str] = []
    seen: set[str] = set()
    for name in document.members():
        if name in seen:
            raise UnreadableStateError(name, "is given 2 times", is_json=False)
        seen.add(name)
        if name in _LONG:
            entries = _members(document, name) if name in MAPPINGS else _elements(document, name)
            for entry in entries:
                yield Line(name, f"{{{json.dumps(name)}:{entry}}}".encode(errors="surrogatepass"))
        else:
            head.append(f"{json.dumps(name)}:{_readable(document.value())}")
    for name in seen - AccountState.model_fields.keys():
        raise UnreadableStateError(name, "there is no such field")
    for name, field in AccountState.model_fields.items():
        if field.is_required() and name in _LONG and name not in seen:
            raise UnreadableStateError(name, "Field required")
    yield Line("", f"{{{','.join(head)}}}".encode(errors="surrogatepass"))


def _readable(value: str) -> str:
    """A value, unless pydantic will not read it: it is too deep, or a number too long."""
    try:
        from_json(value.encode(errors="surrogatepass"))
    except ValueError as error:
        raise UnreadableStateError("", f"is no JSON: {error}", is_json=False) from None
    return value


def _members(document: "_Document", field: str) -> Iterator[str]:
    """Each member of the object that begins here, as an object."""
    names: set[str] = set()
    for member in document.members(field):
        if member in names:
            raise UnreadableStateError(field, f"{member}: is given 2 times", is_json=False)
        names.add(member)
        yield f"{{{json.dumps(member)}:{document.value()}}}"


def _elements(document: "_Document", field: str) -> Iterator[str]:
    """Each element of the array that begins here."""
    for value in document.elements(field):
        if value == "null":
            raise UnreadableStateError(field, "must not hold null")
        yield value


class _Document:
    """A JSON document, read from its start to its end, value by value."""

    def __init__(self, text: bytes) -> None:
        self._view = memoryview(text)
        self._decode = getincrementaldecoder("utf-8")().decode
        self._read = 0
        self._text = ""
        self._at = 0

    def members(self, field: str = "") -> Iterator[str]:
        """The names of the members of the object that begins here; each value has to be read."""
        self._open("{", field, "an object")
        if self._peek() == "}":
            self._at += 1
        else:
            while True:
                if self._peek() != '"':
                    raise self._no_json("a name in double quotes is expected")
                name = _sound(json.loads(self.value()))
                self._take(":")
                yield name
                if self._take(",}") == "}":
                    break
        if not field and self._peek():
            raise self._no_json("there is something behind the document")

    def elements(self, field: str) -> Iterator[str]:
        """The JSON of each element of the array that begins here."""
        self._open("[", field, "an array")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def value(self) -> str:
        """The JSON of the value that begins here."""
        self._peek()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if isinstance(error, json.JSONDecodeError) and self._more():
                    continue
                raise self._no_json(getattr(error, "msg", "it is nested too deeply")) from None
            # A number can go on behind what has been decoded.
            if end == len(self._text) and self._more():
                continue
            value = self._text[self._at : end]
            self._at = end
            return value

    def _open(self, bracket: str, field: str, kind: str) -> None:
        found = self._peek()
        if found != bracket:
            if not found or found not in '{["-0123456789tfnNI':
                raise self._no_json("a value is expected")
            raise UnreadableStateError(field, f"must be {kind}")
        self._at += 1

    def _take(self, expected: str) -> str:
        found = self._peek()
        if not found or found not in expected:
            raise self._no_json(f"{' or '.join(map(repr, expected))} is expected")
        self._at += 1
        return found

    def _peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Decode more of the text, twice as much each time a value is longer than that."""
        if self._read >= len(self._view):
            return False
        waiting = len(self._text) - self._at
        if waiting > _LONGEST_ENTRY:
            raise UnreadableStateError("", "it has a value that is too long")
        size = max(_CHUNK, waiting)
        piece = self._view[self._read : self._read + size]
        self._read += len(piece)
        try:
            decoded = self._decode(piece, self._read >= len(self._view))
        except UnicodeDecodeError:
            raise self._no_json("it is no UTF-8") from None
        self._text = self._text[self._at :] + decoded
        self._at = 0
        return True

    def _no_json(self, reason: str) -> UnreadableStateError:
        return UnreadableStateError("", f"is no JSON: {reason}", is_json=False)


def _sound(name: str) -> str:
    """A name, unless it holds half of a surrogate pair: a refusal could not repeat it."""
    if not name.isascii() and any("\ud800" <= character <= "\udfff" for character in name):
        raise UnreadableStateError(
            "", f"is no JSON: lone surrogate in {quoted(name)}", is_json=False
        )
    return name


def _unique(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object; pydantic would silently use the last of two equal names."""
    members = dict(pairs)
    if len(members) != len(pairs):
        name, times = Counter(name for name, _ in pairs).most_common(1)[0]
        raise UnreadableStateError(_sound(name), f"is given {times} times", is_json=False)
    return members


# Numbers stay text: Python refuses to convert very long ones, and pydantic reads them again.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _parse(text: str) -> Any:
    return _DECODER.decode(text)
