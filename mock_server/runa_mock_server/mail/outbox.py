"""The mails that orders cause, as they are shown and relayed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Email:
    """A mail with a payout link or a one-time code.

    Attributes:
        to: the address.
        order_id: the order that caused it.
        item_id: the item whose link it carries.
        url: the payout link.
        template_id: the redemption template that gives it its looks.
        sent_at: when it leaves, microseconds since the epoch, or ``NEVER`` for an order on hold.
        relayed: what came of relaying it to an SMTP server: ``sent``, or why it was not;
            ``None`` while nothing did.
        host: the ``Host`` of the request that placed the order; ``None`` if it named none.
        code: the one-time code that it carries, ``None`` for a payout link.
        number: of the code, 0 for a payout link.
    """

    to: str
    order_id: str
    item_id: str
    url: str
    template_id: str | None
    sent_at: int
    relayed: str | None = None
    host: str | None = None
    code: str | None = None
    number: int = 0

    @property
    def id(self) -> str:
        """Its name: an item causes one mail with its link at most, and numbered codes."""
        name = "M-" + self.item_id.removeprefix("E-")
        return f"{name}-{self.number}" if self.number else name
