"""A hand on the mails of a mock server, from Python."""

from collections.abc import Iterator

from runa_mock_server.control.models import (
    LONGEST_PAGE,
    ClockResult,
    EmailDetail,
    EmailResult,
    EmailsResult,
)
from runa_mock_server.control_client.transport import Channel, path_of, wait

_MAILS_TOLD = 10


class EmailsControl:
    """The mails that orders have caused."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[EmailResult]:
        return iter(self.list())

    def list(self, to: str | None = None, order_id: str | None = None) -> list[EmailResult]:
        """The mails, in the order in which they leave."""
        return self._channel.get(EmailsResult, "/emails", to=to, order_id=order_id).emails

    def get(self, email_id: str) -> EmailDetail:
        """A mail with what it says; its ``message()`` is the parsed MIME message.

        Raises:
            ControlRefusedError: if there is no such mail.
        """
        return self._channel.get(EmailDetail, path_of("email", email_id))

    def wait_for(
        self, to: str | None = None, order: str | None = None, timeout: float = 5
    ) -> EmailDetail:
        """The first mail that fits and has left; waits until there is one.

        Args:
            to: only mail to this address.
            order: only mail that the order of this id has caused.
            timeout: seconds of real time to wait; the mock's own clock has to be moved, or run.

        Raises:
            TimeoutError: if none has left in time; it tells what the outbox holds.
        """
        fitting: dict[str, object] = {"to": to, "order_id": order, "limit": LONGEST_PAGE}

        def first_that_left() -> EmailResult | None:
            left = self._channel.get(EmailsResult, "/emails", sent=True, **fitting).emails
            return left[0] if left else None

        found = wait(first_that_left, timeout)
        if found is None:
            raise TimeoutError(self._nothing_came(to, order, timeout))
        return self.get(found.id)

    def _nothing_came(self, to: str | None, order: str | None, timeout: float) -> str:
        wanted = (f" to {to}" if to else "") + (f" of the order {order}" if order else "")
        emails = self.list()
        told = [f"no mail{wanted} has left within {timeout:g} seconds"]
        told += [f"  {_line(email)}" for email in emails[-_MAILS_TOLD:]]
        told[0] += f"; the outbox holds {len(emails)}" if emails else "; the outbox is empty"
        if any(not email.sent and self._stands_still(email) for email in emails):
            told.append("time stands still, so nothing leaves until the clock is moved")
        return "\n".join(told)

    def _stands_still(self, email: EmailResult) -> bool:
        name = email.account if self._channel.api_key is None else None
        return self._channel.get(ClockResult, "/clock", account=name).speed == 0


def _line(email: EmailResult) -> str:
    if email.sent:
        state = "has left"
    elif email.sent_at is None:
        state = "waits: its order is on hold"
    else:
        state = f"leaves at {email.sent_at.isoformat()}"
    return f"{email.id} to {email.to}, order {email.order_id}, {state}"
