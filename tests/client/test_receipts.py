"""Each call gets its own answer, whatever else comes on its connection."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import aiohttp
import pytest
import requests
import requests.adapters

from client.conftest import accepted, answer_well
from runa_client import (
    AsyncRunaClient,
    OrderReceipt,
    RunaClient,
    ValidationError,
    item,
    single,
)

if TYPE_CHECKING:
    import socket

    from client.conftest import Clients, KeepAliveServer, Received

ITEMS = [item(10, products=single("AMZ-US"))]
INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
    "199": b"HTTP/1.1 199 Whatever\r\n\r\n",
}
BODY = json.dumps({"id": "O-first", "status": "PROCESSING"}).encode()
STALE = accepted("stale")
CHUNKED = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n"


def _length(*lengths: object, extra: str = "") -> bytes:
    lines = [f"Content-Length: {length}\r\n" for length in lengths]
    return f"HTTP/1.1 202 Accepted\r\n{extra}{''.join(lines)}\r\n".encode()


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


# What a server says to the first order; what follows is another answer, or none.
SAYINGS = {
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "another answer behind": accepted("first") + STALE,
    "another answer behind chunks": CHUNKED + b"\r\n" + _chunk(BODY) + b"0\r\n\r\n" + STALE,
    "rubbish behind": accepted("first") + b"rubbish",
    "a body behind 204": b"HTTP/1.1 204 No Content\r\n\r\n" + STALE,
    "length too short": _length(len(BODY) - 9) + BODY + STALE,
    "two lengths": _length(len(BODY), len(BODY) + len(STALE)) + BODY + STALE,
    "two lengths, longer first": _length(len(BODY) + len(STALE), len(BODY)) + BODY + STALE,
    "negative length": _length(-1) + BODY + STALE,
    "no number as length": _length("abc") + BODY + STALE,
    "signed length": _length(f"+{len(BODY)}") + BODY + STALE,
    "length and chunks": _length(5, extra="Transfer-Encoding: chunked\r\n")
    + _chunk(BODY)
    + b"0\r\n\r\n"
    + STALE,
    "negative chunk": CHUNKED + b"\r\n-5\r\n" + BODY + STALE,
    "bad chunk": CHUNKED + b"\r\nxyz\r\n" + BODY + STALE,
    "chunk longer than told": CHUNKED + b"\r\n5\r\n" + BODY + b"\r\n0\r\n\r\n" + STALE,
    "no HTTP": b"SMTP ready\r\n" + STALE,
    "status 99": b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n" + STALE,
    "status 700": b"HTTP/1.1 700 High\r\nContent-Length: 0\r\n\r\n" + STALE,
    "HTTP/2": b"HTTP/2.0 202 Accepted\r\nContent-Length: 0\r\n\r\n" + STALE,
    "broken gzip": _length(5, extra="Content-Encoding: gzip\r\n") + b"12345" + STALE,
    "packed otherwise": _length(5, extra="Content-Encoding: br\r\n") + b"12345" + STALE,
    "gzip twice": _length(5, extra="Content-Encoding: gzip, gzip\r\n") + b"12345" + STALE,
}


def _own(receipt: OrderReceipt) -> bool:
    return receipt.id == f"O-{receipt.idempotency_key}"


@pytest.mark.parametrize("status", INTERIM)
def test_interim_answers_are_skipped(
    status: str, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """One or several 1xx before the answer change nothing, and the connection stays in use."""
    client = make_client(base_url=keep_alive.url)
    keep_alive.say(INTERIM[status], accepted("first"))
    keep_alive.say(*INTERIM.values(), accepted("second"))
    keep_alive.say(b"".join(INTERIM.values()) + accepted("third"))

    keys = ["first", "second", "third", "fourth"]
    receipts = [client.create_order(ITEMS, idempotency_key=key) for key in keys]

    assert [receipt.id for receipt in receipts] == [f"O-{key}" for key in keys]
    assert len(keep_alive.received) == 4
    assert keep_alive.connections == 1


@pytest.mark.parametrize("saying", SAYINGS)
def test_no_call_gets_the_answer_of_another(
    saying: str, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """Whatever is wrong with an answer, that call and the next one end with their own orders."""
    client = make_client(base_url=keep_alive.url)
    keep_alive.say(SAYINGS[saying])

    receipts = [client.create_order(ITEMS, idempotency_key=key) for key in ("first", "second")]

    assert all(map(_own, receipts))
    assert keep_alive.connections >= 2
    assert [request.headers["x-idempotency-key"] for request in keep_alive.received] in (
        ["first", "second"],
        ["first", "first", "second"],
    )


@pytest.mark.parametrize("stray", [STALE, b"rubbish", INTERIM["102"] + STALE])
def test_what_comes_between_two_calls_belongs_to_neither(
    stray: bytes, make_client: Clients, keep_alive: KeepAliveServer
) -> None:
    """A connection on which something came while it was idle is not used again."""
    client = make_client(base_url=keep_alive.url)
    first = client.create_order(ITEMS, idempotency_key="first")
    keep_alive.peers[0].sendall(stray)

    second = client.create_order(ITEMS, idempotency_key="second")

    assert _own(first)
    assert _own(second)
    assert keep_alive.connections == 2
    assert len(keep_alive.received) == 2


async def _order_after(client: AsyncRunaClient, server: KeepAliveServer) -> OrderReceipt:
    async with client:
        await client.create_order(ITEMS, idempotency_key="first")
        server.peers[0].sendall(STALE)
        for _ in range(5):
            await asyncio.sleep(0)
        return await client.create_order(ITEMS, idempotency_key="second")


def test_what_the_event_loop_read_between_two_calls_belongs_to_neither(
    keep_alive: KeepAliveServer,
) -> None:
    """The same where the loop ran meanwhile and took the bytes off the socket."""
    receipt = asyncio.run(_order_after(AsyncRunaClient(keep_alive.url, "XX.key"), keep_alive))

    assert _own(receipt)
    assert keep_alive.connections == 2


def test_an_interrupted_call_leaves_nothing_to_the_next(keep_alive: KeepAliveServer) -> None:
    """After a `KeyboardInterrupt` in the middle of an answer the connection is not used again."""

    def interrupt(peer: socket.socket, _: Received) -> None:
        answer = accepted("first")
        peer.sendall(answer[:-9])
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        interrupted.wait(10)
        peer.sendall(answer[-9:] + STALE)

    def raise_interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    interrupted = threading.Event()
    previous = signal.signal(signal.SIGUSR1, raise_interrupt)
    keep_alive.turns.append(interrupt)
    try:
        with RunaClient(keep_alive.url, "XX.key") as client:
            with pytest.raises(KeyboardInterrupt):
                client.create_order(ITEMS, idempotency_key="first")
            interrupted.set()
            assert _own(client.create_order(ITEMS, idempotency_key="second"))
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert keep_alive.connections == 2


async def _cancel_each(url: str, begun: list[asyncio.Event]) -> int:
    """Cancel orders in the middle of their answers, and place others beside and after them."""
    own = 0
    async with AsyncRunaClient(url, "XX.key") as client:
        for number, event in enumerate(begun):
            order = client.create_order(ITEMS, idempotency_key=f"cancelled-{number}")
            task = asyncio.create_task(order)
            await event.wait()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            own += _own(await client.create_order(ITEMS))
    return own


@pytest.mark.parametrize("part", [0, 20, -9])
def test_a_cancelled_call_leaves_nothing_to_the_next(
    part: int, keep_alive: KeepAliveServer
) -> None:
    """A task that is cancelled before or in its answer closes its connection."""

    async def run() -> int:
        loop = asyncio.get_running_loop()
        begun = [asyncio.Event() for _ in range(5)]

        def turn(event: asyncio.Event) -> None:
            def half(peer: socket.socket, _: Received) -> None:
                peer.sendall(accepted("stale")[:part])
                loop.call_soon_threadsafe(event.set)
                peer.recv(1)
                peer.sendall(accepted("stale")[part:])

            keep_alive.turns.extend([half, answer_well])

        for event in begun:
            turn(event)
        return await _cancel_each(keep_alive.url, begun)

    assert asyncio.run(run()) == 5


@pytest.mark.parametrize("kind", ["requests", "aiohttp"])
def test_a_session_of_the_callers_is_as_safe(kind: str, keep_alive: KeepAliveServer) -> None:
    """Interim answers and strays do no harm to a session that was passed in."""
    keep_alive.say(INTERIM["102"], accepted("first"))
    keep_alive.say(accepted("second") + STALE)
    keys = ["first", "second", "third"]

    async def order() -> list[OrderReceipt]:
        async with aiohttp.ClientSession() as session:
            client = AsyncRunaClient(keep_alive.url, "XX.key", session=session)
            return [await client.create_order(ITEMS, idempotency_key=key) for key in keys]

    if kind == "requests":
        with requests.Session() as session:
            client = RunaClient(keep_alive.url, "XX.key", session=session)
            receipts = [client.create_order(ITEMS, idempotency_key=key) for key in keys]
    else:
        receipts = asyncio.run(order())

    assert [receipt.id for receipt in receipts] == [f"O-{key}" for key in keys]
    assert len(keep_alive.received) == 3
    assert keep_alive.connections == 2


class _OwnAdapter(requests.adapters.HTTPAdapter):
    """An adapter that the client does not replace."""


def test_an_adapter_of_the_callers_stays_and_is_safe(keep_alive: KeepAliveServer) -> None:
    """What it takes for the answer but is none closes the connection and is sent again."""
    keep_alive.say(INTERIM["102"] + accepted("stale"))
    with requests.Session() as session:
        adapter = _OwnAdapter()
        session.mount("http://", adapter)
        with RunaClient(keep_alive.url, "XX.key", session=session) as client:
            receipts = [client.create_order(ITEMS) for _ in range(2)]
        assert session.get_adapter(keep_alive.url) is adapter

    assert all(map(_own, receipts))
    assert len(keep_alive.received) == 3


def test_threads_get_their_own_answers(keep_alive: KeepAliveServer) -> None:
    """Threads that share a client, and its session, get their own answers."""
    with requests.Session() as session, ThreadPoolExecutor(8) as pool:
        client = RunaClient(keep_alive.url, "XX.key", session=session)
        receipts = list(pool.map(lambda _: client.create_order(ITEMS), range(80)))

    assert all(map(_own, receipts))
    assert len(keep_alive.received) == 80


def test_other_requests_of_a_shared_session_are_left_alone(keep_alive: KeepAliveServer) -> None:
    """What the client does to its own requests does not outlive them on their connections."""

    async def run() -> list[int]:
        async with aiohttp.ClientSession() as session:
            client = AsyncRunaClient(keep_alive.url, "XX.key", session=session)
            await client.create_order(ITEMS)
            statuses = []
            for _ in range(120):
                async with session.post(keep_alive.url) as response:
                    statuses.append(response.status)
                    await response.read()
            return statuses

    assert asyncio.run(run()) == [202] * 120
    assert keep_alive.connections == 1


@pytest.mark.parametrize("kind", ["requests", "aiohttp"])
def test_a_session_that_raises_for_a_status_does_not_hide_it(
    kind: str, keep_alive: KeepAliveServer
) -> None:
    """A refusal stays one, and is not taken for a connection that failed and may be repeated."""
    keep_alive.say(b"HTTP/1.1 422 No\r\nContent-Length: 17\r\n\r\n" + b'{"message": "no"}')

    def raise_for_status(response: requests.Response, **_: object) -> None:
        response.raise_for_status()

    def order() -> None:
        with requests.Session() as session:
            session.hooks["response"].append(raise_for_status)
            RunaClient(keep_alive.url, "XX.key", session=session).create_order(ITEMS)

    async def order_async() -> None:
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            await AsyncRunaClient(keep_alive.url, "XX.key", session=session).create_order(ITEMS)

    with pytest.raises(ValidationError, match="no") as caught:
        order() if kind == "requests" else asyncio.run(order_async())

    assert not caught.value.safe_to_retry
    assert len(keep_alive.received) == 1
