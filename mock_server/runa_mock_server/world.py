"""Everything that one server owns. Nothing lives at module level: two servers share nothing."""

from random import Random

from runa_mock_server.catalogue import Catalogue, built_in
from runa_mock_server.clock import SECOND, Clock, SystemClock
from runa_mock_server.idempotency import IdempotencyStore
from runa_mock_server.ids import IdSource
from runa_mock_server.order_document import Renderer
from runa_mock_server.orders import OrderService
from runa_mock_server.rate_limit import RateLimiter
from runa_mock_server.settings import Settings

PAYOUT_PATH = "/payout/"


class Account:
    """What belongs to one API key; keys never see each other's orders or idempotency keys."""

    def __init__(self, world: "World", api_key: str) -> None:
        settings = world.settings
        # One source of randomness each: what other accounts do changes nothing here.
        seed = None if settings.seed is None else f"{settings.seed}/{api_key}"
        renderer = Renderer(
            IdSource(Random(seed)),  # noqa: S311 - repeatable on purpose, and guards nothing
            world.payout_url,
            legacy_item_fields=settings.legacy_item_fields,
        )
        delay = round(settings.processing_delay * SECOND)
        self.orders = OrderService(world.catalogue, world.clock, renderer, delay)
        self.idempotency = IdempotencyStore()
        self.rate = RateLimiter(settings.rate_limit)


class World:
    """The state of one server, by account.

    Args:
        settings: how the server behaves.
        clock: the time it lives in; by default the computer's.
        catalogue: what can be ordered; by default the built-in one.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.catalogue = catalogue or built_in()
        self.public_url = settings.public_url or ""
        self._accounts: dict[str, Account] = {}

    def account(self, api_key: str) -> Account:
        """The account of a key; the first call with a key makes it."""
        account = self._accounts.get(api_key)
        if account is None:
            account = self._accounts[api_key] = Account(self, api_key)
        return account

    def payout_url(self, token: str) -> str:
        """The link that opens a payout, on this server."""
        return self.public_url + PAYOUT_PATH + token

    def reset(self) -> None:
        """Forget every account; settings, catalogue and clock stay."""
        self._accounts = {}
