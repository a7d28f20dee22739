"""Relaying mails to a real SMTP server, for tests with a mail catcher.

A mail is relayed once, when it is sent, and never retried (inferred): a test wants to know of each
mail whether it arrived, and a retry could make it arrive twice. Mails that were sent while the
server was stopped, or before their account was imported, are not relayed.
"""

import asyncio
import socket
from collections import deque
from contextlib import suppress
from functools import partial
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from runa_mock_server.base.address import host_and_port
from runa_mock_server.base.slices import Work
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.delivery.connecting import connect
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.commit import MOST_MAILS
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.server_state import ServerState

if TYPE_CHECKING:
    from aiosmtplib import SMTP

    from runa_mock_server.config.settings import Settings

SENT = "sent"

_LONGEST_QUEUE = 10_000
_LONGEST_REASON = 200
# QUIT is a courtesy: the next mail does not wait long for its answer.
_QUIT_SECONDS = 1
# A connection that answers no NOOP in this time is replaced.
_NOOP_SECONDS = 2


def mail_senders(server_state: ServerState) -> "tuple[MailSender, ...]":
    """The sender of a server's mails, if they are relayed."""
    if server_state.settings.smtp is None:
        return ()
    return (MailSender(server_state, server_state.settings.smtp),)


class MailSender:
    """Relays the mails of a server when they are sent, one after the other.

    Args:
        server_state: whose mails.
        smtp: ``HOST:PORT`` of the server.
    """

    def __init__(self, server_state: ServerState, smtp: str) -> None:
        self._server_state = server_state
        self._connection = _SmtpConnection(smtp, server_state.settings)
        # For each account a heap of the times at which mails are sent, with their order. Outdated
        # entries, such as those of orders on hold, are skipped.
        self._leaving: dict[Account, list[tuple[int, str]]] = {}
        self._queue: deque[tuple[Account, Email]] = deque()
        # What is in the queue or on its way: the same mail is never relayed twice.
        self._waiting: set[tuple[Account, str]] = set()
        self._task: asyncio.Task[None] | None = None
        server_state.installed.append(self._watch)
        for account in server_state.accounts:
            # What a store kept from before is relayed if that had not come about.
            kept = server_state.log is not None
            self._watch(account, account.imported_at if kept else None)

    def _watch(self, account: Account, since: int | None = None) -> None:
        """Relay the mails of an account that leave after a time, by default after now."""
        account.outbox.changed = partial(self._look, account)
        now = account.clock.now() if since is None else since
        self._server_state.work_on(self._looking_through(account, now))

    def _looking_through(self, account: Account, now: int) -> Work[None]:
        """Look for the mails that leave after ``now``; yields between the orders."""
        for order_id in account.outbox.order_ids():
            if not self._server_state.has(account) or account.outbox.changed is None:
                return
            if any(email.sent_at > now for email in account.outbox.of(order_id)):
                self._look(account, order_id)
            yield

    def _look(self, account: Account, order_id: str) -> None:
        """Note when the mails of an order are sent."""
        moments = {email.sent_at for email in account.outbox.of(order_id)} - {NEVER}
        if not moments:
            return
        heap = self._leaving.setdefault(account, [])
        for moment in moments:
            heappush(heap, (moment, order_id))
        if len(heap) > 2 * MOST_MAILS:  # more than there are orders with mail
            heap[:] = {entry for entry in heap if self._mails(account, *entry)}
            heapify(heap)
        self._server_state.wake()

    def _mails(self, account: Account, moment: int, order_id: str) -> list[Email]:
        """The mails of an order that are sent at a time and were not relayed."""
        return [
            email
            for email in account.outbox.of(order_id)
            if email.sent_at == moment and email.relayed is None
        ]

    def send_due(self) -> None:
        """Queue the mails that are sent by now, and relay the queue."""
        for account, heap in list(self._leaving.items()):
            if not self._server_state.has(account):  # it was reset
                del self._leaving[account]
                continue
            now = account.clock.now()
            due = set()  # an entry can be there twice, if its order was held meanwhile
            while heap and heap[0][0] <= now:
                due.add(heappop(heap))
            for entry in sorted(due):
                self._enqueue(account, self._mails(account, *entry))
            if not heap:
                del self._leaving[account]
        if self._queue and self._task is None:
            self._task = asyncio.create_task(self._relay())

    def _enqueue(self, account: Account, emails: list[Email]) -> None:
        for email in emails:
            if (account, email.id) in self._waiting:  # its order was changed meanwhile
                continue
            if len(self._queue) < _LONGEST_QUEUE:
                self._queue.append((account, email))
                self._waiting.add((account, email.id))
            else:
                account.outbox.note(email, f"not relayed: {_LONGEST_QUEUE} mails are waiting")

    def seconds_until_due(self) -> float | None:
        """Seconds of the computer's time until the next mail is sent, ``None`` if there is none."""
        waits = [account.clock.seconds_until(heap[0][0]) for account, heap in self._leaving.items()]
        return min((wait for wait in waits if wait is not None), default=None)

    async def _relay(self) -> None:
        """Empty the queue over one connection."""
        try:
            while self._queue:
                while self._queue:
                    await self._relay_next()
                await self._connection.quit()
        finally:
            self._connection.drop()
            self._task = None

    async def _relay_next(self) -> None:
        account, email = self._queue.popleft()
        outcome: str | None = None
        if self._server_state.log is None:  # else it is relayed at the next start
            outcome = "not relayed: the mock server was stopped"
        try:
            if self._server_state.has(account):  # else it was reset meanwhile
                outcome = await self._connection.send(account, email)
        finally:
            if outcome is not None:
                account.outbox.note(email, outcome)
            self._waiting.discard((account, email.id))

    async def close(self) -> None:
        """Stop relaying; mails that wait are noted as not relayed."""
        self._server_state.installed.remove(self._watch)
        for account in self._server_state.accounts:
            account.outbox.changed = None
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._server_state.log is None:  # else they are relayed at the next start
            for account, email in self._queue:
                account.outbox.note(email, "not relayed: the mock server was stopped")
        self._queue.clear()


class _SmtpConnection:
    """A connection to an SMTP server, opened when there is a mail to send."""

    def __init__(self, smtp: str, settings: "Settings") -> None:
        self._place = host_and_port(smtp)
        self._sender = settings.smtp_from
        self._seconds = settings.smtp_timeout
        self._client: SMTP | None = None

    async def send(self, account: Account, email: Email) -> str:
        """Send a mail.

        Returns:
            ``sent``, or why it was not.
        """
        try:
            mime = account.mail_renderer().contents(email).mime
            async with asyncio.timeout(self._seconds):
                client = await self._connected()
                plain = f"{self._sender}{email.to}".isascii()
                await client.sendmail(
                    self._sender, [email.to], mime, mail_options=() if plain else ("SMTPUTF8",)
                )
        except TimeoutError:
            self.drop()
            return f"not relayed: the SMTP server took more than {self._seconds:g} seconds"
        except Exception as error:  # noqa: BLE001 - whatever a strange server brings about, the next mail has its turn
            self.drop()
            return f"not relayed: {_reason(error)}"
        return SENT

    async def _connected(self) -> "SMTP":
        """The connection, a new one if the last does not answer."""
        from aiosmtplib import SMTP  # noqa: PLC0415 - loads slowly, and few relay

        if self._client is not None:
            # No mail is on its way yet, so another connection may take it, in the time left.
            with suppress(Exception):
                await self._client.noop(timeout=min(_NOOP_SECONDS, self._seconds / 2))
                return self._client
            self.drop()
        host, port = self._place
        opened = await connect(host, port)
        self._client = SMTP(
            sock=opened,
            local_hostname="localhost",  # else the resolver would be asked
            start_tls=False,
            timeout=None,  # all of it together is bounded
        )
        await self._client.connect()
        return self._client

    async def quit(self) -> None:
        """Close the connection politely."""
        if self._client is not None:
            with suppress(Exception):
                await self._client.quit(timeout=_QUIT_SECONDS)
            self.drop()

    def drop(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _reason(error: Exception) -> str:
    from aiosmtplib import (  # noqa: PLC0415 - as above
        SMTPRecipientsRefused,
        SMTPResponseException,
    )

    if isinstance(error, SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, socket.gaierror):
        return f"DNS lookup of the SMTP server failed: {error.strerror}"
    text = (
        f"the SMTP server answered {error.code} {error.message}"
        if isinstance(error, SMTPResponseException)
        else str(error) or type(error).__name__
    )
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST_REASON]
