"""A fresh server a test, whose time stands still, and hands on it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from runa_mock_server import ManualClock, MockServer
from support.api import KEY, Api
from support.control import ControlCaller

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


@pytest.fixture
def control(server: MockServer) -> Iterator[ControlCaller]:
    """The control API about the caller's account, over HTTP."""
    caller = ControlCaller(server.url, KEY)
    yield caller
    caller.close()


@pytest.fixture
def whole(server: MockServer) -> Iterator[ControlCaller]:
    """The control API about the whole server, over HTTP."""
    caller = ControlCaller(server.url)
    yield caller
    caller.close()
