"""The operations on the catalogue, and the texts and pictures that its products refer to."""

from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.web.answers import OK
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.checks import READING
from runa_mock_server.web.query import query_of
from runa_schemas.contract_data import DEFAULT_PRODUCT_LIMIT


async def list_products(call: Call) -> Answer:
    """``GET /product``."""
    default_limit = call.account.settings.default_page_limit or DEFAULT_PRODUCT_LIMIT
    return Answer(OK, call.server_state.products.page(query_of(call.request), default_limit))


async def list_countries(call: Call) -> Answer:
    """``GET /product/countries``."""
    return Answer(OK, call.server_state.products.countries())


async def list_categories(call: Call) -> Answer:
    """``GET /product/categories``."""
    return Answer(OK, call.server_state.products.categories())


async def get_product(call: Call) -> Answer:
    """``GET /product/{code}``."""
    query = query_of(call.request)
    return Answer(OK, call.server_state.products.product(call.parameters["code"], query))


async def get_file(call: Call) -> Answer:
    """``GET /content/{code}/{file}``: what the URLs in built-in products lead to."""
    file = call.server_state.products.file(call.parameters["code"], call.parameters["file"])
    return Answer(OK, file.body, file.content_type)


PRODUCT_ROUTES = (
    Route("GET", "/v2/product", READING, list_products),
    Route("GET", "/v2/product/countries", READING, list_countries),
    Route("GET", "/v2/product/categories", READING, list_categories),
    Route("GET", "/v2/product/{code}", READING, get_product),
    Route("GET", "/content/{code}/{file}", (), get_file),
)
"""Every operation on the catalogue; the files are for anybody, as those of a web site are."""
