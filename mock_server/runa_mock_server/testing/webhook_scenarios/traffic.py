"""The deliveries of ``check-webhooks`` as traffic for the go-live report."""

from contextlib import closing
from pathlib import Path

from runa_mock_server.base.redaction import without_password
from runa_mock_server.testing.recording import TrafficFile
from runa_mock_server.testing.webhook_scenarios.checks import STALE_SECONDS
from runa_mock_server.testing.webhook_scenarios.run import WebhookReport
from runa_mock_server.testing.webhook_scenarios.sending import Delivery

SOURCE = "check-webhooks"


def write_traffic(path: Path, report: WebhookReport) -> None:
    """Write what was delivered, and how the handler answered.

    Args:
        path: the file; one that exists is replaced.
        report: the outcome of the checks.

    Raises:
        OSError: if the file cannot be written.
    """
    sent_by = [(finding.check.name, sent) for finding in report.findings for sent in finding.sent]
    with closing(TrafficFile(path, SOURCE)) as file:
        if not sent_by:
            return
        (secret, *_) = sent_by[0][1].delivery.secrets  # the first delivery is a valid one
        for check, sent in sent_by:
            file.write(
                {
                    "kind": "delivery",
                    "server": SOURCE,
                    "test": check,
                    "message": sent.delivery.message_id,
                    "event": "order.completion",
                    "subject": sent.delivery.text,
                    "url": without_password(report.url),
                    "account": None,
                    "at": report.started_at.isoformat(),
                    "status": sent.status,
                    "failure": sent.failure,
                    "faults": _faults(sent.delivery, secret),
                }
            )


def _faults(delivery: Delivery, secret: str) -> list[str]:
    """The webhook faults that make the same of a delivery."""
    faults = {
        "wrong_signature": secret not in delivery.secrets,
        "reserialised": delivery.signed_body not in {None, delivery.body},
        "delay": abs(delivery.age) >= STALE_SECONDS,
    }
    return [name for name, applies in faults.items() if applies]
