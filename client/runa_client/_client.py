"""The synchronous client, on requests."""

import os
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from types import TracebackType
from typing import Self, TypeVar, Unpack
from urllib.parse import urlsplit

import requests
import urllib3

from runa_client import _funds, _orders, _products, _redemption
from runa_client._core import Core, Pages
from runa_client._exchange import Flow, Incoming, Outcome, Send, addressed, network_failure
from runa_client._funds import Balance, Estimate
from runa_client._orders import EstimateOptions, NewOrder, OrderOptions, WaitOptions
from runa_client._products import ContentForm, Product, ProductFilters, ProductPage
from runa_client._redemption import Redeemable, Redemption
from runa_client._results import Order, OrderPage, OrderReceipt
from runa_client._settings import ClientOptions, make_settings
from runa_client._transport import RunaAdapter, deadline

T = TypeVar("T")

_CHUNK = 16384
# What the libraries raise for answers that are none: not all of it becomes their own error.
_BAD_ANSWERS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
    ArithmeticError,
    MemoryError,
)


class RunaClient:
    """A client of the Runa payouts API v2, or of a double of it.

    Each method sends what fails for a passing reason again, as its `RetryPolicy` says, and
    raises a `RunaCallError` when that does not help. A client belongs to one thread at a time.
    It works on in a child after `os.fork`, which opens connections of its own.

    Args:
        base_url: Ends with `/v2`; else `RUNA_BASE_URL`. There is no default, for money is moved.
        api_key: Else `RUNA_API_KEY`. It shows in no repr, log record or error.
        session: Sends the requests, with its own proxies and certificates; it stays open. Where
            it has requests' plain adapter, it gets a `RunaAdapter` for the service's host. By
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
        session: requests.Session | None = None,
        sleep: Callable[[float], object] = time.sleep,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._settings = make_settings(base_url, api_key, options)
        self._core = Core(self._settings)
        self._sleep = sleep
        self._owns_session = session is None
        self._session = _new_session() if session is None else session
        self._process = os.getpid()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a session that was passed in stays open."""
        if self._owns_session:
            self._session.close()

    def ping(self) -> str:
        """Ask whether the service is there and accepts the API key; returns its `pong`."""
        return self._run(_orders.ping(self._core))

    def create_order(self, order: NewOrder, **options: Unpack[OrderOptions]) -> OrderReceipt:
        """Place an order, once, however many requests that takes.

        Args:
            order: The items, from `item` or as plain dictionaries; or the whole body, one
                dictionary, which then holds payment method, description and metadata too.
            options: See `OrderOptions`.

        Returns:
            The receipt: the order's id and status, its idempotency key, and after a synchronous
            order the payout links.

        Raises:
            RunaCallError: The service refused, or no answer came; `safe_to_retry` says whether
                the same call with the error's `idempotency_key` is the way on.
            ConfigurationError: A header's value cannot be sent.
            TypeError: An option is unknown, or the order has no JSON form.
            ValueError: A number is not finite.
        """
        return self._run(_orders.create_order(self._core, order, options))

    def get_order(self, order_id: str) -> Order:
        """Read one order.

        Raises:
            NotFoundError: The API key has no such order.
            RunaCallError: The service refused otherwise, or no answer came.
            ValueError: The id is none.
        """
        return self._run(_orders.get_order(self._core, order_id))

    def wait_for_order(
        self, order: str | Order | OrderReceipt, **options: Unpack[WaitOptions]
    ) -> Order:
        """Look at an order, with growing pauses, until it has ended.

        Args:
            order: The order, its id or its receipt. One that has ended is returned as it is.
            options: See `WaitOptions`.

        Returns:
            The ended order, `COMPLETED` or `FAILED`.

        Raises:
            OrderTimeoutError: The deadline passed; carries the order as last seen.
            OrderFailedError: It failed, and `raise_on_failure` was asked for.
            RunaCallError: A look failed for good.
        """
        return self._run(_orders.wait_for_order(self._core, order, options))

    def list_orders(
        self, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> OrderPage:
        """Read one page of orders, newest first.

        Args:
            limit: Orders on the page, 1 to 500; the service's default is 100.
            after: A cursor: the page after it.
            before: A cursor: the page before it. Not together with `after`.

        Raises:
            RunaCallError: The service refused, or no answer came.
        """
        return self._run(_orders.list_orders(self._core, limit, after, before))

    def iter_orders(self, *, page_size: int = 100) -> Iterator[Order]:
        """Go through all orders, newest first, asking for the next page only when needed.

        Raises:
            RunaCallError: A page was refused, or no answer came.
        """
        pages = Pages(_orders.order_pages(self._core, page_size))
        while orders := self._run(pages.next_page()):
            yield from orders

    def estimate_order(self, order: NewOrder, **options: Unpack[EstimateOptions]) -> Estimate:
        """Ask what an order would cost, without placing it.

        Args:
            order: As for `create_order`, up to 500 items, their products from `single` or
                `multiple`. What does not bear on the cost, the distribution for one, is not sent.
            options: See `EstimateOptions`.

        Raises:
            RunaCallError: The service refused, as it would refuse the order, or no answer came.
            TypeError: An option is unknown, or the order has no JSON form.
            ValueError: A number is not finite.
        """
        return self._run(_funds.estimate_order(self._core, order, options))

    def balances(self) -> tuple[Balance, ...]:
        """Read the balances above zero.

        Raises:
            RunaCallError: The service refused, or no answer came.
        """
        return self._run(_funds.balances(self._core))

    def balance(self, currency: str) -> Balance:
        """Read the balance in one currency, zero where there are no funds.

        Raises:
            BadRequestError: The service does not support the currency.
            RunaCallError: The service refused otherwise, or no answer came.
        """
        return self._run(_funds.balance(self._core, currency))

    def get_product(self, code: str, *, content: ContentForm | None = None) -> Product:
        """Read one product.

        Args:
            code: Its code, such as `AMZ-US`.
            content: The form of its texts: `url`, the service's default, `md` or `html`.

        Raises:
            NotFoundError: There is no such product.
            RunaCallError: The service refused otherwise, or no answer came.
            ValueError: The code is none.
        """
        return self._run(_products.get_product(self._core, code, content))

    def list_products(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Unpack[ProductFilters],
    ) -> ProductPage:
        """Read one page of the catalogue, by product code.

        Args:
            limit: Products on the page, 1 to 500; the service's default is 500.
            after: A cursor, which is a product code: the page after it.
            before: A cursor: the page before it. Not together with `after`.
            filters: See `ProductFilters`.

        Raises:
            RunaCallError: The service refused, or no answer came.
            TypeError: A filter is unknown or of the wrong type.
            ValueError: A filter lists nothing.
        """
        page = _products.list_products(self._core, limit, after, before, filters)
        return self._run(page)

    def iter_products(
        self, *, page_size: int = 500, **filters: Unpack[ProductFilters]
    ) -> Iterator[Product]:
        """Go through all products that pass the filters, by code, reading pages when needed.

        Raises:
            RunaCallError: A page was refused, or no answer came.
            TypeError: A filter is unknown or of the wrong type.
            ValueError: A filter lists nothing.
        """
        pages = Pages(_products.product_pages(self._core, page_size, filters))
        while products := self._run(pages.next_page()):
            yield from products

    def countries(self) -> tuple[str, ...]:
        """Read the codes of the countries where products can be redeemed, such as `GB`.

        Raises:
            RunaCallError: The service refused, or no answer came.
        """
        return self._run(_products.countries(self._core))

    def categories(self) -> tuple[str, ...]:
        """Read the codes of the product categories, such as `food-and-drink`.

        Raises:
            RunaCallError: The service refused, or no answer came.
        """
        return self._run(_products.categories(self._core))

    def redeem(self, payout: Redeemable) -> Redemption:
        """Redeem a payout link: take its value as an e-code, which claims the payout.

        Doing so again gives the same e-code. The link's host gets no API key, and this client's
        log records and errors show no more of the link than its host.

        Args:
            payout: The payout, the item of an order that it belongs to, or its URL.

        Raises:
            RedemptionError: The link cannot be redeemed; `code` says why. It is not tried again,
                not even where `retry_after` advises that.
            RunaCallError: The link's host gave no answer of the redemption API.
            ValueError: There is no link, or it is no http or https URL.
        """
        return self._run(_redemption.redeem(self._core, payout))

    def _run(self, flow: Flow[T]) -> T:
        try:
            send = next(flow)
            while True:
                if send.pause > 0:
                    self._sleep(send.pause)
                send = flow.send(self._exchange(send))
        except StopIteration as end:
            result: T = end.value
            return result

    def _exchange(self, send: Send) -> Outcome:
        end = time.monotonic() + send.timeout.total
        try:
            with deadline(end), self._respond(send) as response:
                return self._read(response, end)
        except _BAD_ANSWERS as error:
            return network_failure(error)

    def _respond(self, send: Send) -> requests.Response:
        url, headers = addressed(send.request, self._settings)
        try:
            return self._session_for(url).request(
                send.request.method,
                url,
                headers=headers,
                data=send.request.body,
                timeout=(send.timeout.connect, send.timeout.read),
                allow_redirects=False,
                stream=True,
            )
        except requests.HTTPError as error:
            # A hook of a given session may raise for the status, which is ours to judge.
            if error.response is None:
                raise
            return error.response

    def _read(self, response: requests.Response, end: float) -> Outcome:
        """Read an answer; one that is not read to its end closes its connection."""
        limit = self._settings.max_response_bytes
        incoming = Incoming(response.status_code, response.headers.items(), limit)
        if incoming.wanted:
            for chunk in response.iter_content(_CHUNK):
                if not incoming.add(chunk):
                    break
                if time.monotonic() > end:
                    raise TimeoutError("the total time of the request is over")
        return incoming.outcome()

    def _session_for(self, url: str) -> requests.Session:
        """Return the session, a given one with our adapter in place of requests' plain one.

        An adapter of another class is the caller's own choice and stays; in a forked child it
        closes the connections that it shares with the parent.
        """
        if not self._owns_session:
            adapter: object = self._session.get_adapter(url)
            if type(adapter) is requests.adapters.HTTPAdapter:
                parts = urlsplit(url)
                origin = f"{parts.scheme}://{parts.netloc}/"
                self._session.mount(origin, RunaAdapter.like(adapter))
            elif self._process != os.getpid() and not isinstance(adapter, RunaAdapter):
                self._session.get_adapter(url).close()
            self._process = os.getpid()
        return self._session


def _new_session() -> requests.Session:
    session = requests.Session()
    # A proxy must not come between a program and its double, nor .netrc add credentials.
    session.trust_env = False
    session.mount("https://", RunaAdapter())
    session.mount("http://", RunaAdapter())
    return session
