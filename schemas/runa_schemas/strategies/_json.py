"""JSON of any kind, the same JSON written differently, and JSON with one thing changed."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = Any
Object: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str | int, ...]

# One below, at and one above each limit on a length or a number of entries.
_LENGTHS = (0, 1, 2, 3, 20, 21, 40, 41, 128, 129, 200, 201, 254, 255, 256)
_NUMBERS = (0, -0.0, -1, 0.01, 0.009999999999999998, 0.010000000000000002, 1e-300, 1e308, 10**30)
_KNOWN_KEYS = (
    "payment_method",
    "items",
    "type",
    "face_value",
    "products",
    "metadata",
    "description",
)
_KNOWN_WORDS = ("EMAIL", "PAYOUT_LINK", "RECIPIENT", "SINGLE", "MULTIPLE", "TEMPLATE", "GBP")


def json_values() -> st.SearchStrategy[Json]:
    """Any JSON value: small ones, and numbers at the limits of the contract."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=6)
        | st.sampled_from(_NUMBERS)
    )
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | _objects(inner), max_leaves=6
    )


def json_objects() -> st.SearchStrategy[Object]:
    """Objects of any values under any keys, among them those that an order knows."""
    return _objects(json_values())


def _objects(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Object]:
    return st.dictionaries(st.sampled_from(_KNOWN_KEYS) | st.text(max_size=6), values, max_size=5)


def copied(value: Json) -> Json:
    """A copy that shares no list and no object with the original."""
    if isinstance(value, dict):
        return {key: copied(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [copied(entry) for entry in value]
    return value


def spellings(document: Json) -> st.SearchStrategy[bytes]:
    """JSON texts that all mean ``document``: the same service must take each for the same body.

    The keys of objects change places, white space and escapes differ.

    Args:
        document: A JSON value.
    """
    return st.builds(
        _spelt,
        st.just(document),
        seed=st.integers(0, 9),
        indent=st.sampled_from((None, 0, 2, "\t")),
        ensure_ascii=st.booleans(),
    )


def _spelt(document: Json, *, seed: int, **spelling: Any) -> bytes:
    return json.dumps(_shuffled(document, seed), **spelling).encode()


def _shuffled(document: Json, seed: int) -> Json:
    """The same document, the keys of its objects in another order; none for seed 0."""
    if isinstance(document, list):
        return [_shuffled(entry, seed) for entry in document]
    if isinstance(document, dict):
        keys = list(document)
        if seed:
            random.Random(seed).shuffle(keys)  # noqa: S311 - repeatable, not secret
        return {key: _shuffled(document[key], seed) for key in keys}
    return document


def mutations(documents: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Documents with one thing deleted, exchanged, stretched or added.

    That may leave them valid: where two judges of one contract must agree, they have to agree on
    these.

    Args:
        documents: What to start from; lists or objects that are not empty.
    """
    return _mutations(documents)


@st.composite
def _mutations(draw: st.DrawFn, documents: st.SearchStrategy[Json]) -> Json:
    document = copied(draw(documents))
    *parents, step = draw(st.sampled_from(list(places(document))))
    holder: Json = document
    for parent in parents:
        holder = holder[parent]
    if draw(st.integers(0, 4)) == 0:
        del holder[step]
    else:
        holder[step] = draw(_changed(holder[step]))
    return document


def places(document: Json) -> Iterator[Place]:
    """The way to every value inside a document, the document itself not included.

    Args:
        document: A JSON value.

    Returns:
        The ways, each the keys and list indexes that lead there; an outer value comes before what
        is inside it.
    """
    steps: Iterator[tuple[str | int, Json]] = iter(())
    if isinstance(document, dict):
        steps = iter(document.items())
    elif isinstance(document, list):
        steps = iter(enumerate(document))
    for step, child in steps:
        yield (step,)
        for inner in places(child):
            yield (step, *inner)


def _changed(value: Json) -> st.SearchStrategy[Json]:
    """Other values in the place of one."""
    own: dict[type, Callable[[Json], st.SearchStrategy[Json]]] = {
        str: _changed_text,
        list: lambda old: st.sampled_from(_LENGTHS).map(lambda size: (old * size)[:size]),
        dict: _grown,
        int: lambda _: st.sampled_from(_NUMBERS),
        float: lambda _: st.sampled_from(_NUMBERS),
    }
    alien = json_values() | st.just(json.dumps(value)) | st.just([value])
    return own[type(value)](value) | alien if type(value) in own else alien


def _changed_text(old: str) -> st.SearchStrategy[str]:
    marks = st.sampled_from(["\n", " ", ".", "@", "-", "é", "😀", "\x00", "I", "l"])
    where = st.integers(0, len(old))
    return st.one_of(
        st.builds(lambda at, mark: old[:at] + mark + old[at:], where, marks),
        st.builds(lambda at: old[:at] + old[at + 1 :], where),
        st.sampled_from(_LENGTHS).map(lambda size: ((old or "x") * size)[:size]),
        st.sampled_from([old.lower(), *_KNOWN_WORDS]),
    )


def _grown(old: Object) -> st.SearchStrategy[Object]:
    """The object with a further key, or with very many."""
    many = st.sampled_from(_LENGTHS).map(
        lambda size: old | {f"key-{number}": "value" for number in range(size - len(old))}
    )
    key = st.sampled_from(_LENGTHS).map("k".__mul__)
    return many | st.builds(lambda key, value: old | {key: value}, key, json_values())
