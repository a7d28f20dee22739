"""Operations on a whole account: exporting it, as a document or as lines, and importing it."""

from typing import Literal

from pydantic import Field

from runa_mock_server.base.errors import ErrorDetail, SettingsError
from runa_mock_server.base.slices import Work
from runa_mock_server.control.models import Done, Query
from runa_mock_server.control.operation import Pieces, RawBody, Steps
from runa_mock_server.control.problems import conflict, refusal, wrong_field, wrong_fields
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.importing import (
    InterruptedImportError,
    StateError,
    import_account,
)
from runa_mock_server.server_state.snapshots import AccountState, export_account, export_lines

JSON_LINES = "application/jsonl"


class StateQuery(Query):
    """The form of an exported account."""

    format: Literal["document", "lines"] = Field(
        default="document",
        description="document: one JSON document; lines: JSON Lines, with a line for each entry. "
        "Both can be imported.",
    )


def read_state(scope: Scope, query: StateQuery) -> Pieces[AccountState]:
    """Export an account as one JSON document, or as JSON Lines."""
    account = scope.only_account()
    if query.format == "document":
        return Pieces(export_account(account))
    return Pieces(export_lines(account), JSON_LINES)


def put_state(scope: Scope, body: RawBody[AccountState]) -> Steps[Done]:
    """Import an exported account, of either form: the same requests get the same answers."""
    return Steps(_put(scope, body.content))


def _put(scope: Scope, text: bytes) -> Work[Done]:
    account = scope.only_account()
    try:
        imported = yield from import_account(scope.server_state, account.api_key, text)
    except StateError as error:
        if error.is_json and error.field:
            raise wrong_field("body", error.field, error.reason) from None
        status, type_ = (422, "validation_error") if error.is_json else (400, "bad_request")
        raise refusal(status, type_, "body", error.field, error.reason) from None
    except SettingsError as error:
        raise wrong_fields(
            ErrorDetail("value_error", reason, ("body", "settings", name))
            for name, reason in error.problems
        ) from None
    except InterruptedImportError:
        raise conflict("body", "", "the server was changed meanwhile; try again") from None
    return Done(done=f"{imported.state.order_count} orders are in {imported.name}")
