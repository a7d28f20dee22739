"""A fresh server a test, in a time of its own."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.api import Api

NOON = datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a quarter of a second past noon until the test moves it."""
    return ManualClock(NOON)


@pytest.fixture
def runa_settings(clock: ManualClock) -> Mapping[str, Any]:
    """The playground's ways, in the test's time."""
    return {"clock": clock}


@pytest.fixture
def server(runa_server: MockServer) -> MockServer:
    """A running server, whose requests are shown if the test fails."""
    return runa_server


@pytest.fixture
def api(server: MockServer) -> Iterator[Api]:
    """A caller with a key of the server."""
    caller = Api(server.url)
    yield caller
    caller.close()
