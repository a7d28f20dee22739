"""A caller of the service, its orders, and its answers held against the contract."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import requests

from runa_schemas._errors import ERRORS
from runa_schemas._validation import validate
from runa_schemas.contract_data import MAX_PAGE_LIMIT
from runa_schemas.stateful._model import Kept, Request, insist

_TIMEOUT = 30
_FAILED = 400
_RATE_LIMITED = 429
_SCHEMAS = {
    ("POST", "/order", 202): "accepted_order",
    ("POST", "/order", 200): "order",
    ("GET", "/order", 200): "order_page",
    ("GET", "/ping", 200): "pong",
}
Balances: TypeAlias = tuple[int, dict[str, Decimal]]


class Account:
    """One account of the service, and what the service has to know of it.

    Attributes:
        orders: The orders that were made in this run, the oldest first.
        keys: The first answers that the service keeps, by idempotency key.
        balances: What was read last: how many orders there were, and the amounts by currency.

    Args:
        base_url: The base URL of the service, with ``/v2``.
        api_key: The account's key.
        number: What the account is called in what hypothesis prints, which never shows the key.
    """

    def __init__(self, base_url: str, api_key: str, number: int) -> None:
        self.orders: list[Order] = []
        self.keys: dict[str, Kept] = {}
        self.balances: Balances | None = None
        self._url = base_url.rstrip("/")
        self._number = number
        self._session = requests.Session()
        # A proxy must not come between a program and its double, nor .netrc add credentials.
        self._session.trust_env = False
        self._session.headers["X-Api-Key"] = api_key
        newest = self._page(limit=1)["items"]
        self._newest_before = newest[0]["id"] if newest else None

    def __repr__(self) -> str:
        return f"account {self._number}"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> requests.Response:
        """Send one request, and check that the contract knows its answer.

        Args:
            method: The HTTP method.
            path: What follows the base URL, such as ``/order``.
            query: Parameters of the query string.
            headers: Headers besides the API key.
            content: The body, JSON.

        Raises:
            AssertionError: The answer is none that the contract knows.
            requests.RequestException: There is no answer.
        """
        sent = {"Content-Type": "application/json"} if content is not None else {}
        response = self._session.request(
            method,
            self._url + path,
            params=query,
            headers={**sent, **(headers or {})},
            data=content,
            timeout=_TIMEOUT,
        )
        _check(method, path, response)
        return response

    def listed(self, limit: int = MAX_PAGE_LIMIT) -> Iterator[list[dict[str, Any]]]:
        """Page forwards through the orders of this run.

        Args:
            limit: How many orders a page has at most, 1 to 500.

        Returns:
            The pages, each with the orders as the list shows them, the newest first. What was
            there before the run ends the last one.
        """
        met: set[str] = set()
        cursor: dict[str, str] = {}
        while True:
            page = self._page(limit=limit, **cursor)
            ids = [order["id"] for order in page["items"]]
            insist(len(ids) <= limit, f"a page of {limit} holds {len(ids)} orders")
            insist(met.isdisjoint(ids), f"the list shows {sorted(met & {*ids})} a second time")
            met.update(ids)
            if self._newest_before in ids:
                yield page["items"][: ids.index(self._newest_before)]
                return
            yield page["items"]
            if not ids:
                return
            cursor = {"after": page["pagination"]["cursors"]["after"]}

    def listed_backwards(self, limit: int) -> list[str]:
        """Page backwards from the oldest order of this run.

        Args:
            limit: How many orders a page has at most, 1 to 500.

        Returns:
            The ids of the orders that are newer than the oldest, the newest first.
        """
        found: list[str] = []
        cursor = self.orders[0].id
        while True:
            page = self._page(limit=limit, before=cursor)
            ids = [order["id"] for order in page["items"]]
            insist(len(ids) <= limit, f"a page of {limit} holds {len(ids)} orders")
            insist(not {*ids} & {*found}, f"the list shows {ids} a second time, backwards")
            if not ids:
                return found
            found = [*ids, *found]
            cursor = page["pagination"]["cursors"]["before"]

    def _page(self, **query: Any) -> dict[str, Any]:
        page: dict[str, Any] = self.call("GET", "/order", query=query).json()
        return page


@dataclass(eq=False)
class Sent:
    """A request that was sent with an idempotency key.

    Attributes:
        account: Who sent it.
        key: The idempotency key.
        request: What was sent.
    """

    account: Account
    key: str
    request: Request


@dataclass(eq=False)
class Order(Sent):
    """An order that the service must know, with the request that made it.

    Attributes:
        id: What the service calls it.
        accepted_at: When, in microseconds of ``RunaStateMachine.now``.
        seen: The whole order as it was shown first after it had ended.
    """

    id: str
    accepted_at: int
    seen: bytes | None = None


def _check(method: str, path: str, response: requests.Response) -> None:
    document, status = response.json(), response.status_code
    if status == _RATE_LIMITED:
        schema = "rate_limit_error"
    elif status >= _FAILED:
        schema = "validation_error" if document["type"] == "validation_error" else "error"
        known = ERRORS.get(document["type"])
        insist(known is not None and known.status == status, f"{status} with {document['type']}")
    elif path == "/balance":
        schema = "balance_list" if isinstance(document, list) else "balance"
    elif path.startswith("/order/"):
        schema = "incomplete_order" if document["status"] == "PROCESSING" else "order"
    else:
        schema = _SCHEMAS.get((method, path, status), "")
        insist(schema, f"{method} {path} is not answered with {status}")
    validate(document, schema)
