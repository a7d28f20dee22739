"""Clients that are used on both sides of a fork, and in more than one event loop."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runa_client import AsyncRunaClient, ConfigurationError, OrderReceipt, item, single

if TYPE_CHECKING:
    from client.conftest import KeepAliveServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

ITEMS = [item(10, products=single("AMZ-US"))]
CHILDREN, ORDERS = 4, 25

# Forked in a process of its own, for one with threads had better not be.
SYNC = """
import os, sys, json, requests, requests.adapters
from runa_client import RunaClient, item, single

class OwnAdapter(requests.adapters.HTTPAdapter):
    pass

session = None if sys.argv[2] == "own" else requests.Session()
if sys.argv[2] == "adapter":
    session.mount("http://", OwnAdapter())
client = RunaClient(sys.argv[1], "XX.key", session=session)

def place(count):
    receipts = [client.create_order([item(1, products=single("A"))]) for _ in range(count)]
    return sum(receipt.id != f"O-{receipt.idempotency_key}" for receipt in receipts)
"""
ASYNC = """
import asyncio, os, sys, json
from runa_client import AsyncRunaClient, item, single

client = AsyncRunaClient(sys.argv[1], "XX.key")
runner = asyncio.Runner()

async def place_all(count):
    orders = [client.create_order([item(1, products=single("A"))]) for _ in range(count)]
    receipts = await asyncio.gather(*orders[::2]) + [await order for order in orders[1::2]]
    return sum(receipt.id != f"O-{receipt.idempotency_key}" for receipt in receipts)

async def place_in_child(count):
    async with client:
        return await place_all(count)

def place(count):
    if os.getpid() == parent:
        return runner.run(place_all(count))
    return asyncio.run(place_in_child(count))
"""
FORK = """
parent, count = os.getpid(), int(sys.argv[4])
wrong = place(2)
children = []
for _ in range(int(sys.argv[3])):
    if (child := os.fork()) == 0:
        sys.exit(place(count))
    children.append(child)
wrong += place(count)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
wrong += place(count)
print(json.dumps([wrong, *codes]))
"""


@pytest.mark.parametrize("kind", ["own", "session", "adapter", "async"])
def test_children_open_their_own_connections(kind: str, keep_alive: KeepAliveServer) -> None:
    """A client that was used before the fork gives parent and children their own receipts."""
    script = (ASYNC if kind == "async" else SYNC) + FORK
    arguments = [keep_alive.url, kind, str(CHILDREN), str(ORDERS)]
    run = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", script, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )

    assert json.loads(run.stdout) == [0] * (CHILDREN + 1)
    assert len(keep_alive.received) == 2 + ORDERS * (CHILDREN + 2)
    assert keep_alive.connections > CHILDREN


def test_a_given_async_session_is_refused_in_a_child(keep_alive: KeepAliveServer) -> None:
    """Its connections are the parent's; the error says what to do, and nothing is sent."""
    script = """
import asyncio, os, sys, aiohttp
from runa_client import AsyncRunaClient, ConfigurationError

async def make():
    return AsyncRunaClient(sys.argv[1], "XX.key", session=aiohttp.ClientSession())

client = asyncio.run(make())
if (child := os.fork()) == 0:
    try:
        asyncio.run(client.ping())
    except ConfigurationError as error:
        os._exit(7 if "in the child" in str(error) else 8)
    os._exit(9)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", script, keep_alive.url]
    run = subprocess.run(command, check=False)  # noqa: S603 - our own interpreter and code

    assert run.returncode == 7
    assert keep_alive.received == []


async def _order(client: AsyncRunaClient, *, close: bool) -> OrderReceipt:
    try:
        return await client.create_order(ITEMS)
    finally:
        if close:
            await client.close()


def test_a_client_works_on_after_its_loop_was_closed(keep_alive: KeepAliveServer) -> None:
    """A second `asyncio.run` opens connections of its own."""
    client = AsyncRunaClient(keep_alive.url, "XX.key")

    receipts = [asyncio.run(_order(client, close=True)) for _ in range(2)]

    assert all(receipt.id == f"O-{receipt.idempotency_key}" for receipt in receipts)
    assert keep_alive.connections == 2


def test_a_second_open_loop_is_refused(keep_alive: KeepAliveServer) -> None:
    """Connections of another loop would be written to and never read; nothing is sent."""
    client = AsyncRunaClient(keep_alive.url, "XX.key")
    with asyncio.Runner() as first:
        first.run(_order(client, close=False))
        with asyncio.Runner() as second, pytest.raises(ConfigurationError, match="event loop"):
            second.run(_order(client, close=False))
        first.run(client.close())

    assert len(keep_alive.received) == 1


def test_a_session_keeps_its_middlewares(keep_alive: KeepAliveServer) -> None:
    """The client's own middleware comes beside those of a session that was passed in."""

    async def mark(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers["X-Mine"] = "yes"
        return await handler(request)

    async def run() -> OrderReceipt:
        async with aiohttp.ClientSession(middlewares=[mark]) as session:
            client = AsyncRunaClient(keep_alive.url, "XX.key", session=session)
            return await client.create_order(ITEMS)

    assert asyncio.run(run()).status == "PROCESSING"
    assert keep_alive.received[0].headers["x-mine"] == "yes"
