"""What one account holds, shared by the services that work on it."""

from dataclasses import dataclass, field

from runa_mock_server.balances import Balances
from runa_mock_server.emails import Outbox
from runa_mock_server.order_store import OrderStore


@dataclass(slots=True)
class Holdings:
    """The state of an account.

    Attributes:
        balances: what it can spend.
        orders: what it ordered.
        outbox: the mails that its orders caused.
        known_recipients: the references of recipients who have claimed a payout.
    """

    balances: Balances
    orders: OrderStore = field(default_factory=OrderStore)
    outbox: Outbox = field(default_factory=Outbox)
    known_recipients: set[str] = field(default_factory=set)
