"""In strict mode nothing that just breaks a rule is accepted, in headers, syntax and body."""

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
from hypothesis import given

from runa_mock_server import MockServer
from runa_schemas.strategies import (
    HeaderMiss,
    NearMiss,
    invalid_headers,
    invalid_order_bodies,
    malformed_json,
)
from support.api import Api, body
from support.catalogue import CATALOGUE

KEY = "XX-me.secret"
JSON = {"Content-Type": "application/json"}
_numbers = count()


@pytest.fixture(scope="module")
def strict() -> Iterator[Api]:
    """A caller of a strict server without a limit on orders, who sends no key by himself."""
    with (
        MockServer(strict=True, rate_limit=None) as server,
        closing(Api(server.url, key=None)) as caller,
    ):
        yield caller


def place(api: Api, raw: bytes, headers: dict[str, str]) -> int:
    """The status of an order under a key of its own."""
    own = {"X-Api-Key": KEY, "X-Idempotency-Key": f"near-{next(_numbers)}"}
    return api.call("POST", "/v2/order", headers=JSON | own | headers, data=raw).status_code


@given(miss=invalid_order_bodies(catalogue=CATALOGUE))
def test_bodies(strict: Api, miss: NearMiss) -> None:
    """Refused with the status that the rule has."""
    status = place(strict, json.dumps(miss.body).encode(), miss.headers)
    assert status == miss.status, miss.rule


@given(raw=malformed_json())
def test_malformed_json(strict: Api, raw: NearMiss) -> None:
    """Refused, whatever is wrong with it."""
    assert place(strict, raw.body, {}) == 400


@given(miss=invalid_headers().filter(lambda miss: miss.rule != "trigger_unknown"))
def test_headers(strict: Api, miss: HeaderMiss) -> None:
    """Refused, but for an unknown trigger, which strict mode ignores as the playground does."""
    order = json.dumps(body()).encode()
    response = strict.call("POST", "/v2/order", headers=JSON | miss.headers, data=order)
    assert response.status_code == miss.status, miss.rule
