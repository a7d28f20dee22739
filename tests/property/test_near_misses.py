"""Every near miss is refused by the running server exactly as it says, and its neighbour is not."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests
from hypothesis import find, given, settings

from runa_mock_server import MockServer
from runa_schemas import iter_errors
from runa_schemas.strategies import (
    RULES,
    HeaderMiss,
    NearMiss,
    boundary_order_bodies,
    estimates,
    headers,
    invalid_estimate_bodies,
    invalid_headers,
    invalid_order_bodies,
    malformed_json,
)
from support.api import Api, body
from support.catalogue import CATALOGUE

PENNY = 0.01
RIGHT_KEY = "XX-me.secret"
# Eleven templates of one currency, which one rule needs.
TEMPLATES = {f"PT-OWN-{number}": ["AMZ-US", "1800FL-US"] for number in range(11)}
ONE_PRODUCT = [entry for entry in CATALOGUE["catalog"] if entry["code"] == "EXCAFE-SE"]
BALANCES = {"USD": "500.00", "GBP": "12.34", "INR": "90.00"}
ORDER = json.dumps(body()).encode()
FEW = settings(max_examples=max(1, settings().max_examples // 20))
ONE = settings(max_examples=1)  # five hundred items take the checker of answers a while


def names(part: str, operation: str) -> list[str]:
    """The rules that a part of an operation's requests can break."""
    return [r.name for r in RULES.values() if r.part == part and operation in r.operations]


OF_ORDERS = [name for name in names("body", "order") if name != "insufficient_funds"]
OF_ESTIMATES = names("body", "estimate")

_numbers = count()


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """A caller of a server that all examples share."""
    with MockServer(templates=TEMPLATES) as server:
        caller = Api(server.url)
        yield caller
        caller.close()


@pytest.fixture(scope="module")
def stranger() -> Iterator[Api]:
    """A caller of another server, without an API key of its own."""
    with MockServer() as server:
        caller = Api(server.url, key=None)
        yield caller
        caller.close()


def send(stranger: Api, sent: dict[str, str]) -> requests.Response:
    """Send the plain order with these headers and no others, the right key being a fresh one."""
    fresh = {"X-Api-Key": f"{RIGHT_KEY}{next(_numbers)}"}
    is_right = sent.get("X-Api-Key") == RIGHT_KEY
    every = {**sent, **fresh} if is_right else dict(sent)
    return stranger.call("POST", "/v2/order", headers=every, data=ORDER)


def post(api: Api, path: str, document: Any, sent: dict[str, str]) -> requests.Response:
    """Send a body, under an idempotency key of its own."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    fresh = {"Content-Type": "application/json", "X-Idempotency-Key": f"near-{next(_numbers)}"}
    return api.call("POST", path, headers={**fresh, **sent}, data=raw)


def assert_told(response: requests.Response, miss: NearMiss | HeaderMiss) -> None:
    """The answer is the one that a near miss expects, with one detail where there are any."""
    answer = response.json()
    told = (response.status_code, answer["type"])
    assert told == (miss.status, miss.error), answer
    found = [tuple(detail["location"]) for detail in answer.get("details", ())]
    assert found == ([] if miss.location is None else [miss.location])


def assert_missed(api: Api, path: str, miss: NearMiss) -> None:
    """The body is refused as expected, and the valid one is not."""
    assert_told(post(api, path, miss.body, miss.headers), miss)
    accepted = post(api, path, miss.valid, miss.headers)
    assert accepted.status_code in {200, 202}, accepted.text


@pytest.mark.parametrize("rule", OF_ORDERS)
def test_orders(api: Api, rule: str) -> None:
    """An order that breaks one rule gets that rule's error at that place; unbroken it is taken."""
    misses = invalid_order_bodies(rules=[rule], catalogue=CATALOGUE, templates=TEMPLATES)

    @FEW
    @given(misses)
    def judge(miss: NearMiss) -> None:
        assert miss.rule == rule
        assert_missed(api, "/v2/order", miss)

    judge()


@pytest.mark.parametrize("rule", OF_ESTIMATES)
def test_estimates(api: Api, rule: str) -> None:
    """The same of an estimate."""
    misses = invalid_estimate_bodies(rules=[rule], catalogue=CATALOGUE)

    @(ONE if rule == "items_too_many" else FEW)
    @given(misses)
    def judge(miss: NearMiss) -> None:
        assert miss.rule == rule
        assert_missed(api, "/v2/order/estimate", miss)

    judge()


@given(miss=invalid_order_bodies())
def test_orders_without_a_catalogue(api: Api, miss: NearMiss) -> None:
    """The products that the provider names will do, payments to recipients among them."""
    assert_told(post(api, "/v2/order", miss.body, miss.headers), miss)
    accepted = post(api, "/v2/order", miss.valid, miss.headers)
    assert not list(iter_errors(miss.valid, "new_order"))
    assert accepted.status_code in {200, 202}, accepted.text


@given(miss=malformed_json())
def test_texts_that_are_no_json(api: Api, miss: NearMiss) -> None:
    """A text that is not quite JSON is a bad request; spelt right it is an order."""
    assert isinstance(miss.body, bytes)
    assert_missed(api, "/v2/order", miss)


@pytest.mark.parametrize("rule", names("headers", "order"))
def test_headers(stranger: Api, rule: str) -> None:
    """A header that breaks a rule gets its error; with the right one the same order is taken."""

    @FEW
    @given(invalid_headers(rules=[rule], api_key=RIGHT_KEY))
    def judge(miss: HeaderMiss) -> None:
        assert miss.rule == rule
        assert_told(send(stranger, miss.headers), miss)
        assert send(stranger, miss.valid).status_code == 202

    judge()


@given(sent=headers(mode="sync", api_key=RIGHT_KEY))
def test_headers_of_a_synchronous_order(stranger: Api, sent: dict[str, str]) -> None:
    """All headers that are drawn for a synchronous order are those of one."""
    assert send(stranger, sent).status_code == 200


@given(order=boundary_order_bodies(catalogue=CATALOGUE, templates=TEMPLATES))
def test_just_inside_the_limits(api: Api, order: dict[str, Any]) -> None:
    """What lies just inside a limit is taken."""
    assert not list(iter_errors(order, "new_order"))
    response = post(api, "/v2/order", order, {})
    assert response.status_code == 202, response.text


def test_limits_without_a_catalogue() -> None:
    """All keep the schema, and one cent is among them, of a product that comes in it."""

    @settings(derandomize=True, database=None)
    @given(boundary_order_bodies())
    def look(order: dict[str, Any]) -> None:
        assert not list(iter_errors(order, "new_order"))

    look()
    one_cent = find(
        boundary_order_bodies(),
        lambda order: order["items"][0]["face_value"] == PENNY,
        settings=settings(max_examples=10_000, database=None),
    )
    assert one_cent["items"][0]["products"] == {"type": "SINGLE", "value": "ADAS-GB"}


@given(estimate=estimates(catalogue=CATALOGUE))
def test_estimates_are_priced(api: Api, estimate: dict[str, Any]) -> None:
    """What is drawn for an estimate can be priced."""
    response = post(api, "/v2/order/estimate", estimate, {})
    assert response.status_code == 200, response.text


def test_balances_in_production() -> None:
    """An order of the whole balance is paid, and one of a unit more is not."""
    rules = ["insufficient_funds"]
    misses = invalid_order_bodies(rules=rules, catalogue=CATALOGUE, balances=BALANCES)
    with MockServer(profile="production", balances=BALANCES) as server:

        @FEW
        @given(misses)
        def judge(miss: NearMiss) -> None:
            # Every key is an account of its own, with the whole balance.
            api = Api(server.url, key=f"wg-{next(_numbers)}.secret")
            assert_missed(api, "/v2/order", miss)
            api.close()

        judge()


@given(miss=invalid_order_bodies(catalogue=ONE_PRODUCT))
def test_orders_of_one_product(api: Api, miss: NearMiss) -> None:
    """Of a single product everything is broken that does not need another one."""
    assert "two" not in str(RULES[miss.rule].needs)
    assert_told(post(api, "/v2/order", miss.body, miss.headers), miss)
    distribution = miss.valid["items"][-1].get("distribution_method", {})
    accepted = post(api, "/v2/order", miss.valid, miss.headers)
    # The product is no payment product: what a RECIPIENT is sent keeps the schema and no more.
    assert accepted.status_code in (
        {400} if distribution.get("type") == "RECIPIENT" else {200, 202}
    ), accepted.text
