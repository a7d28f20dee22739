"""The checks on a request's headers, in the order in which they answer.

The order is behaviour: where two checks would refuse a request, the first in the list answers.
For ``POST /order`` the lists ``ORDERING`` and ``UNDER_THE_KEY`` are the whole order of checks,
from the API key to the balance. Headers that are absent, as most are, are not looked at any
further.
"""

from bisect import bisect_right

from multidict import istr

from runa_mock_server.base.errors import ApiError
from runa_mock_server.contract import request_headers
from runa_mock_server.contract.own_headers import (
    OWN_HEADERS,
    OWN_PREFIX,
    check_own_names,
    check_single,
)
from runa_mock_server.orders import business_rules as rules
from runa_mock_server.orders import placing
from runa_mock_server.orders.placing import Step
from runa_mock_server.orders.rate_limit import RATE_WINDOW
from runa_mock_server.web.call import Call, Check
from runa_schemas.contract_data import API_VERSION, RATE_LIMIT

# Compared as they are: a plain text would be put into lower case for each request.
API_KEY = istr("X-Api-Key")
IDEMPOTENCY_KEY = istr("X-Idempotency-Key")
_CONTENT_TYPE = istr("Content-Type")
_EXECUTION_MODE = istr("X-Execution-Mode")
_PROCESSING = istr("X-Mock-Processing")
_VERSION = istr("X-Api-Version")

_SINGLE_HEADERS = (
    "X-Api-Version",
    "X-Execution-Mode",
    "X-Idempotency-Key",
    "X-Send-Email",
    "X-Trigger-Error",
    *OWN_HEADERS,
)


def check_key(call: Call) -> None:
    """400 for two different keys, 401 ``unauthorized``, 403 ``forbidden``."""
    server_state, keys = call.server_state, call.headers.getall(API_KEY, ())
    if len(keys) != 1:
        check_single(call.headers, API_KEY)
    key = keys[0] if keys else ""
    account = server_state.by_key.get(key)  # which was accepted then
    if account is None:
        request_headers.api_key(
            key, server_state.settings.api_keys, server_state.profile.key_prefix
        )
    if not key.partition(".")[2] and not server_state.settings.api_keys:
        if not server_state.settings.lenient_authentication:
            raise ApiError("forbidden", "An API key is PREFIX.SECRET.", rule="key-accepted")
        call.kindnesses += ("lenient_authentication",)
    call.account = call.owner = account or server_state.account(key)
    call.response_headers["X-Api-Version"] = API_VERSION


def check_rate(call: Call) -> None:
    """429."""
    account = call.account
    if account.settings.rate_limit is not None:
        account.count_attempt()
        return
    now = call.accepted_at = account.clock.now()
    times = account.attempt_times
    if len(times) >= RATE_LIMIT:
        del times[: bisect_right(times, now - RATE_WINDOW)]
    if len(times) >= RATE_LIMIT:  # the real service would turn it away; then it does not count
        call.kindnesses += ("rate_limit",)
    else:
        times.append(now)


def check_names(call: Call) -> None:
    """400 ``bad_request``: a header of this mock that does not exist, or one with two values."""
    names = "\n".join(call.headers).lower()  # at once, for every request has several
    if OWN_PREFIX in names:
        check_own_names(names.split("\n"))
    if len(set(names.split("\n"))) < len(call.headers):
        for name in _SINGLE_HEADERS:
            check_single(call.headers, name)


def check_version(call: Call) -> None:
    """400 ``invalid_version``, 410 ``version_removed``."""
    version = call.headers.get(_VERSION)
    if version is not None:
        request_headers.check_version(version)


def check_execution_mode(call: Call) -> None:
    """400 ``invalid_execution_mode``."""
    mode = call.headers.get(_EXECUTION_MODE)
    call.execution_mode = "async" if mode is None else request_headers.execution_mode(mode)


def check_idempotency_key(call: Call) -> None:
    """422 ``validation_error``."""
    call.idempotency_key = call.headers.get(IDEMPOTENCY_KEY) or request_headers.idempotency_key(
        None, as_pydantic_1=call.server_state.profile.details_of_pydantic_1
    )


def check_processing(call: Call) -> None:
    """400 ``bad_request``: the rule that this mock adds, for how long an order is processed."""
    rule = call.headers.get(_PROCESSING)
    call.processing = None if rule is None else request_headers.processing(rule)


def check_content_type(call: Call) -> None:
    """400 ``bad_request`` in strict mode: a body is ``application/json``."""
    content_type = call.headers.get(_CONTENT_TYPE)
    if content_type != "application/json" and not request_headers.is_json(content_type):
        if not call.account.settings.any_content_type:
            reason = "Content-Type must be application/json."
            raise ApiError("bad_request", reason, rule="content-type")
        call.kindnesses += ("any_content_type",)


OPEN: tuple[Check, ...] = (check_names,)
"""For what needs no API key: payout pages, texts of products, the OpenAPI document."""

READING: tuple[Check, ...] = (check_key, check_names, check_version)
"""For every call under ``/v2`` that places no order."""

ESTIMATING: tuple[Check, ...] = (*READING, check_content_type)
"""For ``POST /order/estimate``."""

ORDERING: tuple[Check, ...] = (
    check_key,  # 400, 401, 403: nothing is told to callers without a key
    check_rate,  # 429: failed attempts count, so it comes before anything can fail
    check_names,  # 400
    check_version,  # 400, 410
    check_execution_mode,  # 400
    check_idempotency_key,  # 422
    check_processing,  # 400
    check_content_type,  # 400 in strict mode
)
"""For ``POST /order``: the headers. Behind them the body is read, which may be too large (413)."""

UNDER_THE_KEY: tuple[Step, ...] = (
    placing.same_key,  # the stored answer, or 400 for a conflict
    placing.json_syntax,  # 400 bad_request
    placing.body_schema,  # 400 bad_request, 422 validation_error
    placing.trigger,  # whatever X-Trigger-Error asks for
    placing.find_products,  # 400 product_validation_error
    rules.orderable,  # 400 product_validation_error
    rules.face_values,  # 400 product_validation_error
    rules.redemption_templates_exist,  # 400 product_validation_error
    rules.template_limits,  # 400 product_validation_error
    rules.one_currency,  # 400 product_validation_error
    rules.one_country,  # 400 product_validation_error in strict mode
    rules.recipients_get_payments,  # 400 product_validation_error
    rules.synchronous_is_single,  # 400 invalid_execution_mode
    rules.payment_currency,  # 400 currency_mismatch
    rules.nothing_is_free,  # 400 product_validation_error
    placing.same_address,  # 400 product_validation_error, or the order fails
    placing.price,  # refuses nothing
    placing.enough_balance,  # 400 insufficient_funds
    placing.sync_completes,  # 500 internal_server_error
)
"""For ``POST /order``, in one commit: what answers here is the answer to the key, but for a
conflict with an earlier use of the key and an unknown trigger."""
