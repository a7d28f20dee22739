"""Bodies that no careful client sends: a clear 4xx, at once, and life goes on."""

import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from runa_mock_server import MockServer
from runa_schemas import validate
from support.answers import order_ids, refusal, still_answers
from support.api import KEY, Api, body, item
from support.raw import connection, exchange, reply_on

GOOD = json.dumps(body()).encode()
DEEP = 10_000
MEGABYTE = 1024 * 1024


def _with(field: bytes) -> bytes:
    """The good body with one more member in front."""
    return b"{" + field + b", " + GOOD[1:]


def _priced(number: bytes, products: bytes = b'{"type": "SINGLE", "value": "1800FL-US"}') -> bytes:
    """The good body with a face value spelled in bytes."""
    return b"".join(
        (
            b'{"payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"}, "items": [',
            b'{"distribution_method": {"type": "PAYOUT_LINK"}, "products": ',
            products,
            b', "face_value": ',
            number,
            b"}]}",
        )
    )


TEMPLATE = b'{"type": "TEMPLATE", "template_id": "PT-01HQ12PV4B8XMBRTK281JM54KK"}'

NO_JSON = {
    "empty": b"",
    "white space": b" \r\n\t ",
    "word": b"order",
    "cut": GOOD[:-1],
    "trailing bytes": GOOD + b"}",
    "two documents": GOOD + GOOD,
    "trailing comma": GOOD[:-1] + b",}",
    "comment": b"/* */" + GOOD,
    "single quotes": GOOD.replace(b'"', b"'"),
    "duplicate key": _with(b'"items": []'),
    "duplicate key, escaped": _with(b'"\\u0069tems": []'),
    "duplicate key, deep down": _with(b'"metadata": {"a": "1", "a": "1"}'),
    "duplicate key, unknown field": _with(b'"x": {"a": 1, "a": 1}'),
    "NaN": _priced(b"NaN"),
    "Infinity": _priced(b"Infinity"),
    "minus Infinity": _priced(b"-Infinity"),
    "nan in an unknown field": _with(b'"x": NaN'),
    "plus": _priced(b"+10"),
    "leading zero": _priced(b"010"),
    "hexadecimal": _priced(b"0x10"),
    "no digit after the point": _priced(b"10."),
    "5,000 digits": _priced(b"1" * 5_000),
    "5,000 digits, unknown field": _with(b'"x": -' + b"9" * 5_000),
    "exponent beyond decimals": _priced(b"1e99999999999999999999"),
    "lone high surrogate": _with(b'"description": "\\ud800"'),
    "lone low surrogate": _with(b'"description": "\\udc00"'),
    "surrogates the wrong way round": _with(b'"description": "\\udc00\\ud800"'),
    "lone surrogate in a key": _with(b'"\\ud800": 1'),
    "raw control character": _with(b'"description": "\x00"'),
    "raw line break": _with(b'"description": "a\nb"'),
    "invalid UTF-8": _with(b'"description": "\xff"'),
    "overlong UTF-8": _with(b'"description": "\xc0\x80"'),
    "surrogate in UTF-8": _with(b'"description": "\xed\xa0\x80"'),
    "latin-1": _with('"description": "é"'.encode("latin-1")),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "deep list": b"[" * DEEP,
    "deep object": b'{"a":' * DEEP,
    "deep list, closed": b"[" * DEEP + b"]" * DEEP,
    "deep object, closed": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep list in an unknown field": _with(b'"x": ' + b"[" * DEEP + b"]" * DEEP),
    "deep object in metadata": _with(b'"metadata": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "bytes": bytes(range(256)),
}
NO_OBJECT = {
    text: text.encode() for text in ("null", "[]", "[{}]", '"x"', "1", "1.5", "1e400", "true")
}


@pytest.mark.parametrize("name", [*NO_JSON, *NO_OBJECT])
def test_a_body_that_is_no_json_object_is_a_bad_request(api: Api, name: str) -> None:
    """400, the same again for the same bytes, no order; and the next good order is taken."""
    raw = {**NO_JSON, **NO_OBJECT}[name]
    first = api.order(raw=raw, key="nonsense")
    assert refusal(first) == (400, "bad_request")
    assert api.order(raw=raw, key="nonsense").content == first.content
    assert order_ids(api) == []
    still_answers(api)


@pytest.mark.parametrize("digits", ["1e400", "1e999999999", "1" * 4_000, "1e999999999999999"])
@pytest.mark.parametrize("products", [None, TEMPLATE])
def test_an_astronomic_face_value_breaks_the_product_s_rule(
    api: Api, digits: str, products: bytes | None
) -> None:
    """A number of any size is a number: no hang, no 500, but no product takes it."""
    number = digits.encode()
    raw = _priced(number) if products is None else _priced(number, products)
    assert refusal(api.order(raw=raw)) == (400, "product_validation_error")
    still_answers(api)


@pytest.mark.parametrize(
    "number", ["0", "-0", "-10", "1e-400", "1e-999999999", "-1e999999999", "0.009999999999999999"]
)
def test_a_face_value_below_a_cent_is_not_valid(api: Api, number: str) -> None:
    """422, compared exactly."""
    response = api.order(raw=_priced(number.encode()))
    assert refusal(response) == (422, "validation_error")
    assert response.json()["details"][0]["location"] == ["body", "items", "0", "face_value"]


@pytest.mark.parametrize("number", ["10", "10.0", "1e1", "1E+1", "1000e-2", "10." + "0" * 3_000])
def test_ten_is_ten_however_it_is_spelled(api: Api, number: str) -> None:
    """Any JSON spelling of a number counts, and money is printed with two decimals."""
    order = api.order(raw=_priced(number.encode()), mode="sync").json()
    assert order["total_price"] == "10.00"


@pytest.mark.parametrize("text", ["\x00", "a\x1fb", "\U0001f381", "\u2028", "\ufffe", '","items":'])
def test_odd_characters_are_text(api: Api, text: str) -> None:
    """Whatever JSON can say is kept as it is, in the full and in the basic form."""
    document = body(description=text, metadata={text: text})
    order = api.order(document, mode="sync").json()
    assert (order["description"], order["metadata"]) == (text, {text: text})
    assert api.read(order["id"]) == order
    assert api.get("/v2/order").json()["items"][0]["description"] == text


def test_lengths_are_counted_in_characters(api: Api) -> None:
    """128 characters outside the basic plane are 128, not 256 or 512."""
    longest = "\U0001f381" * 128
    metadata = {"\U0001f381" * 40: "\U0001f381" * 200}
    assert api.order(body(description=longest, metadata=metadata)).status_code == 202
    assert refusal(api.order(body(description=longest + "a"))) == (422, "validation_error")


def test_a_long_metadata_key_is_not_valid(api: Api) -> None:
    """A key of eight kilobytes is 422, and its location does not fail either."""
    response = api.order(body(metadata={"k" * 8_192: ""}))
    assert refusal(response) == (422, "validation_error")


def test_a_body_may_be_as_large_as_the_limit() -> None:
    """Exactly at the limit it is read, one byte more is 413; declared or chunked alike."""
    limit = len(GOOD) + 100
    with MockServer(max_body_bytes=limit) as server:
        api = Api(server.url)
        at_limit = GOOD + b" " * 100

        def in_chunks(raw: bytes) -> Iterator[bytes]:
            yield raw[:50]
            yield raw[50:]

        assert api.order(raw=at_limit).status_code == 202
        assert refusal(api.order(raw=at_limit + b" ")) == (413, "payload_too_large")
        headers = {"X-Idempotency-Key": "chunked"}
        too_large = api.call("POST", "/v2/order", headers=headers, data=in_chunks(at_limit + b" "))
        assert refusal(too_large) == (413, "payload_too_large")
        # Nothing was stored under the key of a body that was never read.
        assert (
            api.call("POST", "/v2/order", headers=headers, data=in_chunks(at_limit)).status_code
            == 202
        )
        assert len(order_ids(api)) == 2
        api.close()


def _head(*lines: str, key: str = "raw") -> bytes:
    fixed = ("POST /v2/order HTTP/1.1", "Host: x", f"X-Api-Key: {KEY}", f"X-Idempotency-Key: {key}")
    return "\r\n".join((*fixed, *lines, "", "")).encode()


def test_a_huge_body_is_refused_before_it_has_come(server: MockServer, api: Api) -> None:
    """A body declared with 50 MB is answered with 413 without one byte of it."""
    with connection(server.url) as opened:
        opened.sendall(_head(f"Content-Length: {50 * MEGABYTE}"))
        reply = reply_on(opened)
    assert (reply.status, reply.document["type"]) == (413, "payload_too_large")
    still_answers(api)


def test_a_huge_body_that_is_sent_all_the_same_is_refused(server: MockServer, api: Api) -> None:
    """A client that pushes all of its 50 MB gets the 413, and the server lives on."""
    with connection(server.url) as opened:

        def push() -> None:
            with suppress(OSError):
                for _ in range(50):
                    opened.sendall(b"[" * MEGABYTE)

        opened.sendall(_head(f"Content-Length: {50 * MEGABYTE}", "Connection: close"))
        sender = threading.Thread(target=push)
        sender.start()
        reply = reply_on(opened)
        opened.close()
        sender.join()
    assert (reply.status, reply.document["type"]) == (413, "payload_too_large")
    still_answers(api)


def test_an_endless_chunked_body_is_refused_at_the_limit(server: MockServer, api: Api) -> None:
    """A body of unknown length is read up to the limit and no further."""
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    reply = exchange(server.url, _head("Transfer-Encoding: chunked") + chunk * 20)
    assert (reply.status, reply.document["type"]) == (413, "payload_too_large")
    still_answers(api)


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(api: Api) -> None:
    """The limit holds for what a compressed body unpacks to."""
    bomb = gzip.compress(b" " * 50 * MEGABYTE)
    assert len(bomb) < MEGABYTE
    assert refusal(api.order(raw=bomb, Content_Encoding="gzip")) == (413, "payload_too_large")
    still_answers(api)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("raw", [GOOD, gzip.compress(GOOD)[:-12], b"\x1f\x8b"])
def test_a_broken_compression_is_a_bad_request(api: Api, encoding: str, raw: bytes) -> None:
    """400 for a body that is not what ``Content-Encoding`` says."""
    response = api.order(raw=raw, Content_Encoding=encoding, Connection="close")
    assert refusal(response) == (400, "bad_request")
    still_answers(api)


def test_a_connection_that_will_be_closed_is_announced(server: MockServer) -> None:
    """After a broken body the connection either serves the next request or says that it ends."""
    head = _head("Content-Encoding: gzip", f"Content-Length: {len(GOOD)}")
    ping = f"GET /v2/ping HTTP/1.1\r\nHost: x\r\nX-Api-Key: {KEY}\r\n\r\n".encode()
    with connection(server.url) as opened:
        opened.sendall(head + GOOD)
        refused = reply_on(opened)
        assert refused.status == 400
        if refused.headers.get("connection") != "close":
            opened.sendall(ping)
            assert reply_on(opened).status == 200


def test_a_compressed_body_is_unpacked(api: Api) -> None:
    """The order inside counts: packed or not, it is the same order."""
    plain = api.order(raw=GOOD, key="packed")
    packed = api.order(raw=gzip.compress(GOOD), key="packed", Content_Encoding="gzip")
    deflated = api.order(raw=zlib.compress(GOOD), key="packed", Content_Encoding="deflate")
    assert plain.status_code == 202
    assert plain.content == packed.content == deflated.content


NO_HTTP = {
    "binary": b"\x00\x01\x02\xff\xfe\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words": b"give me an order, please\r\n\r\n",
    "an unknown method": b"BREW /v2/ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET /v2/ping HTTP/1.1\r\nHost x\r\n\r\n",
    "an endless header": b"GET /v2/ping HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n",
    "an endless path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length that is no number": _head("Content-Length: many") + GOOD,
    "a negative length": _head("Content-Length: -1") + GOOD,
    "two lengths": _head("Content-Length: 1", "Content-Length: 2") + GOOD,
    "length and chunks": _head("Content-Length: 1", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a chunk that is none": _head("Transfer-Encoding: chunked") + b"ZZ\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_bytes_that_are_no_http_get_a_json_error(server: MockServer, api: Api, name: str) -> None:
    """400 in the usual shape, the connection is closed, and others are still answered."""
    reply = exchange(server.url, NO_HTTP[name])
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/json"
    validate(reply.document, "error")
    assert reply.document["type"] == "bad_request"
    assert order_ids(api) == []
    still_answers(api)


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"POST /v2/or",
        _head("Content-Length: 100")[:-2],
        _head("Content-Length: 1000") + GOOD[:20],
        _head("Transfer-Encoding: chunked") + b"10000\r\n{",
    ],
)
def test_half_a_request_makes_no_order(server: MockServer, api: Api, part: bytes) -> None:
    """A caller that hangs up in the middle leaves nothing behind, not even its key in use."""
    with connection(server.url) as opened:
        opened.sendall(part)
    still_answers(api)
    assert api.order(key="raw").status_code == 202
    assert len(order_ids(api)) == 2


def test_requests_on_one_connection_are_answered_in_turn(server: MockServer) -> None:
    """Pipelined requests each get their own answer, in the order in which they were sent."""
    first = _head(f"Content-Length: {len(GOOD)}", key="one") + GOOD
    second = (
        _head(
            "Content-Length: 4",
            key="two",
        )
        + b"null"
    )
    with connection(server.url) as opened:
        opened.sendall(first + second)
        received = b""
        while received.count(b"HTTP/1.1 ") < 2 or not received.endswith(b"}"):
            part = opened.recv(65_536)
            assert part, "the connection was closed early"
            received += part
    assert received.index(b"202 Accepted") < received.index(b"400 Bad Request")


def test_many_items_of_the_largest_size_are_one_order(api: Api) -> None:
    """The most that the rules allow is well within the limits."""
    document = body(
        items=[item() for _ in range(200)],
        description="d" * 128,
        metadata={f"{n:040d}": "v" * 200 for n in range(20)},
    )
    assert api.order(document).status_code == 202


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(server: MockServer) -> None:
    """``Expect: 100-continue`` is answered at once, and the body is taken then."""
    with connection(server.url) as opened:
        opened.sendall(_head("Expect: 100-continue", f"Content-Length: {len(GOOD)}"))
        assert opened.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(GOOD)
        assert reply_on(opened, "POST").status == 202
