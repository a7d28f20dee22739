"""An account as JSON Lines: the same as the document, line by line, and never read when cut."""

import gzip
import json
from collections.abc import Iterator

import pytest
import requests

from runa_mock_server import ControlRefusedError, MockServer
from support.api import KEY, TIMEOUT, Api
from support.smtp import mailed

OTHER = "XX-other.secret"


@pytest.fixture
def lines(server: MockServer) -> bytes:
    """An account with some of everything, exported."""
    api = Api(server.url)
    for number in range(4):
        api.order(**mailed("h\u00e9@mail.example"), key=f"caf\u00e9 {number}", mode="sync")
    api.order(key="held", X_Mock_Processing="never")
    api.order({"items": []}, key="refused")
    url = api.get("/v2/order").json()["items"][1]["id"]
    link = api.read(url)["items"][0]["payout"]["url"]
    requests.get(f"{link}?format=json", timeout=TIMEOUT)
    api.close()
    return server.account(KEY).export_lines()


def test_both_forms_hold_the_same(server: MockServer, lines: bytes) -> None:
    """Imported from either, an account exports the same document and the same lines."""
    document = server.account(KEY).export_state()
    for state in (lines, document, b"\r\n".join(lines.split(b"\n")), json.dumps(document).encode()):
        server.account(KEY).import_state(state)
        assert server.account(KEY).export_lines() == lines
        assert server.account(KEY).export_state() == document
    assert document["claims"], "a state that holds nothing proves nothing"
    assert len(document["held"]) == 1


def test_an_indented_document_is_read(server: MockServer, lines: bytes) -> None:
    """However it is laid out, and in whichever order its fields stand."""
    document = server.account(KEY).export_state()
    turned = dict(reversed(document.items()))
    server.account(KEY).import_state(json.dumps(turned, indent=4, ensure_ascii=False).encode())
    assert server.account(KEY).export_lines() == lines


def _wrong(lines: bytes) -> Iterator[tuple[str, bytes]]:
    parts = lines.splitlines(keepends=True)
    yield "cut between two lines", b"".join(parts[:-1])
    yield "cut within a line", lines[:-30]
    yield "a line is missing", b"".join([*parts[:2], *parts[3:]])
    yield "a line twice", b"".join([*parts[:2], *parts[1:]])
    yield "a line behind the end", lines + parts[1]
    yield "an unknown field", b"".join([*parts[:-1], b'{"ordres": 1}\n', parts[-1]])
    yield "two fields", b"".join([*parts[:-1], b'{"held": {}, "claims": {}}\n', parts[-1]])
    yield "null", b"".join([parts[0], b'{"orders": null}\n', b'{"end": 2}\n'])
    yield "no object", b"".join([parts[0], b"[]\n", b'{"end": 2}\n'])
    yield "no JSON", b"".join([parts[0], b"{\n", b'{"end": 2}\n'])
    yield "deep", b"".join([parts[0], b"[" * 100_000, b'\n{"end": 2}\n'])
    yield "half a character", b"".join([parts[0], b'{"\\ud800": 1}\n', b'{"end": 2}\n'])
    yield (
        "half a character twice",
        b"".join([parts[0], b'{"held": {"\\ud800": 1, "\\ud800": 1}}\n', b'{"end": 2}\n']),
    )
    yield "half a character in a document", b'{"claims": {"\\ud800": 1, "\\ud800": 1}}'
    yield "no UTF-8", lines.replace(b"mail.example", b"\xff.example")
    yield "a byte-order mark", b"\xef\xbb\xbf" + lines
    yield "another format", lines.replace(b"account 2", b"account 9")


def test_lines_that_are_wrong_are_refused_and_nothing_is_changed(
    server: MockServer, lines: bytes
) -> None:
    """Above all a file that was cut is never imported in part."""
    for name, wrong in _wrong(lines):
        with pytest.raises(ControlRefusedError) as refused:
            server.account(KEY).import_state(wrong)
        assert refused.value.status in {400, 422}, name
        assert refused.value.details[0]["location"][0] == "body", name
    assert server.account(KEY).export_lines() == lines


def test_every_cut_of_a_document_is_refused(server: MockServer, lines: bytes) -> None:
    """At whichever byte a document ends before its end, it is no JSON."""
    document = json.dumps(server.account(KEY).export_state(), ensure_ascii=False).encode()
    for end in range(1, len(document), 97):
        with pytest.raises(ControlRefusedError) as refused:
            server.account(KEY).import_state(document[:end])
        assert refused.value.status == 400
    assert server.account(KEY).export_lines() == lines


def test_lines_travel_over_http_packed_or_not(server: MockServer, lines: bytes) -> None:
    """The content type says what they are; a body of several megabytes is unpacked, too."""
    url, headers = f"{server.url}/_mock/state", {"X-Api-Key": KEY}
    got = requests.get(url, params={"format": "lines"}, headers=headers, timeout=TIMEOUT)
    assert got.headers["Content-Type"] == "application/jsonl"
    assert got.content == lines
    padded = lines.replace(b"\n", b" " * 400_000 + b"\n", 5)
    for body, encoding in ((padded, "identity"), (gzip.compress(padded), "gzip")):
        answer = requests.put(
            url,
            data=body,
            headers={"X-Api-Key": OTHER, "Content-Encoding": encoding},
            timeout=TIMEOUT,
        )
        assert (answer.status_code, "orders are in" in answer.text) == (200, True)
    head = requests.head(url, headers=headers, timeout=TIMEOUT)
    assert (head.status_code, head.content) == (200, b"")
