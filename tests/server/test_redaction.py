"""API keys are taken out of texts, however they are spelt, and in linear work."""

import json
import sys
from collections.abc import Callable
from types import FrameType
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runa_mock_server import MockServer
from runa_mock_server.base.redaction import KnownKeys, Redactor, without_password
from support.api import KEY
from support.raw import ORDER, exchange, message

KEYS = ["XX-test.secret", 'XX-a/b+c=="de.g&h%41:*~ \\x', "abcd.secret", "XX-test"]
# What stands around a key in these tests reads the same in every encoding.
AROUND = st.text("xyz-/?=&.", max_size=20)


def spellings(char: str) -> list[str]:
    """The ways in which URLs and JSON write a character of a key."""
    number = ord(char)
    plain = [char, f"%{number:02x}", f"%{number:02X}", f"\\u{number:04x}", f"\\u{number:04X}"]
    return [*plain, f"%25{number:02x}", f"\\\\u{number:04x}", *(["+"] if char == " " else [])]


def spelt(key: str) -> st.SearchStrategy[str]:
    """A key, each character in a spelling of its own."""
    return st.tuples(*(st.sampled_from(spellings(char)) for char in key)).map("".join)


def redactor(key: str, *known: str) -> Redactor:
    """What takes a key out, and others that are known."""
    keys = KnownKeys()
    for each in known:
        keys.add(each)
    return Redactor(key, keys)


@given(
    found=st.sampled_from(KEYS).flatmap(lambda key: st.tuples(st.just(key), spelt(key))),
    before=AROUND,
    after=AROUND,
)
@example(found=("abcd.secret", "abcd.secret"), before="100%", after="")
@example(found=("XX-test.secret", quote(quote("XX-test.secret"))), before="", after="")
@example(found=(KEYS[1], json.dumps(json.dumps(KEYS[1]))[3:-3]), before="", after="")
def test_a_key_is_found_however_it_is_spelt(
    found: tuple[str, str], before: str, after: str
) -> None:
    """Each character can be plain, percent-encoded, a JSON escape, or encoded twice."""
    key, spelling = found
    expected = before + "[API key]" + after
    assert redactor(key).text(before + spelling + after) == expected
    assert redactor("", *KEYS).text(before + spelling + after) == expected


@given(st.binary(max_size=200), st.integers(0, 250))
def test_what_holds_no_key_stays_as_it_is(text: bytes, limit: int) -> None:
    """Byte for byte, also what looks like an escape and is none."""
    known = redactor("XX-test.secret", *KEYS)
    assert known.body(text) == text
    assert known.body(text, limit)[:limit] == text[:limit]


@given(
    st.lists(st.sampled_from([*KEYS, "%58X-test.secret", "-", "x" * 30]), max_size=60),
    st.integers(0, 300),
)
def test_no_part_of_a_key_is_left_at_the_limit(parts: list[str], limit: int) -> None:
    """What is shown of a long body is the start of what would be shown of all of it."""
    known = redactor(KEYS[0], *KEYS)
    body = "".join(parts).encode()
    shown = known.body(body, limit)[:limit]
    assert known.body(body).startswith(shown)


def test_the_longest_of_several_keys_is_taken_out() -> None:
    """The secret does not stay behind where one key is the beginning of another."""
    known = redactor("", "XX-a", "XX-a.secret", "XX-a.secret.too", "XX-b")
    assert known.text("XX-a.secret.toX XX-a.! XX-b xx-c") == (
        "[API key].toX [API key].! [API key] xx-c"
    )


def work(call: Callable[[], object]) -> int:
    """How many functions are called, those of the interpreter included."""
    counted = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return counted


def test_work_grows_with_the_text_and_not_with_the_key() -> None:
    """A long key costs what a short one costs, and twice the text at most twice the work."""

    def redaction(key_length: int, text_length: int) -> int:
        text = "a" * text_length + "%41%" * (text_length // 10)
        return work(lambda: Redactor("a" * key_length + "b").text(text))

    assert redaction(8_000, 5_000) <= 1.1 * redaction(1_000, 5_000)
    assert redaction(8_000, 10_000) <= 2.1 * redaction(8_000, 5_000)


def test_a_text_is_searched_once_for_all_keys() -> None:
    """A thousand known keys cost what ten cost, but for finding the place among them."""

    def redaction(keys: int) -> int:
        known = redactor("", *(f"XX-{number:04}.secret" for number in range(keys)))
        known.text("XX-")  # prepared
        return work(lambda: known.text("XX-0007.secret and XX-none " * 50))

    assert redaction(1_000) < 2 * redaction(10)


def test_a_long_key_is_taken_out_to_its_end() -> None:
    """Also beside others that begin as it does."""
    keys = ["XX-" + "long" * 100 + end for end in ("a" * 50, "ab", "")]
    known = redactor("", *keys)
    for key in keys:
        assert known.text(f"<{key}>") == "<[API key]>"


def test_a_url_is_shown_without_its_password() -> None:
    """The user goes too; a URL without one stays as it is."""
    for user in ("me", "me:secret", ":secret", "a%40b:se:cret"):
        shown = without_password(f"https://{user}@hook.example:8443/a@b?c=d@e")
        assert shown == "https://[redacted]@hook.example:8443/a@b?c=d@e"
    assert without_password("https://hook.example/a@b") == "https://hook.example/a@b"


def test_a_refusal_repeats_no_key(server: MockServer) -> None:
    """Neither the caller's nor another account's, and when it is repeated it stays the same."""
    exchange(server.url, message("GET", "/v2/ping"))
    other = message("GET", f"/v2/{KEY.replace('t', '%74')}")
    refused = exchange(server.url, other.replace(KEY.encode(), b"XX-other.secret"))
    assert "There is nothing at '/v2/[API key]'." in refused.document["message"]
    control = exchange(server.url, message("GET", f"/_mock/{KEY}?x={KEY}"))
    assert (control.status, KEY.encode() in control.body) == (404, False)
    wrong = ORDER.replace(b"1800FL-US", KEY.encode())
    sent = message("POST", "/v2/order", wrong, X_Idempotency_Key="a")
    first, again = exchange(server.url, sent), exchange(server.url, sent)
    assert (first.status, first.body) == (again.status, again.body) == (400, first.body)
    assert b"[API key]" in first.body
    assert KEY.encode() not in first.body


@pytest.mark.parametrize("key", ["type", "message", "null", "not_found", "error"])
def test_a_key_that_is_a_word_of_the_contract_changes_no_shape(key: str) -> None:
    """Only what is written for people is redacted."""
    with MockServer(api_keys=[key]) as server:
        sent = message("GET", f"/v2/{key}").replace(KEY.encode(), key.encode())
        refused = exchange(server.url, sent)
    assert list(refused.document) == ["type", "message", "help"]
    assert refused.document["type"] == "not_found"
    assert "[API key]" in refused.document["message"]
