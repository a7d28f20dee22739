"""A real SMTP server that keeps what it is given, and orders that send mail to it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Condition, Event
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from support.api import body, item
from support.waiting import LIMIT

ASKING = {"X_Send_Email": "true"}
HANGS, REFUSED = "hangs@mail.example", "refused@mail.example"


class Catcher(Controller):
    """An SMTP server on a free port.

    Attributes:
        envelopes: what it was given, oldest first.
        connections: how many were opened to it.
        busy: how many mails it will never say a word about.
        silent_after: after so many mails its connections answer no NOOP.
    """

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.connections = -1  # the controller opens one itself, to see that it is there
        self.busy = 0
        self.may_go_on = Event()  # cleared, it keeps every mail waiting
        self.may_go_on.set()
        self.silent_after: int | None = None
        self._news = Condition()
        super().__init__(self, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        """What talks to the next caller."""
        self.connections += 1
        return SMTP(self, enable_SMTPUTF8=True)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd's

    @property
    def place(self) -> str:
        """Where it listens, as the setting ``smtp`` takes it."""
        return f"127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """The addresses of the mails that came."""
        return [address for envelope in self.envelopes for address in envelope.rcpt_tos]

    @property
    def messages(self) -> list[EmailMessage]:
        """The mails that came, parsed."""
        return [
            message_from_bytes(envelope.original_content, EmailMessage, policy=policy.default)
            for envelope in self.envelopes
            if envelope.original_content is not None
        ]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and signature
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Take every recipient but one."""
        del server, session, rcpt_options
        if address == REFUSED:
            return "550 nobody of that name\twith us"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_NOOP(  # noqa: N802 - as above
        self, server: SMTP, session: Session, envelope: Envelope, arg: str
    ) -> str:
        """Answer, or say nothing for ever."""
        del server, session, envelope, arg
        if len(self.envelopes) == self.silent_after:
            await asyncio.Event().wait()
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep a mail, or say nothing for ever."""
        del server, session
        if HANGS in envelope.rcpt_tos:
            self.busy += 1
            await asyncio.Event().wait()
        await asyncio.to_thread(self.may_go_on.wait)
        with self._news:
            self.envelopes.append(envelope)
            self._news.notify_all()
        return "250 OK"

    def expect(self, count: int) -> list[str]:
        """Wait until so many mails have come, and give their addresses."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.envelopes) >= count, LIMIT)
        return self.recipients


@contextmanager
def catching() -> Iterator[Catcher]:
    """A running server."""
    catcher = Catcher()
    catcher.start()
    try:
        yield catcher
    finally:
        catcher.stop()


def by_email(address: str, **more: Any) -> dict[str, Any]:
    """An item that is distributed by mail."""
    return item(distribution_method={"type": "EMAIL", "email_address": address, **more})


def mailed(*addresses: str, **more: Any) -> dict[str, Any]:
    """The options of ``Api.order`` for an order by mail that asks for the mail."""
    return {"document": body(items=[by_email(to) for to in addresses]), **ASKING, **more}
