"""What is tried on a client: scenarios as data.

A scenario is a row: what is armed, how the client's orders are to end, which checks apply. Faults
hit the first request that they fit, so a client that places many orders meets each of them once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

from runa_mock_server.control_client.client import Controls

Ending = Literal["COMPLETED", "FAILED", "REFUSED"]

LONGEST_PACE = 600
"""The longest that anything can be made to take, in seconds."""

CLEAN = "clean"
"""The scenario in which nothing goes wrong: what the others are compared with."""

_ORDERS = {"method": "POST", "path": "/v2/order"}
_READS = {"method": "GET", "path": "/v2/order/*"}

_ALWAYS = ("called", "ended", "fresh_key", "final_is_final")
_AS_USUAL = (*_ALWAYS, "ordered", "ordered_once", "recovered")
_RETRIED = (*_AS_USUAL, "kept_key")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds; tests of a client with short patience make them shorter.

    Attributes:
        rate_limit_wait: how long a client has to wait after 429; 5 is the provider's advice (page
            "Rate limits").
        slow: how long a slow answer takes.
        long_processing: how long an order is processed where that takes long.

    Raises:
        ValueError: for a value that is negative or not finite, naming it.
    """

    rate_limit_wait: float = 5.0
    slow: float = 3.0
    long_processing: float = 6.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (isfinite(value) and 0 <= value <= LONGEST_PACE):
                raise ValueError(f"{name}: must be 0 to {LONGEST_PACE} seconds, not {value:g}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario.

    Attributes:
        name: its name.
        text: what happens in it.
        ends: how the client's orders end in it, if the client does well.
        checks: the names of the checks that apply.
        faults: what is armed, as ``FaultSpec`` has it.
        settings: the settings that the account has.
    """

    name: str
    text: str
    checks: tuple[str, ...]
    ends: Ending = "COMPLETED"
    faults: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def arm(self, account: Controls) -> None:
        """Let it begin for an account that nothing has been done to."""
        if self.settings:
            account.configure(**self.settings)
        for fault in self.faults:
            account.faults.arm(**fault)


def make_scenarios(pace: Pace) -> tuple[Scenario, ...]:
    """Every scenario, the clean one first."""
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
            faults=({**_ORDERS, "kind": "reset", "place": "before"},),
        ),
        Scenario(
            "reset-after-commit",
            "the connection is reset after the order is stored, before a byte of the answer",
            _RETRIED,
            faults=({**_ORDERS, "kind": "reset", "place": "after_commit"},),
        ),
        Scenario(
            "cut-body",
            "the order is stored, the body of the answer ends in the middle",
            _RETRIED,
            faults=({**_ORDERS, "kind": "close", "place": "in_body"},),
        ),
        Scenario(
            "unavailable",
            "503 from a gateway, once for an order and once for a look at one, then all is well",
            _RETRIED,
            faults=(
                {**_ORDERS, "kind": "status", "status": 503},
                {**_READS, "kind": "status", "status": 503},
            ),
        ),
        Scenario(
            "rate-limited",
            "429 once, then all is well",
            (*_RETRIED, "waited_after_429"),
            faults=({**_ORDERS, "kind": "rate_limit"},),
        ),
        Scenario(
            "slow",
            f"the answer to the order takes {pace.slow:g} s, in drops",
            _RETRIED,
            faults=({**_ORDERS, "kind": "slow", "place": "in_body", "delay": pace.slow},),
        ),
        Scenario(
            "long-processing",
            f"an order is PROCESSING for {pace.long_processing:g} s",
            (*_AS_USUAL, "polled_politely"),
            settings={"processing": f"seconds:{pace.long_processing:.6f}"},
        ),
        Scenario(
            "unknown-fields",
            "answers have fields that no documentation knows",
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
"""Every scenario at its usual pace, by name."""
