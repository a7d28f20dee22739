"""What one account holds, and on which terms, shared by the services that work on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.contract.processing import Processing
from runa_mock_server.contract.profiles import Profile
from runa_mock_server.mail.outbox import Outbox
from runa_mock_server.orders.balances import Balances
from runa_mock_server.orders.order_store import OrderStore, StoredOrder


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """How orders are carried out.

    Attributes:
        catalogue: what can be ordered.
        profile: the environment that is played.
        processing: how long an async order is ``PROCESSING``, unless its request says otherwise.
        link_lifetime: microseconds from completion until a payout link expires, or ``None``.
        legacy_item_fields: whether items carry ``redemption_url`` and ``discount_multiplier``.
        payout_url: what payout links begin with; a payout token follows.
    """

    catalogue: Catalogue
    profile: Profile
    processing: Processing
    link_lifetime: int | None
    legacy_item_fields: bool
    payout_url: str


@dataclass(slots=True)
class Holdings:
    """The state of an account.

    Attributes:
        terms: how its orders are carried out from now on.
        balances: what it can spend.
        orders: what it ordered.
        held: the orders that do not end by themselves, each with the number of reads that it
            waits for, or ``None``.
        failure_reasons: why orders were made to fail.
        outbox: the mails that its orders caused.
        known_recipients: the references of recipients who have claimed a payout.
        order_changed: called with the id of an order that is new or ends at another moment, and
            that moment; ``None`` while nobody wants to know.
    """

    terms: OrderTerms
    balances: Balances
    orders: OrderStore
    held: dict[str, int | None] = field(default_factory=dict)
    failure_reasons: dict[str, str] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)
    known_recipients: set[str] = field(default_factory=set)
    order_changed: Callable[[str, int], None] | None = None

    def keep(self, order: StoredOrder) -> None:
        """Keep an order that ends in another way than it was kept with, and tell who listens."""
        self.orders.replace(order)
        if self.order_changed is not None:
            self.order_changed(order.id, order.ends_at)
