"""Every operation of the service."""

import json
from functools import lru_cache

from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.web.answers import OK
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.checks import OPEN
from runa_mock_server.web.order_handlers import ORDER_ROUTES
from runa_mock_server.web.pages.payout_handlers import PAYOUT_ROUTES
from runa_mock_server.web.product_handlers import PRODUCT_ROUTES
from runa_schemas import openapi


async def show_openapi(call: Call) -> Answer:
    """``GET /openapi.json``: the contract, with this server as its address."""
    return Answer(OK, _openapi(call.server_state.public_url))


@lru_cache(maxsize=4)
def _openapi(server_url: str) -> bytes:
    # In ASCII, as a pattern has characters that readers of YAML refuse.
    return json.dumps(openapi(f"{server_url}/v2")).encode()


ROUTES = (
    *ORDER_ROUTES,
    *PRODUCT_ROUTES,
    *PAYOUT_ROUTES,
    Route("GET", "/openapi.json", OPEN, show_openapi),
)
