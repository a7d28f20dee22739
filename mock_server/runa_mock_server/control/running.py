"""Operations on the server as a whole: health, reset, clock, settings, accounts."""

from collections.abc import Iterator

from pydantic import RootModel

from runa_mock_server.base.clock import Clock, to_datetime
from runa_mock_server.base.errors import ErrorDetail, SettingsError
from runa_mock_server.base.json_pieces import elements
from runa_mock_server.base.money import cents_text
from runa_mock_server.base.slices import Work
from runa_mock_server.config.settings import RUN_TIME, Settings
from runa_mock_server.contract.kindnesses import kindnesses_on
from runa_mock_server.control.health import health_of
from runa_mock_server.control.models import (
    AccountResult,
    AccountsResult,
    ClockBody,
    ClockResult,
    Done,
    Health,
    ResetBody,
    SettingsResult,
)
from runa_mock_server.control.operation import Pieces, Steps
from runa_mock_server.control.problems import ControlError, wrong_field, wrong_fields
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.account import Account, account_name
from runa_mock_server.server_state.server_state import ServerState

_SECRET = frozenset({"control_token", "api_keys", "store"})


class SettingsBody(RootModel[dict[str, object]]):
    """The settings to change, by name; the others stay as they are."""


def health(server_state: ServerState) -> Health:
    """Say that the server is there; needs no key and survives a reset."""
    return Health.model_validate(health_of(server_state))


def reset(scope: Scope, body: ResetBody) -> Done:
    """Return an account, or everything, to the start: no orders, no faults, first settings."""
    del body
    if scope.account is None:
        scope.server_state.reset()
        return Done(done="everything is as it was at the start")
    scope.server_state.reset_account(scope.account)
    return Done(done=f"the account {scope.account.name} is as it was at the start")


def read_clock(scope: Scope) -> ClockResult:
    """Read the clock of an account, or of the server."""
    return _clock_result(scope.clock)


def change_clock(scope: Scope, body: ClockBody) -> ClockResult:
    """Move a clock ahead, stop it, or have it go faster; it never goes back."""
    clock = scope.clock
    try:
        if body.advance is not None:
            clock.advance(body.advance)
        if body.set is not None:
            clock.set(body.set)
    except ValueError as error:
        field = "set" if body.advance is None else "advance"
        raise wrong_field("body", field, str(error).partition(": ")[2]) from None
    if body.freeze:
        clock.freeze()
    elif body.freeze is False or body.speed is not None:
        clock.run(body.speed or 1)
    return _clock_result(clock)


def _clock_result(clock: Clock) -> ClockResult:
    now, speed = clock.state()
    return ClockResult(now=to_datetime(now), speed=speed)


def read_settings(scope: Scope) -> SettingsResult:
    """Read how the server behaves, towards an account or in general."""
    return _settings_result(scope.settings)


def change_settings(scope: Scope, body: SettingsBody) -> Steps[SettingsResult]:
    """Change how the server behaves from now on, towards one account or all."""
    return Steps(_change_settings(scope, body))


def _change_settings(scope: Scope, body: SettingsBody) -> Work[SettingsResult]:
    try:
        if scope.account is None:
            yield from scope.server_state.change_settings(body.root)
        else:
            scope.account.change_settings(body.root)
    except SettingsError as error:
        raise wrong_fields(
            ErrorDetail("value_error", reason, ("body", name)) for name, reason in error.problems
        ) from None
    return _settings_result(scope.settings)


def _settings_result(settings: Settings) -> SettingsResult:
    values = settings.model_dump(mode="json", exclude=set(_SECRET))
    values["api_keys"] = [account_name(key) for key in settings.api_keys]
    kindnesses = {each.setting: each.text for each in kindnesses_on(settings)}
    return SettingsResult(settings=values, changeable=sorted(RUN_TIME), kindnesses=kindnesses)


def shut_down(server_state: ServerState) -> Done:
    """Stop the server, where the setting `allow_shutdown` allows it."""
    if not server_state.settings.allow_shutdown:
        raise ControlError(
            403,
            "forbidden",
            "allow_shutdown: this server is not to be stopped from outside.",
            help_="Start it with --allow-shutdown.",
        )
    server_state.stop()
    return Done(done="the server stops")


def list_accounts(scope: Scope) -> Pieces[AccountsResult]:
    """List the accounts, by names that do not give their keys away."""
    return Pieces(_accounts(scope))


def _accounts(scope: Scope) -> Iterator[bytes]:
    yield b'{"accounts":'
    yield from elements(map(_account_result, scope.accounts))
    yield b"}"


def _account_result(account: Account) -> AccountResult:
    return AccountResult(
        name=account.name,
        orders=account.state.order_count,
        requests=len(account.journal),
        balances={
            currency: cents_text(amount)
            for currency, amount in sorted(account.state.balances.items())
        },
        now=to_datetime(account.clock.now()),
    )
