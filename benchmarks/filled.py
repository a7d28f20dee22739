"""The mock with orders in it: ``python -m benchmarks.filled PORT ORDERS EVERY``.

The orders are not sent over HTTP, which would take minutes for a million: each is placed by the
service classes that stand behind the HTTP edge, and its idempotency key is stored as an async
order's is. The journal stays empty. Then the server listens, and says in a line of JSON
which orders it has. Of EVERY orders, one stays
``PROCESSING``; none where that is 0.
"""

import asyncio
import gc
import json
import signal
import sys
import time

from benchmarks.orders import ACCOUNT, ONE_ITEM
from runa_mock_server.config.settings import make_settings
from runa_mock_server.contract.processing import parse_processing
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.service import Wishes
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.http_server import HttpServer

AT_ONCE = Wishes(processing=parse_processing("at-once"))
TOMORROW = Wishes(processing=parse_processing("seconds:86400"))


def fill(world: World, orders: int, every: int) -> list[str]:
    """Place the orders; their ids."""
    account = world.account(ACCOUNT)
    raw = ONE_ITEM.encode()
    body = world.order_bodies.read(raw)
    body.validate(as_pydantic_1=world.profile.details_of_pydantic_1)
    plan = body.plan(account.holdings.terms, synchronous=False)
    ids: list[str] = []
    for number in range(orders):
        wishes = TOMORROW if every and number % every == every - 1 else AT_ONCE
        key, now = f"filled-{number}", account.clock.now()
        account.idempotency.begin(key, body.fingerprint, now)
        answer = account.orders.place(plan, wishes, now)
        account.idempotency.finish(key, body.fingerprint, now, answer)
        if number in (0, orders // 2, orders - 1):
            ids.append(order_id_in(answer.body))
    return ids


async def serve(port: int, orders: int, every: int, stopped: asyncio.Event) -> None:
    """Fill a server and serve until told to stop; ``runa-mock serve`` does the same unfilled."""
    world = World(make_settings(port=port))
    server = HttpServer(world)
    await server.start()
    gc.freeze()
    start = time.perf_counter()
    ids = fill(world, orders, every)
    seconds = time.perf_counter() - start
    print(json.dumps({"ids": ids, "seconds": seconds}), flush=True)
    await stopped.wait()
    await server.stop()


async def main() -> None:
    """Serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    port, orders, every = map(int, sys.argv[1:])
    await serve(port, orders, every, stopped)


if __name__ == "__main__":
    asyncio.run(main())
