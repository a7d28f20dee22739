"""The operations on the catalogue, and the texts and pictures that its products refer to."""

from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.web.answers import OK
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.checks import OPEN, READING
from runa_mock_server.web.query import query_of
from runa_schemas.contract_data import DEFAULT_PRODUCT_LIMIT

_EMPTY_PAGE = b'{"catalog":[]'
_FILTERS = frozenset({"is_orderable", "countries_redeemable_in", "categories", "code"})
_CURSORS = frozenset({"after", "before"})


async def list_products(call: Call) -> Answer:
    """``GET /product``."""
    query = query_of(call.request)
    default_limit = call.account.settings.default_page_limit or DEFAULT_PRODUCT_LIMIT
    body = call.server_state.products.page(query, default_limit)
    if body.startswith(_EMPTY_PAGE):
        return Answer(OK, body, rule="empty-page")
    rule = "product-pages"
    if not _FILTERS.isdisjoint(query):
        rule = "product-filters"
    elif not _CURSORS.isdisjoint(query):
        rule = "product-cursors"
    return Answer(OK, body, rule=rule)


async def list_countries(call: Call) -> Answer:
    """``GET /product/countries``."""
    return Answer(OK, call.server_state.products.countries(), rule="countries")


async def list_categories(call: Call) -> Answer:
    """``GET /product/categories``."""
    return Answer(OK, call.server_state.products.categories(), rule="categories")


async def get_product(call: Call) -> Answer:
    """``GET /product/{code}``."""
    query = query_of(call.request)
    body = call.server_state.products.product(call.parameters["code"], query)
    return Answer(OK, body, rule="product-content" if "content" in query else "product-single")


async def get_file(call: Call) -> Answer:
    """``GET /content/{code}/{file}``: what the URLs in built-in products lead to."""
    file = call.server_state.products.file(call.parameters["code"], call.parameters["file"])
    return Answer(OK, file.body, file.content_type, "product-content")


PRODUCT_ROUTES = (
    Route("GET", "/v2/product", READING, list_products),
    Route("GET", "/v2/product/countries", READING, list_countries),
    Route("GET", "/v2/product/categories", READING, list_categories),
    Route("GET", "/v2/product/{code}", READING, get_product),
    Route("GET", "/content/{code}/{file}", OPEN, get_file),
)
"""Every operation on the catalogue; the files are for anybody, as those of a web site are."""
