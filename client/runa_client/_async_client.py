"""The asynchronous client, on aiohttp."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import aiohttp
from yarl import URL

from runa_client import _funds, _orders, _products, _redemption
from runa_client._async_transport import Connector, Guard
from runa_client._core import Core, Pages
from runa_client._errors import ConfigurationError
from runa_client._exchange import Flow, Incoming, Outcome, Send, addressed, network_failure
from runa_client._funds import Balance, Estimate
from runa_client._orders import EstimateOptions, NewOrder, OrderOptions, WaitOptions
from runa_client._products import ContentForm, Product, ProductFilters, ProductPage
from runa_client._redemption import Redeemable, Redemption
from runa_client._results import Order, OrderPage, OrderReceipt
from runa_client._settings import ClientOptions, make_settings

T = TypeVar("T")

# What the library raises for answers that are none: not all of it becomes its own error.
_BAD_ANSWERS = (
    aiohttp.ClientError,
    aiohttp.http.HttpProcessingError,
    OSError,
    ValueError,
    ArithmeticError,
    MemoryError,
)


class AsyncRunaClient:
    """`RunaClient` for asyncio: the same methods, options, results and errors.

    It may be made outside of an event loop; the connections belong to the loop of its first
    call, and any number of tasks of that loop may share it. Close it, or use `async with`. When
    that loop is closed, or the process is forked, the next call opens connections of its own.

    Args:
        base_url: Ends with `/v2`; else `RUNA_BASE_URL`. There is no default, for money is moved.
        api_key: Else `RUNA_API_KEY`. It shows in no repr, log record or error.
        session: Sends the requests, with its own proxies and certificates; it stays open. By
            default an own one that ignores proxies and credentials of the environment. It
            cannot be used in a forked child.
        sleep: Pauses for a number of seconds.
        options: See `ClientOptions`.

    Raises:
        ConfigurationError: Base URL or API key is missing or cannot work. A call raises it for
            a session passed in before a fork, and in another event loop than the first, which is
            still open.
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
        self._process = os.getpid()
        self._home: tuple[int, asyncio.AbstractEventLoop]
        self._guard = Guard()

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
            if self._home[0] == os.getpid():
                await self._own_session.close()
            else:
                self._own_session.detach()
            self._own_session = None

    async def ping(self) -> str:
        """Like `RunaClient.ping`."""
        return await self._run(_orders.ping(self._core))

    async def create_order(self, order: NewOrder, **options: Unpack[OrderOptions]) -> OrderReceipt:
        """Like `RunaClient.create_order`."""
        return await self._run(_orders.create_order(self._core, order, options))

    async def get_order(self, order_id: str) -> Order:
        """Like `RunaClient.get_order`."""
        return await self._run(_orders.get_order(self._core, order_id))

    async def wait_for_order(
        self, order: str | Order | OrderReceipt, **options: Unpack[WaitOptions]
    ) -> Order:
        """Like `RunaClient.wait_for_order`; `on_progress` is a plain function here too."""
        return await self._run(_orders.wait_for_order(self._core, order, options))

    async def list_orders(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> OrderPage:
        """Like `RunaClient.list_orders`."""
        return await self._run(_orders.list_orders(self._core, limit, after, before))

    async def iter_orders(self, *, page_size: int = 100) -> AsyncIterator[Order]:
        """Like `RunaClient.iter_orders`, for `async for`."""
        pages = Pages(_orders.order_pages(self._core, page_size))
        while orders := await self._run(pages.next_page()):
            for order in orders:
                yield order

    async def estimate_order(self, order: NewOrder, **options: Unpack[EstimateOptions]) -> Estimate:
        """Like `RunaClient.estimate_order`."""
        return await self._run(_funds.estimate_order(self._core, order, options))

    async def balances(self) -> tuple[Balance, ...]:
        """Like `RunaClient.balances`."""
        return await self._run(_funds.balances(self._core))

    async def balance(self, currency: str) -> Balance:
        """Like `RunaClient.balance`."""
        return await self._run(_funds.balance(self._core, currency))

    async def get_product(self, code: str, *, content: ContentForm | None = None) -> Product:
        """Like `RunaClient.get_product`."""
        return await self._run(_products.get_product(self._core, code, content))

    async def list_products(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Unpack[ProductFilters],
    ) -> ProductPage:
        """Like `RunaClient.list_products`."""
        page = _products.list_products(self._core, limit, after, before, filters)
        return await self._run(page)

    async def iter_products(
        self, *, page_size: int = 500, **filters: Unpack[ProductFilters]
    ) -> AsyncIterator[Product]:
        """Like `RunaClient.iter_products`, for `async for`."""
        pages = Pages(_products.product_pages(self._core, page_size, filters))
        while products := await self._run(pages.next_page()):
            for product in products:
                yield product

    async def countries(self) -> tuple[str, ...]:
        """Like `RunaClient.countries`."""
        return await self._run(_products.countries(self._core))

    async def categories(self) -> tuple[str, ...]:
        """Like `RunaClient.categories`."""
        return await self._run(_products.categories(self._core))

    async def redeem(self, payout: Redeemable) -> Redemption:
        """Like `RunaClient.redeem`."""
        return await self._run(_redemption.redeem(self._core, payout))

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
        url, headers = addressed(send.request, self._settings)
        timeout = aiohttp.ClientTimeout(
            total=send.timeout.total,
            sock_connect=send.timeout.connect,
            sock_read=send.timeout.read,
        )
        session = await self._session()
        if not session.auto_decompress:
            headers["Accept-Encoding"] = "identity"
        try:
            async with session.request(
                send.request.method,
                URL(url, encoded=True),
                headers=headers,
                data=send.request.body,
                timeout=timeout,
                allow_redirects=False,
                raise_for_status=False,
                middlewares=(*_middlewares_of(session), self._guard),
            ) as response:
                return await self._read(response)
        except _BAD_ANSWERS as error:
            return network_failure(error)

    async def _read(self, response: aiohttp.ClientResponse) -> Outcome:
        """Read an answer; one that is not read to its end closes its connection."""
        limit = self._settings.max_response_bytes
        incoming = Incoming(response.status, response.headers.items(), limit)
        whole = False
        try:
            if incoming.wanted:
                async for chunk in response.content.iter_any():
                    if not incoming.add(chunk):
                        break
                else:
                    whole = True
        finally:
            if not whole:
                response.close()
        return incoming.outcome()

    async def _session(self) -> aiohttp.ClientSession:
        """Return the session for this process and event loop.

        Raises:
            ConfigurationError: Another loop or process has it.
        """
        home = (os.getpid(), asyncio.get_running_loop())
        if self._given_session is not None:
            if self._process != home[0]:
                raise ConfigurationError(
                    "the session was passed in before this process was forked: "
                    "make client and session in the child"
                )
            return self._given_session
        if self._own_session is not None and home != self._home:
            await self._leave(self._own_session)
            self._own_session = None
        if self._own_session is None:
            self._own_session = aiohttp.ClientSession(connector=Connector())
            self._home = home
        return self._own_session

    async def _leave(self, session: aiohttp.ClientSession) -> None:
        process, loop = self._home
        if process != os.getpid():
            session.detach()  # its connections are the parent's
        elif loop.is_closed():
            await session.close()
        else:
            raise ConfigurationError(
                "the client belongs to another event loop, which is still open: "
                "make a client for each loop, or close this one there"
            )


def _middlewares_of(session: aiohttp.ClientSession) -> tuple[aiohttp.ClientMiddlewareType, ...]:
    """Return the middlewares of a session, which those of a request would replace."""
    return tuple(getattr(session, "_middlewares", None) or ())  # there is no public way
