"""The operations: read the request, call the service, shape the answer."""

from collections.abc import Sequence
from functools import lru_cache

import orjson
from aiohttp import ClientPayloadError
from aiohttp.web import BaseRequest, HTTPRequestEntityTooLarge, RequestPayloadError

from runa_mock_server.errors import ApiError
from runa_mock_server.idempotency import Answer
from runa_mock_server.paging import page_request
from runa_mock_server.web.answers import OK, json_answer
from runa_mock_server.web.call import Call
from runa_mock_server.web.checks import ORDERING, READING
from runa_mock_server.web.ordering import place_order
from runa_mock_server.web.routing import Route
from runa_schemas import openapi

_ORDERS_ON_A_PAGE = 100


async def ping(_call: Call) -> Answer:
    """``GET /ping``."""
    return json_answer({"message": "pong"})


async def create_order(call: Call) -> Answer:
    """``POST /order``."""
    raw = await _body(call.request)
    if call.header("X-Send-Email") == "true":
        call.response_headers["X-Send-Email"] = "true"
    return place_order(call, raw)


async def get_order(call: Call) -> Answer:
    """``GET /order/{id}``."""
    return Answer(OK, call.account.orders.read(call.parameters["order_id"]))


async def list_orders(call: Call) -> Answer:
    """``GET /order``."""
    wanted = page_request(_query(call.request), _ORDERS_ON_A_PAGE)
    return Answer(OK, call.account.orders.page(wanted))


async def show_openapi(call: Call) -> Answer:
    """``GET /openapi.json``: the contract, with this server as its address."""
    return Answer(OK, _openapi(call.world.public_url))


ROUTES = (
    Route("GET", "/v2/ping", READING, ping),
    Route("POST", "/v2/order", ORDERING, create_order),
    Route("GET", "/v2/order", READING, list_orders),
    Route("GET", "/v2/order/{order_id}", READING, get_order),
    Route("GET", "/openapi.json", (), show_openapi),
)
"""Every operation of the service."""


@lru_cache(maxsize=4)
def _openapi(server_url: str) -> bytes:
    return orjson.dumps(openapi(f"{server_url}/v2"))


async def _body(request: BaseRequest) -> bytes:
    """The whole body of a request.

    Raises:
        ApiError: ``payload_too_large`` beyond the limit, without reading on; ``bad_request`` for
            a broken transfer or content encoding.
    """
    limit = request.client_max_size
    too_large = ApiError("payload_too_large", f"The request body is larger than {limit} bytes.")
    if (request.content_length or 0) > limit:
        raise too_large
    try:
        if request.headers.get("Expect", "").lower() == "100-continue":
            # Some versions of curl wait a second for this before they send a kilobyte.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        return await request.read()
    except HTTPRequestEntityTooLarge:
        raise too_large from None
    except (ClientPayloadError, RequestPayloadError):
        raise ApiError("bad_request", "The request body does not fit its encoding.") from None


def _query(request: BaseRequest) -> dict[str, Sequence[str]]:
    query = request.query
    return {name: query.getall(name) for name in query}
