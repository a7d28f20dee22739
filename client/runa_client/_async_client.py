"""The asynchronous client, on aiohttp."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import aiohttp
from yarl import URL

from runa_client._core import Core, NewOrder, OrderOptions, Pages, WaitOptions
from runa_client._exchange import Flow, Outcome, Reply, Send, network_failure
from runa_client._results import Order, OrderPage, OrderReceipt
from runa_client._settings import ClientOptions, make_settings

T = TypeVar("T")


class AsyncRunaClient:
    """`RunaClient` for asyncio: the same methods, options, results and errors.

    It may be made outside of an event loop; the connections belong to the loop of its first
    call, and any number of tasks of that loop may share it. Close it, or use `async with`.

    Args:
        base_url: Ends with `/v2`; else `RUNA_BASE_URL`. There is no default, for money is moved.
        api_key: Else `RUNA_API_KEY`. It shows in no repr, log record or error.
        session: Sends the requests, with its own proxies and certificates; it stays open. By
            default an own one that ignores proxies and credentials of the environment.
        sleep: Pauses for a number of seconds.
        options: See `ClientOptions`.

    Raises:
        ConfigurationError: Base URL or API key is missing or cannot work.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        session: aiohttp.ClientSession | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._settings = make_settings(base_url, api_key, options)
        self._core = Core(self._settings)
        self._sleep = sleep
        self._given_session = session
        self._own_session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a session that was passed in stays open."""
        if self._own_session is not None:
            await self._own_session.close()
            self._own_session = None

    async def ping(self) -> str:
        """Like `RunaClient.ping`."""
        return await self._run(self._core.ping())

    async def create_order(self, order: NewOrder, **options: Unpack[OrderOptions]) -> OrderReceipt:
        """Like `RunaClient.create_order`."""
        return await self._run(self._core.create_order(order, options))

    async def get_order(self, order_id: str) -> Order:
        """Like `RunaClient.get_order`."""
        return await self._run(self._core.get_order(order_id))

    async def wait_for_order(
        self, order: str | Order | OrderReceipt, **options: Unpack[WaitOptions]
    ) -> Order:
        """Like `RunaClient.wait_for_order`; `on_progress` is a plain function here too."""
        return await self._run(self._core.wait_for_order(order, options))

    async def list_orders(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> OrderPage:
        """Like `RunaClient.list_orders`."""
        return await self._run(self._core.list_orders(limit, after, before))

    async def iter_orders(self, *, page_size: int = 100) -> AsyncIterator[Order]:
        """Like `RunaClient.iter_orders`, for `async for`."""
        pages = Pages(self._core, page_size)
        while orders := await self._run(pages.next_page()):
            for order in orders:
                yield order

    async def _run(self, flow: Flow[T]) -> T:
        try:
            send = next(flow)
            while True:
                if send.pause > 0:
                    await self._sleep(send.pause)
                send = flow.send(await self._exchange(send))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _exchange(self, send: Send) -> Outcome:
        request = send.request
        timeout = aiohttp.ClientTimeout(
            sock_connect=send.timeout.connect, sock_read=send.timeout.read
        )
        try:
            async with self._session().request(
                request.method,
                URL(self._settings.base_url + request.target, encoded=True),
                headers={**request.headers, "X-Api-Key": self._settings.api_key},
                data=request.body,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(status=response.status, headers=headers, body=await response.read())
        except (aiohttp.ClientError, OSError) as error:
            return network_failure(error)

    def _session(self) -> aiohttp.ClientSession:
        if self._given_session is not None:
            return self._given_session
        if self._own_session is None:
            self._own_session = aiohttp.ClientSession()
        return self._own_session
