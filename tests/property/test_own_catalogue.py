"""The strategies read a catalogue as the server does, however odd its products are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from runa_mock_server import MockServer
from runa_schemas.strategies import NearMiss, invalid_order_bodies, orders
from support.api import Api

OPEN = {"type": "open", "available_list": None}


def product(code: str, currency: str, payout_type: str, **details: Any) -> dict[str, Any]:
    """A product as the provider's list has it, without what is only shown."""
    return {
        "name": code,
        "code": code,
        "currency": currency,
        "state": "LIVE",
        "is_orderable": True,
        "payout_type": payout_type,
        "categories": [],
        "countries_redeemable_in": [],
        "discount_multiplier": "0.0500",
        payout_type: details,
    }


def between(least: str, most: str) -> dict[str, Any]:
    """Open denominations."""
    return {"denominations": {**OPEN, "minimum_value": least, "maximum_value": most}}


def listed(*values: str) -> dict[str, Any]:
    """Fixed denominations, with ends that say nothing."""
    return {
        "denominations": {
            "type": "fixed",
            "minimum_value": None,
            "maximum_value": None,
            "available_list": list(values),
        }
    }


def suggesting(least: str, most: str, *values: str) -> dict[str, Any]:
    """Open denominations with a list."""
    ends = {"minimum_value": least, "maximum_value": most}
    return {"denominations": {"type": "open", **ends, "available_list": list(values)}}


def plan(code: str, price: str) -> dict[str, Any]:
    """A subscription plan."""
    return {"price": price, "subscription_plan_code": code}


PRODUCTS = [
    product("CENT", "USD", "gift_card", **between("0.00", "0.015")),
    product("ONE-VALUE", "USD", "gift_card", **between("7", "7")),
    product("MILLIONS", "USD", "gift_card", **between("2.5", "999999999999999")),
    product("UNSORTED", "USD", "gift_card", **listed("50", "5.005", "20.00")),
    product("SOLD-OUT", "USD", "gift_card", **listed()),
    product("TOO-PRECISE", "USD", "gift_card", **listed("0.123456789012345", "3")),
    product("ÖRE ☃", "SEK", "gift_card", **listed("1")),
    product("GONE", "SEK", "gift_card", **between("1", "2")) | {"is_orderable": False},
    product("PAY", "INR", "payment", **between("0.5", "2")),
    product("PAY-MORE", "INR", "payment", **between("3", "4")),
    product(
        "PLANS", "CHF", "subscription", subscription_plans=[plan("P/1", "0.99"), plan("P2", "2")]
    ),
    product("NOBODY-PAYS", "XTS", "gift_card", **between("1", "2")),
    product("STABLE", "USDC", "gift_card", **between("1", "2")) | {"state": "RETIRING"},
    product("SAME", "GBP", "subscription", subscription_plans=[plan("SAME", "10.0")]),
    product("MIXED", "GBP", "gift_card", **listed("20", "500.00", "15.0")),
    product("OPEN-LIST", "GBP", "gift_card", **suggesting("5", "50", "10", "15.0", "20.00")),
    product("VOUCHER", "GBP", "voucher", **between("1.50", "2.5")),
    product("VOUCHERS", "GBP", "voucher", **listed("1", "25.0")),
    product("NO-VALUES", "GBP", "crypto", wallet="any"),
    product("CROSSED", "GBP", "crypto", **between("2", "1")),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A caller of a server with these products."""
    path: Path = tmp_path_factory.mktemp("catalogue") / "products.json"
    path.write_text(json.dumps({"catalog": PRODUCTS}), encoding="utf-8")
    with MockServer(catalogue=path) as server:
        caller = Api(server.url)
        yield caller
        caller.close()


@settings(max_examples=2 * settings().max_examples)
@given(order=orders(catalogue=PRODUCTS))
def test_orders_are_taken(api: Api, order: dict[str, Any]) -> None:
    """Whatever is drawn from a catalogue, a server with that catalogue takes it."""
    response = api.order(order)
    assert response.status_code == 202, response.text


@settings(max_examples=2 * settings().max_examples)
@given(miss=invalid_order_bodies(catalogue=PRODUCTS))
def test_near_misses_are_refused(api: Api, miss: NearMiss) -> None:
    """Whatever is broken in such an order is refused as expected, and unbroken it is taken."""
    mode = miss.headers.get("X-Execution-Mode")
    response = api.order(raw=json.dumps(miss.body).encode(), mode=mode)
    told = (response.status_code, response.json()["type"])
    assert told == (miss.status, miss.error), response.text
    accepted = api.order(miss.valid, mode=mode)
    assert accepted.status_code in {200, 202}, accepted.text
