"""The checks on a request's headers, in the order in which they answer.

The order is behaviour: where two checks would refuse a request, the first in the list answers.
Behind them the body is read, which may be too large (413). What follows is in ``ordering``:
idempotency lookup, JSON syntax, body validation, ``X-Trigger-Error``, business rules.

Headers that are absent, as most are, are not looked at any further.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.contract import request_headers as rules
from runa_mock_server.web.call import Call

Check = Callable[[Call], None]

_OWN_PREFIX = "X-Mock-"
_OWN_HEADERS = ("X-Mock-Processing", "X-Mock-Token")
_SINGLE_HEADERS = (
    "X-Api-Version",
    "X-Execution-Mode",
    "X-Idempotency-Key",
    "X-Send-Email",
    "X-Trigger-Error",
    *_OWN_HEADERS,
)


def check_headers(call: Call, checks: Iterable[Check]) -> None:
    """Run checks one after the other; the first that refuses answers.

    Raises:
        ServiceError: the refusal.
    """
    for check in checks:
        check(call)


def check_key(call: Call) -> None:
    """400 for two different keys, 401 ``unauthorized``, 403 ``forbidden``."""
    world = call.world
    key = call.headers.get("X-Api-Key")
    _check_single(call, "X-Api-Key")
    key = rules.api_key(key, world.settings.api_keys, world.profile.key_prefix)
    call.account = call.owner = world.account(key)
    call.response_headers["X-Api-Version"] = rules.API_VERSION


def check_rate(call: Call) -> None:
    """429."""
    if call.account.rate.limit is not None:
        call.account.rate.attempt(call.account.clock.now())


def check_names(call: Call) -> None:
    """400 ``bad_request``: a header of this mock that does not exist, or one with two values."""
    names = [name.title() for name, _ in call.headers.items()]
    for name in names:
        if name.startswith(_OWN_PREFIX) and name not in _OWN_HEADERS:
            nearest = get_close_matches(name, _OWN_HEADERS, 1, 0)[0]
            raise ApiError(
                "bad_request",
                f"There is no header {quoted(name)}; did you mean {nearest}?",
                help_=f"The headers of this mock are {' and '.join(_OWN_HEADERS)}.",
            )
    if len(set(names)) < len(names):
        for name in _SINGLE_HEADERS:
            _check_single(call, name)


def _check_single(call: Call, name: str) -> None:
    values = call.headers.getall(name, ())
    if len(values) > 1 and len(set(values)) > 1:
        raise ApiError(
            "bad_request",
            f"The header {name} is given {len(values)} times with different values.",
            help_="Send it once.",
        )


def check_version(call: Call) -> None:
    """400 ``invalid_version``, 410 ``version_removed``."""
    version = call.headers.get("X-Api-Version")
    if version is not None:
        rules.check_version(version)


def check_execution_mode(call: Call) -> None:
    """400 ``invalid_execution_mode``."""
    mode = call.headers.get("X-Execution-Mode")
    call.execution_mode = "async" if mode is None else rules.execution_mode(mode)


def check_idempotency_key(call: Call) -> None:
    """422 ``validation_error``."""
    call.idempotency_key = call.headers.get("X-Idempotency-Key") or rules.idempotency_key(
        None, as_pydantic_1=call.world.profile.details_of_pydantic_1
    )


def check_processing(call: Call) -> None:
    """400 ``bad_request``: the rule that this mock adds, for how long an order is processed."""
    rule = call.headers.get("X-Mock-Processing")
    call.processing = None if rule is None else rules.processing(rule)


READING: tuple[Check, ...] = (check_key, check_names, check_version)
"""For every call under ``/v2`` that places no order."""

ORDERING: tuple[Check, ...] = (
    check_key,  # 400, 401, 403: nothing is told to callers without a key
    check_rate,  # 429: failed attempts count, so it comes before anything can fail
    check_names,  # 400
    check_version,  # 400, 410
    check_execution_mode,  # 400
    check_idempotency_key,  # 422
    check_processing,  # 400
)
"""For ``POST /order``."""
