"""A server whose time stands still at the present, and a receiver of its webhooks."""

from collections.abc import Iterator

import pytest

from runa_mock_server import ManualClock, MockServer
from runa_mock_server.webhook_handles import WebhooksControl
from support.api import KEY, Api
from support.control import ControlCaller
from support.receiver import Receiver


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at the present, which the official packages compare with."""
    return ManualClock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 200 until it is told otherwise."""
    with Receiver() as listening:
        yield listening


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
def hooks(server: MockServer) -> WebhooksControl:
    """The webhooks of the caller's account."""
    return server.account(KEY).webhooks


@pytest.fixture
def control(server: MockServer) -> Iterator[ControlCaller]:
    """The control API about the caller's account, over HTTP."""
    caller = ControlCaller(server.url, KEY)
    yield caller
    caller.close()
