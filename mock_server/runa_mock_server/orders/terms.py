"""The terms on which an account's orders are carried out, and what one request asks for."""

from dataclasses import dataclass
from typing import NamedTuple

from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.contract.processing import Processing
from runa_mock_server.contract.profiles import Profile


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """How orders are carried out.

    Attributes:
        catalogue: what can be ordered.
        profile: the environment that is played.
        processing: how long an async order is ``PROCESSING``, unless its request says otherwise.
        link_lifetime: microseconds from completion until a payout link expires, or ``None``.
        legacy_item_fields: whether items carry ``redemption_url`` and ``discount_multiplier``.
        several_countries: whether the products of an order need no common country.
        fixed_templates: whether the playground's templates stand for the same products each time.
        payout_url: what payout links begin with; a payout token follows.
    """

    catalogue: Catalogue
    profile: Profile
    processing: Processing
    link_lifetime: int | None
    legacy_item_fields: bool
    payout_url: str
    several_countries: bool = True
    fixed_templates: bool = True


class OrderOptions(NamedTuple):
    """What the headers of a request ask for.

    Attributes:
        synchronous: whether the whole order is answered at once.
        email: whether mail is to be sent where the environment does not send it anyway.
        processing: how long it is to stay ``PROCESSING``; ``None`` leaves that to the settings.
        trigger: the error that it is to be answered with, or ``order_failed``.
        host: the ``Host`` header, which links in mails lead to.
        is_kind_trigger: whether strict mode would ignore that trigger.
    """

    synchronous: bool = False
    email: bool = False
    processing: Processing | None = None
    trigger: str | None = None
    host: str | None = None
    is_kind_trigger: bool = False
