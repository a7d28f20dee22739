"""Reports of a webhook handler as text, JSON and JUnit XML."""

import json
from typing import Any, Final

from runa_conformance.junit import Case, Suite, as_xml
from runa_mock_server.control_client.timeline import counted
from runa_mock_server.testing.statuses import JUNIT, MARKS
from runa_mock_server.testing.webhook_scenarios.checks import CHECKS, Finding
from runa_mock_server.testing.webhook_scenarios.run import WebhookReport
from runa_mock_server.testing.webhook_scenarios.sending import Sent

_INDENT = "      "


def finding_text(finding: Finding) -> str:
    """A finding as a line; a problem with the reason why it matters and what to do."""
    line = f"{MARKS[finding.status]}  {finding.check.name}"
    verdict, check = finding.verdict, finding.check
    if finding.status == "not_exercised":
        return f"{line}: not exercised: {verdict.missing}"
    if verdict.problem is None:
        return line
    lines = [f"expected: the handler {check.text}", verdict.problem, check.why, check.advice]
    return "\n".join([line, *(_INDENT + part for part in lines)])


def summary_text(report: WebhookReport) -> str:
    """The counts of all checks in one line."""
    return (
        f"{counted(len(report.findings), 'check')}: {report.count('passed')} passed, "
        f"{report.count('failed')} failed, {report.count('not_exercised')} not exercised; "
        f"{report.seconds:.1f} s"
    )


def as_text(report: WebhookReport) -> str:
    """The report as text."""
    lines = (*map(finding_text, report.findings), summary_text(report))
    return "".join(f"{line}\n" for line in lines)


def as_json(report: WebhookReport) -> str:
    """The report as JSON."""
    document: dict[str, Any] = {
        "command": "check-webhooks",
        "url": report.url,
        "started_at": report.started_at.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "counts": {status: report.count(status) for status in MARKS},
        "checks": [_finding(finding) for finding in report.findings],
    }
    return json.dumps(document, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.check.name,
        "status": finding.status,
        "expected": finding.check.text,
        "reason": finding.verdict.problem,
        "not_exercised": finding.verdict.missing,
        "why": finding.check.why,
        "advice": finding.check.advice,
        "deliveries": [_sent(sent) for sent in finding.sent],
    }


def _sent(sent: Sent) -> dict[str, Any]:
    return {
        "text": sent.delivery.text,
        "message_id": sent.delivery.message_id,
        "status": sent.status,
        "failure": sent.failure,
        "error": sent.error,
        "seconds": round(sent.seconds, 3),
        "observed_before": sent.before,
        "observed_after": sent.after,
    }


def as_junit(report: WebhookReport) -> str:
    """The report as JUnit XML, for CI servers."""
    cases = [
        Case(
            "webhook handler",
            finding.check.name,
            JUNIT[finding.status],
            _junit_text(finding),
            sum(sent.seconds for sent in finding.sent),
        )
        for finding in report.findings
    ]
    suite = Suite(
        "runa webhook check", report.started_at, report.seconds, cases, {"url": report.url}
    )
    return as_xml(suite)


def _junit_text(finding: Finding) -> str:
    if finding.verdict.problem is None:
        return finding.verdict.missing or ""
    return f"{finding.verdict.problem}\n{finding.check.why}\n{finding.check.advice}"


FORMATS: Final = {"text": as_text, "json": as_json, "junit": as_junit}
"""The report formats by name."""


def checks_text() -> str:
    """The checks, one line each."""
    width = max(map(len, CHECKS))
    return "".join(f"{name:{width}}  the handler {check.text}\n" for name, check in CHECKS.items())
