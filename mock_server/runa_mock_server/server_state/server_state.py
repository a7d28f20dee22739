"""Everything that one server owns. Nothing lives at module level: two servers share nothing."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count, islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol
from weakref import ref

from runa_mock_server.base.address import HOST_HEADER
from runa_mock_server.base.clock import DAY, SECOND, Clock, ComputerTime, clock_of, computer_time
from runa_mock_server.base.ids import read_payout_token
from runa_mock_server.base.money import in_cents
from runa_mock_server.base.redaction import KnownKeys
from runa_mock_server.base.slices import Work, finish
from runa_mock_server.base.text import escaped
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.catalogue.changes import (
    ProductChange,
    changed_product,
    product_update,
    with_added,
)
from runa_mock_server.catalogue.file import catalogue_of
from runa_mock_server.catalogue.service import ProductService
from runa_mock_server.contract.processing import Processing, parse_processing
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.orders.commit import Commit
from runa_mock_server.orders.payouts import Payout
from runa_mock_server.orders.terms import OrderTerms
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.coverage import Coverage
from runa_mock_server.server_state.faults import Fault, Faults, Target
from runa_mock_server.server_state.journal import Journal, Observer, Watch
from runa_mock_server.store.engine import WORLD
from runa_mock_server.store.log import Log
from runa_mock_server.store.memory import AccountState
from runa_mock_server.store.records import commit_record
from runa_mock_server.webhooks.endpoints import Endpoint
from runa_mock_server.webhooks.messages import Delivery
from runa_mock_server.webhooks.service import ORDERS, Webhooks

if TYPE_CHECKING:  # a server starts without loading pydantic
    from runa_mock_server.config.settings import Settings
    from runa_mock_server.contract.webhook_subscription import Subscription

PAYOUT_PATH = "/payout/"

_SWEPT_AT_ONCE = 500  # orders, keys and requests
_ACCOUNTS_AT_ONCE = 20
_MOST_UNUSED = 1_000
"""Accounts that stored nothing, beyond which the oldest is forgotten."""


class _Terms(NamedTuple):
    """The terms of orders, and what they were made of."""

    settings: "Settings"
    public_url: str
    terms: OrderTerms


class Origin(NamedTuple):
    """What a world in a store began with.

    Attributes:
        seed: what all that is random follows from where the settings name no seed.
        computer: the computer's clock, which is held while the past is repeated.
        clock: where the clock stood and how fast it went; ``None`` for the computer's time.
    """

    seed: str
    computer: ComputerTime
    clock: tuple[int, float] | None


class ServerState:
    """The state of one server, by account.

    Args:
        settings: how the server behaves.
        clock: the time it lives in; by default what the settings say.
        catalogue: what can be ordered; by default what the settings say.
        origin: what its world began with, if that is in a store.

    Attributes:
        log: the stream of its world, if that is in a store.
        public_url: where the server is reached; see ``reached_at``.
        catalogue: what can be ordered now.
        by_key: the accounts by their API key.
        stop: ends the server; set by whoever serves it.
        later: has something done once the request in hand is answered; set by whoever serves it.
        installed: called with each account that is made or put in the place of another.
        wake: has what is due delivered, on whatever thread it is called; set by whoever serves it.
        tell: ends an order and tells of it, before it is answered; set by whoever serves it.
        webhooks: who is told of what.
        journal: the requests of callers without an account.
        known_keys: the API keys of all accounts, redacted in everything that is shown.
        faults: what goes wrong on purpose, for all accounts.
        numbers: the numbers of the requests.
        commands: how many calls of the control API were to change something.
        id: tells servers apart in recorded traffic.
        resets: how often the server was reset.
        coverage: what all requests and deliveries have met of the contract; outlives resets.
        observers: told of every request and delivery; usually empty.
        clock_moves: how often a clock was moved, stopped or told to run.

    Raises:
        CatalogueError: if the settings name a catalogue or a template that cannot be used.
    """

    created: ClassVar[list[Callable[["ServerState"], None]]] = []
    """Called with each new server, so that a test session can observe them; usually empty."""

    def __init__(
        self,
        settings: "Settings",
        clock: Clock | None = None,
        catalogue: Catalogue | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.log: Log | None = None
        self._origin = origin
        self._resets = self._resets_of_all = 0
        self._lives: dict[str, int] = {}
        self._first_settings = self.settings = settings
        self.profile = PROFILES[settings.profile]
        self.clock: Clock = clock or clock_of(settings.clock)
        if origin is not None:
            self.clock.go_by(origin.computer, origin.clock)
        self._first_catalogue = self.catalogue = catalogue or catalogue_of(settings)
        self._products: ProductService | None = None
        self.public_url = settings.public_url or ""
        self.stop: Callable[[], None] = lambda: None
        self.later: Callable[[Callable[[], None]], object] | None = None
        self.wake: Callable[[], None] = lambda: None
        self.installed: list[Callable[[Account], None]] = [self._tell_webhooks]
        self.tell: Callable[[Account, str], Awaitable[None]] | None = None
        self.commands = self.clock_moves = 0
        self.coverage = Coverage()
        self.id, self.resets = token_hex(4), 0
        self.observers: list[Observer] = []
        self.clock_listeners: tuple[Callable[[], None], ...] = (self.clock_moved,)
        self._discarded: list[_Droppable] = []
        self._terms: _Terms | None = None
        first = self.profile.opening_balances
        self._first_balances = {name: in_cents(amount) for name, amount in first.items()}
        for call in self.created:
            call(self)
        self._begin()

    def _begin(self) -> None:
        settings = self.settings
        self.by_key: dict[str, Account] = {}
        self._numbered: dict[int, tuple[Account, ...]] = {}
        self._latest: OrderedDict[str, None] = OrderedDict()  # keys that may be unused
        self.numbers = count(1)
        self.known_keys = KnownKeys()
        for api_key in settings.api_keys:
            self.known_keys.add(api_key)
        self.journal = Journal(
            settings.journal_requests,
            settings.journal_bytes,
            self.known_keys,
            Watch(self.coverage, None, self.observers),
        )
        self.faults = Faults(self.chance)
        self.webhooks = Webhooks(self.chance, self.clock, self._wake_server)
        self.webhooks.log = self.log
        for subscription in settings.webhooks:
            self.webhooks.add(subscription, None)

    @property
    def chance(self) -> int | str | None:
        """What all that is random follows from; ``None`` leaves it to chance."""
        if self.settings.seed is not None or self._origin is None:
            return self.settings.seed
        return f"{self._origin.seed}/{self._resets}"

    def life_of(self, api_key: str | None) -> list[int]:
        """Tells the journal of an account, or of the server, from those that resets have ended."""
        return [self._resets_of_all, 0 if api_key is None else self._lives.get(api_key, 0)]

    async def strike(self, target: Target, *, inside: bool = False) -> Fault | None:
        """The fault that hits a request, counted in the store before it strikes.

        Raises:
            StoreError: if it cannot be counted.
        """
        if self.log is None:
            return self.faults.strike(target, inside=inside)
        if not self.faults.may_strike(target, inside=inside):
            return None
        fields = {
            "target": [None if text is None else escaped(text) for text in target],
            "inside": inside,
            "time": computer_time(),
        }
        fault: Fault | None = await self.log.operate({"strike": fields})
        return fault

    def numbers_go_on_after(self, number: int) -> None:
        """Give later requests larger numbers than this."""
        following = next(self.numbers)
        self.numbers = count(max(following, number + 1))

    def at(self, moment: int) -> AbstractContextManager[None]:
        """Hold the computer's clock at a moment meanwhile, where the world is in a store."""
        return nullcontext() if self._origin is None else self._origin.computer.held_at(moment)

    def record_in(self, log: Log) -> None:
        """Have all that changes from now on noted in a stream."""
        self.log = self.webhooks.log = log
        for account in self.accounts:
            account.state.recorder = partial(self._record, account)

    def _record(
        self, account: Account, state: AccountState, commit: Commit, undo: Callable[[], None]
    ) -> None:
        log = self.log
        record = None if log is None or log.is_replaying else commit_record(state, commit)
        if log is None or record is None:
            return
        if not account.is_announced:
            account.is_announced = True
            log.fact(WORLD, {"account": account_fields(account)})
        log.commit(account.stream, record, undo)

    def clock_moved(self) -> None:
        """Have what is due by now delivered; called by the clocks."""
        self.clock_moves += 1
        self.wake()

    def server_clock_moved(self) -> None:
        """Have what is due delivered, and note a clock that was moved by who made it."""
        log = self.log
        if log is not None and not log.is_replaying:
            now, speed = self.clock.state()
            fields = {"time": computer_time(), "now": now, "speed": speed}
            log.fact_on_any_thread(WORLD, {"clock": fields})
        self.clock_moved()

    def _wake_server(self) -> None:
        self.wake()  # which is set later than whoever calls this is made

    @property
    def products(self) -> ProductService:
        """The catalogue as callers read it; indexed when the first one does."""
        if self._products is None:
            self._products = ProductService(self.catalogue, lambda: self.public_url)
        return self._products

    def change_product(self, code: str, change: ProductChange) -> Work[None]:
        """Change a product for every account; orders stay as they are.

        Yields between the accounts.

        Raises:
            KeyError: if there is no such product.
            ProductChangeError: naming each field that cannot be changed so; nothing was changed.
        """
        old = self.products.document(code)
        new = changed_product(old, change)
        if new != old:
            yield from self._offer(self.catalogue.with_product(new), old, new)

    def add_product(self, product: Mapping[str, Any]) -> Work[None]:
        """Add a product to the catalogue, for every account; yields between the accounts.

        Args:
            product: a document in the shape of the provider's product list.

        Raises:
            ProductChangeError: naming each field that cannot be used; nothing was changed.
        """
        yield from self._offer(with_added(self.catalogue, product), None, product)

    def remove_product(self, code: str) -> Work[None]:
        """Remove a product from the catalogue, for every account; orders stay as they are.

        Yields between the accounts.

        Raises:
            KeyError: if there is no such product.
        """
        product = self.products.document(code)
        yield from self._offer(self.catalogue.without(code), product, None)

    def _offer(
        self, catalogue: Catalogue, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
    ) -> Work[None]:
        """Replace the catalogue, and send the event of the product in which it differs."""
        self._have(catalogue)
        yield from self._follow()
        if self._sends_webhooks:
            self.webhooks.product_changed(product_update(old, new, self.clock.now()))

    def _follow(self, changed_names: Collection[str] = ()) -> Work[None]:
        """Have every account take over the catalogue and settings; yields between them."""
        for account in self.accounts:
            if self.has(account):
                account.follow(changed_names)
            yield

    def _have(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._products = None

    @property
    def accounts(self) -> list[Account]:
        """Every account, in the order in which they were first used."""
        return list(self.by_key.values())

    def account(self, api_key: str) -> Account:
        """The account of a key; the first call with a key makes it."""
        account = self.by_key.get(api_key)
        if account is None:
            account = self.new_account(api_key)
            self.install(account)
        return account

    def new_account(self, api_key: str) -> Account:
        """An account as it begins, not yet installed."""
        return Account(self, api_key, _changed)

    def has(self, account: Account) -> bool:
        """Whether an account is one of those that there are now."""
        return self.by_key.get(account.api_key) is account

    def install(self, account: Account) -> None:
        """Have an account be that of its key, in the place of the one before."""
        before = self._forget(account.api_key)
        if before is None:
            self.known_keys.add(account.api_key)
        else:
            self._lives[account.api_key] = self._lives.get(account.api_key, 0) + 1
            self._discard([before])
        self._put(account)
        self._latest[account.api_key] = None
        if len(self._latest) > _MOST_UNUSED:
            self._forget_unused()

    def _put(self, account: Account) -> None:
        self.by_key[account.api_key] = account
        number = account.state.identity.account
        self._numbered[number] = (*self._numbered.get(number, ()), account)
        if self.log is not None:
            account.state.recorder = partial(self._record, account)
        for call in self.installed:
            call(account)

    def _forget_unused(self) -> None:
        """Forget the oldest account that may be unused, with its requests, if it is unused."""
        api_key, _ = self._latest.popitem(last=False)
        account = self.by_key.get(api_key)
        if account is None or not account.is_unused or self._is_named(api_key):
            return
        self._forget(api_key)
        account.state.order_changed = account.state.mails_changed = None
        account.state.recorder = None
        held = ref(account)
        self.journal.dropped += len(account.journal)
        del account
        account = held()
        if account is not None:  # a request is under way, and may yet place an order
            self.journal.dropped -= len(account.journal)
            self._put(account)
            self._latest[api_key] = None
            return
        self.known_keys.remove(api_key)
        self.webhooks.unfollow(api_key)

    def _is_named(self, api_key: str) -> bool:
        """Whether a fault or a webhook is for one account."""
        named = (*self.faults, *self.webhooks.faults.armed, *self.webhooks.endpoints.values())
        return any(each.account == api_key for each in named)

    @property
    def _sends_webhooks(self) -> bool:
        return self.profile.name != "playground" or self.settings.playground_webhooks

    def webhooks_are_kind(self, account: Account) -> bool:
        """Whether an order of an account causes a webhook that the playground does not send."""
        if self.profile.name != "playground" or not self.settings.playground_webhooks:
            return False
        endpoints = self.webhooks.endpoints.values()
        return any(each.hears(account.api_key, "order.completion") for each in endpoints)

    def _tell_webhooks(self, account: Account) -> None:
        self.work_on(self._told(account))

    def work_on(self, work: Work[None]) -> None:
        """Do work at once if it is little, else bit by bit while requests are answered."""
        if self.later is None:
            finish(work)
        elif any(True for _ in islice(work, _SWEPT_AT_ONCE - 1, _SWEPT_AT_ONCE)):
            self.later(partial(self.work_on, work))

    def _told(self, account: Account) -> Work[None]:
        if self._sends_webhooks:
            yield from self.webhooks.follow(account.api_key, account.state, account.clock)

    def _forget(self, api_key: str) -> Account | None:
        account = self.by_key.pop(api_key, None)
        if account is not None:
            number = account.state.identity.account
            others = tuple(each for each in self._numbered.pop(number) if each is not account)
            if others:
                self._numbered[number] = others
        return account

    def _discard(self, parts: Iterable["_Droppable"]) -> None:
        """Free memory bit by bit: at once, a large account would hold requests up."""
        if self.later is not None:
            self._discarded += parts
            self.later(self._sweep)

    def _sweep(self) -> None:
        if self._discarded and not self._discarded[-1].drop(_SWEPT_AT_ONCE):
            self._discarded.pop()
        if self._discarded and self.later is not None:
            self.later(self._sweep)

    def numbered(self, number: int) -> Sequence[Account]:
        """The accounts that have a number; nearly always one at most."""
        return self._numbered.get(number, ())

    def settings_of(self, api_key: str | None) -> "Settings":
        """How the server behaves towards an account; in general, if there is none of that key."""
        account = None if api_key is None else self.by_key.get(api_key)
        return self.settings if account is None else account.settings

    def subscribe(self, subscription: "Subscription", api_key: str | None) -> Work[Endpoint]:
        """Subscribe an endpoint to an event of one account or of all, from now on.

        Yields between the accounts.

        Raises:
            TooManyEndpointsError: if there are a hundred endpoints already.
        """
        webhooks = self.webhooks
        webhooks.check_room()
        if subscription.event == ORDERS:
            # Followed first: what ends meanwhile came before the endpoint, and is not for it.
            own = None if api_key is None else self.by_key.get(api_key)
            accounts = self.accounts if api_key is None else [own] if own is not None else []
            with webhooks.following_all():
                for account in accounts:
                    if self.has(account):
                        yield from self._told(account)
                    yield
                return webhooks.add(subscription, api_key)
        return webhooks.add(subscription, api_key)

    def attempted(self, delivery: Delivery) -> None:
        """Tell of the latest attempt to deliver a webhook."""
        account = self.by_key.get(delivery.message.account or "")
        for observer in (self.coverage, *self.observers):
            observer.attempted(delivery, None if account is None else account.name)

    def find_payout(self, token: str) -> tuple[Account, Payout] | None:
        """The payout of a link, whose caller needs no key, and the account that made it."""
        place = read_payout_token(token)
        for account in self.numbered(place.account) if place is not None else ():
            payout = account.orders.find_payout(token)
            if payout is not None:
                return account, payout
        return None

    def reached_at(self, url: str) -> None:
        """Have new payout links lead to a URL, where clients reach the server from now on."""
        self.public_url = url
        for account in self.accounts:
            account.follow()

    def payout_url(self, token: str) -> str:
        """The link that opens a payout, on this server."""
        return self.public_url + PAYOUT_PATH + token

    def payout_url_at(self, host: str | None) -> str:
        """What payout links begin with in the answer to a request; a token follows.

        Args:
            host: under which name and port the client reached the server; heeded where the
                settings have no ``public_url``.
        """
        if self.settings.public_url or host is None or HOST_HEADER.fullmatch(host) is None:
            return self.payout_url("")
        return f"http://{host}{PAYOUT_PATH}"

    def order_terms(self, settings: "Settings") -> OrderTerms:
        """How the orders of an account with these settings are carried out."""
        made = self._terms  # the same for most accounts
        if (
            made is None
            or made.settings is not settings
            or made.terms.catalogue is not self.catalogue
            or made.public_url is not self.public_url
        ):
            made = self._terms = _Terms(settings, self.public_url, self._new_terms(settings))
        return made.terms

    def _new_terms(self, settings: "Settings") -> OrderTerms:
        lifetime = settings.link_lifetime_days
        rule = settings.processing
        return OrderTerms(
            catalogue=self.catalogue,
            profile=self.profile,
            processing=parse_processing(rule)
            if rule is not None
            else Processing(round(settings.processing_delay * SECOND)),
            link_lifetime=None if lifetime is None else round(lifetime * DAY),
            legacy_item_fields=settings.legacy_item_fields,
            several_countries=settings.several_countries,
            fixed_templates=settings.fixed_templates,
            payout_url=self.payout_url(""),
        )

    def opening_balances(self, settings: "Settings") -> Mapping[str, int]:
        """What an account with these settings has before it orders anything, in cents."""
        if settings.balances:
            return {name.value: in_cents(amount) for name, amount in settings.balances.items()}
        return self._first_balances

    def change_settings(self, changes: Mapping[str, Any]) -> Work[None]:
        """Let the server behave differently from now on, but where an account has its own way.

        Yields between the accounts, once the changes have been checked.

        Raises:
            SettingsError: naming each setting that cannot be changed so; nothing was changed.
        """
        self.settings = settings = _changed(self.settings, changes)
        self.journal.limit(settings.journal_requests, settings.journal_bytes)
        yield from self._follow(changes)

    def reset(self) -> None:
        """Return to the start: no account, no fault, first settings and products, first time."""
        self.faults.remove(list(self.faults))
        self.resets += 1
        self.settings = self._first_settings
        if self.catalogue is not self._first_catalogue:
            self._have(self._first_catalogue)
        self.clock.reset()
        self.webhooks.close()
        self._resets += 1
        self._resets_of_all += 1
        self._lives = {}
        old = _Old(self.by_key, self._numbered, self.known_keys)
        self._discard([self.webhooks, self.journal, old])
        self._begin()

    def reset_account(self, account: Account) -> None:
        """Return one account to the start, with its faults and its clock."""
        self.faults.remove([f for f in self.faults if f.account == account.api_key])
        self.webhooks.forget(account.api_key)
        self._resets += 1
        self.install(self.new_account(account.api_key))


def account_fields(account: Account) -> dict[str, Any]:
    """What a store has to know of an account to tell whose its records are."""
    identity = account.state.identity
    return {
        "stream": account.stream,
        "key": escaped(account.api_key),
        "number": identity.account,
        "secret": identity.secret.hex(),
    }


class _Droppable(Protocol):
    """Something large that was discarded and is freed bit by bit."""

    def drop(self, count: int) -> bool:
        """Free some of its memory; returns whether there is more."""


class _Old:
    """The accounts of a server before it was reset."""

    def __init__(
        self,
        accounts: dict[str, Account],
        numbered: dict[int, tuple[Account, ...]],
        known_keys: KnownKeys,
    ) -> None:
        self._accounts = accounts
        self._numbered = numbered
        self._known_keys = known_keys

    def drop(self, count: int) -> bool:
        for _ in range(_ACCOUNTS_AT_ONCE):
            if not self._accounts:
                break
            api_key = next(reversed(self._accounts))
            if self._accounts[api_key].drop(count):
                return True
            account = self._accounts.pop(api_key)
            self._numbered.pop(account.state.identity.account, None)
        return bool(self._accounts) or self._known_keys.drop(count)


def _changed(settings: "Settings", changes: Mapping[str, Any]) -> "Settings":
    from runa_mock_server.config.settings import changed  # noqa: PLC0415 - few servers need it

    return changed(settings, changes)
