"""What belongs to one API key."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from runa_mock_server.base.clock import Clock
from runa_mock_server.base.ids import SECRET_SIZE, Identity, account_number, stream_number
from runa_mock_server.base.redaction import KnownKeys, Redactor
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.contract.profiles import Profile
from runa_mock_server.mail.rendering import MailRenderer
from runa_mock_server.orders import redemption
from runa_mock_server.orders.commit import Commit
from runa_mock_server.orders.payouts import Payout
from runa_mock_server.orders.rate_limit import attempt
from runa_mock_server.orders.terms import OrderTerms
from runa_mock_server.server_state.card_payouts import CardPayouts
from runa_mock_server.server_state.coverage import Coverage
from runa_mock_server.server_state.journal import Journal, Observer, Watch
from runa_mock_server.server_state.order_service import OrderService
from runa_mock_server.server_state.outbox import Outbox
from runa_mock_server.store.memory import AccountState
from runa_mock_server.webhooks.service import Webhooks

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.config.settings import Settings

    SettingsChange = Callable[[Settings, Mapping[str, Any]], Settings]

_NONE: Mapping[str, Any] = MappingProxyType({})


class Server(Protocol):
    """What an account needs of the server that it is on."""

    clock: Clock
    profile: Profile
    webhooks: Webhooks
    known_keys: KnownKeys
    coverage: Coverage
    observers: list[Observer]
    clock_listeners: tuple[Callable[[], None], ...]

    @property
    def settings(self) -> "Settings":
        """How the server behaves."""

    @property
    def chance(self) -> int | str | None:
        """What all that is random follows from; ``None`` leaves it to chance."""

    @property
    def catalogue(self) -> Catalogue:
        """What can be ordered now."""

    def order_terms(self, settings: "Settings") -> OrderTerms:
        """How the orders of an account with these settings are carried out."""

    def opening_balances(self, settings: "Settings") -> Mapping[str, int]:
        """What an account with these settings has before it orders anything, in cents."""

    def payout_url_at(self, host: str | None) -> str:
        """What payout links begin with for a client that reaches the server at ``host``."""


class Account:
    """What belongs to one API key; keys never see each other's orders or idempotency keys.

    Attributes:
        api_key: the key. Never shown: where an account is spoken of, it is by its ``name``.
        name: tells accounts apart without giving the key away.
        settings: how the server behaves towards this account.
        clock: its time; follows the server's clock.
        state: what its commits have made of it; changed through ``state.commit`` alone.
        orders: what can be done with its orders.
        journal: its latest requests.
        undelivered: the ids of the orders whose answer has reached no client, neither the first
            nor a replay, each with the number of orders that there were when its request came.
            They are few, and kept although the journal forgets.
        imported_at: its time when it was imported; 0 if it was not.
        is_announced: whether a store knows whose its records are.
        redactor: takes its key out of what is shown.
        attempt_times: of the latest attempts to place an order that the limit of the real service
            would let through, where attempts are not limited.
    """

    __slots__ = (
        "__weakref__",
        "_changed",
        "_first_catalogue",
        "_own_settings",
        "_server",
        "_stream",
        "api_key",
        "attempt_times",
        "clock",
        "imported_at",
        "is_announced",
        "journal",
        "name",
        "orders",
        "redactor",
        "settings",
        "state",
        "undelivered",
    )

    def __init__(
        self,
        server: Server,
        api_key: str,
        changed: "SettingsChange",
    ) -> None:
        self.api_key = api_key
        self.name = account_name(api_key)
        self.clock = Clock(server.clock, listeners=server.clock_listeners)
        self._server = server
        self._changed = changed
        self._own_settings: Mapping[str, Any] = _NONE
        self.settings = settings = server.settings
        # One secret each: what other accounts do changes nothing here.
        seed = None if server.chance is None else f"{server.chance}/{api_key}"
        secret = Random(seed).randbytes(SECRET_SIZE)  # noqa: S311 - repeatable on purpose, and guards nothing
        self.state = AccountState(
            Identity(account_number(api_key), secret), server.opening_balances(settings)
        )
        terms = server.order_terms(settings)
        self._first_catalogue = server.catalogue
        self.orders = OrderService(self.clock, self.state, terms, self._first_catalogue)
        self.redactor = Redactor(api_key, server.known_keys)
        self.journal = Journal(
            settings.journal_requests,
            settings.journal_bytes,
            self.redactor,
            Watch(server.coverage, self.name, server.observers),
        )
        self.undelivered: dict[str, int] = {}
        self.imported_at = 0
        self.is_announced = False
        self._stream = 0
        self.attempt_times: list[int] = []

    @property
    def outbox(self) -> Outbox:
        """The mails that its orders caused."""
        return Outbox(self.state, self._server.payout_url_at)

    @property
    def enforces_balances(self) -> bool:
        """Whether orders need and reduce a balance."""
        return self._server.profile.enforces_balances

    @property
    def is_unused(self) -> bool:
        """Whether it is as it was made, but for requests that stored nothing."""
        return not self.state.version and not self._own_settings and self.clock.follows

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks of its server."""
        return self._server.webhooks

    @property
    def stream(self) -> int:
        """The number under which a store keeps its records."""
        if not self._stream:
            self._stream = stream_number(self.api_key)
        return self._stream

    @property
    def card_payouts(self) -> CardPayouts:
        """What recipients can do whose payouts go to a card."""
        return CardPayouts(self.clock, self.state, self.orders.terms.catalogue)

    def mail_renderer(self, state: AccountState | None = None) -> MailRenderer:
        """Renders its mails as its terms are now; of a snapshot, if one is given."""
        return MailRenderer(state or self.state, self.orders.terms, self.settings.smtp_from)

    def count_attempt(self) -> None:
        """Count an attempt to place an order, where they are limited.

        Raises:
            RateExceededError: if the limit is used up.
        """
        limit = self.settings.rate_limit
        if limit is not None:
            now = self.clock.now()
            self.state.commit(lambda view: attempt(view, limit, now))

    def redeem(self, payout: Payout, links: str) -> dict[str, Any]:
        """The redemption API's answer for a payout; one without a choice is claimed by asking.

        Args:
            payout: the payout.
            links: what payout links begin with; a token follows.

        Raises:
            RedemptionRefusedError: with the provider's code for the payout's state.
        """
        now = self.clock.now()
        refusal = redemption.provoked(payout, self.settings.redemption_error, now)
        if refusal is not None:
            if refusal.code == redemption.PROCESSING_ERROR:
                note = redemption.note_processing_error
                self.state.commit(partial(note, token=payout.token, now=now))
            raise refusal
        redemption.check_redeemable(payout)
        if payout.status == "ACTIVE":
            payout = self.orders.claim(payout.token)
        return redemption.redeemed(payout, self.e_codes(payout, links))

    def e_codes(self, payout: Payout, links: str) -> list[dict[str, Any]]:
        """The codes of a claimed payout, one for each part; ``links`` is as for ``redeem``."""
        parts = self.orders.parts(payout)
        return redemption.e_codes(payout, parts, self.orders.terms.catalogue, links)

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Let the server behave differently towards this account from now on.

        Raises:
            SettingsError: naming each setting that cannot be changed so; nothing was changed.
        """
        self._changed(self.settings, changes)
        self._own_settings = {**self._own_settings, **changes}
        self._take_over(changes)

    def follow(self, changed_names: Collection[str] = ()) -> None:
        """Take over the server's catalogue, and its settings, but where it has its own.

        Args:
            changed_names: the settings that were changed.
        """
        self._take_over(set(changed_names) - self._own_settings.keys())

    def _take_over(self, changed_names: Collection[str]) -> None:
        self.settings = settings = self._server.settings
        if self._own_settings:
            self.settings = settings = self._changed(settings, self._own_settings)
        self.orders.terms = self._server.order_terms(settings)
        self.journal.limit(settings.journal_requests, settings.journal_bytes)
        if "balances" in changed_names:
            opening = self._server.opening_balances(settings)
            gone = dict.fromkeys(self.state.balances)
            self.state.commit(lambda _view: Commit(balances={**gone, **opening}))

    def drop(self, count: int) -> bool:
        """Free some memory of an account that was discarded.

        Returns:
            Whether there is more.
        """
        return any(store.drop(count) for store in (self.state, self.journal))


def account_name(api_key: str) -> str:
    """How an account is spoken of: what its key starts with, and a digest of the rest.

    >>> account_name("XX-demo.not-a-secret")
    'XX-demo~8b65d28e'
    """
    prefix, dot, _ = api_key.partition(".")
    # Without a dot all of a key may be secret; its first letters name the environment.
    shown = prefix[:20] if dot else api_key[:2]
    digest = hashlib.blake2b(api_key.encode(errors="surrogateescape"), digest_size=4).hexdigest()
    return f"{shown.encode(errors='backslashreplace').decode()}~{digest}"
