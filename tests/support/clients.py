"""Both clients of the library under one blocking face, on one server, in the server's time."""

import asyncio
from contextlib import ExitStack
from typing import Any, cast

from runa_client import AsyncRunaClient, RunaClient
from runa_mock_server import ManualClock, MockServer
from support.api import KEY
from support.blocking import Blocking

SECOND = 1_000_000


def make_client(
    kind: str, server: MockServer, clock: ManualClock, stack: ExitStack, **options: Any
) -> RunaClient:
    """A client whose pauses move the server's clock; it is closed with the stack.

    Args:
        kind: `sync` or `async`.
        server: the server to call.
        clock: the server's clock, by which the client's deadlines go too.
        stack: closes the client.
        **options: instead of the usual ones.
    """
    settings: dict[str, Any] = {
        "base_url": server.base_url,
        "api_key": KEY,
        "random": lambda: 0.0,
        "clock": lambda: clock.now() / SECOND,
        **options,
    }
    if kind == "sync":
        return stack.enter_context(RunaClient(sleep=clock.advance, **settings))

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    runner = stack.enter_context(asyncio.Runner())
    client = AsyncRunaClient(sleep=sleep, **settings)
    stack.callback(lambda: runner.run(client.close()))
    return cast("RunaClient", Blocking(client, runner))
