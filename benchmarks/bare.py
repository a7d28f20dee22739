"""The limit: aiohttp with one handler that parses a body and dumps an answer: ``bare.py PORT``.

It checks nothing and stores nothing. Its answer has the size of a whole order.
"""

import asyncio
import sys
from typing import Any

import orjson
from aiohttp import web

SIZE = 900
_EMPTY: dict[str, Any] = {
    "id": "O-01M80J8WZA73TCT52MR9QKZPZ6",
    "status": "COMPLETED",
    "items": [{"face_value": "10.00", "products": {"type": "SINGLE", "value": "1800FL-US"}}],
    "description": "",
}
ANSWER = {**_EMPTY, "description": "x" * (SIZE - len(orjson.dumps(_EMPTY)))}


async def answer(request: web.Request) -> web.Response:
    """Parse what was sent, if anything was, and answer."""
    raw = await request.read()
    if raw:
        orjson.loads(raw)
    return web.Response(body=orjson.dumps(ANSWER), content_type="application/json")


async def serve(port: int, stopped: asyncio.Event) -> None:
    """Serve until told to stop."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), asyncio.Event()))
