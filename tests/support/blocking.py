"""The asynchronous client under a blocking face, so that one test body drives both clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import iscoroutine
from typing import Any

from runa_client import AsyncRunaClient


class Blocking:
    """An `AsyncRunaClient` with blocking methods and iterators.

    Args:
        client: the client.
        runner: holds the loop that drives it.
    """

    def __init__(self, client: AsyncRunaClient, runner: asyncio.Runner) -> None:
        self.client = client
        self.runner = runner

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self.client, name)
        return lambda *args, **options: self._blocking(method(*args, **options))

    def __repr__(self) -> str:
        return repr(self.client)

    def _blocking(self, called: Any) -> object:
        return self.runner.run(called) if iscoroutine(called) else self._steps(called)

    def _steps(self, things: AsyncIterator[object]) -> Iterator[object]:
        async def following() -> object:
            return await anext(things, None)

        while (thing := self.runner.run(following())) is not None:
            yield thing
