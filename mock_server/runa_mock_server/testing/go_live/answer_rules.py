"""Rules of answers: what a client may rely on. They are judged by how tests end.

A test that met altered answers and passed proves that the client copes with them; one that failed
is taken as a violation.
"""

from collections.abc import Callable, Collection

from runa_mock_server.server_state.traffic import NO_LEGACY_FIELDS
from runa_mock_server.testing.go_live.rule import Judgement, Theme
from runa_mock_server.testing.go_live.traffic import Request, Traffic

ANSWERS = Theme("Answers")

_FIRST_ERROR = 400
_MINUTE = 60.0
_WAIT_A_MINUTE = "RE009"
_COMPATIBLE = ("unknown_fields", "reordered_keys", "unknown_values")
_FULL_ORDERS = frozenset({"order-completes", "sync-order", "fx-currencies"})
_REDEMPTION_ERRORS = frozenset({"redemption-errors", "redemption-choice", "link-expiry"})


def _by_outcomes(
    traffic: Traffic, met: Callable[[Request], bool], what: str, found: Judgement
) -> None:
    """Judge requests that have met something by how their tests ended."""
    failed: dict[str, Request] = {}
    for request in traffic.requests:
        if not (request.is_delivered and met(request)):
            continue
        outcome = traffic.outcome(request)
        if outcome == "passed":
            found.proof.append(request)
        elif outcome == "failed":
            failed.setdefault(str(request.test), request)
    for test, request in failed.items():
        found.violate(f"{test} failed where {what}", request)


def _altered(names: Collection[str]) -> Callable[[Request], bool]:
    return lambda request: request.is_api and any(name in request.altered for name in names)


@ANSWERS.rule(
    "tolerant",
    "Unknown fields, other orders of keys and unknown values break nothing.",
    "Run tests with the settings unknown_fields, reordered_keys and unknown_values, with "
    "--runa-traffic or check-client, which record how they end.",
)
def tolerant(traffic: Traffic) -> Judgement:
    """A test failed where answers had what a later version may have."""
    found = Judgement()
    _by_outcomes(traffic, _altered(_COMPATIBLE), "answers were those of a later version", found)
    seen = {name for r in found.proof if isinstance(r, Request) for name in r.altered}
    missing = [name for name in _COMPATIBLE if name not in seen]
    if found.proof and missing:
        found.missing = f"also run tests with {' and '.join(missing)}"
    return found


@ANSWERS.rule(
    "no-error-texts",
    "Nothing depends on the texts of errors, message and help.",
    "Run tests of refused orders with the setting other_texts, with --runa-traffic or "
    "check-client, which record how they end.",
)
def no_error_texts(traffic: Traffic) -> Judgement:
    """A test failed where errors were worded in another way."""
    found = Judgement()
    is_altered = _altered(["other_texts"])

    def met(request: Request) -> bool:
        return is_altered(request) and (request.status or 0) >= _FIRST_ERROR

    _by_outcomes(traffic, met, "errors were worded in another way", found)
    return found


@ANSWERS.rule(
    "no-legacy-fields",
    "The fields redemption_url and discount_multiplier of items are not used.",
    "Run tests that read orders with the setting legacy_item_fields off, with --runa-traffic or "
    "check-client, which record how they end.",
)
def no_legacy_fields(traffic: Traffic) -> Judgement:
    """A test failed where items had no fields of older documentation."""
    found = Judgement()
    is_altered = _altered([NO_LEGACY_FIELDS])

    def met(request: Request) -> bool:
        return is_altered(request) and request.is_successful and request.rule in _FULL_ORDERS

    _by_outcomes(traffic, met, "items had no fields of older documentation", found)
    return found


@ANSWERS.rule(
    "redemption-status",
    "The redemption API is read by its status: an error comes with 200, too.",
    "Let the redemption API answer an error, with the setting redemption_error, in a test with "
    "--runa-traffic, which records how it ends.",
)
def redemption_status(traffic: Traffic) -> Judgement:
    """A test failed where a redemption was refused, or a client did not wait when told to."""
    found = Judgement()

    def met(request: Request) -> bool:
        return request.is_redemption and request.rule in _REDEMPTION_ERRORS

    _by_outcomes(traffic, met, "the redemption API answered an error", found)
    for client in traffic.clients:
        reads = [request for request in client if request.is_redemption]
        for index, told in enumerate(reads):
            if _WAIT_A_MINUTE not in told.response_body:
                continue
            for later in reads[index + 1 :]:
                if later.place == told.place and told.seconds_to(later) < _MINUTE:
                    found.violate("RE009 says to wait a minute", told, later)
                    break
    return found
