"""The application that the mock is compared with: ``python benchmarks/bare.py PORT``.

It is what a careful user would write with aiohttp for the same three requests: an `Application`
with a router, a handler for each route, `request.json()` and `json_response()`. It checks nothing,
stores nothing and writes no access log. An order is answered as the API does it, with 202, id and
status; a read shows one completed order, a dictionary that is dumped each time.
"""

import asyncio
import json
import signal
import sys
from itertools import count
from typing import Any

from aiohttp import web

COMPLETED: dict[str, Any] = json.loads(
    """{"id": "O-01M80J8WZA73TCT52MR9QKZPZ6", "status": "COMPLETED",
 "created_at": "2026-11-22T02:44:55.018563+00:00",
 "completed_at": "2026-11-22T02:44:56.018563+00:00", "description": "order 7 of run 1",
 "payment_method": {"type": "ACCOUNT_BALANCE"}, "currency": "USD",
 "total_discount": "0.00", "total_price": "10.01",
 "items": [{"id": "E-01M80J8WZA73TCT52N2A7SYW9Q",
  "distribution_method": {"type": "EMAIL", "email_address": "person-7@example.com"},
  "products": {"type": "SINGLE", "value": "1800FL-US"}, "face_value": "10.01", "price": "10.01",
  "discount_multiplier": "0.0",
  "redemption_url": "http://127.0.0.1:8484/payout/0b4e5c2e-6a57-4f8b-9f31-6d1d1c2f5d55",
  "payout": {"status": "ACTIVE", "status_updated_at": "2026-11-22T02:44:56.018563+00:00",
   "url": "http://127.0.0.1:8484/payout/0b4e5c2e-6a57-4f8b-9f31-6d1d1c2f5d55",
   "expiry_date": null}, "currency": "USD"}],
 "transaction_detail": {"USD": {"value": "10.01", "fx": null}}, "metadata": null}"""
)
"""A completed order of one item, as the mock shows it."""

_numbers = count(1)


async def ping(_request: web.Request) -> web.Response:
    """Answer ``GET /v2/ping``."""
    return web.json_response({"message": "pong"})


async def create_order(request: web.Request) -> web.Response:
    """Read the body and accept the order under a new id."""
    await request.json()
    order = {"id": f"O-{next(_numbers):026d}", "status": "PROCESSING"}
    return web.json_response(order, status=202)


async def get_order(request: web.Request) -> web.Response:
    """Show a completed order under the id that was asked for."""
    return web.json_response({**COMPLETED, "id": request.match_info["id"]})


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    application = web.Application()
    application.router.add_get("/v2/ping", ping)
    application.router.add_post("/v2/order", create_order)
    application.router.add_get("/v2/order/{id}", get_order)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
