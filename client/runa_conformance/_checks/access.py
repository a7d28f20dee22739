"""Who may call, and the headers that calls need."""

from runa_conformance._bodies import nothing
from runa_conformance._expect import at, equal, refused, strings, success
from runa_conformance._failures import SkippedError
from runa_conformance._messages import TOO_MANY
from runa_conformance._registry import Group
from runa_conformance._service import Service, new_key
from runa_schemas.contract_data import (
    API_KEY_PREFIXES,
    API_VERSION,
    EXECUTION_MODES,
    RATE_LIMIT,
    RATE_LIMIT_SECONDS,
    RETIRED_API_VERSIONS,
)

GROUP = Group("access")

READABLE = ("/ping", "/order", "/balance", "/product", "/product/countries", "/product/categories")
WINDOW = RATE_LIMIT_SECONDS + 1.0
FOREIGN_KEY = "zz-conformance.not-a-key"
LIVE_KEY = f"{API_KEY_PREFIXES['production']}-conformance.not-a-key"


@GROUP.check("ping")
def ping_answers_pong(service: Service) -> None:
    """GET /ping answers 200 with exactly {"message": "pong"}."""
    equal(success(service.get("/ping")), {"message": "pong"}, "GET /ping")


@GROUP.check("key-required")
def a_key_is_required(service: Service) -> None:
    """Without X-Api-Key, or with an empty one, every call is 401 unauthorized."""
    for key in (None, ""):
        for path in READABLE:
            refused(service.get(path, key=key), "unauthorized")
        for path in ("/order", "/order/estimate"):
            refused(service.call("POST", path, body=b"{}", key=key), "unauthorized")


@GROUP.check("key-accepted")
def a_foreign_key_is_forbidden(service: Service) -> None:
    """A key that is not accepted is 403 forbidden on every call."""
    for path in READABLE:
        refused(service.get(path, key=FOREIGN_KEY), "forbidden")
    for path in ("/order", "/order/estimate"):
        refused(service.call("POST", path, body=b"{}", key=FOREIGN_KEY), "forbidden")


@GROUP.check("key-accepted")
def the_case_of_a_prefix_does_not_count(service: Service) -> None:
    """A key with its prefix in small letters is accepted exactly if the one in capitals is."""
    for prefix in API_KEY_PREFIXES.values():
        secret = f"conformance.{new_key()}"
        upper, lower = (
            service.get("/ping", key=f"{spelled}-{secret}")
            for spelled in (prefix.upper(), prefix.lower())
        )
        equal((lower.status, lower.error_type), (upper.status, upper.error_type), f"{lower}")


@GROUP.check("key-environment", profile="playground")
def a_production_key_is_forbidden(service: Service) -> None:
    """The playground refuses a key of production with 403 forbidden."""
    refused(service.get("/ping", key=LIVE_KEY), "forbidden")


@GROUP.check("version-default")
def the_version_may_be_left_out(service: Service) -> None:
    """Without X-Api-Version, and with the live one, calls work alike."""
    without = success(service.get("/ping"))
    live = {"X-Api-Version": API_VERSION}
    equal(success(service.get("/ping", headers=live)), without, "GET /ping")
    refused(service.order(nothing(), headers=live), "product_validation_error")


@GROUP.check("version-removed")
def retired_versions_are_gone(service: Service) -> None:
    """The versions 2023-07-27 and 2023-01-16 are 410 version_removed on every call."""
    for version in RETIRED_API_VERSIONS:
        headers = {"X-Api-Version": version}
        for path in READABLE:
            refused(service.get(path, headers=headers), "version_removed")
        refused(service.order(nothing(), headers=headers), "version_removed")


@GROUP.check("version-unknown")
def unknown_versions_are_invalid(service: Service) -> None:
    """A version that never was is 400 invalid_version."""
    for version in ("2024-02-06", "2024-02-04", "2023-07-26", "latest", "1"):
        headers = {"X-Api-Version": version}
        refused(service.get("/ping", headers=headers), "invalid_version")
        refused(service.order(nothing(), headers=headers), "invalid_version")


@GROUP.check("execution-mode")
def the_mode_is_async_or_sync(service: Service) -> None:
    """X-Execution-Mode is async or sync; anything else is 400 invalid_execution_mode."""
    for known in (*EXECUTION_MODES, None):
        answer = service.order(nothing(), headers={"X-Execution-Mode": known})
        refused(answer, "product_validation_error")
    for mode in ("batch", "asynchronous", "syn", "SYNC", "1"):
        answer = service.order(nothing(), headers={"X-Execution-Mode": mode})
        refused(answer, "invalid_execution_mode")


@GROUP.check("rate-limit", moves_clock=True)
def three_hundred_attempts_a_minute_are_allowed(service: Service) -> None:
    """The 301st attempt in a minute is 429 with {"error": "rate exceeded"}; a minute later none is.

    Attempts that are refused count.
    """
    service.move_clock(WINDOW)  # attempts of other checks do not count any more
    for _ in range(RATE_LIMIT):
        refused(service.attempt(nothing()), "product_validation_error")
    answer = service.attempt(nothing())
    if answer.error_type == "product_validation_error":
        raise SkippedError("the server has no limit of 300 orders a minute")
    equal(answer.status, TOO_MANY, f"{answer}, status")
    equal(answer.document, {"error": "rate exceeded"}, f"{answer}, body")
    service.move_clock(WINDOW)
    refused(service.attempt(nothing()), "product_validation_error")


@GROUP.check("idempotency-header")
def an_idempotency_key_is_required(service: Service) -> None:
    """Without X-Idempotency-Key, or with an empty one, POST /order is 422 at that header."""
    for key in (None, ""):
        answer = service.order(nothing(), headers={"X-Idempotency-Key": key})
        details = at(refused(answer, "validation_error"), "details")
        equal(len(details), 1, "the number of details")
        equal(
            strings(details, 0, "location"), ["header", "x-idempotency-key"], "details[0].location"
        )


@GROUP.check("idempotency-any-text")
def an_idempotency_key_is_any_text(service: Service) -> None:
    """Short, long and odd idempotency keys are taken."""
    for key in ("~!@#$%^&*()_+ {}|:\"<>?`-=[]\\;',./", "k" * 512, "\u00fc", "0"):
        answer = service.order(nothing(), key=f"{new_key()} {key}")
        refused(answer, "product_validation_error")
