"""Places orders one after the other: ``python -m benchmarks.client_program CLIENT URL RUN ORDERS``.

URL ends in ``/v2``. `fetch.mjs` does the same in Node.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from benchmarks.bodies import ACCOUNT, HEADERS, KEY_HEADER, ONE_ITEM, written
from runa_client import AsyncRunaClient, RunaClient

Orders = Iterator[tuple[str, Any]]


def orders(run: str, number: int) -> Orders:
    """The idempotency keys and bodies of a run."""
    for place in range(1, number + 1):
        yield f"{run}-{place}", json.loads(written(ONE_ITEM, run, place))


def with_requests(url: str, wanted: Orders) -> None:
    """Place them with `RunaClient`."""
    with RunaClient(url, ACCOUNT) as client:
        for key, body in wanted:
            client.create_order(body, idempotency_key=key)


def with_httpx(url: str, wanted: Orders) -> None:
    """Place them with an `httpx.Client`."""
    with httpx.Client(headers=HEADERS) as client:
        for key, body in wanted:
            answer = client.post(f"{url}/order", json=body, headers={KEY_HEADER: key})
            answer.raise_for_status()


def with_aiohttp(url: str, wanted: Orders) -> None:
    """Place them with `AsyncRunaClient`."""

    async def place() -> None:
        async with AsyncRunaClient(url, ACCOUNT) as client:
            for key, body in wanted:
                await client.create_order(body, idempotency_key=key)

    asyncio.run(place())


CLIENTS: Mapping[str, Callable[[str, Orders], None]] = {
    "requests": with_requests,
    "httpx": with_httpx,
    "aiohttp": with_aiohttp,
}

if __name__ == "__main__":
    name, address, run_name, many = sys.argv[1:]
    CLIENTS[name](address, orders(run_name, int(many)))
