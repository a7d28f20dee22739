"""The time of tests of webhooks."""

import pytest

from runa_mock_server import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at the present, which the official packages compare with."""
    return ManualClock()
