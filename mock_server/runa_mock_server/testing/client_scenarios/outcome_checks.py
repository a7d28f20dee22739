"""The checks of what a client makes of responses: polling, the end of orders, tolerance."""

import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from runa_mock_server.control.models import JournalEntry
from runa_mock_server.control_client.timeline import counted
from runa_mock_server.testing.client_scenarios.evidence import Check, Evidence, Judgement
from runa_mock_server.testing.client_scenarios.observation import (
    Observation,
    is_catalogue,
    is_final_refusal,
    is_list,
    seconds_between,
    timeline,
)
from runa_mock_server.testing.client_scenarios.order_checks import ORDER_CHECKS
from runa_mock_server.testing.client_scenarios.scenarios import SMALL_PAGE

PATIENCE = 3.0
"""After so many seconds of polling the mean pause has to be ``steady_poll_pause``."""
_FEW_READS = 5  # so few reads are no polling without pauses

_FILTERS = ("code", "categories", "countries_redeemable_in")
_BY_NAME = {check.name: check for check in ORDER_CHECKS}
# What differs from run to run in what a program writes: ids, tokens, numbers, how an order ended.
_VARIABLE = re.compile(
    r"\b(?:[OE]-[0-9A-Z]{26}|[0-9a-fA-F-]{8,}|COMPLETED|FAILED|completed|failed)\b|\d+"
)


def _recovered(evidence: Evidence) -> str | None:
    run, expected = evidence.run, evidence.orders_to_place
    if not run.orders and run.attempts and expected is None:
        expected = 1
    if expected is not None and run.orders < expected:
        return (
            f"{counted(run.orders, 'order')} instead of {expected}, although the service "
            f"recovered:\n{timeline(attempt.request for attempt in run.attempts)}"
        )
    return _broke_off(evidence)


def _broke_off(evidence: Evidence) -> str | None:
    """How a program did less than in the baseline."""
    run, baseline = evidence.run, evidence.baseline
    if run.exit is not None and run.exit.code:
        return f"the exit status is {run.exit.code}:\n{timeline(run.requests)}"
    if baseline is not None and run.seen_ended < baseline.seen_ended:
        return (
            f"it polled {counted(run.seen_ended, 'order')} to the end instead of "
            f"{baseline.seen_ended}:\n{timeline(run.requests)}"
        )
    return None


def _tolerated(evidence: Evidence) -> str | None:
    problem = _recovered(evidence)
    if problem is None:
        return None
    return (
        f"the program does its work without this, but not if {evidence.scenario.text}: "
        f"{problem.replace(', although the service recovered', '')}"
    )


def _nothing_to_tolerate(evidence: Evidence) -> str | None:
    run = evidence.run
    if evidence.scenario.name == "unknown-values" and not any(map(is_catalogue, run.requests)):
        return "the program never read the catalogue"
    if evidence.scenario.name == "small-pages":
        return _without_list(evidence)
    if evidence.scenario.name == "no-legacy-fields" and not run.ends:
        return "the program never read an order that has ended"
    return None


def _polled_politely(evidence: Evidence) -> str | None:
    for reads in evidence.run.reads:
        patient = [r for r in reads if seconds_between(reads[0], r) >= PATIENCE]
        for some, pause in (
            (reads, evidence.pace.poll_pause),
            (patient, evidence.pace.steady_poll_pause),
        ):
            if len(some) <= _FEW_READS:
                continue
            # The mean, so that a busy machine that bunches some reads changes nothing.
            mean = seconds_between(some[0], some[-1]) / (len(some) - 1)
            if mean < pause:
                late = f" after {PATIENCE:g} s of polling" if some is patient else ""
                return (
                    f"it read an order {len(some)} times{late} with a mean pause of {mean:.3f} s; "
                    f"at least {pause:g} s are expected\n{timeline(some)}"
                )
    return None


def _without_reads(evidence: Evidence) -> str | None:
    return None if evidence.run.reads else "the program never read an order"


def _read_the_end(evidence: Evidence) -> str | None:
    run = evidence.run
    accepted = {a.request.order_id for a in run.attempts if a.request.order_id is not None}
    if not accepted or accepted & run.ends.keys():
        return None
    seen = "read no order" if not run.reads else "read orders only while they were PROCESSING"
    return (
        f"{counted(len(accepted), 'order')} accepted with 202, but the program {seen}: 202 is not "
        "the end. Poll GET /order/{id} until the status is COMPLETED or FAILED, or receive the "
        f"webhook order.completion\n{timeline(run.requests)}"
    )


def _noticed_failure(evidence: Evidence) -> str | None:
    run, baseline = evidence.run, evidence.baseline
    if baseline is None or run.exit is None or run.exit.code != 0:
        return None
    if run.orders > baseline.orders or _lines(run) - _lines(baseline):
        return None
    what = "an order that FAILED" if evidence.scenario.ends == "FAILED" else "a refused order"
    return (
        f"after {what} the program ended with status 0, and wrote nothing else than after "
        "a COMPLETED order. End with another status, write what failed, or order anew\n"
        f"{timeline(run.requests)}"
    )


def _lines(run: Observation) -> set[str]:
    """What a program wrote, without what differs from run to run."""
    return {_VARIABLE.sub("?", line.strip()) for line in run.output.splitlines()}


def _without_failure(evidence: Evidence) -> str | None:
    run = evidence.run
    if run.exit is None:
        return "a client inside the test has no exit status: assert in the test how it fails"
    if evidence.scenario.ends == "FAILED":
        return None if run.seen_failed else "the program never read the end of an order"
    if not any(is_final_refusal(attempt.request) for attempt in run.attempts):
        return "no order was refused"
    if evidence.baseline is not None and _has_refusals(evidence.baseline):
        return "the program provokes refusals on purpose"
    return None


def _has_refusals(run: Observation) -> bool:
    return any(is_final_refusal(attempt.request) for attempt in run.attempts)


def _ignored_texts(evidence: Evidence) -> str | None:
    for judged in _TEXT_RELIANT:
        problem = judged(evidence)
        if problem is None:
            continue
        sibling = evidence.sibling
        if sibling is None or judged(evidence._replace(run=sibling)) is None:
            return (
                "clients must not rely on message and help of an error, which may change, but "
                f"only on status and type: {problem}"
            )
    return None


def _fulfilled(evidence: Evidence) -> str | None:
    return None if evidence.scenario.ends == "REFUSED" else _recovered(evidence)


_TEXT_RELIANT: Sequence[Judgement] = (
    _BY_NAME["waited_after_429"].problem,
    _BY_NAME["final_is_final"].problem,
    _fulfilled,
)


def _read_all_pages(evidence: Evidence) -> str | None:
    lists = _unlimited_lists(evidence)
    for first in lists:
        if not any(
            "after" in parse_qs(later.query)
            for later in evidence.run.requests
            if is_list(later) and later.path == first.path
        ):
            return (
                f"it read only the first page of {first.path}, which had {SMALL_PAGE} entries: "
                "read on with after=CURSOR until a page is empty\n"
                f"{timeline((first,))}"
            )
    return None


def _without_list(evidence: Evidence) -> str | None:
    if _unlimited_lists(evidence):
        return None
    return "the program never read a list of several pages without a limit and filters"


def _unlimited_lists(evidence: Evidence) -> list[JournalEntry]:
    """The reads of the first page of a list that has further ones."""
    return [
        request
        for request in evidence.run.requests
        if is_list(request)
        and not parse_qs(request.query).keys() & {"limit", "after", "before", *_FILTERS}
        and (evidence.run.orders > SMALL_PAGE or "product" in request.path)
    ]


OUTCOME_CHECKS = (
    Check("recovered", "completes its work once the service recovers", _recovered),
    Check("polled_politely", "polls an order with pauses", _polled_politely, _without_reads),
    Check("read_the_end", "waits for the end of its orders", _read_the_end),
    Check(
        "noticed_failure",
        "notices that an order failed or was refused",
        _noticed_failure,
        _without_failure,
    ),
    Check(
        "tolerated",
        "tolerates compatible changes of responses",
        _tolerated,
        _nothing_to_tolerate,
    ),
    Check("ignored_texts", "does not rely on the texts of errors", _ignored_texts),
    Check("read_all_pages", "reads lists to the last page", _read_all_pages, _without_list),
)
"""The checks of polling, the end of orders and tolerance."""
