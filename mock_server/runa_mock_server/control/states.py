"""Operations on a whole account: taking it out as one document, and putting it back."""

from collections.abc import Iterator

from runa_mock_server.base.errors import ErrorDetail, SettingsError
from runa_mock_server.base.json_pieces import AT_ONCE
from runa_mock_server.control.models import Done
from runa_mock_server.control.operation import Pieces
from runa_mock_server.control.problems import conflict, wrong_field, wrong_fields
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.importing import (
    InterruptedImportError,
    StateError,
    Work,
    import_account,
)
from runa_mock_server.server_state.snapshots import AccountState, export_account


def read_state(scope: Scope) -> Pieces[AccountState]:
    """Take out an account as one JSON document."""
    return Pieces(export_account(scope.only_account()))


def put_state(scope: Scope, body: AccountState) -> Pieces[Done]:
    """Have an account be as it was taken out: the same requests get the same answers."""
    return Pieces(_put(scope, body))


def _put(scope: Scope, body: AccountState) -> Iterator[bytes]:
    account = scope.only_account()
    work = import_account(scope.server_state, account.api_key, body)
    try:
        while (restored := _imported(work)) is None:
            yield b""
    except StateError as error:
        raise wrong_field("body", error.field, error.reason) from None
    except SettingsError as error:
        raise wrong_fields(
            ErrorDetail("value_error", reason, ("body", "settings", name))
            for name, reason in error.problems
        ) from None
    except InterruptedImportError:
        raise conflict("body", "", "the server was changed meanwhile; try again") from None
    done = Done(done=f"{restored.state.order_count} orders are in {restored.name}")
    yield done.model_dump_json().encode()


def _imported(work: Work[Account]) -> Account | None:
    """Work on an import for a while; the account once it is done."""
    try:
        for _ in range(AT_ONCE):
            next(work)
    except StopIteration as end:
        account: Account = end.value
        return account
    return None
