"""The mails of one account. They follow from its orders; kept is which items have one."""

from collections.abc import Callable, Iterator

from runa_mock_server.base.ids import one_time_code
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.commit import AccountView, Commit
from runa_mock_server.orders.documents import ids_of, tokens_of
from runa_mock_server.store.memory import AccountState


class Outbox:
    """The mails of one account, by the order that caused them.

    Args:
        state: the account.
        links: what payout links begin with, for the host that the order was placed at.
    """

    __slots__ = ("_state", "links")

    def __init__(self, state: AccountState, links: Callable[[str | None], str]) -> None:
        self._state = state
        self.links = links

    @property
    def changed(self) -> Callable[[str], None] | None:
        """Called with the id of an order whose mails are new or leave at another time."""
        return self._state.mails_changed

    @changed.setter
    def changed(self, listener: Callable[[str], None] | None) -> None:
        self._state.mails_changed = listener

    def __len__(self) -> int:
        """How many orders have mails here."""
        return len(self._state.orders_with_mail())

    def order_ids(self) -> tuple[str, ...]:
        """The ids of the orders that have mails now, in the order in which they were placed."""
        return self._state.orders_with_mail()

    def each(self) -> Iterator[Email]:
        """Every mail that is known now, in the order in which their orders were placed."""
        for order_id in self.order_ids():
            yield from self.of(order_id)

    def by_order(self) -> list[Email]:
        """Every mail that is known, in the order in which their orders were placed."""
        return list(self.each())

    def of(self, order_id: str) -> tuple[Email, ...]:
        """The mails that an order causes, sent or yet to be sent."""
        mails, order = self._state.mails(order_id), self._state.order(order_id)
        if not mails or order is None:
            return ()
        item_ids, tokens = ids_of(order), tokens_of(order, self._state.identity)
        emails = []
        for mail in mails:
            to, token, number = order.items[mail.item].distribution, tokens[mail.item], mail.code
            emails.append(
                Email(
                    to=mail.to or to.email_address or "",
                    order_id=order.id,
                    item_id=item_ids[mail.item],
                    url=self.links(mail.host) + token,
                    template_id=None if number else to.template_id,
                    sent_at=order.ends_at if mail.sent_at is None else mail.sent_at,
                    relayed=mail.relayed,
                    host=mail.host,
                    code=one_time_code(self._state.identity, token, number) if number else None,
                    number=number,
                )
            )
        return tuple(emails)

    def all(self) -> list[Email]:
        """Every mail that is known, in the order in which they leave."""
        return sorted(self.by_order(), key=lambda email: email.sent_at)

    def sent(self, now: int) -> list[Email]:
        """The mails that have left by ``now``, oldest first."""
        return [email for email in self.all() if email.sent_at <= now]

    def note(self, email: Email, relayed: str) -> None:
        """Remember what came of relaying a mail, if it is still known."""

        def decide(view: AccountView) -> Commit:
            order = view.order(email.order_id)
            mails = view.mails(email.order_id)
            if order is None or not mails:
                return Commit()
            item_ids = ids_of(order)
            noted = [
                mail._replace(relayed=relayed)
                if (item_ids[mail.item], mail.code) == (email.item_id, email.number)
                else mail
                for mail in mails
            ]
            return Commit(mails={order.id: noted})

        self._state.commit(decide)
