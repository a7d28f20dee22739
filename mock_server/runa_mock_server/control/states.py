"""Operations on a whole account: taking it out as one document, and putting it back."""

from runa_mock_server.base.errors import ErrorDetail, SettingsError
from runa_mock_server.control.models import Done
from runa_mock_server.control.operation import Pieces
from runa_mock_server.control.problems import wrong_field, wrong_fields
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.snapshots import (
    AccountState,
    StateError,
    export_account,
    import_account,
)


def read_state(scope: Scope) -> Pieces[AccountState]:
    """Take out an account as one JSON document."""
    return Pieces(export_account(scope.only_account()))


def put_state(scope: Scope, body: AccountState) -> Done:
    """Have an account be as it was taken out: the same requests get the same answers."""
    account = scope.only_account()
    try:
        restored = import_account(scope.world, account.api_key, body)
    except StateError as error:
        raise wrong_field("body", error.field, error.reason) from None
    except SettingsError as error:
        raise wrong_fields(
            ErrorDetail("value_error", reason, ("body", "settings", name))
            for name, reason in error.problems
        ) from None
    return Done(done=f"{restored.state.order_count} orders are in {restored.name}")
