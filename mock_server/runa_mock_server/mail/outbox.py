"""Who gets mail, and what was sent (provider's pages "Create order" and "Playground")."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.contract.request_models import NewItem


_NEVER_DELIVERED = (".invalid", ".test")
KEPT = 10_000
"""The orders with mail that an outbox remembers."""


@dataclass(frozen=True, slots=True)
class Email:
    """A mail with a payout link.

    Attributes:
        to: the address.
        order_id: the order that caused it.
        item_id: the item whose link it carries.
        url: the payout link.
        template_id: the redemption template that gives it its looks.
        sent_at: when it leaves, microseconds since the epoch, or ``NEVER`` for an order on hold.
        relayed: what came of relaying it to an SMTP server: ``sent``, or why it was not;
            ``None`` while nothing did.
    """

    to: str
    order_id: str
    item_id: str
    url: str
    template_id: str | None
    sent_at: int
    relayed: str | None = None

    @property
    def id(self) -> str:
        """Its name: an item causes one mail at most."""
        return "M-" + self.item_id.removeprefix("E-")


class Outbox:
    """The mails of one account, by the order that caused them.

    Those of the oldest orders are forgotten beyond 10,000 orders with mail.

    Attributes:
        changed: called with the id of an order whose mails are new or leave at another moment.
    """

    def __init__(self) -> None:
        self._emails: dict[str, tuple[Email, ...]] = {}
        self.changed: Callable[[str], None] | None = None

    def __len__(self) -> int:
        """How many orders have mails here."""
        return len(self._emails)

    def add(self, order_id: str, emails: Iterable[Email]) -> None:
        """Put the mails of an order into the outbox."""
        self._emails[order_id] = tuple(emails)
        if len(self._emails) > KEPT:
            del self._emails[next(iter(self._emails))]
        self._tell(order_id)

    def by_order(self) -> list[Email]:
        """Every mail that is known, in the order in which their orders were placed."""
        return [email for emails in self._emails.values() for email in emails]

    def of(self, order_id: str) -> tuple[Email, ...]:
        """The mails that an order causes, sent or yet to be sent."""
        return self._emails.get(order_id, ())

    def move(self, order_id: str, sent_at: int) -> None:
        """Let the mails of an order leave at another moment."""
        if order_id in self._emails:
            self._emails[order_id] = tuple(
                replace(email, sent_at=sent_at) for email in self._emails[order_id]
            )
            self._tell(order_id)

    def _tell(self, order_id: str) -> None:
        if self.changed is not None:
            self.changed(order_id)

    def note(self, email: Email, relayed: str) -> None:
        """Remember what came of relaying a mail, if it is still known."""
        if email.order_id in self._emails:
            self._emails[email.order_id] = tuple(
                replace(kept, relayed=relayed) if kept.item_id == email.item_id else kept
                for kept in self._emails[email.order_id]
            )

    def drop(self, order_id: str) -> None:
        """Forget the mails of an order that failed before they had left."""
        self._emails.pop(order_id, None)

    def all(self) -> list[Email]:
        """Every mail that is known, in the order in which they leave."""
        return sorted(self.by_order(), key=lambda email: email.sent_at)

    def sent(self, now: int) -> list[Email]:
        """The mails that have left by ``now``, oldest first."""
        return [email for email in self.all() if email.sent_at <= now]


def addresses(items: "Iterable[NewItem]") -> tuple[tuple[int, str], ...]:
    """The items that are distributed by EMAIL, by index, each with its address."""
    return tuple(
        [
            (index, distribution["email_address"])
            for index, distribution in enumerate([item["distribution_method"] for item in items])
            if distribution["type"] == "EMAIL"
        ]
    )


def mailed_items(
    by_email: Sequence[tuple[int, str]], *, always: bool, requested: bool
) -> list[int]:
    """The indexes of the items whose recipients get mail.

    On the playground mail is sent only if the request asks for it, and only for the first item
    distributed by EMAIL; in production for each such item (inferred). Addresses that cannot
    exist get none.

    Args:
        by_email: the order's ``addresses``.
        always: whether this environment mails without being asked.
        requested: whether ``X-Send-Email: true`` was sent.
    """
    if not always and not requested:
        return []
    chosen = by_email if always else by_email[:1]
    return [index for index, to in chosen if not to.lower().endswith(_NEVER_DELIVERED)]


def email_for(order: dict[str, Any], index: int, sent_at: int) -> Email:
    """The mail for one item of a finished order document."""
    item = order["items"][index]
    distribution = item["distribution_method"]
    return Email(
        to=distribution["email_address"],
        order_id=order["id"],
        item_id=item["id"],
        url=item["payout"]["url"],
        template_id=distribution.get("template_id"),
        sent_at=sent_at,
    )
