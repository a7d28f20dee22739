"""Runs the checks of a webhook handler."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runa_mock_server.testing.statuses import FindingStatus
from runa_mock_server.testing.webhook_scenarios.checks import (
    CHECKS,
    IN_TIME,
    Check,
    Finding,
    Verdict,
    make_checks,
)
from runa_mock_server.testing.webhook_scenarios.events import Events
from runa_mock_server.testing.webhook_scenarios.observing import Observer
from runa_mock_server.testing.webhook_scenarios.sending import Sender, Sent
from runa_mock_server.testing.webhook_scenarios.session import (
    Session,
    SlowHandlerError,
    new_secret,
)
from runa_mock_server.webhooks.messages import Failure
from runa_mock_server.webhooks.signing import HeaderNames

TIMEOUT = 15.0
"""Seconds within which a handler has to answer (provider's page "Webhooks")."""

_NO_CONNECTION: tuple[Failure, ...] = (
    "dns_failure",
    "connection_refused",
    "connection_failed",
    "tls_failure",
)


class UnreachableError(Exception):
    """The handler cannot be reached; the message says why."""


@dataclass(frozen=True, slots=True)
class Handler:
    """Which handler to check, and how.

    Attributes:
        url: its URL.
        secret: the secret that it verifies with; ``None``: one that it cannot know.
        old_secret: the secret before the last rotation; ``None`` if there is none.
        headers: the names of the headers: ``svix``, ``standard`` or ``both``.
        observe: returns the value that duplicates must not change; ``None`` without one.
        order_ids: orders that the handler knows.
        timeout: seconds within which it has to answer.
        settle: seconds that it may take to act after its answer.
        skipped: the names of checks to leave out.
    """

    url: str
    secret: str | None = None
    old_secret: str | None = None
    headers: HeaderNames = "svix"
    observe: Callable[[], object] | None = None
    order_ids: Sequence[str] = ()
    timeout: float = TIMEOUT
    settle: float = 0.5
    skipped: Collection[str] = ()


@dataclass(slots=True)
class WebhookReport:
    """The outcome of all checks.

    Attributes:
        url: the URL of the handler.
        started_at: the time of the start.
        findings: one for each check.
        seconds: the duration of all checks.
    """

    url: str
    started_at: datetime
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: FindingStatus) -> int:
        """The number of checks with a status."""
        return sum(finding.status == status for finding in self.findings)

    @property
    def problems(self) -> dict[str, str]:
        """What the handler did wrong, by the name of the check that failed."""
        return {
            finding.check.name: finding.verdict.problem
            for finding in self.findings
            if finding.verdict.problem is not None
        }

    def check(self) -> None:
        """Assert that the handler behaved correctly.

        Raises:
            AssertionError: with each problem, why it matters and what to do.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        if self.problems:
            parts = [
                f"{f.check.name}: {f.verdict.problem}\n  {f.check.why}\n  {f.check.advice}"
                for f in self.findings
                if f.verdict.problem is not None
            ]
            raise AssertionError("\n".join([f"the webhook handler at {self.url}:", *parts]))


def check_webhooks(
    handler: Handler, on_finding: Callable[[Finding], None] = lambda _: None
) -> WebhookReport:
    """Send deliveries to a running webhook handler, and judge its answers.

    Args:
        handler: the handler.
        on_finding: called with each finding as soon as it is known.

    Raises:
        UnreachableError: if the handler cannot be reached.
        ObserveError: if the value cannot be observed.
        ValueError: for a secret that is none, or a check that does not exist.
    """
    unknown = sorted({*handler.skipped} - CHECKS.keys())
    if unknown:
        raise ValueError(f"there is no check {unknown[0]!r}; there are {', '.join(CHECKS)}")
    started = time.monotonic()
    report = WebhookReport(handler.url, datetime.now(UTC))
    observer = None if handler.observe is None else Observer(handler.observe, handler.settle)
    if observer is not None:
        observer.value()  # fails before anything is sent
    sender = Sender(handler.url, handler.headers, handler.timeout)
    session = Session(sender, handler.secret or new_secret(), Events(handler.order_ids), observer)
    obstacle: str | None = None
    for check in make_checks(handler.old_secret):
        finding, obstacle = _run(check, session, obstacle)
        if check.name == "accepts_valid":
            _check_reached(sender.sent[0])
            if finding.status == "failed":
                obstacle = "valid deliveries are refused"
                if handler.secret is None:
                    finding = _without_secret(finding)
        _add(report, finding, handler, on_finding)
    _add(report, _in_time(sender, handler.timeout), handler, on_finding)
    report.seconds = time.monotonic() - started
    return report


def _add(
    report: WebhookReport,
    finding: Finding,
    handler: Handler,
    on_finding: Callable[[Finding], None],
) -> None:
    if finding.check.name not in handler.skipped:
        report.findings.append(finding)
        on_finding(finding)


def _run(check: Check, session: Session, obstacle: str | None) -> tuple[Finding, str | None]:
    """Run a check, unless something stands in its way; what stands in the way of the next."""
    if obstacle is not None:
        return Finding(check, Verdict(missing=obstacle)), obstacle
    session.sent = []
    try:
        verdict = check.judge(session)
    except SlowHandlerError:
        obstacle = "the handler did not answer in time"
        verdict = Verdict(missing=obstacle)
    return Finding(check, verdict, tuple(session.sent)), obstacle


def _check_reached(first: Sent) -> None:
    if first.failure in _NO_CONNECTION:
        raise UnreachableError(str(first.error))


def _without_secret(finding: Finding) -> Finding:
    problem = f"{finding.verdict.problem}; --secret was not given, so it cannot verify anything"
    return finding._replace(verdict=Verdict(problem))


def _in_time(sender: Sender, timeout: float) -> Finding:
    late = [sent for sent in sender.sent if sent.is_late]
    if late:
        problem = f"{late[0].delivery.text}: no response within {timeout:g} s"
        return Finding(IN_TIME, Verdict(problem), tuple(late))
    return Finding(IN_TIME, Verdict())
