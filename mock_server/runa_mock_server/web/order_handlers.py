"""The operations on orders and balances: read the request, call the service, shape the answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from runa_mock_server.base.errors import ApiError
from runa_mock_server.base.paging import once, page_request
from runa_mock_server.base.strict_json import parse_body
from runa_mock_server.contract.request_models import NewEstimate, validate_body
from runa_mock_server.orders import business_rules as rules
from runa_mock_server.orders.balances import all_balances, one_balance
from runa_mock_server.orders.documents import is_incomplete
from runa_mock_server.orders.estimates import estimate
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.web.answers import OK, json_answer
from runa_mock_server.web.body import read_body
from runa_mock_server.web.call import Call, Route
from runa_mock_server.web.checks import ESTIMATING, ORDERING, READING
from runa_mock_server.web.ordering import create_order, note_legacy_fields
from runa_mock_server.web.query import query_of
from runa_schemas.contract_data import DEFAULT_ORDER_LIMIT

_EMPTY_PAGE = b'{"items":[]'


async def ping(_call: Call) -> Answer:
    """``GET /ping``."""
    return json_answer({"message": "pong"}, rule="ping")


async def get_order(call: Call) -> Answer:
    """``GET /order/{id}``."""
    body = call.account.orders.read(call.parameters["order_id"], call.payout_url)
    rule = "order-processing" if is_incomplete(body) else "order-completes"
    answer = Answer(OK, body, rule=rule)
    note_legacy_fields(call, answer)
    return answer


async def list_orders(call: Call) -> Answer:
    """``GET /order``."""
    default_limit = call.account.settings.default_page_limit or DEFAULT_ORDER_LIMIT
    wanted = page_request(query_of(call.request), default_limit)
    body = call.account.orders.page(wanted)
    rule = "newest-first" if wanted.after is wanted.before else "order-cursors"
    return Answer(OK, body, rule="empty-page" if body.startswith(_EMPTY_PAGE) else rule)


async def estimate_order(call: Call) -> Answer:
    """``POST /order/estimate``."""
    server_state = call.server_state
    if server_state.profile.name == "playground":
        if not call.account.settings.playground_estimates:
            reason = "The playground has no POST /order/estimate."
            raise ApiError("not_found", reason, rule="estimate-playground")
        call.kindnesses += ("playground_estimates",)
    document = parse_body(await read_body(call))
    with _refused_by("estimate-limits"):
        body = validate_body(
            NewEstimate, document, as_pydantic_1=server_state.profile.details_of_pydantic_1
        )
    discounts = server_state.profile.applies_discounts
    with _refused_by("estimate-rules"):
        _check_countries(call, body)
        found = estimate(body, server_state.catalogue, discounts=discounts)
    return json_answer(found, rule="estimate-answer")


@contextmanager
def _refused_by(rule: str) -> Iterator[None]:
    """Tag refusals with the rule of estimates instead of that of orders."""
    try:
        yield
    except ApiError as refusal:
        if refusal.rule != "json-syntax":
            refusal.rule = rule
        raise


def _check_countries(call: Call, body: NewEstimate) -> None:
    """400 ``product_validation_error`` in strict mode for products without a common country."""
    catalogue = call.server_state.catalogue
    try:
        rules.common_country(rules.look_up(body["items"], catalogue), catalogue)
    except ApiError as refusal:
        if not call.account.orders.terms.several_countries:
            raise
        if refusal.rule == "several-countries":
            call.kindnesses += ("several_countries",)


async def get_balance(call: Call) -> Answer:
    """``GET /balance``."""
    currency = once(query_of(call.request), "currency", "bad_request")
    cents = call.account.state.balances
    if currency is None:
        return json_answer(all_balances(cents), rule="balance-list")
    return json_answer(one_balance(cents, currency), rule="balance-single")


ORDER_ROUTES = (
    Route("GET", "/v2/ping", READING, ping),
    Route("POST", "/v2/order", ORDERING, create_order),
    Route("GET", "/v2/order", READING, list_orders),
    Route("GET", "/v2/order/{order_id}", READING, get_order),
    Route("POST", "/v2/order/estimate", ESTIMATING, estimate_order),
    Route("GET", "/v2/balance", READING, get_balance),
)
"""Every operation on orders and balances, and ``ping``."""
