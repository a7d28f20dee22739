"""Schemathesis, which tests services by their OpenAPI documents, finds nothing."""

from typing import Any
from urllib.parse import urljoin

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from runa_mock_server import MockServer
from support.api import KEY, body

IS_THOROUGH = settings().max_examples > 100
# Most of the time goes into thinking of a request at all. The same ones in each run, but for
# thorough ones: what a stranger's generator finds by chance is no reason to stop somebody's change.
FEW = settings(
    max_examples=max(3, settings().max_examples // 30),
    suppress_health_check=list(HealthCheck),
    derandomize=not IS_THOROUGH,
    database=None,
)
# What is refused and what is not, other tests say: no schema can say that a product exists or that
# a cursor comes from a page; unknown parameters are ignored; each request is given the API key.
BEYOND_SCHEMAS: list[CheckFunction] = [negative_data_rejection, positive_data_acceptance]
# One ends the server, the other is a stream that does not end.
NOT_CALLED = ("/_mock/shutdown", "/_mock/events")


def call(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, server: MockServer
) -> int:
    """Send requests of one operation, and have schemathesis judge the answers.

    Returns:
        How many requests were sent.
    """
    address = urljoin(
        server.base_url, operation.definition.raw.get("servers", [{}])[0].get("url", "")
    )
    is_controlled = operation.path.startswith("/_mock")
    fixed: dict[str, Any] = {}
    if operation.label == "POST /order" and not IS_THOROUGH:
        fixed = {"body": body(), "media_type": "application/json"}  # saves ten seconds
    sent = 0

    @FEW
    @given(operation.as_strategy(generation_mode=mode, **fixed))
    def judge(case: Case[Any]) -> None:
        nonlocal sent
        sent += 1
        asked = "X-Trigger-Error" in (case.headers or {})
        excluded = [*BEYOND_SCHEMAS, not_a_server_error] if asked else BEYOND_SCHEMAS
        case.call_and_validate(
            base_url=server.url if is_controlled else address,
            headers={} if is_controlled else {"X-Api-Key": KEY},
            excluded_checks=excluded,  # who asks for a 500 gets it
        )

    judge()
    return sent


@pytest.mark.once
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("path", ["/openapi.json", "/_mock/openapi.json"])
def test_every_operation_is_as_described(path: str, mode: GenerationMode) -> None:
    """Requests that fit the document, and ones that do not, get answers that it describes."""
    with MockServer() as server:
        document = requests.get(server.url + path, timeout=10).json()
        for left_out in NOT_CALLED:
            document["paths"].pop(left_out, None)
        for found in schemathesis.openapi.from_dict(document).get_all_operations():
            assert isinstance(found, Ok), found
            assert call(found.ok(), mode, server) > 0
