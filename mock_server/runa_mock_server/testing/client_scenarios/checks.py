"""The checks of a client: functions of what the client did.

A check returns ``None`` for correct behaviour, else a description of the problem with the requests
that show it. A baseline run without faults says how many orders the client places; without a
baseline each different body counts as one order, and each further key that the client used after
it had the answer to the order before counts as another.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from runa_mock_server.control.models import JournalEntry
from runa_mock_server.control_client.timeline import counted, effects_timeline
from runa_mock_server.testing.client_scenarios.observation import (
    Attempt,
    Body,
    Observation,
    is_final_refusal,
    is_rate_limit,
    is_successful,
    seconds_between,
    timeline,
)
from runa_mock_server.testing.client_scenarios.scenarios import Pace, Scenario

READS_A_SECOND = 5
"""The maximum number of reads of one order within a second."""
STEADY_READS_A_SECOND = 2
"""The same maximum once a client has polled for ``PATIENCE`` seconds."""
PATIENCE = 3.0

# The mock's clock and the one by which a program waits need not agree to the millisecond.
_TOLERANCE = 0.01


class Evidence(NamedTuple):
    """What a check judges.

    Attributes:
        run: what the client did.
        baseline: what the client did in the run without faults; ``None`` if there was no such run,
            and for that run itself.
        pace: the durations of the scenario.
        expected_orders: the number of orders that the client has to place, if configured.
    """

    run: Observation
    baseline: Observation | None = None
    pace: Pace = Pace()
    expected_orders: int | None = None


class Check(NamedTuple):
    """A check.

    Attributes:
        name: the name of the check.
        text: what a correct client does.
        problem: what the client did wrong; ``None`` for correct behaviour.
    """

    name: str
    text: str
    problem: Callable[[Evidence], str | None]


def _called(evidence: Evidence) -> str | None:
    if evidence.run.requests:
        return None
    if evidence.run.foreign_requests:
        return (
            "no request with the API key in RUNA_API_KEY, but "
            f"{evidence.run.foreign_requests} with another: "
            "the client has to take its key from RUNA_API_KEY"
        )
    return (
        "no request: the client has to take its base URL from RUNA_BASE_URL and its key from "
        "RUNA_API_KEY"
    )


def _ended(evidence: Evidence) -> str | None:
    ending = evidence.run.exit
    if ending is None or ending.code is not None:
        return None
    last = timeline(evidence.run.requests[-3:])
    return f"the program was still running after {ending.seconds:.1f} s\n{last}".rstrip()


def _ordered(evidence: Evidence) -> str | None:
    run = evidence.run
    if run.orders or not run.requests:  # without a request the check `called` fails
        return None
    return f"no order was placed:\n{timeline(run.requests)}"


def _ordered_once(evidence: Evidence) -> str | None:
    run, expected = evidence.run, _expected_orders(evidence)
    if expected is not None and run.orders > expected:
        problem = f"{counted(run.orders, 'order')} instead of {expected}"
    elif evidence.expected_orders is None and _is_doubled(evidence):
        problem = "a purchase was made twice"
    else:
        return None
    return f"{problem}: {effects_timeline(run.effects)}"


def _is_doubled(evidence: Evidence) -> bool:
    """Whether a retry created a second order, and the baseline did not order the same twice."""
    on_purpose = evidence.baseline is not None and bool(evidence.baseline.effects.repeated)
    return evidence.run.effects.verdict == "duplicated" and not on_purpose


def _recovered(evidence: Evidence) -> str | None:
    run, baseline, expected = evidence.run, evidence.baseline, _expected_orders(evidence)
    if expected is not None and run.orders < expected:
        return (
            f"{counted(run.orders, 'order')} instead of {expected}, although the service "
            f"recovered:\n{timeline(attempt.request for attempt in run.attempts)}"
        )
    if run.exit is not None and run.exit.code:
        return f"the exit status is {run.exit.code}:\n{timeline(run.requests)}"
    if baseline is not None and run.seen_ended < baseline.seen_ended:
        return (
            f"it polled {counted(run.seen_ended, 'order')} to the end instead of "
            f"{baseline.seen_ended}:\n{timeline(run.requests)}"
        )
    return None


def _expected_orders(evidence: Evidence) -> int | None:
    if evidence.expected_orders is not None or evidence.baseline is None:
        return evidence.expected_orders
    return evidence.baseline.orders


def _kept_key(evidence: Evidence) -> str | None:
    run, expected = evidence.run, evidence.expected_orders
    if evidence.baseline is not None:
        expected = len(evidence.baseline.by_key)
    elif expected is None:
        expected = sum(_purchases(run, attempts) for attempts in run.by_body.values())
    if len(run.by_key) <= expected:
        return None
    return (
        f"{len(run.by_key)} idempotency keys for {counted(expected, 'order')}: a retry has to send "
        f"the same key, or it orders twice\n{timeline(attempt.request for attempt in run.attempts)}"
    )


def _purchases(run: Observation, attempts: Sequence[Attempt]) -> int:
    """How many orders the attempts with one body were for: a key that got its answer is one."""
    done = {key.idempotency_key for key in run.effects.keys if key.orders and not key.undelivered}
    return max(1, len(done & {attempt.key for attempt in attempts}))


def _fresh_key(evidence: Evidence) -> str | None:
    for key, attempts in evidence.run.by_key.items():
        for earlier, later in pairwise(attempts if key is not None else ()):
            if earlier.body != later.body:
                problem = "a key was reused for another order, which the service refuses"
            elif is_successful(earlier.request):
                problem = "a key was reused after a successful response, so nothing is ordered"
            else:
                continue
            return f"{problem}\n{timeline((earlier.request, later.request))}"
    return None


def _final_is_final(evidence: Evidence) -> str | None:
    for attempts in evidence.run.by_body.values():
        for refused, later in pairwise(attempts):
            again = refused.key == later.key or _has_surplus_keys(evidence, refused.body)
            if is_final_refusal(refused.request) and again:
                return (
                    f"{refused.request.status} is final, but the same order was sent again\n"
                    f"{timeline((refused.request, later.request))}"
                )
    return None


def _has_surplus_keys(evidence: Evidence, body: Body) -> bool:
    """Whether a body was sent with more keys than in the baseline."""
    if evidence.baseline is None:
        others = len(evidence.run.by_body) - 1  # each of them is at least one order
        expected = max(1, (evidence.expected_orders or 1) - others)
    else:
        in_baseline = _key_counts(evidence.baseline)
        expected = in_baseline.get(body, max(in_baseline.values(), default=1))
    return _key_counts(evidence.run)[body] > expected


def _key_counts(run: Observation) -> dict[Body, int]:
    return {body: len({a.key for a in attempts}) for body, attempts in run.by_body.items()}


def _waited_after_429(evidence: Evidence) -> str | None:
    limit = evidence.pace.rate_limit_wait
    attempts = evidence.run.attempts
    for index, limited in enumerate(attempts):
        if not is_rate_limit(limited.request):
            continue
        for later in attempts[index + 1 :]:
            waited = seconds_between(limited.request, later.request)
            if waited < limit - _TOLERANCE and _is_retry(evidence, limited, later):
                return (
                    f"it retried {waited:.3f} s after a 429; the provider asks for "
                    f"{limit:g} s\n{timeline((limited.request, later.request))}"
                )
    return None


def _is_retry(evidence: Evidence, first: Attempt, later: Attempt) -> bool:
    """Whether two attempts are one purchase: the same key, or a body with too many keys."""
    if first.key is not None and first.key == later.key:
        return True
    return first.body == later.body and _has_surplus_keys(evidence, first.body)


def _pinned_version(evidence: Evidence) -> str | None:
    without = [r for r in evidence.run.requests if not r.headers.get("x-api-version")]
    if not without:
        return None
    return (
        f"{len(without)} of {len(evidence.run.requests)} requests had no X-Api-Version, so they "
        f"get the default version\n{timeline(without[:3])}"
    )


def _polled_politely(evidence: Evidence) -> str | None:
    for reads in evidence.run.reads:
        patient = [r for r in reads if seconds_between(reads[0], r) >= PATIENCE]
        for some, limit in ((reads, READS_A_SECOND), (patient, STEADY_READS_A_SECOND)):
            burst = _burst(some, limit)
            if burst:
                late = f" after {PATIENCE:g} s of polling" if some is patient else ""
                return (
                    f"it read an order more than {limit} times within a second{late}, "
                    f"{len(reads)} times in total\n{timeline(burst)}"
                )
    return None


def _burst(reads: Sequence[JournalEntry], limit: int) -> Sequence[JournalEntry]:
    """The first reads that exceed the limit within a second; empty if none do."""
    for start in range(len(reads) - limit):
        some = reads[start : start + limit + 1]
        if seconds_between(some[0], some[-1]) < 1 - _TOLERANCE:
            return some
    return ()


CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        Check("called", "calls the server of RUNA_BASE_URL with RUNA_API_KEY", _called),
        Check("ended", "ends before the timeout", _ended),
        Check("ordered", "places an order", _ordered),
        Check("ordered_once", "places each order exactly once", _ordered_once),
        Check("recovered", "completes its work once the service recovers", _recovered),
        Check("kept_key", "sends the same idempotency key on a retry", _kept_key),
        Check("fresh_key", "uses a new key for each new order", _fresh_key),
        Check("final_is_final", "never retries an order after a final refusal", _final_is_final),
        Check("waited_after_429", "waits after a 429", _waited_after_429),
        Check("pinned_version", "sends X-Api-Version with each request", _pinned_version),
        Check("polled_politely", "polls an order with pauses", _polled_politely),
    )
}
"""Every check by name."""


class Finding(NamedTuple):
    """The outcome of a check in a scenario.

    Attributes:
        check: the check.
        problem: what the client did wrong; ``None`` for correct behaviour.
    """

    check: Check
    problem: str | None


def judge(scenario: Scenario, evidence: Evidence) -> list[Finding]:
    """Run the checks of a scenario, in their order."""
    return [
        Finding(check, check.problem(evidence))
        for check in CHECKS.values()
        if check.name in scenario.checks
    ]
