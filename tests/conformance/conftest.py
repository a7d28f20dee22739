"""What the tests of the conformance suite run against."""

from collections.abc import Iterator

import pytest

from runa_mock_server import ManualClock, MockServer


@pytest.fixture
def clock() -> ManualClock:
    """The time of the server; the suite moves it when it waits."""
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> Iterator[MockServer]:
    """A running server with the playground's ways."""
    with MockServer(clock=clock) as running:
        yield running
