"""Operations on the mails that orders have caused."""

from collections.abc import Iterator
from typing import Any

from runa_mock_server.base.clock import to_datetime
from runa_mock_server.base.errors import quoted
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.control.models import EmailDetail, EmailResult, EmailsQuery, EmailsResult
from runa_mock_server.control.problems import not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.mail.outbox import Email
from runa_mock_server.mail.rendering import MailRenderer
from runa_mock_server.server_state.account import Account


def list_emails(scope: Scope, query: EmailsQuery) -> EmailsResult:
    """List the mails that orders have caused, in the order in which they leave."""
    found = [
        (account, email)
        for account, email in _emails(scope)
        if query.to in (None, email.to)
        and query.order_id in (None, email.order_id)
        and query.sent in (None, _has_left(account, email))
    ]
    found.sort(key=lambda pair: pair[1].sent_at)
    renderers = {account: account.mail_renderer() for account in scope.accounts}
    return EmailsResult(
        emails=[
            email_result(account, email, renderers[account])
            for account, email in found[-query.limit :]
        ],
        total=len(found),
    )


def email_result(account: Account, email: Email, renderer: MailRenderer) -> EmailResult:
    """A mail as lists show it; ``renderers`` are those of the account."""
    return EmailResult(**_told(account, email), subject=renderer.subject(email))


def read_email(scope: Scope, email_id: str) -> EmailDetail:
    """Read one mail: what it says as text and as HTML, and the whole message as it leaves."""
    for account, email in _emails(scope):
        if email.id == email_id:
            contents = account.mail_renderer().contents(email)
            return EmailDetail(
                **_told(account, email),
                subject=contents.subject,
                text=contents.text,
                html=contents.html,
                mime=contents.mime.decode(),
            )
    raise not_found("path", "email_id", f"there is no mail {quoted(email_id)}")


def _emails(scope: Scope) -> Iterator[tuple[Account, Email]]:
    for account in scope.accounts:
        for email in account.outbox.all():
            yield account, email


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
