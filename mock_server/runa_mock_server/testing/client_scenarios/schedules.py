"""Schedules of faults: which fault hits which attempt, as data and as text."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from random import Random
from typing import Literal, NamedTuple, get_args

from runa_mock_server.control_client.keywords import FaultFields
from runa_mock_server.server_state.fault_spec import PLACES, Kind, Place
from runa_mock_server.testing.client_scenarios.scenarios import (
    ONCE_CHECKS,
    ORDERS,
    READS,
    Fault,
    Pace,
    Scenario,
)

Target = Literal["order", "read"]
TARGETS: tuple[Target, ...] = get_args(Target)

_FIELDS: dict[Target, FaultFields] = {"order": ORDERS, "read": READS}
# What a client of an order has to cope with; a read commits nothing, so its places are fewer.
_FAULTS: dict[Target, tuple[tuple[Kind, Place], ...]] = {
    "order": (
        ("reset", "before"),
        ("reset", "after_commit"),
        ("close", "in_body"),
        ("status", "before"),
        ("status", "after_commit"),
        ("rate_limit", "before"),
        ("malformed_json", "after_commit"),
        ("delay", "before"),
        ("delay", "inside"),
        ("delay", "after_commit"),
    ),
    "read": (
        ("reset", "before"),
        ("close", "in_body"),
        ("status", "before"),
        ("rate_limit", "before"),
        ("malformed_json", "after_commit"),
        ("delay", "before"),
    ),
}
_MOST_ATTEMPTS = 99


class Step(NamedTuple):
    """A fault of a schedule: ``order:1:reset:after_commit``.

    Attributes:
        target: the requests that place orders, or that read one.
        attempt: which of them it hits, counted from 1.
        kind: what goes wrong.
        place: where.
    """

    target: Target
    attempt: int
    kind: Kind
    place: Place

    def __str__(self) -> str:
        return f"{self.target}:{self.attempt}:{self.kind}:{self.place}"


Schedule = tuple[Step, ...]


def schedule_text(schedule: Schedule) -> str:
    """A schedule as ``parse_schedule`` reads it."""
    return ",".join(map(str, schedule))


def parse_schedule(text: str) -> Schedule:
    """A schedule from text: steps, separated by commas.

    Raises:
        ValueError: naming the step and what is allowed.
    """
    return tuple(_step(part) for part in text.split(","))


def _step(text: str) -> Step:
    parts = text.strip().split(":")
    for target in TARGETS:
        for kind, place in ((k, p) for k, places in PLACES.items() for p in places):
            if (
                len(parts) == len(Step._fields)
                and parts[1].isdecimal()
                and 1 <= int(parts[1]) <= _MOST_ATTEMPTS
                and [parts[0], *parts[2:]] == [target, kind, place]
                and not (target == "read" and place == "inside")
            ):
                return Step(target, int(parts[1]), kind, place)
    raise ValueError(
        f"{text.strip()!r}: must be TARGET:ATTEMPT:KIND:PLACE such as order:1:reset:after_commit; "
        f"TARGET is {' or '.join(TARGETS)}, KIND and PLACE are those of a fault"
    )


def schedules(most_faults: int, orders: int, *, has_reads: bool) -> Iterator[Schedule]:
    """Every schedule of up to so many faults that can hit a program, smaller ones first.

    Args:
        most_faults: the number of faults.
        orders: how many orders the program sends if nothing goes wrong.
        has_reads: whether it reads orders. How often depends on the time, so it does not count.
    """
    attempts: dict[Target, int] = {
        "order": orders + most_faults - 1 if orders else 0,
        "read": most_faults if has_reads else 0,
    }
    steps = [
        Step(target, attempt, kind, place)
        for target in TARGETS
        for attempt in range(1, attempts[target] + 1)
        for kind, place in _FAULTS[target]
    ]
    for size in range(1, most_faults + 1):
        for chosen in combinations(steps, size):
            if _can_hit(chosen, orders):
                yield chosen


def _can_hit(schedule: Schedule, orders: int) -> bool:
    """Whether each attempt of a schedule happens: a further one needs a fault before it."""
    hit: dict[Target, list[int]] = {target: [] for target in TARGETS}
    for step in schedule:  # by attempt, as they were made
        attempts = hit[step.target]
        is_beyond = step.target == "order" and step.attempt > orders + len(attempts)
        if step.attempt in attempts or is_beyond:
            return False
        attempts.append(step.attempt)
    return True


def sample(all_schedules: Iterable[Schedule], most: int, seed: int) -> tuple[list[Schedule], int]:
    """At most so many schedules, and how many there are.

    Those with one fault are all among them as far as they fit; of the others chance decides, and
    the same seed draws the same.
    """
    found = list(all_schedules)
    if len(found) <= most:
        return found, len(found)
    single = [schedule for schedule in found if len(schedule) == 1][:most]
    others = [schedule for schedule in found if len(schedule) > 1]
    drawn = Random(seed).sample(range(len(others)), most - len(single))  # noqa: S311 - repeatable, not secret
    return [*single, *(others[index] for index in sorted(drawn))], len(found)


def scenario_of(schedule: Schedule, name: str, pace: Pace) -> Scenario:
    """The scenario in which a schedule happens.

    Args:
        schedule: the faults.
        name: the name of the scenario.
        pace: the durations in it.
    """
    checks: Sequence[str] = (*ONCE_CHECKS, "kept_key", "waited_after_429")
    # How often a client retries is its own decision, and so is waiting for a key in progress.
    if len(schedule) == 1 and schedule[0].place != "inside":
        checks = (*checks, "recovered")
    return Scenario(
        name,
        f"the faults {schedule_text(schedule)} happen",
        tuple(checks),
        faults=tuple(_fault(step, pace) for step in schedule),
    )


def _fault(step: Step, pace: Pace) -> Fault:
    fields: FaultFields = {**_FIELDS[step.target], "nth": step.attempt}
    if step.kind == "delay":
        fields["delay"] = pace.silence
    elif step.kind == "slow":
        fields["delay"] = pace.slow
    return Fault(step.kind, step.place, fields)
