"""The checks of how a client orders: keys, bodies, retries, refusals."""

from collections.abc import Sequence
from itertools import pairwise

from runa_mock_server.control_client.timeline import counted, effects_timeline
from runa_mock_server.testing.client_scenarios.evidence import Check, Evidence
from runa_mock_server.testing.client_scenarios.observation import (
    Attempt,
    Observation,
    is_conflict,
    is_final_refusal,
    is_late,
    is_lost,
    is_rate_limit,
    is_successful,
    seconds_between,
    timeline,
)

# The mock's clock and the one by which a program waits need not agree to the millisecond.
_TOLERANCE = 0.01

_Pairs = Sequence[tuple[str, Attempt, Attempt]]


def _ordered(evidence: Evidence) -> str | None:
    run = evidence.run
    if run.orders or not run.requests:  # without a request the check `called` fails
        return None
    return f"no order was placed:\n{timeline(run.requests)}"


def _ordered_once(evidence: Evidence) -> str | None:
    run, expected = evidence.run, evidence.orders_to_place
    # After a FAILED order that the client knows of, it may order anew.
    if expected is not None and run.orders - run.seen_failed > expected:
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


def _without_retry(evidence: Evidence) -> str | None:
    run = evidence.run
    if run.retries or len(run.by_key) > (evidence.orders_to_place or 1):
        return None
    return "the program never retried an order"


def _kept_body(evidence: Evidence) -> str | None:
    for attempts in _with_key(evidence.run):
        for earlier, later in pairwise(attempts):
            if earlier.body != later.body and is_lost(earlier.request):
                return (
                    "a retry had the key of the request before, but another body, which the "
                    "service refuses if it knows the key: send the same bytes again, without a new "
                    "time or a new random value, and keep the key\n"
                    f"{timeline((earlier.request, later.request))}"
                )
    return None


def _fresh_key(evidence: Evidence) -> str | None:
    found = _reused(evidence.run)
    if len(found) <= _reuses_on_purpose(evidence, found):
        return None
    problem, earlier, later = found[0]
    return f"{problem}\n{timeline((earlier.request, later.request))}"


def _reuses_on_purpose(evidence: Evidence, found: _Pairs) -> int:
    """How many reuses a suite that tests idempotency makes; another program makes none."""
    if not evidence.is_on_purpose:
        return 0
    reference = evidence.baseline or evidence.run
    has_conflicts = any(is_conflict(attempt.request) for attempt in reference.attempts)
    # One key for everything is not a test of keys, but a program without fresh ones.
    if not has_conflicts and len(reference.by_key) == 1:
        return 0
    return len(found) if evidence.baseline is None else len(_reused(evidence.baseline))


def _reused(run: Observation) -> _Pairs:
    """The attempts that use a key again although its order was settled, and the problem."""
    found = []
    for attempts in _with_key(run):
        for earlier, later in pairwise(attempts):
            problem = None
            if earlier.body != later.body and not is_lost(earlier.request):
                problem = (
                    "a key was reused for a corrected order, which needs a new key"
                    if is_final_refusal(earlier.request) and not is_conflict(earlier.request)
                    else "a key was reused for another order, which the service refuses"
                )
            elif earlier.body == later.body and is_successful(earlier.request):
                problem = "a key was reused after a successful response, so nothing is ordered"
            if problem is not None:
                found.append((problem, earlier, later))
    return found


def _with_key(run: Observation) -> list[list[Attempt]]:
    return [attempts for key, attempts in run.by_key.items() if key is not None]


def _final_is_final(evidence: Evidence) -> str | None:
    found = _repeated_refusals(evidence)
    allowed = 0
    if evidence.is_on_purpose:
        baseline = evidence.baseline
        allowed = (
            len(found)
            if baseline is None
            else len(_repeated_refusals(evidence._replace(run=baseline, baseline=None)))
        )
    if len(found) <= allowed:
        return None
    refused, later = found[0]
    return (
        f"{refused.request.status} is final, but the same order was sent again\n"
        f"{timeline((refused.request, later.request))}"
    )


def _repeated_refusals(evidence: Evidence) -> list[tuple[Attempt, Attempt]]:
    return [
        (refused, later)
        for attempts in evidence.run.by_body.values()
        for refused, later in pairwise(attempts)
        if is_final_refusal(refused.request)
        # What a conflict refuses is the key; the order may be sent with another one.
        and not (is_conflict(refused.request) and refused.key != later.key)
        and (refused.key == later.key or evidence.surplus_keys(refused.body))
    ]


def _without_refusal(evidence: Evidence) -> str | None:
    if any(is_final_refusal(attempt.request) for attempt in evidence.run.attempts):
        return None
    return "no order was refused"


def _waited_after_429(evidence: Evidence) -> str | None:
    limit = evidence.pace.rate_limit_wait
    attempts = evidence.run.attempts
    for index, limited in enumerate(attempts):
        if not is_rate_limit(limited.request):
            continue
        for later in attempts[index + 1 :]:
            waited = seconds_between(limited.request, later.request)
            if waited < limit - _TOLERANCE and evidence.is_retry(limited, later):
                return (
                    f"it retried {waited:.3f} s after a 429; the provider asks for "
                    f"{limit:g} s\n{timeline((limited.request, later.request))}"
                )
    return None


def _without_429(evidence: Evidence) -> str | None:
    attempts = evidence.run.attempts
    limited = [a for a in attempts if is_rate_limit(a.request)]
    if any(evidence.is_retry(a, later) for a in limited for later in attempts if later is not a):
        return None
    return "the program never retried an order after a 429"


def _timed_out(evidence: Evidence) -> str | None:
    run, ending = evidence.run, evidence.run.exit
    for late in (attempt.request for attempt in run.attempts if is_late(attempt.request)):
        was_ended = ending is not None and ending.code is None
        if was_ended and ending is not None:
            if run.requests[-1] is not late:
                continue
            waited = f"{ending.seconds:.1f} s, when it was ended"
        elif late.status is not None and (ending is None or ending.seconds >= evidence.pace.hang):
            waited = f"{evidence.pace.hang:g} s, until the response came"
        else:
            continue
        return (
            f"it waited for the response to an order for {waited}: a request needs a timeout, "
            "after which the client retries with the same key (if it has a longer timeout, raise "
            f"--hang and --timeout)\n{timeline((late,))}"
        )
    return None


ORDER_CHECKS = (
    Check("ordered", "places an order", _ordered),
    Check("ordered_once", "places each order exactly once", _ordered_once),
    Check("kept_key", "sends the same idempotency key on a retry", _kept_key, _without_retry),
    Check("kept_body", "sends the same body on a retry", _kept_body, _without_retry),
    Check("fresh_key", "uses a new key for each new order", _fresh_key),
    Check(
        "final_is_final",
        "never retries an order after a final refusal",
        _final_is_final,
        _without_refusal,
    ),
    Check("waited_after_429", "waits after a 429", _waited_after_429, _without_429),
    Check("timed_out", "gives up a request that gets no response", _timed_out),
)
"""The checks of keys, bodies, retries and refusals."""
