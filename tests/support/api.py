"""A caller of the API for tests: every answer it gets is checked against its JSON Schema."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import requests

from runa_schemas import ERRORS, validate

KEY = "XX-test.secret"
TIMEOUT = 120

_SCHEMAS = {
    ("POST", "/v2/order", 202): "accepted_order",
    ("POST", "/v2/order", 200): "order",
    ("GET", "/v2/order", 200): "order_page",
    ("POST", "/v2/order/estimate", 200): "estimate",
    ("GET", "/v2/ping", 200): "pong",
    ("GET", "/v2/product", 200): "product_page",
    ("GET", "/v2/product/categories", 200): "product_categories",
    ("GET", "/v2/product/countries", 200): "product_countries",
}


def body(**changes: Any) -> dict[str, Any]:
    """The body of a one-item order, with single fields changed."""
    return {
        "payment_method": {"type": "ACCOUNT_BALANCE", "currency": "USD"},
        "items": [item()],
        **changes,
    }


def item(**changes: Any) -> dict[str, Any]:
    """An item of USD 10 by payout link, with single fields changed."""
    return {
        "face_value": 10,
        "distribution_method": {"type": "PAYOUT_LINK"},
        "products": {"type": "SINGLE", "value": "1800FL-US"},
        **changes,
    }


class Caller:
    """Calls one server with one API key.

    Args:
        url: what every address begins with.
        key: the API key, or ``None`` to send none.
    """

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url
        self._headers = {} if key is None else {"X-Api-Key": key}
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | bytes | None] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Send one request; a header given as ``None`` is left out."""
        merged = {**self._headers, **(headers or {})}
        response = self._session.request(
            method, self.url + path, headers=merged, timeout=TIMEOUT, **options
        )
        self.check(method, path, response)
        return response

    def check(self, method: str, path: str, response: requests.Response) -> None:
        """Assert that an answer is one that may come; every answer is checked."""


class Api(Caller):
    """Calls the API of one server with one API key.

    Args:
        url: scheme, host and port of the server.
        key: the API key, or ``None`` to send none.
    """

    _numbers = count()

    def __init__(self, url: str, key: str | None = KEY) -> None:
        super().__init__(url, key)

    def check(self, method: str, path: str, response: requests.Response) -> None:
        """Assert that the contract knows the answer."""
        check(method, path.partition("?")[0], response)

    def get(self, path: str, **options: Any) -> requests.Response:
        """``GET`` a path."""
        return self.call("GET", path, **options)

    def order(
        self,
        document: Any = None,
        *,
        key: str | None = None,
        mode: str | None = None,
        raw: bytes | None = None,
        **headers: str,
    ) -> requests.Response:
        """``POST /order``: the one-item order and a new idempotency key unless given.

        Keyword headers are written with underscores: ``X_Trigger_Error="timeout"``.
        """
        sent: dict[str, str | bytes | None] = {
            "X-Idempotency-Key": f"key-{next(self._numbers)}" if key is None else key,
            "X-Execution-Mode": mode,
            "Content-Type": "application/json",
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if raw is not None:
            return self.call("POST", "/v2/order", headers=sent, data=raw)
        return self.call(
            "POST", "/v2/order", headers=sent, json=body() if document is None else document
        )

    def read(self, order_id: str) -> dict[str, Any]:
        """``GET /order/{id}`` of an order that exists."""
        response = self.get(f"/v2/order/{order_id}")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


def check(method: str, path: str, response: requests.Response) -> None:
    """Assert that an answer under ``/v2`` is one that the contract knows."""
    if not path.startswith("/v2"):
        return
    assert response.headers["Content-Type"] == "application/json"
    document = response.json()
    if response.status_code == 429:
        validate(document, "rate_limit_error")
    elif response.status_code >= 400:
        is_invalid = document.get("type") == "validation_error"
        validate(document, "validation_error" if is_invalid else "error")
        assert ERRORS[document["type"]].status == response.status_code
    else:
        known = _SCHEMAS.get((method, path.rstrip("/"), response.status_code))
        validate(document, known or _schema_of(path.rstrip("/"), document))
    if response.status_code not in {401, 403}:
        assert response.headers["X-Api-Version"] == "2024-02-05"


def _schema_of(path: str, document: Any) -> str:
    """The schema of an answer for which the path alone does not decide."""
    if path == "/v2/balance":
        return "balance_list" if isinstance(document, list) else "balance"
    if path.startswith("/v2/order/"):
        return "incomplete_order" if document["status"] == "PROCESSING" else "order"
    assert path.startswith("/v2/product/"), f"no schema for {path}"
    return "product"
