"""What the recipients of one account can do whose payouts go to a card; see ``push_to_card``."""

from functools import partial

from runa_mock_server.base.clock import Clock
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.orders import push_to_card
from runa_mock_server.orders.cards import Card
from runa_mock_server.orders.commit import Decision
from runa_mock_server.orders.payouts import ClaimError
from runa_mock_server.store.memory import AccountState


class CardPayouts:
    """The push-to-card payouts of one account.

    Each method raises ``ClaimError`` with the reason of a refusal, also of one that counts.

    Args:
        clock: the account's time.
        state: what the account has.
        catalogue: what can be ordered now.
    """

    def __init__(self, clock: Clock, state: AccountState, catalogue: Catalogue) -> None:
        self._clock = clock
        self._state = state
        self._catalogue = catalogue

    def send_code(self, token: str, address: str | None, host: str | None = None) -> None:
        """Send a one-time code to the recipient of a link.

        Args:
            token: of the link.
            address: where to, unless the order says.
            host: the ``Host`` of the request, which the link in the mail leads to.
        """
        send, now = push_to_card.send_code, self._clock.now()
        self._commit(partial(send, token=token, address=address, host=host, now=now))

    def enter_code(self, token: str, code: str) -> None:
        """See whether a one-time code is right."""
        now = self._clock.now()
        self._commit(partial(push_to_card.enter_code, token=token, code=code, now=now))

    def pay(self, token: str, code: str, card: Card | None, product: str) -> None:
        """Claim a payout for a card.

        Args:
            token: of the link.
            code: the one-time code.
            card: the card; ``None`` for the one that a returning recipient used before.
            product: the payment product.
        """
        decide = partial(
            push_to_card.pay,
            token=token,
            code=code,
            card=card,
            product=product,
            catalogue=self._catalogue,
            now=self._clock.now(),
        )
        self._commit(decide)

    def _commit(self, decide: Decision) -> None:
        answer = self._state.commit(decide).answer
        if answer is not None:
            raise ClaimError(answer.body.decode())
