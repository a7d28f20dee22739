"""What most tests use: a fresh server a test, whose time stands still, and hands on it."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from runa_mock_server import ControlClient, ManualClock, MockServer, connect
from runa_mock_server.control_client.webhooks import WebhooksControl
from support.api import KEY, Api
from support.control import ControlCaller
from support.money import MoneyApi
from support.receiver import Receiver

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
    with closing(Api(server.url)) as caller:
        yield caller


@pytest.fixture
def bank(server: MockServer) -> Iterator[MoneyApi]:
    """A caller who pays, and looks at the money."""
    with closing(MoneyApi(server.url)) as caller:
        yield caller


@pytest.fixture
def control(server: MockServer) -> Iterator[ControlCaller]:
    """The control API about the caller's account, over HTTP."""
    with closing(ControlCaller(server.url, KEY)) as caller:
        yield caller


@pytest.fixture
def whole(server: MockServer) -> Iterator[ControlCaller]:
    """The control API about the whole server, over HTTP."""
    with closing(ControlCaller(server.url)) as caller:
        yield caller


@pytest.fixture(params=["in this process", "elsewhere"])
def hand(request: pytest.FixtureRequest, server: MockServer) -> Iterator[ControlClient]:
    """The same server, by either of its faces."""
    if request.param == "in this process":
        yield server
        return
    with connect(server.url) as remote:
        yield remote


@pytest.fixture
def hooks(server: MockServer) -> WebhooksControl:
    """The webhooks of the caller's account."""
    return server.account(KEY).webhooks


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 200 until it is told otherwise."""
    with Receiver() as listening:
        yield listening
