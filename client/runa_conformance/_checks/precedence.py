"""Which error answers when a request breaks two rules: each against the next in line.

The line is: key, version, execution mode, idempotency header, idempotency lookup, JSON syntax,
body validation, X-Trigger-Error, business rules.
"""

from collections.abc import Mapping

from runa_conformance._bodies import nothing
from runa_conformance._expect import refused
from runa_conformance._messages import Key
from runa_conformance._registry import Group
from runa_conformance._service import Headers, Service, new_key
from runa_schemas.contract_data import RETIRED_API_VERSIONS

GROUP = Group("precedence")

BROKEN_JSON = b"{"
RETIRED: Mapping[str, str | None] = {"X-Api-Version": RETIRED_API_VERSIONS[-1]}
NO_MODE: Mapping[str, str | None] = {"X-Execution-Mode": "batch"}
NO_KEY: Mapping[str, str | None] = {"X-Idempotency-Key": None}


def _answers(
    service: Service,
    error_type: str,
    *broken: Headers,
    body: object = BROKEN_JSON,
    key: str | None = None,
) -> None:
    headers = {name: value for headers in broken for name, value in headers.items()}
    refused(service.order(body, key=key, headers=headers), error_type)


@GROUP.check("check-order")
def the_key_wins_over_the_version(service: Service) -> None:
    """A stranger is 401 or 403 whatever else is wrong, also where there is nothing."""
    for key, error_type in ((None, "unauthorized"), ("zz-conformance.not-a-key", "forbidden")):
        for method, path in (
            ("GET", "/ping"),
            ("GET", "/order?limit=0"),
            ("GET", "/no-such-path"),
            ("DELETE", "/order"),
            ("POST", "/order"),
        ):
            answer = service.call(method, path, headers=RETIRED, key=key)
            refused(answer, error_type)


@GROUP.check("check-order")
def the_version_wins_over_path_and_query(service: Service) -> None:
    """A retired version is told before an unknown path, id or cursor."""
    for path in ("/no-such-path", "/order/O-unknown", "/order?limit=0", "/product?after=no-cursor"):
        refused(service.get(path, headers=RETIRED), "version_removed")


@GROUP.check("check-order")
def the_version_wins_over_the_mode(service: Service) -> None:
    """A retired version is told before a wrong execution mode and all that follows."""
    _answers(service, "version_removed", RETIRED, NO_MODE)
    _answers(service, "version_removed", RETIRED, NO_MODE, NO_KEY)


@GROUP.check("check-order")
def the_mode_wins_over_the_idempotency_header(service: Service) -> None:
    """A wrong execution mode is told before a missing idempotency key."""
    _answers(service, "invalid_execution_mode", NO_MODE, NO_KEY)


@GROUP.check("check-order")
def the_idempotency_header_wins_over_the_body(service: Service) -> None:
    """A missing idempotency key is told before a body that is no JSON."""
    answer = service.order(BROKEN_JSON, headers=NO_KEY)
    refused(answer, "validation_error")


@GROUP.check("check-order")
def the_idempotency_lookup_wins_over_the_body(service: Service) -> None:
    """A key that was used with another body is told before what is wrong with this one."""
    key = new_key()
    refused(service.order(nothing(), key=key), "product_validation_error")
    for body in (BROKEN_JSON, {}, nothing(description="x" * 129)):
        _answers(service, "idempotency_validation_error", body=body, key=key)


@GROUP.check("check-order")
def the_syntax_wins_over_the_trigger(service: Service) -> None:
    """A body that is no JSON, or not valid, is told before X-Trigger-Error is heard."""
    trigger = {"X-Trigger-Error": "insufficient_funds"}
    _answers(service, "bad_request", trigger)
    _answers(service, "validation_error", trigger, body=nothing(items=[]))


@GROUP.check("check-order", profile="playground")
def the_trigger_wins_over_the_business_rules(service: Service) -> None:
    """X-Trigger-Error is heard before the product is looked for."""
    trigger = {"X-Trigger-Error": "insufficient_funds"}
    _answers(service, "insufficient_funds", trigger, body=nothing())


@GROUP.check("check-order")
def the_body_wins_over_the_business_rules(service: Service) -> None:
    """A field that is not valid is told before a product that is not there."""
    _answers(service, "validation_error", body=nothing(description="x" * 129))


@GROUP.check("account-separate", other_account=True)
def another_account_has_keys_of_its_own(service: Service) -> None:
    """What one account did with an idempotency key means nothing to another."""
    key = new_key()
    refused(service.order(nothing(), key=key), "product_validation_error")
    answer = service.order(nothing(items=[]), key=key, account=Key.OTHER)
    refused(answer, "validation_error")
