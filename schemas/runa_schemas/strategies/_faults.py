"""Plans of what goes wrong, for a double that can be told to fail (``POST /_mock/faults``).

Kinds and places are the double's own; the service has none of them.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from hypothesis import strategies as st

from runa_schemas.strategies._json import Object
from runa_schemas.strategies._near_miss import chosen

FAULT_PLACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "reset": ("before", "after_commit", "in_body"),
        "close": ("before", "after_commit", "in_body"),
        "hang": ("before", "inside", "after_commit", "in_body"),
        "delay": ("before", "inside", "after_commit"),
        "status": ("before", "after_commit"),
        "rate_limit": ("before",),
        "malformed_json": ("after_commit",),
        "slow": ("in_body",),
    }
)
"""The kinds of faults, each with the places that it can have, read-only."""

_LATE = ("delay", "slow")
_DELAYS = (0.01,)
_LONGEST_DELAY = 3_600
_MOST = 100
_MOST_AT_ONCE = 2


def fault_plans(
    *,
    kinds: Iterable[str] | None = None,
    attempts: int = 3,
    max_faults: int = 3,
    delays: Collection[float] = _DELAYS,
    method: str | None = None,
) -> st.SearchStrategy[list[Object]]:
    """Lists of faults to arm before a client does its work, up to two for one of its attempts.

    Each is a body of ``POST /_mock/faults``, and the keyword arguments of ``faults.arm``. A failing
    run shrinks to the one fault that matters, on the first attempt on which it does, such as
    ``[{"kind": "reset", "place": "after_commit", "nth": 2}]``.

    Args:
        kinds: Keys of ``FAULT_PLACES``; by default all. ``hang`` is for clients that give up.
        attempts: The last request on which a fault strikes, 1 to 100; the first is 1. Each fault
            counts the requests that it fits.
        max_faults: How many faults a plan has at most, 1 to 100; it has at least one.
        delays: In seconds, what is late by: the answer of ``delay``, the body of ``slow``. The
            simplest comes first.
        method: The only requests that are hit, such as ``"POST"``; by default all. Other methods
            than that leave out the place ``inside``, which only ``POST /order`` has.

    Raises:
        ValueError: An argument is no good; the message names it.
    """
    for name, number in (("attempts", attempts), ("max_faults", max_faults)):
        if type(number) is not int or not 1 <= number <= _MOST:
            raise ValueError(f"{name}: give a whole number from 1 to {_MOST}, not {number!r}")
    if not delays or not all(0 <= delay <= _LONGEST_DELAY for delay in delays):
        raise ValueError(f"delays: give seconds from 0 to {_LONGEST_DELAY}, not {delays!r}")
    known = {kind: (kind, FAULT_PLACES[kind]) for kind in FAULT_PLACES}
    points = [
        {"kind": kind, "place": place}
        for kind, places in chosen(kinds, known, argument="kinds")
        for place in places
        if place != "inside" or method in {None, "POST"}
    ]
    extra = {} if method is None else {"method": method}
    at_once = st.lists(
        _faults(st.sampled_from(points), st.sampled_from(list(delays)), extra),
        max_size=min(max_faults, _MOST_AT_ONCE),
        unique_by=lambda fault: (fault["kind"], fault["place"]),
    )
    # A slot for each attempt: one that fails and does no harm can go, and what follows it then
    # strikes on an attempt earlier; one that does not fail can be emptied.
    slots = st.lists(at_once, min_size=1, max_size=attempts)
    return slots.filter(any).map(partial(_numbered, max_faults))


@st.composite
def _faults(
    draw: st.DrawFn,
    points: st.SearchStrategy[Object],
    delays: st.SearchStrategy[float],
    extra: Object,
) -> Object:
    point = draw(points)
    return {**point, **({"delay": draw(delays)} if point["kind"] in _LATE else {}), **extra}


def _numbered(max_faults: int, slots: list[list[Object]]) -> list[Object]:
    faults = [{**fault, "nth": nth} for nth, slot in enumerate(slots, 1) for fault in slot]
    return faults[:max_faults]
