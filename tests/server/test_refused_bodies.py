"""Bodies that are refused are not read on, and none is unpacked beyond what it may have."""

import gzip
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest

from runa_mock_server import MockServer
from support.api import KEY
from support.raw import ORDER, connection, exchange, message, reply_on, rest_of

PING = message("GET", "/v2/ping")
BOMB = gzip.compress(b"0" * 50_000_000, 1)
LARGE = b"0" * 3_000_000


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    """An order whose body is packed."""
    return message("POST", "/v2/order", body, X_Idempotency_Key="a", Content_Encoding=encoding)


def without_key(sent: bytes) -> bytes:
    """The same by a caller without a key."""
    return sent.replace(f"X-Api-Key: {KEY}\r\n".encode(), b"")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (packed(BOMB), 413),
        (without_key(packed(BOMB)), 401),
        (message("GET", "/v2/nothing", BOMB, Content_Encoding="gzip"), 404),
        (message("POST", "/v2/order", LARGE, X_Idempotency_Key="a"), 413),
        (without_key(message("POST", "/v2/order", LARGE)), 401),
        (message("GET", "/_mock/health", LARGE), 413),
        (message("PATCH", "/_mock/health", LARGE), 413),
        (message("POST", "/_mock/state", LARGE), 405),
        (message("PUT", "/_mock/nothing", BOMB, Content_Encoding="gzip"), 404),
    ],
    ids=[
        *("bomb", "stranger's bomb", "nowhere", "large", "stranger's", "health", "method"),
        *("method of a state", "no operation"),
    ],
)
def test_a_refusal_closes_the_connection(sent: bytes, status: int) -> None:
    """The client sees the answer, which says so; what comes behind it is not served."""
    with MockServer(max_body_bytes=len(BOMB) // 2) as server:
        with connection(server.url) as opened:
            with suppress(ConnectionError):
                opened.sendall(sent + PING)
            reply = reply_on(opened)
            assert (reply.status, reply.headers["connection"]) == (status, "close")
            assert rest_of(opened).data == b""
        assert exchange(server.url, PING).status == 200


def bytes_taken(opened: socket.socket, piece: bytes, most: int) -> int:
    """How much a server takes in until it closes the connection."""
    taken = 0
    with suppress(ConnectionError):
        while taken < most:
            opened.sendall(piece)
            taken += len(piece)
    return taken


@pytest.mark.parametrize("path", ["/v2/order", "/v2/nothing", "/_mock/health"])
def test_a_body_without_end_is_cut_off(server: MockServer, path: str) -> None:
    """After some megabytes that nobody reads the connection is closed."""
    head = message("POST", path, X_Idempotency_Key="a", Transfer_Encoding="chunked")
    chunk = b"10000\r\n" + b"0" * 65_536 + b"\r\n"
    with connection(server.url) as opened:
        opened.sendall(head.replace(b"Content-Length: 0\r\n", b""))
        assert bytes_taken(opened, chunk, 100_000_000) < 100_000_000


def test_a_little_that_nobody_reads_leaves_the_connection_good(server: MockServer) -> None:
    """A refused order whose body comes late does not cost its client the connection."""
    head, _, _ = without_key(message("POST", "/v2/order", ORDER)).partition(ORDER)
    with connection(server.url) as opened:
        opened.sendall(head)
        assert reply_on(opened).status == 401
        opened.sendall(ORDER + PING)
        assert reply_on(opened).status == 200


DEFLATE = zlib.compressobj(wbits=-15)
BARE = DEFLATE.compress(ORDER) + DEFLATE.flush()


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(ORDER), 202),
        ("GZIP", gzip.compress(ORDER), 202),
        ("deflate", zlib.compress(ORDER), 202),
        ("deflate", BARE, 202),
        ("identity", ORDER, 202),
        ("gzip", gzip.compress(ORDER)[:-20], 400),
        ("gzip", gzip.compress(ORDER) + b"more", 400),
        ("gzip", ORDER, 400),
        ("deflate", b"\xff" + ORDER, 400),
        ("br", ORDER, 400),
        ("gzip", b"", 400),
    ],
)
def test_an_order_can_be_packed(
    server: MockServer, encoding: str, body: bytes, status: int
) -> None:
    """By gzip or deflate, both kinds; what does not fit its encoding is refused."""
    assert exchange(server.url, packed(body, encoding)).status == status


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bytes])
@pytest.mark.parametrize(("size", "status"), [(1_000, 400), (1_001, 413)])
def test_the_limit_is_that_of_the_body_as_it_is_read(
    pack: Callable[[bytes], bytes], size: int, status: int
) -> None:
    """Packed or not: a body of just the limit is read, and is no JSON."""
    encoding = {gzip.compress: "gzip", zlib.compress: "deflate", bytes: "identity"}[pack]
    with MockServer(max_body_bytes=1_000) as server:
        assert exchange(server.url, packed(pack(b"x" * size), encoding)).status == status
