"""The terms on which an account's orders are carried out, and what one request asks for."""

from dataclasses import dataclass
from typing import NamedTuple

from runa_mock_server.base.clock import SECOND
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.contract.processing import NEVER, Processing
from runa_mock_server.contract.profiles import Profile
from runa_schemas.contract_data import PROCESSING_SECONDS

# A synchronous order answers at once and is said to have completed a second later (recorded).
_SYNCHRONOUS_DELAY = PROCESSING_SECONDS * SECOND


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

    def timing(self, now: int, delay: int) -> "Timing":
        """The times of an order that ends ``delay`` microseconds after ``now``."""
        if delay == NEVER:  # all of them but the first change when it ends
            return Timing(now, NEVER, NEVER)
        completed_at = now + delay
        lifetime = self.link_lifetime
        return Timing(
            completed_at, completed_at, NEVER if lifetime is None else completed_at + lifetime
        )


class Timing(NamedTuple):
    """The times of an order's end, in microseconds since the epoch.

    Attributes:
        completed_at: the time printed as its completion.
        ends_at: from when on it is shown as ended, or ``NEVER``.
        expires_at: when its payout links expire, or ``NEVER``.
    """

    completed_at: int
    ends_at: int
    expires_at: int


class OrderOptions(NamedTuple):
    """What the headers of a request ask for.

    Attributes:
        synchronous: whether the whole order is answered at once.
        email: whether mail is to be sent where the environment does not send it anyway.
        processing: how long it is to stay ``PROCESSING``; ``None`` leaves that to the settings.
        trigger: the error that it is to be answered with, or ``order_failed``.
    """

    synchronous: bool = False
    email: bool = False
    processing: Processing | None = None
    trigger: str | None = None

    def timing(self, terms: OrderTerms, now: int) -> Timing:
        """The times of an order that is accepted ``now``."""
        if self.synchronous:
            return terms.timing(now, _SYNCHRONOUS_DELAY)._replace(ends_at=now)
        return terms.timing(now, (self.processing or terms.processing).delay)

    def reads(self, terms: OrderTerms) -> int | None:
        """How many reads show an order ``PROCESSING``; ``None`` where reads do not count."""
        return None if self.synchronous else (self.processing or terms.processing).reads
