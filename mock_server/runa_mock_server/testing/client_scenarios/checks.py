"""The checks of a client: functions of what the client did.

A check returns ``None`` for correct behaviour, else a description of the problem with the requests
that show it. A baseline run without faults says how many orders the client places; without a
baseline each different body counts as one order, and each further key that the client used after
it had the answer to the order before counts as another.
"""

from collections.abc import Collection, Mapping

from runa_mock_server.testing.client_scenarios.evidence import Check, Evidence, Finding
from runa_mock_server.testing.client_scenarios.observation import timeline
from runa_mock_server.testing.client_scenarios.order_checks import ORDER_CHECKS
from runa_mock_server.testing.client_scenarios.outcome_checks import OUTCOME_CHECKS

__all__ = ["CHECKS", "Check", "Evidence", "Finding", "judge"]


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


def _pinned_version(evidence: Evidence) -> str | None:
    without = [r for r in evidence.run.requests if not r.headers.get("x-api-version")]
    if not without:
        return None
    return (
        f"{len(without)} of {len(evidence.run.requests)} requests had no X-Api-Version, so they "
        f"get the default version\n{timeline(without[:3])}"
    )


CHECKS: Mapping[str, Check] = {
    check.name: check
    for check in (
        Check("called", "calls the server of RUNA_BASE_URL with RUNA_API_KEY", _called),
        Check("ended", "ends before the timeout", _ended),
        *ORDER_CHECKS,
        *OUTCOME_CHECKS,
        Check("pinned_version", "sends X-Api-Version with each request", _pinned_version),
    )
}
"""Every check by name."""

# A problem explains others: what a program that was ended by the check has not done says nothing.
_UNFINISHED = ("recovered", "tolerated", "read_the_end", "noticed_failure", "ignored_texts")
_EXPLAINS: Mapping[str, Collection[str]] = {
    "timed_out": ("ended", *_UNFINISHED),
    "ended": _UNFINISHED,
    # The service refuses such requests, so the program cannot do its work.
    "kept_body": ("recovered", "tolerated", "ignored_texts"),
    "fresh_key": ("recovered", "tolerated", "ignored_texts"),
    "read_all_pages": ("tolerated",),
}


def judge(evidence: Evidence) -> list[Finding]:
    """Run the checks of a scenario, in their order."""
    checks = [check for check in CHECKS.values() if check.name in evidence.scenario.checks]
    unexercised = {check.name: check.missing(evidence) for check in checks}
    problems = {
        check.name: None if unexercised[check.name] else check.problem(evidence) for check in checks
    }
    explained = {
        name: f"explained by {cause}"
        for cause, names in _EXPLAINS.items()
        if problems.get(cause) is not None
        for name in names
    }
    unmet = _unmet_faults(evidence)
    findings = []
    for check in checks:
        problem = problems[check.name]
        missing = explained.get(check.name)
        if missing is not None:
            problem = None
        elif problem is None:
            missing = unexercised[check.name]
            if missing is None and check.name not in ("called", "ended"):
                missing = unmet
        findings.append(Finding(check, problem, missing))
    return findings


def _unmet_faults(evidence: Evidence) -> str | None:
    """Why no fault of the scenario hit a request; ``None`` if one did."""
    faults = evidence.scenario.faults
    if not faults or evidence.run.struck:
        return None
    fields = faults[0].fields
    return f"the program never sent {fields.get('method') or 'a request to'} {fields.get('path')}"
