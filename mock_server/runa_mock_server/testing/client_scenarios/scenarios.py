"""The scenarios, as data: faults, settings, the expected end of orders, and the checks that apply.

A fault hits the first request that it matches, so a client that places many orders meets each
fault once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, NamedTuple

from runa_mock_server.control_client.keywords import FaultFields, SettingsChanges
from runa_mock_server.server_state.fault_spec import Kind, Place

Ending = Literal["COMPLETED", "FAILED", "REFUSED"]

LONGEST_PACE = 600
"""The maximum of each duration, in seconds."""

CLEAN = "clean"
"""The scenario without faults, which is the baseline of the others."""

ORDERS: FaultFields = {"method": "POST", "path": "/v2/order"}
"""The requests that place orders."""
READS: FaultFields = {"method": "GET", "path": "/v2/order/*"}
"""The requests that read an order."""

_ANYTHING: FaultFields = {"path": "/v2/*"}

_ALWAYS = ("called", "ended", "fresh_key", "kept_body", "final_is_final")
ONCE_CHECKS = (*_ALWAYS, "ordered_once")
"""The checks that every order has to pass, whatever goes wrong."""
_AS_USUAL = (*ONCE_CHECKS, "recovered")
_RETRIED = (*_AS_USUAL, "kept_key")
_TWICE = (*ONCE_CHECKS, "kept_key")  # how often a client retries is its own decision
_TOLERANT = (*ONCE_CHECKS, "tolerated")
_REFUSED = (*_ALWAYS, "noticed_failure")

SMALL_PAGE = 10
"""The entries of a list page in the scenario ``small-pages``."""

_REVOKED_BODY = '{"type":"forbidden","message":"This API key has been revoked.","help":null}'
_LIMITED_BODY = '{"error":"these words are for people, and a later version has others"}'
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds; tests of a client with short timeouts make them shorter.

    Attributes:
        rate_limit_wait: the minimum wait after a 429; 5 is the provider's advice (page "Rate
            limits").
        slow: the duration of a slow response.
        long_processing: how long an order is PROCESSING in the scenario `long-processing`.
        silence: how long the response to an order is silent before its first byte: longer than
            usual timeouts.
        hang: the same where the response practically never comes: longer than any timeout.
        poll_pause: the minimum mean pause between two reads of an order.
        steady_poll_pause: the same once a client has polled for some seconds.

    Raises:
        ValueError: for a value that is negative, too large or not finite, naming it.
    """

    rate_limit_wait: float = 5.0
    slow: float = 3.0
    long_processing: float = 6.0
    silence: float = 12.0
    hang: float = 45.0
    poll_pause: float = 0.2
    steady_poll_pause: float = 0.35

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (isfinite(value) and 0 <= value <= LONGEST_PACE):
                raise ValueError(f"{name}: must be 0 to {LONGEST_PACE} seconds, not {value:g}")


class Fault(NamedTuple):
    """A fault of a scenario, as ``FaultsControl.arm`` takes it."""

    kind: Kind
    place: Place
    fields: FaultFields


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario.

    Attributes:
        name: the name of the scenario.
        text: what happens in it.
        checks: the names of the checks that apply.
        ends: how the orders of a correct client end.
        faults: the faults to arm.
        settings: the settings of the account.
        sibling: the scenario in which the same happens without what is special here; what a
            program does wrong in both is no finding of ``ignored_texts``.
        webhook: whether the program is told by a webhook; needs the URL of its receiver.
    """

    name: str
    text: str
    checks: tuple[str, ...]
    ends: Ending = "COMPLETED"
    faults: tuple[Fault, ...] = ()
    settings: SettingsChanges = field(default_factory=SettingsChanges)
    sibling: str | None = None
    webhook: bool = False


def make_scenarios(pace: Pace) -> tuple[Scenario, ...]:
    """Every scenario, `clean` first."""
    return (
        Scenario(
            CLEAN,
            "nothing goes wrong",
            (*_AS_USUAL, "ordered", "pinned_version", "polled_politely"),
        ),
        *_lost(),
        *_silent(pace),
        *_lost_twice(),
        *_late(pace),
        *_compatible(),
        *_refused(),
        *_other_texts(),
        Scenario(
            "webhook",
            "the end of an order is told by a webhook, which is delivered twice",
            (*_AS_USUAL, "read_the_end"),
            webhook=True,
        ),
    )


def _lost() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "reset-before-commit",
            "the connection is reset before the order is stored",
            _RETRIED,
            faults=(Fault("reset", "before", ORDERS),),
        ),
        Scenario(
            "reset-after-commit",
            "the connection is reset after the order is stored, before the response",
            _RETRIED,
            faults=(Fault("reset", "after_commit", ORDERS),),
        ),
        Scenario(
            "cut-body",
            "the order is stored, the response body is cut off",
            _RETRIED,
            faults=(Fault("close", "in_body", ORDERS),),
        ),
        Scenario(
            "unavailable",
            "503 from a gateway, once for creating and once for reading an order",
            _RETRIED,
            faults=(
                Fault("status", "before", {**ORDERS, "status": 503}),
                Fault("status", "before", {**READS, "status": 503}),
            ),
        ),
        Scenario(
            "lost-poll",
            "the connection is reset instead of the response to the first read of an order",
            _AS_USUAL,
            faults=(Fault("reset", "after_commit", READS),),
        ),
        Scenario(
            "rate-limited",
            "429 once",
            (*_RETRIED, "waited_after_429"),
            faults=(Fault("rate_limit", "before", ORDERS),),
        ),
    )


def _silent(pace: Pace) -> tuple[Scenario, ...]:
    silence: FaultFields = {**ORDERS, "delay": pace.silence}
    hang: FaultFields = {**ORDERS, "delay": pace.hang}
    return (
        Scenario(
            "silent-before-commit",
            f"the service is silent for {pace.silence:g} s, then stores the order and responds",
            _RETRIED,
            faults=(Fault("delay", "before", silence),),
        ),
        Scenario(
            "silent-after-commit",
            f"the order is stored, the response comes after {pace.silence:g} s of silence",
            _RETRIED,
            faults=(Fault("delay", "after_commit", silence),),
        ),
        Scenario(
            "hang-before-commit",
            f"no response for {pace.hang:g} s, and the order is not stored",
            (*_RETRIED, "timed_out"),
            faults=(Fault("delay", "before", hang),),
        ),
        Scenario(
            "hang-after-commit",
            f"the order is stored, no response for {pace.hang:g} s",
            (*_RETRIED, "timed_out"),
            faults=(Fault("delay", "after_commit", hang),),
        ),
    )


def _lost_twice() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "lost-twice",
            "the order is stored, and two responses in a row are lost",
            _TWICE,
            faults=(Fault("reset", "after_commit", {**ORDERS, "nth": [1, 2]}),),
        ),
        Scenario(
            "second-fault",
            "the order is stored, its response is lost, and the retry gets a 503",
            _TWICE,
            faults=(
                Fault("reset", "after_commit", {**ORDERS, "nth": [1]}),
                Fault("status", "before", {**ORDERS, "nth": [2], "status": 503}),
            ),
        ),
        Scenario(
            "replay-after-completion",
            "the response is lost, and the order is COMPLETED before the retry",
            _RETRIED,
            faults=(Fault("reset", "after_commit", ORDERS),),
            settings={"processing": "at-once"},
        ),
    )


def _late(pace: Pace) -> tuple[Scenario, ...]:
    return (
        Scenario(
            "slow",
            f"the response to the order takes {pace.slow:g} s, in small pieces",
            _RETRIED,
            faults=(Fault("slow", "in_body", {**ORDERS, "delay": pace.slow}),),
        ),
        Scenario(
            "long-processing",
            f"an order is PROCESSING for {pace.long_processing:g} s",
            (*_AS_USUAL, "polled_politely", "read_the_end"),
            settings={"processing": f"seconds:{pace.long_processing:.6f}"},
        ),
    )


def _compatible() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "unknown-fields",
            "responses have undocumented fields",
            _TOLERANT,
            settings={"unknown_fields": True},
        ),
        Scenario(
            "unknown-values",
            "the catalogue has undocumented categories, countries and product details",
            _TOLERANT,
            settings={"unknown_values": True},
        ),
        Scenario(
            "reordered-keys",
            "the keys of JSON objects come in another order",
            _TOLERANT,
            settings={"reordered_keys": True},
        ),
        Scenario(
            "no-legacy-fields",
            "order items have neither redemption_url nor discount_multiplier",
            _TOLERANT,
            settings={"legacy_item_fields": False},
        ),
        Scenario(
            "small-pages",
            f"lists come in pages of {SMALL_PAGE}, unless the request has a limit",
            (*_TOLERANT, "read_all_pages"),
            settings={"default_page_limit": SMALL_PAGE},
        ),
    )


def _refused() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "failing-order",
            "orders are accepted and end FAILED",
            (*ONCE_CHECKS, "read_the_end", "noticed_failure"),
            ends="FAILED",
            settings={"trigger_error": "order_failed"},
        ),
        Scenario(
            "no-funds",
            "orders are refused with 400 insufficient_funds",
            _REFUSED,
            ends="REFUSED",
            settings={"trigger_error": "insufficient_funds"},
        ),
        Scenario(
            "sold-out",
            "orders are refused with 400 product_validation_error: the product is sold out",
            _REFUSED,
            ends="REFUSED",
            settings={"trigger_error": "product_validation_error"},
        ),
        Scenario(
            "invalid",
            "orders are refused with 422 validation_error",
            _REFUSED,
            ends="REFUSED",
            settings={"trigger_error": "validation_error"},
        ),
        Scenario(
            "revoked-key",
            "every request is refused with 403 forbidden",
            _REFUSED,
            ends="REFUSED",
            faults=(
                Fault(
                    "status",
                    "before",
                    {
                        **_ANYTHING,
                        "times": None,
                        "status": 403,
                        "body": _REVOKED_BODY,
                        "content_type": _JSON,
                    },
                ),
            ),
        ),
    )


def _other_texts() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "other-texts",
            "429 once, with another message and without help",
            (*ONCE_CHECKS, "kept_key", "ignored_texts"),
            faults=(
                Fault(
                    "status",
                    "before",
                    {**ORDERS, "status": 429, "body": _LIMITED_BODY, "content_type": _JSON},
                ),
            ),
            sibling="rate-limited",
        ),
        Scenario(
            "no-funds-other-texts",
            "as no-funds, with another message and without help",
            ("called", "ended", "fresh_key", "kept_body", "ignored_texts"),
            ends="REFUSED",
            settings={"trigger_error": "insufficient_funds", "other_texts": True},
            sibling="no-funds",
        ),
    )


SCENARIOS: Mapping[str, Scenario] = {s.name: s for s in make_scenarios(Pace())}
"""Every scenario with the default durations, by name."""
