"""What is asked of a client, check by check: small functions over what it did.

A check says nothing of a client that did well, and otherwise what it did, with the requests that
show it. Where the same client has run with nothing going wrong, that run says how many orders it
wants to place; without one, each different body is taken for one order.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from runa_mock_server.control.models import JournalEntry
from runa_mock_server.control_client.effects_text import counted
from runa_mock_server.control_client.effects_text import story as story_of_effects
from runa_mock_server.testing.client_scenarios.observation import (
    Attempt,
    Body,
    Observation,
    is_final_refusal,
    is_rate_limit,
    is_well,
    seconds_between,
    story,
)
from runa_mock_server.testing.client_scenarios.scenarios import Pace, Scenario

READS_A_SECOND = 5
"""More looks at one order than this within a second are too many."""
STEADY_READS_A_SECOND = 2
"""The same for a client that has waited for ``PATIENCE`` seconds already."""
PATIENCE = 3.0

# The mock's clock and the one by which a program waits need not agree to the millisecond.
_TOLERANCE = 0.01


class Seen(NamedTuple):
    """What a check looks at.

    Attributes:
        run: what the client did.
        usual: what it does when nothing goes wrong; ``None`` if that is not known, and for that
            very run.
        pace: how long things take.
        wanted: how many orders it is to place, where somebody has said so.
    """

    run: Observation
    usual: Observation | None = None
    pace: Pace = Pace()
    wanted: int | None = None


class Check(NamedTuple):
    """A check.

    Attributes:
        name: its name.
        text: what a client is expected to do.
        problem: what it did instead; ``None`` if it did well.
    """

    name: str
    text: str
    problem: Callable[[Seen], str | None]


def _called(seen: Seen) -> str | None:
    if seen.run.requests:
        return None
    if seen.run.strangers:
        return (
            f"no request with the API key in RUNA_API_KEY, but {seen.run.strangers} with another: "
            "the client has to take its key from RUNA_API_KEY"
        )
    return (
        "no request: the client has to take its base URL from RUNA_BASE_URL, and its key from "
        "RUNA_API_KEY"
    )


def _ended(seen: Seen) -> str | None:
    ending = seen.run.exit
    if ending is None or ending.code is not None:
        return None
    last = story(seen.run.requests[-3:])
    return f"it was still running after {ending.seconds:.1f} s\n{last}".rstrip()


def _ordered(seen: Seen) -> str | None:
    run = seen.run
    if run.orders or not run.requests:  # without a request, there is more to be said
        return None
    return f"no order was placed:\n{story(run.requests)}"


def _ordered_once(seen: Seen) -> str | None:
    run, wanted = seen.run, _wanted(seen)
    if wanted is not None and run.orders > wanted:
        told = f"{counted(run.orders, 'order')} came of it instead of {wanted}"
    elif seen.wanted is None and _is_doubled(seen):
        told = "a purchase was made twice"
    else:
        return None
    return f"{told}: {story_of_effects(run.effects)}"


def _is_doubled(seen: Seen) -> bool:
    """Whether a retry bought again; who orders the same twice when all is well, wants that."""
    usually = seen.usual is not None and seen.usual.effects.verdict == "duplicated"
    all_well = all(is_well(attempt.request) for attempt in seen.run.attempts)
    return seen.run.effects.verdict == "duplicated" and not usually and not all_well


def _recovered(seen: Seen) -> str | None:
    run, usual, wanted = seen.run, seen.usual, _wanted(seen)
    if wanted is not None and run.orders < wanted:
        return (
            f"{counted(run.orders, 'order')} came of it instead of {wanted}, though the service "
            f"was well again:\n{story(attempt.request for attempt in run.attempts)}"
        )
    if run.exit is not None and run.exit.code:
        return f"it ended with exit status {run.exit.code}:\n{story(run.requests)}"
    if usual is not None and run.seen_ended < usual.seen_ended:
        return (
            f"it saw {counted(run.seen_ended, 'order')} to the end instead of {usual.seen_ended}:\n"
            f"{story(run.requests)}"
        )
    return None


def _wanted(seen: Seen) -> int | None:
    if seen.wanted is not None or seen.usual is None:
        return seen.wanted
    return seen.usual.orders


def _kept_key(seen: Seen) -> str | None:
    run = seen.run
    if seen.usual is not None:
        expected = len(seen.usual.by_key)
    else:
        expected = len(run.by_body) if seen.wanted is None else seen.wanted
    if len(run.by_key) <= expected:
        return None
    return (
        f"{len(run.by_key)} idempotency keys for {counted(expected, 'order')}: a retry has to keep "
        f"its key, or it buys twice\n{story(attempt.request for attempt in run.attempts)}"
    )


def _fresh_key(seen: Seen) -> str | None:
    for key, attempts in seen.run.by_key.items():
        for earlier, later in pairwise(attempts if key is not None else ()):
            if earlier.body != later.body:
                told = "a key was used again for another order, which the service refuses"
            elif is_well(earlier.request):
                told = "a key was used again after a good answer, so that nothing is ordered"
            else:
                continue
            return f"{told}\n{story((earlier.request, later.request))}"
    return None


def _final_is_final(seen: Seen) -> str | None:
    for attempts in seen.run.by_body.values():
        for refused, later in pairwise(attempts):
            again = refused.key == later.key or _has_surplus_keys(seen, refused.body)
            if is_final_refusal(refused.request) and again:
                return (
                    f"{refused.request.status} is final, and the same order was sent again\n"
                    f"{story((refused.request, later.request))}"
                )
    return None


def _has_surplus_keys(seen: Seen, body: Body) -> bool:
    """Whether a body was sent under more keys than this client usually does."""
    if seen.usual is None:
        others = len(seen.run.by_body) - 1  # each of them is an order of its own, at least
        expected = max(1, (seen.wanted or 1) - others)
    else:
        usually = _key_counts(seen.usual)
        expected = usually.get(body, max(usually.values(), default=1))
    return _key_counts(seen.run)[body] > expected


def _key_counts(run: Observation) -> dict[Body, int]:
    return {body: len({a.key for a in attempts}) for body, attempts in run.by_body.items()}


def _waited_after_429(seen: Seen) -> str | None:
    limit = seen.pace.rate_limit_wait
    attempts = seen.run.attempts
    for index, limited in enumerate(attempts):
        if not is_rate_limit(limited.request):
            continue
        for later in attempts[index + 1 :]:
            waited = seconds_between(limited.request, later.request)
            if waited < limit - _TOLERANCE and _is_retry(seen, limited, later):
                return (
                    f"it tried again {waited:.3f} s after a 429; the provider asks for "
                    f"{limit:g} s\n{story((limited.request, later.request))}"
                )
    return None


def _is_retry(seen: Seen, first: Attempt, later: Attempt) -> bool:
    """Whether two attempts are one purchase: with one key, or with a body that has one too many."""
    if first.key is not None and first.key == later.key:
        return True
    return first.body == later.body and _has_surplus_keys(seen, first.body)


def _pinned_version(seen: Seen) -> str | None:
    without = [r for r in seen.run.requests if not r.headers.get("x-api-version")]
    if not without:
        return None
    return (
        f"{len(without)} of {len(seen.run.requests)} requests had no X-Api-Version, so that they "
        f"get whatever version is the default\n{story(without[:3])}"
    )


def _polled_politely(seen: Seen) -> str | None:
    for looks in seen.run.looks:
        patient = [r for r in looks if seconds_between(looks[0], r) >= PATIENCE]
        for some, limit in ((looks, READS_A_SECOND), (patient, STEADY_READS_A_SECOND)):
            burst = _burst(some, limit)
            if burst:
                late = f" after waiting for {PATIENCE:g} s" if some is patient else ""
                return (
                    f"it looked more than {limit} times within a second{late}, "
                    f"{len(looks)} times in all\n{story(burst)}"
                )
    return None


def _burst(looks: Sequence[JournalEntry], limit: int) -> Sequence[JournalEntry]:
    """The first looks that are more than so many within a second; none if there are none."""
    for start in range(len(looks) - limit):
        some = looks[start : start + limit + 1]
        if seconds_between(some[0], some[-1]) < 1 - _TOLERANCE:
            return some
    return ()


CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        Check("called", "calls the server of RUNA_BASE_URL with RUNA_API_KEY", _called),
        Check("ended", "ends in time", _ended),
        Check("ordered", "places an order", _ordered),
        Check("ordered_once", "orders exactly once what it wants once", _ordered_once),
        Check("recovered", "does what it does otherwise, once the service is well", _recovered),
        Check("kept_key", "keeps the idempotency key for a retry", _kept_key),
        Check("fresh_key", "takes a fresh key for a fresh order", _fresh_key),
        Check(
            "final_is_final", "never repeats an order that was refused for good", _final_is_final
        ),
        Check("waited_after_429", "waits after a 429", _waited_after_429),
        Check("pinned_version", "sends X-Api-Version with each request", _pinned_version),
        Check("polled_politely", "looks at an order with pauses", _polled_politely),
    )
}
"""Every check by its name."""


class Finding(NamedTuple):
    """What a check has found in a scenario.

    Attributes:
        check: the check.
        problem: what the client did wrong; ``None`` if it did well.
    """

    check: Check
    problem: str | None


def judge(scenario: Scenario, seen: Seen) -> list[Finding]:
    """What the checks of a scenario find, each of them, in their order."""
    return [
        Finding(check, check.problem(seen))
        for check in CHECKS.values()
        if check.name in scenario.checks
    ]
