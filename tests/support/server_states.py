"""Server states that are filled without requests."""

from functools import partial

import orjson

from runa_mock_server.orders.placing import OrderRequest, place
from runa_mock_server.orders.terms import OrderOptions
from runa_mock_server.server_state.account import Account
from runa_mock_server.web.checks import UNDER_THE_KEY
from support.api import body


def place_orders(account: Account, count: int, first: int = 0) -> None:
    """Place orders, under the keys ``key-FIRST`` and those that follow."""
    terms, now = account.orders.terms, account.clock.now()
    for number in range(first, first + count):
        raw, options = orjson.dumps(body()), OrderOptions()
        request = OrderRequest(f"key-{number}", raw, options, terms, now)
        account.state.commit(partial(place, request, UNDER_THE_KEY))
