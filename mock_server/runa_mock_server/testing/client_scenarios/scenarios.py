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

_ORDERS: FaultFields = {"method": "POST", "path": "/v2/order"}
_READS: FaultFields = {"method": "GET", "path": "/v2/order/*"}

_ALWAYS = ("called", "ended", "fresh_key", "final_is_final")
_AS_USUAL = (*_ALWAYS, "ordered", "ordered_once", "recovered")
_RETRIED = (*_AS_USUAL, "kept_key")


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds; tests of a client with short timeouts make them shorter.

    Attributes:
        rate_limit_wait: the minimum wait after a 429; 5 is the provider's advice (page "Rate
            limits").
        slow: the duration of a slow response.
        long_processing: how long an order is PROCESSING in the scenario `long-processing`.

    Raises:
        ValueError: for a value that is negative, too large or not finite, naming it.
    """

    rate_limit_wait: float = 5.0
    slow: float = 3.0
    long_processing: float = 6.0

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
        ends: how the orders of a correct client end.
        checks: the names of the checks that apply.
        faults: the faults to arm.
        settings: the settings of the account.
    """

    name: str
    text: str
    checks: tuple[str, ...]
    ends: Ending = "COMPLETED"
    faults: tuple[Fault, ...] = ()
    settings: SettingsChanges = field(default_factory=SettingsChanges)


def make_scenarios(pace: Pace) -> tuple[Scenario, ...]:
    """Every scenario, `clean` first."""
    return (
        Scenario(
            CLEAN,
            "nothing goes wrong",
            (*_AS_USUAL, "pinned_version", "polled_politely"),
        ),
        Scenario(
            "reset-before-commit",
            "the connection is reset before the order is stored",
            _RETRIED,
            faults=(Fault("reset", "before", _ORDERS),),
        ),
        Scenario(
            "reset-after-commit",
            "the connection is reset after the order is stored, before the response",
            _RETRIED,
            faults=(Fault("reset", "after_commit", _ORDERS),),
        ),
        Scenario(
            "cut-body",
            "the order is stored, the response body is cut off",
            _RETRIED,
            faults=(Fault("close", "in_body", _ORDERS),),
        ),
        Scenario(
            "unavailable",
            "503 from a gateway, once for creating and once for reading an order",
            _RETRIED,
            faults=(
                Fault("status", "before", {**_ORDERS, "status": 503}),
                Fault("status", "before", {**_READS, "status": 503}),
            ),
        ),
        Scenario(
            "rate-limited",
            "429 once",
            (*_RETRIED, "waited_after_429"),
            faults=(Fault("rate_limit", "before", _ORDERS),),
        ),
        Scenario(
            "slow",
            f"the response to the order takes {pace.slow:g} s, in small pieces",
            _RETRIED,
            faults=(Fault("slow", "in_body", {**_ORDERS, "delay": pace.slow}),),
        ),
        Scenario(
            "long-processing",
            f"an order is PROCESSING for {pace.long_processing:g} s",
            (*_AS_USUAL, "polled_politely"),
            settings={"processing": f"seconds:{pace.long_processing:.6f}"},
        ),
        Scenario(
            "unknown-fields",
            "responses have undocumented fields",
            _AS_USUAL,
            settings={"unknown_fields": True},
        ),
        Scenario(
            "failing-order",
            "orders are accepted and end FAILED",
            (*_ALWAYS, "ordered", "ordered_once"),
            ends="FAILED",
            settings={"trigger_error": "order_failed"},
        ),
        Scenario(
            "no-funds",
            "orders are refused with 400 insufficient_funds",
            _ALWAYS,
            ends="REFUSED",
            settings={"trigger_error": "insufficient_funds"},
        ),
        Scenario(
            "invalid",
            "orders are refused with 422 validation_error",
            _ALWAYS,
            ends="REFUSED",
            settings={"trigger_error": "validation_error"},
        ),
    )


SCENARIOS: Mapping[str, Scenario] = {s.name: s for s in make_scenarios(Pace())}
"""Every scenario with the default durations, by name."""
