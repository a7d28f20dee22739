"""The query of the operation that reads effects.

It is apart from the other models because it imports the server state, which they do not need.
"""

from typing import Annotated

from pydantic import Field

from runa_mock_server.control.models import Query
from runa_mock_server.server_state.effects import DEFAULT_WINDOW


class EffectsQuery(Query):
    """Filters of the effects."""

    idempotency_key: str | None = None
    window: Annotated[float, Field(ge=0, le=10**9)] = Field(
        default=DEFAULT_WINDOW,
        description="Seconds within which orders with equal bodies and different keys are "
        "compared: duplicated if the answer to the earlier one did not reach the client, else "
        "repeated; 0 compares none.",
    )
