"""Texts that are no JSON, or none that two readers would understand alike (page "Errors")."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from hypothesis import strategies as st

from runa_schemas.strategies._json import Object
from runa_schemas.strategies._near_miss import NearMiss, Rule, chosen
from runa_schemas.strategies._orders import orders

_DEEPEST = 200
_MOST_DIGITS = 4_300


Way = Callable[[bytes], tuple[bytes, bytes]]


class _JsonRule(NamedTuple):
    """A rule about JSON texts, and ways to break it: what to send, and the same unbroken."""

    rule: Rule
    ways: Sequence[Way]


def malformed_json(*, rules: Iterable[str] | None = None) -> st.SearchStrategy[NearMiss]:
    """Bodies of ``POST /order`` that are not JSON: ``body`` and ``valid`` are bytes.

    Args:
        rules: Names of rules to break, those of ``RULES`` whose part is ``json``; by default all.

    Raises:
        ValueError: An unknown rule.
    """
    return _malformed(st.sampled_from(chosen(rules, JSON_RULES)), orders(max_items=1))


@st.composite
def _malformed(
    draw: st.DrawFn, rules: st.SearchStrategy[_JsonRule], bodies: st.SearchStrategy[Object]
) -> NearMiss:
    broken = draw(rules)
    text = json.dumps(draw(bodies)).encode()
    body, valid = draw(st.sampled_from(broken.ways))(text)
    return NearMiss(
        rule=broken.rule.name,
        error=broken.rule.error,
        status=broken.rule.status,
        location=None,
        headers={},
        body=body,
        valid=valid,
    )


def _instead(make: Callable[[bytes], bytes]) -> Way:
    """Another text in the place of the whole."""
    return lambda text: (make(text), text)


def _inside(wrong: bytes, right: bytes) -> Way:
    """A value inside the body, in a field that the service ignores."""

    def both(text: bytes) -> tuple[bytes, bytes]:
        start = text[:-1] + b', "spelling": '
        return start + wrong + b"}", start + right + b"}"

    return both


def _nested(levels: int, start: bytes = b"[", end: bytes = b"]") -> bytes:
    # One level is the body itself.
    return start * (levels - 1) + b"1" + end * (levels - 1)


def _rule(
    name: str, demand: str, ways: Iterable[Way], source: Literal["documented", "inferred"]
) -> _JsonRule:
    return _JsonRule(Rule(name, demand, "bad_request", "json", source), tuple(ways))


JSON_RULES: Final[Mapping[str, _JsonRule]] = {
    entry.rule.name: entry
    for entry in (
        _rule(
            "json_incomplete",
            "The text is whole.",
            (
                _instead(lambda text: text[:-1]),
                _instead(lambda text: text[: len(text) // 2]),
                _instead(lambda text: text[:1]),
                _instead(lambda _: b" "),
                _instead(lambda _: b""),
            ),
            "documented",
        ),
        _rule(
            "json_with_more_behind",
            "Nothing stands before or behind the one document.",
            (
                _instead(lambda text: text + b"}"),
                _instead(lambda text: text + text),
                _instead(lambda text: text + b","),
                _instead(lambda text: text + b"\0"),
                _instead(lambda text: b"\xef\xbb\xbf" + text),
                _instead(lambda text: b")]}'\n" + text),
            ),
            "documented",
        ),
        _rule(
            "json_of_another_language",
            "Values are spelt as JSON spells them.",
            (
                _instead(lambda text: text.replace(b'"', b"'")),
                _instead(lambda text: text[:-1] + b",}"),
                _instead(lambda text: text + b" // an order"),
                *(
                    _inside(wrong, right)
                    for wrong, right in (
                        (b"[1,]", b"[1]"),
                        (b"{a: 1}", b'{"a": 1}'),
                        (b"True", b"true"),
                        (b"None", b"null"),
                        (b"undefined", b"null"),
                        (b"010", b"10"),
                        (b"+1", b"1"),
                        (b".5", b"0.5"),
                        (b"1.", b"1.0"),
                        (b"1e", b"1e1"),
                        (b"0x1", b"1"),
                        (b"1_000", b"1000"),
                        (b'"\\x41"', b'"A"'),
                        (b'"\n"', b'"\\n"'),
                        (b'"\0"', b'"\\u0000"'),
                    )
                ),
            ),
            "documented",
        ),
        _rule(
            "json_not_finite",
            "Numbers are finite.",
            (_inside(word, b"0") for word in (b"NaN", b"Infinity", b"-Infinity")),
            "documented",
        ),
        _rule(
            "json_not_utf8",
            "The text is UTF-8.",
            (
                _instead(lambda text: text.decode().encode("utf-16")),
                _inside(b'"\xe9"', b'"\xc3\xa9"'),
                _inside(b'"\xff"', b'"\xef\xbf\xbf"'),
                _inside(b'"\xc0\x80"', b'"\x7f"'),
                _inside(b'"\xed\xa0\x80"', b'"\xed\x9f\xbf"'),
            ),
            "documented",
        ),
        _rule(
            "json_lone_surrogate",
            "Surrogates come in pairs.",
            (
                _inside(wrong, b'"\\ud83d\\ude00"')
                for wrong in (b'"\\ud83d"', b'"\\ude00"', b'"\\ude00\\ud83d"')
            ),
            "inferred",
        ),
        _rule(
            "json_key_twice",
            "An object has each key once.",
            (
                _instead(lambda text: text[:-1] + b', "items": []}'),
                _inside(b'{"a": 1, "a": 1}', b'{"a": 1, "A": 1}'),
                _inside(b'{"a": 1, "\\u0061": 2}', b'{"a": 1, "\\u0062": 2}'),
            ),
            "inferred",
        ),
        _rule(
            "json_too_deep",
            "Nothing lies deeper than 200 levels.",
            (
                _inside(_nested(_DEEPEST + 1), _nested(_DEEPEST)),
                _inside(_nested(_DEEPEST + 1, b'{"":', b"}"), _nested(_DEEPEST, b'{"":', b"}")),
            ),
            "inferred",
        ),
        _rule(
            "json_number_too_long",
            "A whole number has at most 4,300 digits.",
            (
                _inside(sign + b"9" * (_MOST_DIGITS + 1), sign + b"9" * _MOST_DIGITS)
                for sign in (b"", b"-")
            ),
            "inferred",
        ),
    )
}
