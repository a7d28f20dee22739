"""The emails that orders cause."""

from collections.abc import Iterator

from runa_mock_server.control import emails, running
from runa_mock_server.control.models import LONGEST_PAGE, EmailDetail, EmailResult
from runa_mock_server.control_client.transport import Part, poll

_MOST_LISTED = 10


class EmailsControl(Part):
    """The emails of an account, or of all accounts, in the order in which they are sent."""

    def __iter__(self) -> Iterator[EmailResult]:
        return iter(self.list())

    def list(self, to: str | None = None, order_id: str | None = None) -> list[EmailResult]:
        """The emails to an address, or of an order."""
        return self._call(emails.list_emails, query={"to": to, "order_id": order_id}).emails

    def get(self, email_id: str) -> EmailDetail:
        """An email with its content; ``message()`` returns the parsed MIME message."""
        return self._call(emails.read_email, email_id=email_id)

    def wait_for(
        self, to: str | None = None, order: str | None = None, timeout: float = 5
    ) -> EmailDetail:
        """Wait for an email and return the first one that was sent.

        Args:
            to: the recipient's address.
            order: the id of the order that caused the email.
            timeout: seconds of real time to wait. The mock's clock must run, or be moved.

        Raises:
            TimeoutError: if no email was sent in time; the message lists the outbox.
        """
        __tracebackhide__ = True  # pytest then shows the line of the test
        query = {"to": to, "order_id": order, "sent": True, "limit": LONGEST_PAGE}

        def first_sent() -> EmailResult | None:
            return next(iter(self._call(emails.list_emails, query=query).emails), None)

        found = poll(first_sent, timeout)
        if found is None:
            raise TimeoutError(self._timeout_message(to, order, timeout))
        return self.get(found.id)

    def _timeout_message(self, to: str | None, order: str | None, timeout: float) -> str:
        wanted = (f" to {to}" if to else "") + (f" of the order {order}" if order else "")
        outbox = self.list()
        lines = [f"no mail{wanted} was sent within {timeout:g} seconds"]
        lines += [f"  {_line(email)}" for email in outbox[-_MOST_LISTED:]]
        lines[0] += f"; the outbox holds {len(outbox)}" if outbox else "; the outbox is empty"
        if any(not email.sent and self._is_stopped(email) for email in outbox):
            lines.append("the clock is stopped: nothing is sent until it is moved")
        return "\n".join(lines)

    def _is_stopped(self, email: EmailResult) -> bool:
        account = email.account if self._caller.api_key is None else None
        return self._call(running.read_clock, query={"account": account}).speed == 0


def _line(email: EmailResult) -> str:
    if email.sent:
        state = "was sent"
    elif email.sent_at is None:
        state = "waits: its order is on hold"
    else:
        state = f"is sent at {email.sent_at.isoformat()}"
    return f"{email.id} to {email.to}, order {email.order_id}, {state}"
