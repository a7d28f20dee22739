"""What a call of the control API is about: one account, or the whole server."""

from collections.abc import Iterator, Sequence

from runa_mock_server.base.clock import Clock
from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.slices import Work
from runa_mock_server.config.settings import Settings
from runa_mock_server.contract import request_headers as access
from runa_mock_server.control.problems import conflict, not_found, refusal, wrong_field
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.server_state import ServerState


class Scope:
    """An account, or all of them.

    Args:
        server_state: the server's state.
        api_key: the key of the account, accepted by this server; ``None`` for all accounts. One
            that was not used yet makes an account once something is done to it, so that a call
            which is refused makes none.
        host: the ``Host`` that the call named; ``None`` for a call in process.

    Attributes:
        server_state: the server's state.
        api_key: the key of the account, if this is about one.
    """

    def __init__(
        self, server_state: ServerState, api_key: str | None, host: str | None = None
    ) -> None:
        self.server_state = server_state
        self.api_key = api_key
        self._host = host

    @property
    def account(self) -> Account | None:
        """The account, ``None`` for all."""
        return None if self.api_key is None else self.server_state.account(self.api_key)

    @property
    def accounts(self) -> Sequence[Account]:
        """The accounts that this is about."""
        account = self.account
        return self.server_state.accounts if account is None else [account]

    def each_account(self) -> Iterator[Account]:
        """The accounts that this is about, one after the other, while other requests run.

        Raises:
            ControlError: if one was reset or replaced before its turn came.
        """
        for account in self.accounts:
            if not self.server_state.has(account):
                reason = f"{account.name} was reset or replaced before it was read"
                raise conflict("path", "", reason)
            yield account

    @property
    def payout_url(self) -> str:
        """What payout links in the answer begin with: they open where the caller is (inferred)."""
        return self.server_state.payout_url_at(self._host)

    @property
    def clock(self) -> Clock:
        """The account's clock, or the server's."""
        account = self.account
        return self.server_state.clock if account is None else account.clock

    @property
    def settings(self) -> Settings:
        """How the server behaves, towards the account or in general."""
        account = self.account
        return self.server_state.settings if account is None else account.settings

    def only_account(self) -> Account:
        """The one account that this is about, chosen or the only one there is.

        Raises:
            ControlError: if there are several, or none.
        """
        if len(self.accounts) != 1:
            raise refusal(
                400,
                "account_required",
                "header",
                "x-api-key",
                f"there are {len(self.accounts)} accounts, and this is for one",
                help_="Send the API key of the account as X-Api-Key.",
            )
        return self.accounts[0]


def scope_of(
    server_state: ServerState, api_key: str | None, name: str | None, host: str | None
) -> Work[Scope]:
    """What a call is about; yields while it looks for a name.

    Args:
        server_state: the server's state.
        api_key: the key of the account.
        name: the name of an account that exists, instead of its key.
        host: the ``Host`` that the call named; ``None`` for a call in process.

    Raises:
        ControlError: for a key that this server does not accept, an unknown name, or both.
    """
    if api_key is not None and name is not None:
        raise wrong_field("query", "account", "cannot be combined with X-Api-Key")
    if name is not None:
        for account in server_state.accounts:
            if account.name == name:
                return Scope(server_state, account.api_key, host)
            yield
        raise not_found("query", "account", f"there is no account {quoted(name)}")
    if api_key is None:
        return Scope(server_state, None, host)
    try:
        key = access.api_key(
            api_key, server_state.settings.api_keys, server_state.profile.key_prefix
        )
    except ApiError as error:
        raise wrong_field("header", "x-api-key", error.message) from None
    return Scope(server_state, key, host)
