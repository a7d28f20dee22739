"""JSON documents written piece by piece, so that other work can run in between.

Each ``next()`` of these iterators does a bounded amount of work, whatever the size of the document.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel
from pydantic_core import to_json

T = TypeVar("T")

_AT_ONCE = 10


def elements(values: Iterable[object]) -> Iterator[bytes]:
    """A JSON array.

    Args:
        values: the elements; ``None`` adds none, and counts as work.
    """
    yield from _joined(b"[", _batches(values), b"]")


def members(pairs: Iterable[tuple[str, object] | None]) -> Iterator[bytes]:
    """A JSON object.

    Args:
        pairs: different names, with their values; ``None`` adds none, and counts as work.
    """
    yield from _joined(b"{", map(dict, _batches(pairs)), b"}")


def model_document(model: BaseModel, fields: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    """The JSON document of a model.

    Args:
        model: the document but for its long fields, which are empty; at least one is not long.
        fields: the JSON of each long field, in pieces.
    """
    yield model.model_dump_json(exclude=set(fields)).encode()[:-1]
    for name, pieces in fields.items():
        yield b"," + to_json(name) + b":"
        yield from pieces
    yield b"}"


def _batches(values: Iterable[T | None]) -> Iterator[list[T]]:
    values = iter(values)
    while batch := list(islice(values, _AT_ONCE)):
        yield [value for value in batch if value is not None]


def _joined(start: bytes, batches: Iterable[object], end: bytes) -> Iterator[bytes]:
    before = start
    for batch in batches:
        if batch:
            yield before + to_json(batch)[1:-1]
            before = b","
        else:
            yield b""
    yield end if before == b"," else start + end
