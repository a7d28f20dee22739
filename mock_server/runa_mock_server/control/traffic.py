"""Operation on traffic: what `runa-mock report` reads of a running server."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from pydantic import Field

from runa_mock_server.base.json_pieces import elements, model_document
from runa_mock_server.control.models import Result
from runa_mock_server.control.operation import Pieces
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.traffic import VERSION, heading, kept_traffic


class TrafficResult(Result):
    """The traffic that the journals hold, as records of the traffic format."""

    version: int = Field(description="Version of the traffic format.")
    records: list[dict[str, Any]] = Field(description="docs/go-live.md describes them.")


def read_traffic(scope: Scope) -> Pieces[TrafficResult]:
    """Read requests and deliveries as records for `runa-mock report`."""
    return Pieces(_traffic(scope))


def _traffic(scope: Scope) -> Iterator[bytes]:
    records = kept_traffic(scope.server_state, scope.each_account(), scope.api_key)
    result = TrafficResult(version=VERSION, records=[])
    yield from model_document(result, {"records": elements(chain([heading("server")], records))})
