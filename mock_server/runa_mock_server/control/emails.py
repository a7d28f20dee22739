"""Operations on the mails that orders have caused."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.json_pieces import elements, model_document
from runa_mock_server.base.slices import Work
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.control.models import EmailDetail, EmailResult, EmailsQuery, EmailsResult
from runa_mock_server.control.operation import Pieces, Steps
from runa_mock_server.control.problems import not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.mail.outbox import Email
from runa_mock_server.mail.rendering import MailRenderer
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.outbox import Outbox


def list_emails(scope: Scope, query: EmailsQuery) -> Pieces[EmailsResult]:
    """List the mails that orders have caused, in the order in which they leave."""
    return Pieces(_list(scope, query))


def _list(scope: Scope, query: EmailsQuery) -> Iterator[bytes]:
    latest: list[tuple[int, int, _Found]] = []  # a heap; a number keeps the order of equal times
    total = 0
    for found in _emails(scope):
        yield b""
        if found is None or not _fits(found, query):
            continue
        heappush(latest, (found.email.sent_at, total, found))
        total += 1
        if len(latest) > query.limit:
            heappop(latest)
    latest.sort()
    shown = (email_result(*found) for _, _, found in latest)
    yield from model_document(EmailsResult(emails=[], total=total), {"emails": elements(shown)})


def _fits(found: "_Found", query: EmailsQuery) -> bool:
    account, email, _ = found
    return (
        query.to in (None, email.to)
        and query.order_id in (None, email.order_id)
        and query.sent in (None, _has_left(account, email))
    )


def email_result(account: Account, email: Email, renderer: MailRenderer) -> EmailResult:
    """A mail as lists show it; the renderer is one of the account."""
    return EmailResult(**_told(account, email), subject=renderer.subject(email))


def read_email(scope: Scope, email_id: str) -> Steps[EmailDetail]:
    """Read one mail: what it says as text and as HTML, and the whole message as it leaves."""
    return Steps(_read(scope, email_id))


def _read(scope: Scope, email_id: str) -> Work[EmailDetail]:
    for found in _emails(scope):
        if found is not None and found.email.id == email_id:
            account, email, renderer = found
            contents = renderer.contents(email)
            return EmailDetail(
                **_told(account, email),
                subject=contents.subject,
                text=contents.text,
                html=contents.html,
                mime=contents.mime.decode(),
            )
        yield
    raise not_found("path", "email_id", f"there is no mail {quoted(email_id)}")


class _Found(NamedTuple):
    """A mail, its account, and what renders it."""

    account: Account
    email: Email
    renderer: MailRenderer


def _emails(scope: Scope) -> Iterator[_Found | None]:
    """Every mail in the order in which the orders were placed; ``None`` for other work."""
    for account in scope.each_account():
        yield None
        if account.outbox:
            state = account.state.snapshot()
            renderer = account.mail_renderer(state)
            for email in Outbox(state, account.outbox.links).each():
                yield _Found(account, email, renderer)


def _has_left(account: Account, email: Email) -> bool:
    return email.sent_at <= account.clock.now()


def _told(account: Account, email: Email) -> dict[str, Any]:
    return {
        "id": email.id,
        "account": account.name,
        "to": email.to,
        "order_id": email.order_id,
        "item_id": email.item_id,
        "url": email.url,
        "template_id": email.template_id,
        "sent": _has_left(account, email),
        "sent_at": None if email.sent_at == NEVER else to_datetime(email.sent_at),
        "code": email.code,
        "relayed": email.relayed,
    }
