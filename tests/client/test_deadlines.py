"""A request ends in time and within its memory, whatever the server sends."""

from __future__ import annotations

import contextlib
import itertools
import tracemalloc
import zlib
from functools import partial
from typing import TYPE_CHECKING

import pytest

from client.conftest import accepted
from runa_client import (
    RetryPolicy,
    RunaCallError,
    RunaConnectionError,
    RunaResponseError,
    RunaTimeoutError,
    ServerError,
    Timeout,
    item,
    single,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator

    from client.conftest import Clients, KeepAliveServer, Received

ITEMS = [item(10, products=single("AMZ-US"))]
ANSWER = accepted("first")
CHUNKED = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n"
ONCE = RetryPolicy(attempts=1)
MIB = 1 << 20


def _say(server: KeepAliveServer, first: bytes, then: Iterable[bytes], pause: float = 0) -> None:
    """Let the next turn send `first` and then part after part, until the client goes away."""

    def turn(peer: socket.socket, _: Received) -> None:
        peer.sendall(first)
        for part in then:
            peer.sendall(part)
            if pause and _is_closed(peer, pause):
                break
        else:
            peer.recv(1)
        raise ConnectionAbortedError

    server.turns.append(turn)


def _is_closed(peer: socket.socket, wait: float) -> bool:
    peer.settimeout(wait)
    try:
        return not peer.recv(1)
    except TimeoutError:
        return False
    finally:
        peer.settimeout(None)


def _bytes(text: bytes) -> Iterator[bytes]:
    return (bytes([byte]) for byte in itertools.chain(text, itertools.repeat(ord("x"))))


def _failure(make_client: Clients, server: KeepAliveServer, **options: object) -> RunaCallError:
    """Place an order that fails, and one on the same client that does not."""
    client = make_client(base_url=server.url, retry=ONCE, **options)
    with pytest.raises(RunaCallError) as caught:
        client.create_order(ITEMS, idempotency_key="mine")
    assert caught.value.idempotency_key == "mine"
    for _ in range(50):  # a busy machine may need more than the short patience of these tests
        with contextlib.suppress(RunaTimeoutError):
            assert client.create_order(ITEMS, idempotency_key="next").id == "O-next"
            return caught.value
    raise AssertionError("no order after the failure")


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_silence_after_an_interim_answer_ends(
    status: int, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """A 1xx does not end the patience for what follows it."""
    _say(keep_alive, f"HTTP/1.1 {status} Wait\r\n\r\n".encode(), [])

    error = _failure(make_client, keep_alive, timeout=Timeout(connect=5, read=0.3))

    assert isinstance(error, RunaTimeoutError)
    assert error.safe_to_retry


DRIPS = {
    "head": (b"HTTP/1.1 202 Accepted\r\n", b"X-Filler: "),
    "head after an interim answer": (
        b"HTTP/1.1 102 Wait\r\n\r\n",
        b"HTTP/1.1 202 OK\r\nX-Filler: ",
    ),
    "body": (b"HTTP/1.1 202 Accepted\r\nContent-Length: 9999999\r\n\r\n", b"{"),
    "body until the end": (b"HTTP/1.1 202 Accepted\r\nConnection: close\r\n\r\n", b"{"),
    "chunk": (CHUNKED + b"\r\n", b"fffff\r\n"),
    "trailer": (CHUNKED + b"\r\n0\r\n", b"X-Filler: "),
    "body of an error": (b"HTTP/1.1 500 Broken\r\nContent-Length: 9999999\r\n\r\n", b"{"),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_an_answer_that_drips_in_ends(
    drip: str, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """A byte in each silence does not hold a client longer than the total time of a request."""
    first, then = DRIPS[drip]
    _say(keep_alive, first, _bytes(then), pause=0.05)

    error = _failure(make_client, keep_alive, timeout=Timeout(connect=5, read=5, total=0.5))

    assert isinstance(error, RunaTimeoutError)
    assert error.safe_to_retry


FLOODS = {
    "interim answers": (b"", b"HTTP/1.1 102 Wait\r\n\r\n"),
    "continues": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status line": (b"HTTP/1.1 202 ", b"x" * 4096),
    "headers": (b"HTTP/1.1 202 Accepted\r\n", b"X-Filler: x\r\n"),
    "length of a chunk": (CHUNKED + b"\r\n", b"0" * 4096),
    "extension of a chunk": (CHUNKED + b"\r\n2;", b"x" * 4096),
    "trailer": (CHUNKED + b"\r\n0\r\n", b"x" * 4096),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_endless_framing_ends(
    flood: str, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """What surrounds a body is bounded; the error says that a retry with the key is safe."""
    first, then = FLOODS[flood]
    _say(keep_alive, first, itertools.repeat(then))

    error = _failure(make_client, keep_alive, timeout=Timeout(connect=5, read=5, total=0.5))

    assert isinstance(error, RunaConnectionError)
    assert error.safe_to_retry


def _zeros(coding: str) -> Iterator[bytes]:
    """Pack zeros without end."""
    packer = zlib.compressobj(9, wbits=31 if coding == "gzip" else 15)
    while True:
        if part := packer.compress(bytes(MIB)):
            yield b"%x\r\n%b\r\n" % (len(part), part)


ENDLESS: dict[str, tuple[bytes, Callable[[], Iterator[bytes]]]] = {
    "plain": (CHUNKED, partial(itertools.repeat, b"10000\r\n" + b" " * 65536 + b"\r\n")),
    "until close": (b"HTTP/1.1 202 Accepted\r\n", partial(itertools.repeat, b" " * 65536)),
    "gzip": (CHUNKED + b"Content-Encoding: gzip\r\n", partial(_zeros, "gzip")),
    "deflate": (CHUNKED + b"Content-Encoding: deflate\r\n", partial(_zeros, "deflate")),
}


@pytest.mark.parametrize("body", ENDLESS)
def test_an_answer_beyond_the_limit_is_not_read(
    body: str, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """The limit counts unpacked bytes, holds in memory too, and its error carries the key."""
    first, rest = ENDLESS[body]
    _say(keep_alive, first + b"\r\n", rest())

    tracemalloc.start()
    try:
        error = _failure(make_client, keep_alive, max_response_bytes=MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(error, RunaResponseError)
    assert error.status == 202
    assert error.safe_to_retry
    assert "max_response_bytes" in error.message
    assert peak < 24 * MIB


def test_an_error_beyond_the_limit_keeps_its_class(
    make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """The status says what an error is, where its body is too long to be read."""
    first = b"HTTP/1.1 503 Broken\r\nContent-Length: 999999999\r\n\r\n"
    _say(keep_alive, first, itertools.repeat(b" " * 65536))

    error = _failure(make_client, keep_alive, max_response_bytes=MIB)

    assert isinstance(error, ServerError)
    assert error.status == 503


@pytest.mark.parametrize("spare", [0, 1])
def test_the_limit_is_exact(spare: int, make_client: Clients, keep_alive: KeepAliveServer) -> None:
    """An answer of as many bytes as the limit is read, one of a byte more is not."""
    body = ANSWER.partition(b"\r\n\r\n")[2]
    keep_alive.say(ANSWER)
    client = make_client(
        base_url=keep_alive.url, retry=ONCE, max_response_bytes=len(body) - 1 + spare
    )

    if spare:
        assert client.create_order(ITEMS).id == "O-first"
    else:
        with pytest.raises(RunaResponseError, match="max_response_bytes"):
            client.create_order(ITEMS)
