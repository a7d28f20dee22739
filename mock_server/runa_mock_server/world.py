"""Everything that one server owns. Nothing lives at module level: two servers share nothing."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from random import Random
from urllib.parse import quote

from runa_mock_server.balances import Balances
from runa_mock_server.catalogue import Catalogue
from runa_mock_server.catalogue_file import catalogue_of
from runa_mock_server.clock import DAY, SECOND, Clock, SystemClock
from runa_mock_server.holdings import Holdings
from runa_mock_server.idempotency import IdempotencyStore
from runa_mock_server.ids import IdSource, account_number, read_payout_token
from runa_mock_server.order_document import Renderer
from runa_mock_server.orders import OrderService, OrderTerms
from runa_mock_server.payouts import Payout, PayoutService
from runa_mock_server.products import ProductService
from runa_mock_server.profiles import PROFILES
from runa_mock_server.rate_limit import RateLimiter
from runa_mock_server.redemption import Redeemer
from runa_mock_server.settings import Settings

PAYOUT_PATH = "/payout/"


class Account:
    """What belongs to one API key; keys never see each other's orders or idempotency keys."""

    def __init__(self, world: "World", api_key: str) -> None:
        settings, profile = world.settings, world.profile
        # One source of randomness each: what other accounts do changes nothing here.
        seed = None if settings.seed is None else f"{settings.seed}/{api_key}"
        renderer = Renderer(
            IdSource(Random(seed), account_number(api_key)),  # noqa: S311 - repeatable on purpose, and guards nothing
            world.payout_url,
            legacy_item_fields=settings.legacy_item_fields,
        )
        opening: Mapping[str, Decimal] = profile.opening_balances
        if settings.balances:
            opening = {currency.value: amount for currency, amount in settings.balances.items()}
        holdings = Holdings(Balances(opening, enforced=profile.enforces_balances))
        self.balances = holdings.balances
        self.outbox = holdings.outbox
        self.orders = OrderService(world.order_terms, world.clock, renderer, holdings)
        self.payouts = PayoutService(world.catalogue, world.clock, holdings)
        self.redeemer = Redeemer(self.payouts, world.catalogue, world.code_url)
        self.idempotency = IdempotencyStore()
        self.rate = RateLimiter(settings.rate_limit)


class World:
    """The state of one server, by account.

    Args:
        settings: how the server behaves.
        clock: the time it lives in; by default the computer's.
        catalogue: what can be ordered; by default what the settings say.

    Raises:
        CatalogueError: if the settings name a catalogue or a template that cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.settings = settings
        self.profile = PROFILES[settings.profile]
        self.clock: Clock = clock or SystemClock()
        self.catalogue = catalogue or catalogue_of(settings)
        self.public_url = settings.public_url or ""
        lifetime = settings.link_lifetime_days
        self.order_terms = OrderTerms(
            catalogue=self.catalogue,
            profile=self.profile,
            processing_delay=round(settings.processing_delay * SECOND),
            link_lifetime=None if lifetime is None else round(lifetime * DAY),
        )
        self._accounts: dict[str, Account] = {}
        self._numbered: dict[int, list[Account]] = {}

    @cached_property
    def products(self) -> ProductService:
        """The catalogue as callers read it; indexed when the first one does."""
        return ProductService(self.catalogue, lambda: self.public_url)

    def account(self, api_key: str) -> Account:
        """The account of a key; the first call with a key makes it."""
        account = self._accounts.get(api_key)
        if account is None:
            account = self._accounts[api_key] = Account(self, api_key)
            self._numbered.setdefault(account_number(api_key), []).append(account)
        return account

    def find_payout(self, token: str) -> tuple[Account, Payout] | None:
        """The payout of a link, whose caller needs no key, and the account that made it."""
        place = read_payout_token(token)
        for account in self._numbered.get(place.account, ()) if place is not None else ():
            payout = account.payouts.find(token)
            if payout is not None:
                return account, payout
        return None

    def payout_url(self, token: str) -> str:
        """The link that opens a payout, on this server."""
        return self.public_url + PAYOUT_PATH + token

    def code_url(self, token: str, code: str) -> str:
        """The link that a product of type ``url`` turns into, on this server."""
        return f"{self.payout_url(token)}/card/{quote(code, safe='')}"

    def reset(self) -> None:
        """Forget every account; settings, catalogue and clock stay."""
        self._accounts = {}
        self._numbered = {}
