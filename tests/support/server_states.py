"""Server states that are filled without requests."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from runa_mock_server.orders.placing import OrderRequest, place
from runa_mock_server.orders.terms import OrderOptions
from runa_mock_server.server_state.account import Account
from runa_mock_server.web.checks import UNDER_THE_KEY
from support.api import body


def place_orders(
    account: Account,
    count: int,
    first: int = 0,
    document: Mapping[str, Any] | None = None,
    *,
    email: bool = False,
) -> None:
    """Place orders, under the keys ``key-FIRST`` and those that follow."""
    terms, now = account.orders.terms, account.clock.now()
    for number in range(first, first + count):
        raw, options = orjson.dumps(document or body()), OrderOptions(email=email)
        request = OrderRequest(f"key-{number}", raw, options, terms, now)
        account.state.commit(partial(place, request, UNDER_THE_KEY))
