"""A fresh server a test, in a time of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from runa_mock_server import ManualClock, MockServer
from support.api import Api

NOON = datetime(2026, 3, 14, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a quarter of a second past noon until the test moves it."""
    return ManualClock(NOON)


@pytest.fixture
def server(clock: ManualClock) -> Iterator[MockServer]:
    """A running server with the playground's ways."""
    with MockServer(clock=clock) as running:
        yield running


@pytest.fixture
def api(server: MockServer) -> Iterator[Api]:
    """A caller with a key of the server."""
    caller = Api(server.url)
    yield caller
    caller.close()
