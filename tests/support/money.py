"""What tests about money share: a caller that prices, pays and redeems, and baskets to price."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any, TypeVar

import requests
from hypothesis import strategies as st

from runa_mock_server.catalogue.catalogue import Denominations, Offer, built_in
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.web.http_server import HttpServer
from runa_schemas import load, validate
from support.api import TIMEOUT, Api, check

PRODUCTION_KEY = "wg-test.secret"
FROM_USD_ONLY = frozenset(["AED", "ARS", "BRL", "CLP", "COP", "INR", "MYR", "PEN", "SAR"])
CURRENCIES: tuple[str, ...] = tuple(load("currency")["enum"])

Result = TypeVar("Result")


class MoneyApi(Api):
    """A caller that also asks for estimates and balances and opens payout links."""

    def estimate(self, document: Any) -> requests.Response:
        """``POST /order/estimate``."""
        return self.call("POST", "/v2/order/estimate", json=document)

    def balance(self, query: str = "") -> requests.Response:
        """``GET /balance`` with a query string as it stands."""
        return self.get(f"/v2/balance{query}")

    def amount(self, currency: str) -> Decimal:
        """The balance in a currency."""
        return Decimal(self.balance(f"?currency={currency}").json()["balance"])

    def finished(self, document: Any) -> dict[str, Any]:
        """A sync order, which must succeed."""
        response = self.order(document, mode="sync")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def order_apart(self, document: Any, key: str) -> requests.Response:
        """``POST /order`` on a connection of its own, as callers do that share nothing."""
        headers = {**self._headers, "X-Idempotency-Key": key}
        url = f"{self.url}/v2/order"
        response = requests.post(url, headers=headers, timeout=TIMEOUT, json=document)
        check("POST", "/v2/order", response)
        return response


def single(code: str, face_value: float | str, /, **more: Any) -> dict[str, Any]:
    """An item of one product by payout link; a face value as text is taken to the letter."""
    value = float(face_value) if isinstance(face_value, str) else face_value
    products = {"type": "SINGLE", "value": code}
    distribution = {"type": "PAYOUT_LINK"}
    return {
        "face_value": value,
        "products": products,
        "distribution_method": distribution,
        **more,
    }


def multiple(face_value: int, *codes: str) -> dict[str, Any]:
    """An item whose recipient chooses."""
    return single("", face_value, products={"type": "MULTIPLE", "values": list(codes)})


def paid_in(currency: str, *items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A body that pays for items."""
    payment = {"type": "ACCOUNT_BALANCE", "currency": currency}
    return {"payment_method": payment, "items": list(items), **more}


def exact(response: requests.Response) -> Any:
    """The JSON of an answer with its numbers to the letter."""
    return json.loads(response.content, parse_float=Decimal, parse_int=Decimal)


def redeemed(url: str) -> dict[str, Any]:
    """What a payout link answers to ``?format=json``; no key is sent."""
    response = requests.get(url, params={"format": "json"}, timeout=TIMEOUT)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    document: dict[str, Any] = response.json()
    validate(document, "redemption")
    return document


def refusal_code(url: str) -> str:
    """The error code with which ``?format=json`` refuses."""
    document = redeemed(url)
    assert document["status"] == "ERROR", document
    return str(document["error_code"])


def at_once(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """The results of calls that start together, each on a thread of its own."""
    waiting = list(calls)
    barrier = Barrier(len(waiting))

    def started(call: Callable[[], Result]) -> Result:
        barrier.wait(TIMEOUT)
        return call()

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(started, waiting))


def served(server_state: ServerState, act: Callable[[str], Result]) -> Result:
    """What ``act`` returns, which is called with the URL of a server for ``server_state``."""

    async def serve() -> Result:
        http = HttpServer(server_state)
        url = await http.start()
        try:
            return await asyncio.to_thread(act, url)
        finally:
            await http.stop()

    return asyncio.run(serve())


def offers() -> dict[str, list[Offer]]:
    """What the built-in catalogue sells now, by currency."""
    catalogue = built_in()
    found: dict[str, list[Offer]] = {currency: [] for currency in CURRENCIES}
    for product in catalogue.products:
        plans = product.get("subscription", {}).get("subscription_plans", [])
        for code in [plan["subscription_plan_code"] for plan in plans] or [product["code"]]:
            offer = catalogue.offer(code)
            if offer is not None and offer.is_orderable:
                found[offer.currency].append(offer)
    return found


def _face_values(taken: Denominations) -> st.SearchStrategy[float]:
    if taken.fixed is not None:
        return st.sampled_from(sorted(taken.fixed)).map(float)
    # Three decimals, so that rounding to cents is seen.
    thousandths = st.integers(int(taken.minimum * 1000), int(taken.maximum * 1000))
    return thousandths.map(lambda value: value / 1000)


def _single_items(on_sale: list[Offer]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(on_sale).flatmap(
        lambda offer: st.builds(single, st.just(offer.code), _face_values(offer.denominations))
    )


def _choices(on_sale: list[Offer]) -> st.SearchStrategy[dict[str, Any]]:
    codes = st.lists(
        st.sampled_from([offer.code for offer in on_sale]), min_size=2, max_size=4, unique=True
    )
    least = int(max(offer.denominations.minimum for offer in on_sale)) + 1
    return st.builds(
        lambda value, chosen: multiple(value, *chosen), st.integers(least, 10**9), codes
    )


def baskets(max_items: int) -> st.SearchStrategy[tuple[str, list[dict[str, Any]]]]:
    """A currency and valid items of products in it, one to ``max_items`` of them."""
    by_currency = {currency: found for currency, found in offers().items() if len(found) > 1}

    def in_currency(currency: str) -> st.SearchStrategy[tuple[str, list[dict[str, Any]]]]:
        on_sale = by_currency[currency]
        items = st.lists(_single_items(on_sale) | _choices(on_sale), min_size=1, max_size=max_items)
        return st.tuples(st.just(currency), items)

    return st.sampled_from(sorted(by_currency)).flatmap(in_currency)
